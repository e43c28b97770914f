#include "statistics/digest.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace qprep {

struct Digester::State {
  XXH3_state_t hash;
};

Digester::Digester() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->hash); }
Digester::~Digester() = default;

void Digester::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(&state_->hash, bytes.data(), bytes.size());
}

void Digester::add(std::string_view text) {
  const std::string size = fmt::format("{}:", text.size());
  add(std::as_bytes(std::span(size)));
  add(std::as_bytes(std::span(text)));
}

Digest Digester::digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->hash);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Digest digest_of(std::span<const std::byte> bytes) {
  Digester digester;
  digester.add(bytes);
  return digester.digest();
}

}  // namespace qprep
