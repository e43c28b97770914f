#include "onnx_io/external_layout.h"

#include "onnx_io/external_data.h"

namespace qprep {
namespace {

/// Large payloads begin with a page, so that runtimes can map them; small ones with a cache line.
std::uint64_t alignment_of(std::size_t size) {
  constexpr std::size_t kLarge = std::size_t{1} << 20;
  return size >= kLarge ? 4096 : 64;
}

}  // namespace

void ExternalLayout::move_out(onnx::TensorProto& tensor, const BuiltModel& built) {
  const Payload& payload = built.payloads[payload_index(tensor.raw_data())];
  const auto [known, is_new] = offsets_.try_emplace({payload.key(), payload.size()}, 0);
  if (is_new) {
    const std::uint64_t alignment = alignment_of(payload.size());
    known->second = (end_ + alignment - 1) / alignment * alignment;
    pieces_.push_back({known->second, payload});
    end_ = known->second + payload.size();
  }
  point_to_external_data(tensor, location_, known->second, payload.size());
}

}  // namespace qprep
