#pragma once

#include <memory>
#include <string>

#include "ir/tensor.h"
#include "onnx_io/parsed_model.h"

namespace qprep {

/// Result: the tensor; its payload is a view into the file or the parsed message, or, where the message
/// spreads narrow elements over wider ones (int32_data), a packed copy. Strings: dims without a payload; the
/// owner is the TensorProto itself (see string_record). A dtype that is not known: its raw bytes as they are.
/// Fatal (corrupt-model) if the data do not fit type and dims; `what` names the tensor in its sentence.
Tensor read_tensor(const std::shared_ptr<const ParsedModel>& parsed, const onnx::TensorProto& tensor,
                   const std::string& what, const std::string& file);

/// The message that a string tensor was read from; null for a tensor of another dtype, or without one.
const onnx::TensorProto* string_record(const Tensor& tensor);

/// A stand-in for what the IR has no form for (a sparse tensor): of undefined dtype, with dims only.
Tensor opaque_tensor(Dims dims);

}  // namespace qprep
