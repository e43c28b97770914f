#include "config/op_classes.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <onnx/defs/schema.h>
#include <set>

namespace qprep {
namespace {

using onnx::OpSchema;

/// Every operator of ONNX's registry, by the key of the file; of several versions the newest.
std::map<std::string, OpSchema> registered() {
  std::map<std::string, OpSchema> all;
  for (const OpSchema& schema : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
    const std::string key = schema.domain().empty() ? schema.Name() : schema.domain() + "::" + schema.Name();
    const auto at = all.find(key);
    if (at == all.end() || at->second.since_version() < schema.since_version()) {
      all.insert_or_assign(key, schema);
    }
  }
  return all;
}

OpClasses shipped() { return read_op_classes(std::string(QPREP_SOURCE_DIR) + "/configs/op_classes.yaml"); }

/// True if the input may be a tensor of float32.
bool takes_float(const OpSchema& schema, std::size_t input) {
  const auto& inputs = schema.inputs();
  const OpSchema::FormalParameter& parameter = inputs[std::min(input, inputs.size() - 1)];
  return std::any_of(parameter.GetTypes().begin(), parameter.GetTypes().end(), [](const std::string* type) {
    return type->find("tensor(float)") != std::string::npos;
  });
}

}  // namespace

TEST_CASE("every operator of ONNX stands in one class") {
  // That none stands in two is checked where the file is read.
  const OpClasses classes = shipped();
  const auto schemas = registered();
  CHECK(schemas.size() >= 227);
  for (const auto& [key, schema] : schemas) {
    INFO(key);
    CHECK(classes.rows.count(key) == 1);
  }
}

TEST_CASE("no operator of ONNX's own domain is misspelt") {
  const std::set<std::string> of_early_files = {"ATen",
                                                "Affine",
                                                "Crop",
                                                "DynamicSlice",
                                                "FC",
                                                "GRUUnit",
                                                "GivenTensorFill",
                                                "ImageScaler",
                                                "ParametricSoftplus",
                                                "Scale",
                                                "ScaledTanh",  // known to ONNX Runtime and Caffe2 only
                                                "SimplifiedLayerNormalization"};
  const auto schemas = registered();
  for (const auto& [key, row] : shipped().rows) {
    if (key.find("::") != std::string::npos) continue;
    INFO(key);
    CHECK((schemas.count(key) == 1 || of_early_files.count(key) == 1));
  }
}

TEST_CASE("what the file says of inputs fits ONNX's schemas") {
  const auto schemas = registered();
  for (const auto& [key, row] : shipped().rows) {
    const auto at = schemas.find(key);
    if (at == schemas.end()) continue;
    const OpSchema& schema = at->second;
    const OpTraits& traits = row.traits;
    INFO(key);
    CHECK_FALSE(traits.why.empty());
    const auto most = static_cast<std::size_t>(schema.max_input());
    for (const std::size_t input : traits.data) {
      if (traits.op_class == OpClass::kFloat || traits.op_class == OpClass::kInteger) break;
      CHECK(input < most);
      if (traits.op_class != OpClass::kQuantised) CHECK(takes_float(schema, input));
    }
    if (traits.weight) CHECK(traits.is_data(*traits.weight));
    if (traits.bias) {
      CHECK(*traits.bias < most);
      CHECK_FALSE(traits.is_data(*traits.bias));
    }
    if (traits.nonzero) CHECK(traits.is_data(*traits.nonzero));
    // A passive operator has one source of elements.
    if (traits.op_class == OpClass::kPassive && key != "Constant") CHECK(traits.data.size() == 1);
    // Whatever has several float sources of one type has to name each of them, or say why not.
    if (traits.op_class == OpClass::kActive || traits.op_class == OpClass::kGemmLike) {
      CHECK((traits.all_inputs || !traits.data.empty()));
    }
  }
}

}  // namespace qprep
