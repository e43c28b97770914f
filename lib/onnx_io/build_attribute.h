#pragma once

#include <functional>

#include "ir/graph.h"
#include "onnx_io/build_tensor.h"

namespace qprep {

using BuildBody = std::function<void(const Graph&, onnx::GraphProto&)>;

/// Result: `proto` is the attribute. `record`: what its node's record has under the name, or null; it passes
/// through where the attribute is still from_file, but bodies are always made anew, since passes may have
/// changed them. Given: proto is empty.
void build_attribute(const Attribute& attribute, const onnx::AttributeProto* record, TensorBuilder& tensors,
                     const BuildBody& build_body, onnx::AttributeProto& proto);

}  // namespace qprep
