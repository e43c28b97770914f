#include "passes/constant_change.h"

#include <array>
#include <utility>

#include "passes/constants.h"

namespace qprep {

ConstantChange::ConstantChange(Node& node, std::size_t input, Tensor tensor, const std::string& wanted)
    : node_(&node), input_(input) {
  Value* before = input < node.input_count() ? node.input(input) : nullptr;
  if (before && before->initializer()) tensor_ = *before->initializer();
  set_constant_input(node, input, std::move(tensor), wanted);
  if (node.input(input) == before) {
    held_in_ = before;
  } else {
    tensor_ = {};
    value_ = before;
  }
}

void ConstantChange::exchange() {
  if (held_in_) {
    Tensor now = *held_in_->initializer();
    held_in_->graph().set_initializer(*held_in_, std::exchange(tensor_, std::move(now)));
    return;
  }
  Value* now = input_ < node_->input_count() ? node_->input(input_) : nullptr;
  if (value_ || input_ + 1 != node_->input_count()) {
    node_->set_input(input_, value_);
  } else {
    node_->truncate_inputs(input_);
  }
  value_ = now;
}

void ConstantChange::forget() {
  if (held_in_ || !value_) return;
  value_->graph().names().values.release(value_->name());
  erase_unused_initializers(std::array<Value*, 1>{value_});
  value_ = nullptr;
}

Value* ConstantChange::settle() {
  Value* before = std::exchange(value_, nullptr);
  return before && before->initializer() && before->is_unused() ? before : nullptr;
}

}  // namespace qprep
