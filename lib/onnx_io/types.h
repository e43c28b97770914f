#pragma once

#include "ir/graph.h"
#include "onnx_io/parsed_model.h"

namespace qprep {

/// The IR's form of a type, and back. Given for the latter: type.kind is kTensor.
Type read_type(const onnx::TypeProto& proto);
void write_type(const Type& type, onnx::TypeProto& proto);

/// Both say how large the tensor is, and not the same.
bool shapes_contradict(const Type& one, const Type& other);

}  // namespace qprep
