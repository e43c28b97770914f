#include "opset/adapters.h"

namespace qprep::adapters {
namespace {

// Outputs from `first` on are not used. Result: they are gone.
void drop_unused_outputs(Adaptation& a, std::size_t first) {
  Node& node = a.node();
  for (std::size_t i = first; i < node.output_count(); ++i) {
    if (!node.output(i).is_unused()) {
      throw Refusal{
          "its output '" + node.output(i).name() + "', which the newer version does not have, is used",
          "remove what reads it: it serves training"};
    }
  }
  if (node.output_count() > first) node.truncate_outputs(first);
}

bool has_outputs_beyond(const Node& node, std::size_t first) {
  for (std::size_t i = first; i < node.output_count(); ++i) {
    if (!node.output(i).name().empty()) return true;
  }
  return false;
}

}  // namespace

// Old: is_test says the mode. New: more than one output is training mode.
void drop_batch_norm_is_test(Adaptation& a) {
  const std::optional<std::int64_t> is_test = a.integer("is_test");
  a.erase_attribute("is_test");
  if (is_test && *is_test == 0 && !has_outputs_beyond(a.node(), 1)) {
    throw Refusal{"its attribute 'is_test' is 0: it asks for training mode with the output of test mode",
                  "set is_test to 1 in the model"};
  }
  if (is_test && *is_test != 0) drop_unused_outputs(a, 1);
}

// Old: spatial = 0 normalises each element of a sample with parameters of its own. That is the normalisation
// of a flattened sample's channels.
void flatten_batch_norm(Adaptation& a) {
  const bool spatial = a.integer("spatial").value_or(1) != 0;
  a.erase_attribute("spatial");
  if (spatial) return;
  Node& node = a.node();
  if (has_outputs_beyond(node, 1)) {
    throw Refusal{"its attribute 'spatial' is 0 in training mode", "export the model for inference"};
  }
  Value& x = a.required_input(0);
  Type flat = Type::tensor(x.type().dtype, Shape(2));
  if (x.type().shape && !x.type().shape->empty()) flat.shape->front() = x.type().shape->front();
  Value& shape =
      a.before("Shape", {&x}, "shape",
               x.type().rank() ? integers_type(*x.type().rank()) : Type::tensor(DType::kInt64, Shape(1)));
  node.set_input(0, &a.before("Flatten", {&x}, "flattened", flat, {{"axis", 1}}));
  Value* all = nullptr;
  for (std::size_t i = 1; i < 5 && a.input(i); ++i) {
    if (const Tensor* constant = a.constant(i)) {
      a.reshape_constant(i, {constant->size()});
      continue;
    }
    if (!all) all = &a.new_integers("all", {-1});
    node.set_input(i, &a.before("Reshape", {a.input(i), all}, a.input(i)->name() + "_flattened",
                                Type::tensor(a.input(i)->type().dtype, Shape(1))));
  }
  Value& y = a.after("Reshape", {&a.required_output(0), &shape}, "unflattened", {});
  a.replace_output(0, y, "flattened");
  node.output(0).set_type(node.input(0)->type());
}

// Old: more than one output is training mode, with four statistics. New: training_mode says it, with two.
void state_training_mode(Adaptation& a) {
  Node& node = a.node();
  if (!has_outputs_beyond(node, 1)) return drop_unused_outputs(a, 1);
  drop_unused_outputs(a, 3);
  node.set_attribute("training_mode", std::int64_t{1});
}

}  // namespace qprep::adapters
