#include "passes/number_affine.h"

#include <algorithm>

#include "passes/composite_matcher.h"
#include "passes/constant_facts.h"

namespace qprep {
namespace {

/// The input of an operator of two that is a constant of one number; nullopt: none is.
std::optional<std::size_t> one_number_of(const Node& node) {
  if (node.input_count() != 2 || node.output_count() != 1) return std::nullopt;
  if (!node.input(0) || !node.input(1)) return std::nullopt;
  const std::size_t at = constant_of(*node.input(0)) ? 0 : 1;
  const Tensor* constant = constant_of(*node.input(at));
  if (!constant || constant->dtype() != DType::kFloat32 || constant->size() != 1 || !all_finite(*constant)) {
    return std::nullopt;
  }
  return at;
}

}  // namespace

std::optional<NumberAffine> number_affine_of(const Node& add, std::int64_t opset) {
  if (opset < 7 || !add.is("Add")) return std::nullopt;  // older ones broadcast in another way
  const std::optional<std::size_t> shift = one_number_of(add);
  if (!shift) return std::nullopt;
  const Value& product = *add.input(1 - *shift);
  Node* mul = product.producer();
  if (!mul || !mul->is("Mul") || &mul->graph() != &add.graph() || !product.has_single_use()) {
    return std::nullopt;
  }
  const std::optional<std::size_t> scale = one_number_of(*mul);
  if (!scale) return std::nullopt;
  const Tensor& a = *constant_of(*mul->input(*scale));
  const Tensor& b = *constant_of(*add.input(*shift));
  return NumberAffine{mul,
                      *scale,
                      *shift,
                      static_cast<double>(a.at<float>(0)),
                      static_cast<double>(b.at<float>(0)),
                      std::max(a.dims().size(), b.dims().size())};
}

std::unordered_set<std::string> parts_of_composites(const Model& model, const Env& env) {
  std::unordered_set<std::string> parts;
  if (!env.composites || !env.op_classes) return parts;
  const CompositeMatcher matcher(env.composites->patterns, *env.op_classes);
  for (const CompositeMatch& match : matcher.find(model).matches) {
    if (match.nodes.size() < 2) continue;
    for (const Node* node : match.nodes) parts.insert(node->label());
  }
  return parts;
}

}  // namespace qprep
