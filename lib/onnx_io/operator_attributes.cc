#include "onnx_io/operator_attributes.h"

#include <functional>
#include <onnx/defs/schema.h>
#include <set>

namespace qprep {
namespace {

std::vector<std::string> attributes_where(const std::function<bool(const onnx::OpSchema&)>& wanted) {
  std::set<std::string> names;
  for (const onnx::OpSchema& schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
    if (!schema.domain().empty() || !wanted(schema)) continue;
    for (const auto& [name, attribute] : schema.attributes()) names.insert(name);
  }
  return {names.begin(), names.end()};
}

}  // namespace

std::vector<std::string> attributes_of_operator(const std::string& op) {
  return attributes_where([&op](const onnx::OpSchema& schema) { return schema.Name() == op; });
}

std::vector<std::string> attributes_of_all_operators() {
  return attributes_where([](const onnx::OpSchema&) { return true; });
}

}  // namespace qprep
