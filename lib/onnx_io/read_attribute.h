#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ir/graph.h"
#include "onnx_io/parsed_model.h"

namespace qprep {

/// How read_attribute makes what it cannot by itself.
struct AttributeParts {
  std::function<Tensor(const onnx::TensorProto&)> tensor;
  std::function<std::unique_ptr<Graph>(const onnx::GraphProto&)> body;
};

/// Result: the attribute, from_file; of a kind that the IR has no form for: monostate. An attribute without a
/// type (IR 1) has that of the one field that is set.
Attribute read_attribute(const onnx::AttributeProto& proto, const AttributeParts& parts);

}  // namespace qprep
