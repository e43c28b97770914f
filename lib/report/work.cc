#include "report/work.h"

#include <initializer_list>

namespace qprep {
namespace {

using Count = std::optional<std::int64_t>;

Count product(std::initializer_list<Count> factors) {
  std::int64_t result = 1;
  for (const Count& factor : factors) {
    if (!factor || *factor < 0 || __builtin_mul_overflow(result, *factor, &result)) return std::nullopt;
  }
  return result;
}

std::optional<Dims> dims_of(const Value* value) {
  if (!value) return std::nullopt;
  if (const Tensor* constant = constant_of(*value)) return constant->dims();
  return value->type().static_dims();
}

Count elements(const Value* value) {
  const auto dims = dims_of(value);
  return dims ? element_count(*dims) : std::nullopt;
}

/// Elements of the weight that one channel of its first axis has.
Count per_row(const Value* weight) {
  const auto dims = dims_of(weight);
  return dims && !dims->empty() ? element_count({dims->begin() + 1, dims->end()}) : std::nullopt;
}

Count of_gemm(const Node& node) {
  const auto a = dims_of(node.input(0));
  if (!a || a->size() != 2) return std::nullopt;
  return product({elements(&node.output(0)), (*a)[node.int_or("transA", 0) != 0 ? 0 : 1]});
}

Count of_mat_mul(const Node& node) {
  const auto a = dims_of(node.input(0));
  return a && !a->empty() ? product({elements(&node.output(0)), a->back()}) : std::nullopt;
}

/// x [seq, batch, input], W [directions, gates * hidden, input], R [directions, gates * hidden, hidden].
Count of_recurrence(const Node& node) {
  const auto x = dims_of(node.input(0));
  if (!x || x->size() != 3) return std::nullopt;
  const Count weights = elements(node.input(1));
  const Count states = elements(node.input(2));
  Count both;
  if (weights && states && !__builtin_add_overflow(*weights, *states, &both.emplace())) {
    return product({(*x)[0], (*x)[1], both});
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> macs_of(const Node& node) {
  if (node.output_count() == 0) return 0;
  if (node.is("Conv")) return product({elements(&node.output(0)), per_row(node.input(1))});
  if (node.is("ConvTranspose")) return product({elements(node.input(0)), per_row(node.input(1))});
  if (node.is("Gemm")) return of_gemm(node);
  if (node.is("MatMul")) return of_mat_mul(node);
  if (node.is("LSTM") || node.is("GRU") || node.is("RNN")) return of_recurrence(node);
  return 0;
}

}  // namespace qprep
