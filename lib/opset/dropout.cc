#include "opset/adapters.h"

namespace qprep::adapters {
namespace {

bool uses_mask(const Node& node) { return node.output_count() > 1 && !node.output(1).is_unused(); }

}  // namespace

void drop_dropout_is_test(Adaptation& a) {
  const std::optional<std::int64_t> is_test = a.integer("is_test");
  a.erase_attribute("is_test");
  if (is_test && *is_test == 0) {
    throw Refusal{"its attribute 'is_test' is 0: it asks for training mode", "set is_test to 1 in the model"};
  }
}

// Old: the mask has the data's element type. New: bool.
void cast_dropout_mask(Adaptation& a) {
  Node& node = a.node();
  if (node.output_count() < 2) return;
  Type type = node.output(1).type();
  if (uses_mask(node)) {
    Value& mask =
        a.after("Cast", {&node.output(1)}, "mask_cast", {}, {{"to", static_cast<std::int64_t>(a.dtype(0))}});
    a.replace_output(1, mask, "bool");
  }
  if (type.kind == Type::Kind::kTensor) type.dtype = DType::kBool;
  node.output(1).set_type(std::move(type));
}

// Old: where nothing is dropped the mask is all false (ONNX Runtime; ONNX does not say). New: all true.
void dropout_ratio_to_input(Adaptation& a) {
  Node& node = a.node();
  if (const std::optional<float> ratio = a.real("ratio")) {
    a.erase_attribute("ratio");
    a.set_input(1, &a.new_constant("ratio", Tensor::scalar(*ratio)));
  }
  if (!uses_mask(node)) return;
  const Type type = node.output(1).type();
  Value& mask = a.after("Not", {&node.output(1)}, "mask_not", {});
  a.replace_output(1, mask, "kept");
  node.output(1).set_type(type);
}

}  // namespace qprep::adapters
