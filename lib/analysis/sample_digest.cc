#include "analysis/sample_digest.h"

#include <string>
#include <vector>

namespace qprep {

namespace {

void add(Digester& digester, const Feeds& feeds) {
  for (const auto& [name, tensor] : feeds) {
    digester.add(name);
    digester.add(to_text(tensor.dtype()));
    for (const std::int64_t size : tensor.dims()) digester.add(std::to_string(size));
    std::vector<std::byte> room;
    const std::size_t bytes = tensor.payload().size();
    digester.add(tensor.payload().piece(0, bytes, room));
  }
}

}  // namespace

Digest digest_of(const Sample& sample) {
  Digester digester;
  add(digester, sample.feeds);
  for (const Feeds& step : sample.later) add(digester, step);
  return digester.digest();
}

}  // namespace qprep
