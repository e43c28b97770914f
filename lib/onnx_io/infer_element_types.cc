#include "onnx_io/infer_element_types.h"

#include <algorithm>
#include <map>
#include <onnx/defs/schema.h>
#include <string_view>
#include <vector>

namespace qprep {
namespace {

/// The values of a node that share a type parameter of its schema ("T"), by that parameter's name.
using TypeGroups = std::map<std::string_view, std::vector<Value*>>;

void collect(const std::vector<onnx::OpSchema::FormalParameter>& parameters,
             const std::vector<Value*>& values, TypeGroups& groups) {
  if (parameters.empty()) return;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const onnx::OpSchema::FormalParameter& parameter = parameters[std::min(i, parameters.size() - 1)];
    const bool variadic = parameter.GetOption() == onnx::OpSchema::Variadic;
    if ((i >= parameters.size() && !variadic) || (variadic && !parameter.GetIsHomogeneous())) continue;
    const bool is_type_parameter = parameter.GetTypeStr().find('(') == std::string::npos;
    if (values[i] && is_type_parameter) groups[parameter.GetTypeStr()].push_back(values[i]);
  }
}

TypeGroups type_groups(const Node& node, const onnx::OpSchema& schema) {
  TypeGroups groups;
  collect(schema.inputs(), node.inputs(), groups);
  std::vector<Value*> outputs;
  for (std::size_t i = 0; i < node.output_count(); ++i) outputs.push_back(&node.output(i));
  collect(schema.outputs(), outputs, groups);
  return groups;
}

}  // namespace

void infer_element_types(const Model& model) {
  std::vector<const Node*> pending;
  for (const Node& node : model.graph->nodes()) pending.push_back(&node);
  std::reverse(pending.begin(), pending.end());

  const auto opset = static_cast<int>(model.opset());
  while (!pending.empty()) {
    const Node& node = *pending.back();
    pending.pop_back();
    if (!node.is_onnx_domain()) continue;
    const onnx::OpSchema* schema = onnx::OpSchemaRegistry::Schema(node.op(), opset, "");
    if (!schema) continue;
    for (const auto& [parameter, values] : type_groups(node, *schema)) {
      const auto known = std::find_if(values.begin(), values.end(), [](const Value* value) {
        return value->type().kind == Type::Kind::kTensor && value->type().dtype != DType::kUndefined;
      });
      if (known == values.end()) continue;
      const DType dtype = (*known)->type().dtype;
      for (Value* value : values) {
        if (value->type().kind != Type::Kind::kUnknown) continue;
        value->set_type(Type::tensor(dtype));
        if (const Node* producer = value->producer()) pending.push_back(producer);
        for (const Use& use : value->uses()) pending.push_back(use.node);
      }
    }
  }
}

}  // namespace qprep
