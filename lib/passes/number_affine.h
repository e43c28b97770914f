#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>

#include "ir/graph.h"
#include "passes/pass.h"

namespace qprep {

/// y = a x + b, one number each for all of x.
struct NumberAffine {
  Node* mul;                 // the Add alone reads what it makes
  std::size_t scale, shift;  // the inputs of the Mul and of the Add that are the constants
  double a, b;
  std::size_t rank;  // of the constants, the larger: y has as many axes if x has fewer
};

/// What ends in `add`, written out as Mul and Add of finite float32 constants in one graph; nullopt: nothing.
std::optional<NumberAffine> number_affine_of(const Node& add, std::int64_t opset);

/// The labels of the nodes that spell out an operator, two or more each.
std::unordered_set<std::string> parts_of_composites(const Model& model, const Env& env);

}  // namespace qprep
