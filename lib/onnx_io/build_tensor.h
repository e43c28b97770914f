#pragma once

#include <vector>

#include "ir/tensor.h"
#include "onnx_io/parsed_model.h"

namespace qprep {

/// Makes tensor messages whose data are placeholders for payloads.
class TensorBuilder {
 public:
  /// New payloads are appended to `payloads`. `external`: large new ones are to be external, as are others
  /// of the same model.
  TensorBuilder(std::vector<Payload>& payloads, bool external) : payloads_(payloads), external_(external) {}

  /// Result: `proto` has the tensor's type, dims and data; its name is left as it is. Given: proto has no
  /// data. std::logic_error for a tensor whose data only a file's record has.
  void build(const Tensor& tensor, onnx::TensorProto& proto);

  /// A copy of `record` with the data of `tensor` instead; external if the record's were.
  void replace_data(const Tensor& tensor, const onnx::TensorProto& record, onnx::TensorProto& proto);

 private:
  std::vector<Payload>& payloads_;
  bool external_;
};

/// Payloads smaller than this stay inside the model, unless its file had them outside.
inline constexpr std::size_t kSmallestExternal = 1024;

}  // namespace qprep
