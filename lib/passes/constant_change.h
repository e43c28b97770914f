#pragma once

#include <cstddef>
#include <string>

#include "ir/graph.h"

namespace qprep {

/// A constant that an input of a node reads instead of what it read before, which can be had back.
class ConstantChange {
 public:
  /// As set_constant_input.
  ConstantChange(Node& node, std::size_t input, Tensor tensor, const std::string& wanted);

  /// The node reads what it read before instead; called again, the constant again. Given: nothing else has
  /// changed that input since.
  void exchange();
  /// Given: the node reads what it read before. What was put into the graph for the constant is gone.
  void forget();
  /// Given: the node reads the constant, which is to stay so. Result: what it read before, if nothing reads
  /// it any more; null: something does, or it is gone.
  Value* settle();

 private:
  Node* node_;
  std::size_t input_;
  Value* held_in_ =
      nullptr;              // the initializer whose tensor is exchanged; null: the input reads another value
  Tensor tensor_;           // that is not in it at the time
  Value* value_ = nullptr;  // that is not read at the time; null: none
};

}  // namespace qprep
