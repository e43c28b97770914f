#include <algorithm>
#include <cmath>

#include "passes/evaluate_ops.h"
#include "passes/replacement_functions.h"

namespace qprep::replace {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 18;  // of a constant that is made here
constexpr const char* kNoFloat32 = "its data is not float32";

/// 1 / c, or nothing where that, or c, is no normal number.
std::optional<Tensor> reciprocal(const Tensor& tensor) {
  std::vector<float> values = tensor.to_vector<float>();
  for (float& value : values) {
    const float inverse = 1.0F / value;
    if (!std::isnormal(value) || !std::isnormal(inverse)) return std::nullopt;
    value = inverse;
  }
  return Tensor::floats(tensor.dims(), std::move(values));
}

/// `values`, of the constant's dims, spread over `dims`, to which these broadcast.
template <typename T>
std::vector<T> spread(const std::vector<T>& values, const Dims& from, const Dims& dims) {
  const std::size_t lead = dims.size() - from.size();
  const Dims strides = evaluation::strides_of(from);
  const std::int64_t count = element_count(dims).value_or(0);
  std::vector<T> all;
  all.reserve(static_cast<std::size_t>(count));
  for (std::int64_t n = 0; n < count; ++n) {
    std::int64_t offset = 0;
    std::int64_t rest = n;
    for (std::size_t i = dims.size(); i-- > lead;) {
      if (from[i - lead] != 1) offset += rest % dims[i] * strides[i - lead];
      rest /= dims[i];
    }
    all.push_back(values[static_cast<std::size_t>(offset)]);
  }
  return all;
}

}  // namespace

Replaced sum_to_add(Replacing& at) {
  const Node& node = at.node();
  if (node.input_count() < 2) return Replaced::other();
  std::vector<Value*> terms = node.inputs();
  if (std::find(terms.begin(), terms.end(), nullptr) != terms.end())
    return Replaced::no("an input is missing");
  if (at.asks()) return Replaced::yes();
  Value* sum = terms.front();
  for (std::size_t i = 1; i + 1 < terms.size(); ++i) sum = &at.before("Add", {sum, terms[i]}, "sum");
  at.become("Add", {sum, terms.back()});
  return Replaced::yes();
}

Replaced div_to_mul(Replacing& at) {
  const Tensor* divisor = at.constant(1);
  if (!divisor || at.constant(0)) return Replaced::other();
  if (!at.is_float32(0) || divisor->dtype() != DType::kFloat32) return Replaced::no(kNoFloat32);
  std::optional<Tensor> factor = reciprocal(*divisor);
  if (!factor) return Replaced::no("its divisor, or the reciprocal of that, is no normal number");
  if (at.asks()) return Replaced::yes();
  at.took(1);
  Value& x = *at.node().input(0);
  Value& by = at.shared_constant(*at.node().input(1), "reciprocal", "reciprocal", [&] { return *factor; });
  at.become("Mul", {&x, &by});
  return Replaced::yes();
}

Replaced div_to_reciprocal(Replacing& at) {
  if (at.constant(1)) return Replaced::other();
  if (!at.is_float32(0) || !at.is_float32(1)) {
    return is_floating(at.type(0).dtype) ? Replaced::no(kNoFloat32) : Replaced::other();
  }
  if (at.asks()) return Replaced::yes();
  Value& x = *at.node().input(0);
  Value& inverse = at.before("Reciprocal", {at.node().input(1)}, "reciprocal");
  at.become("Mul", {&x, &inverse});
  return Replaced::yes();
}

Replaced pow_to_mul(Replacing& at) {
  const Tensor* exponent = at.constant(1);
  if (!exponent || exponent->size() != 1) return Replaced::other();
  const auto whole = exponent->to_int64s();
  const bool is_two =
      whole ? whole->front() == 2 : exponent->dtype() == DType::kFloat32 && exponent->at<float>(0) == 2.0F;
  if (!is_two) return Replaced::other();
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  const auto rank = at.type(0).rank();
  if (!exponent->dims().empty() && (!rank || *rank < exponent->dims().size())) {
    return Replaced::unknown("the rank of what it reads is not known to be that of its result");
  }
  if (at.asks()) return Replaced::yes();
  at.took(1);
  Value& x = *at.node().input(0);
  at.become("Mul", {&x, &x});
  return Replaced::yes();
}

Replaced max_to_relu(Replacing& at) {
  if (at.node().input_count() != 2 || !at.node().input(1)) return Replaced::other();
  const std::size_t zero = at.constant(1) ? 1 : 0;
  const Tensor* bound = at.constant(zero);
  if (!bound || at.constant(1 - zero) || !at.is_float32(1 - zero) || bound->dtype() != DType::kFloat32 ||
      bound->size() != 1 || bound->at<float>(0) != 0) {
    return Replaced::other();
  }
  const auto rank = at.type(1 - zero).rank();
  if (!bound->dims().empty() && (!rank || *rank < bound->dims().size())) {
    return Replaced::unknown("the rank of what it reads is not known to be that of its result");
  }
  if (at.asks()) return Replaced::yes();
  at.took(zero);
  at.become("Relu", {at.node().input(1 - zero)});
  return Replaced::yes();
}

Replaced where_to_mul(Replacing& at) {
  const Tensor* condition = at.constant(0);
  if (!condition) return Replaced::no("its condition is no constant");
  const std::size_t filled = at.constant(1) ? 1 : 2;
  const Tensor* fill = at.constant(filled);
  if (!fill || at.constant(3 - filled)) return Replaced::no("neither or both of its two sides are constants");
  if (!at.is_float32(3 - filled) || fill->dtype() != DType::kFloat32) return Replaced::no(kNoFloat32);
  const auto dims = evaluation::broadcast(condition->dims(), fill->dims());
  if (!dims || element_count(*dims).value_or(kMostElements + 1) > kMostElements) {
    return Replaced::no("its constants are too large to be computed in advance");
  }
  if (at.asks()) return Replaced::yes();
  const std::vector<std::uint8_t> holds = condition->to_vector<std::uint8_t>();
  const auto keeps = [filled](std::uint8_t holding) { return (holding != 0) == (filled == 2); };
  std::vector<float> factors;
  for (const std::uint8_t each : holds) factors.push_back(keeps(each) ? 1.0F : 0.0F);
  const std::vector<std::uint8_t> where = spread(holds, condition->dims(), *dims);
  std::vector<float> terms = spread(fill->to_vector<float>(), fill->dims(), *dims);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (keeps(where[i])) terms[i] = 0.0F;
  }
  at.took(0);
  at.took(filled);
  Value& x = *at.node().input(3 - filled);
  Value& factor = at.constant("mask", Tensor::floats(condition->dims(), std::move(factors)));
  Value& kept = at.before("Mul", {&x, &factor}, "kept");
  Value& term = at.constant("fill", Tensor::floats(*dims, std::move(terms)));
  at.become("Add", {&kept, &term});
  return Replaced::yes();
}

Replaced compare_to_not(Replacing& at) {
  if (at.asks()) return Replaced::yes();
  const bool greater = at.node().is("GreaterOrEqual");
  Value& less = at.before(greater ? "Less" : "Greater", at.node().inputs(), greater ? "less" : "greater");
  Type type = less.type();
  type.dtype = DType::kBool;
  less.set_type(std::move(type));
  at.become("Not", {&less});
  return Replaced::yes();
}

}  // namespace qprep::replace
