#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace qprep {

/// A hash of 128 bits as 32 hexadecimal digits. Tells files apart; no protection against forgery.
using Digest = std::string;

/// XXH3 (128 bits) of what is fed to it, piece by piece.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;

  void add(std::span<const std::byte> bytes);
  /// Of text or a number, so that neighbours cannot run into each other.
  void add(std::string_view text);
  Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest digest_of(std::span<const std::byte> bytes);

}  // namespace qprep
