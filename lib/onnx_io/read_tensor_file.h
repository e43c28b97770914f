#pragma once

#include <string>

#include "ir/tensor.h"

namespace qprep {

struct TensorFile {
  std::string name;  // may be empty
  Tensor tensor;
};

/// A file that holds one ONNX TensorProto, as ONNX's own test data. Throws Fatal (bad-sample): it is none,
/// its data do not fit its type and sizes or lie in another file, or it holds strings.
TensorFile read_tensor_file(const std::string& file);

}  // namespace qprep
