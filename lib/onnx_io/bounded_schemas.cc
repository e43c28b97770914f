#include "onnx_io/bounded_schemas.h"

namespace qprep {
namespace {

/// Elements of a tensor that may still be a shape.
constexpr int kLongest = 64;

bool is_short(onnx::DataPropagationContext& context, std::size_t input) {
  const onnx::TypeProto* type = context.getInputType(input);
  if (type && type->has_tensor_type() && type->tensor_type().has_shape()) {
    const onnx::TensorShapeProto& shape = type->tensor_type().shape();
    if (shape.dim_size() == 1 && shape.dim(0).dim_value() > kLongest) return false;
  }
  const onnx::TensorShapeProto* data = context.getInputData(input);
  return !data || data->dim_size() <= kLongest;
}

onnx::DataPropagationFunction bounded(const onnx::DataPropagationFunction& propagate) {
  return [propagate](onnx::DataPropagationContext& context) {
    for (std::size_t i = 0; i < context.getNumInputs(); ++i) {
      if (!is_short(context, i)) return;
    }
    propagate(context);
  };
}

}  // namespace

const onnx::OpSchema* BoundedSchemas::GetSchema(const std::string& op, int most_recent_version,
                                                const std::string& domain) const {
  const onnx::OpSchema* schema =
      onnx::OpSchemaRegistry::Instance()->GetSchema(op, most_recent_version, domain);
  if (!schema || !schema->has_data_propagation_function()) return schema;
  std::unique_ptr<const onnx::OpSchema>& known = bounded_[schema];
  if (!known) {
    auto copy = std::make_unique<onnx::OpSchema>(*schema);
    copy->PartialDataPropagationFunction(bounded(schema->GetDataPropagationFunction()));
    known = std::move(copy);
  }
  return known.get();
}

}  // namespace qprep
