#pragma once

#include <functional>
#include <google/protobuf/arena.h>
#include <memory>
#include <onnx/onnx_pb.h>
#include <span>
#include <string>
#include <vector>

#include "onnx_io/skeleton.h"
#include "support/mapped_file.h"

namespace qprep {

/// Options of an arena that may hold a large model.
inline google::protobuf::ArenaOptions large_arena() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = std::size_t{1} << 14;
  options.max_block_size = std::size_t{1} << 20;
  return options;
}

/// A model's message, parsed without its payloads, and the payloads.
///
/// Every tensor's raw_data is a placeholder. One whose data_location is EXTERNAL has a placeholder too, for
/// the bytes in its external file.
struct ParsedModel {
  google::protobuf::Arena arena{large_arena()};
  onnx::ModelProto* model = nullptr;  // in the arena
  std::vector<std::span<const std::byte>> payloads;
  std::shared_ptr<const void> owner;                     // of the model's own bytes
  std::vector<std::shared_ptr<const MappedFile>> files;  // the model's, if it is one, and external data

  std::span<const std::byte> payload(const onnx::TensorProto& tensor) const {
    return payloads[payload_index(tensor.raw_data())];
  }
};

/// Result: the message in `bytes`; external data are not looked for yet. Fatal (corrupt-model) with the byte
/// where it stops making sense; `name` is what the message calls the model.
std::shared_ptr<ParsedModel> parse_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                         const std::string& name);

/// Every tensor of a model: of its graph and functions, of bodies, sparse tensors and training information.
void for_each_tensor(onnx::ModelProto& model, const std::function<void(onnx::TensorProto&)>& call);

inline bool is_external(const onnx::TensorProto& tensor) {
  return tensor.data_location() == onnx::TensorProto::EXTERNAL;
}

}  // namespace qprep
