#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "onnx_io/build_model.h"

namespace qprep {

/// What stands where in a file of external data.
class ExternalLayout {
 public:
  struct Piece {
    std::uint64_t offset = 0;
    Payload payload;
  };

  /// `location`: what tensors call the file.
  explicit ExternalLayout(std::string location) : location_(std::move(location)) {}

  /// Given: raw_data is a placeholder. Result: the tensor points to its data in the file, where they stand
  /// once however many tensors have them; nothing is left in the message.
  void move_out(onnx::TensorProto& tensor, const BuiltModel& built);

  const std::vector<Piece>& pieces() const { return pieces_; }  // by offset, without overlap

 private:
  std::string location_;
  std::vector<Piece> pieces_;
  std::map<std::pair<const void*, std::size_t>, std::uint64_t> offsets_;
  std::uint64_t end_ = 0;
};

}  // namespace qprep
