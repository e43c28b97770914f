#include <Eigen/Core>
#include <cmath>
#include <limits>

#include "passes/evaluate_ops.h"

// Conversions of element types.
namespace qprep::evaluation {
namespace {

template <typename T>
constexpr bool kIsFloat = !std::is_integral_v<T>;

/// As visit_number, for the half-precision types too.
template <typename Visit>
Results visit_any(DType dtype, Visit visit) {
  if (dtype == DType::kFloat16) return visit(std::type_identity<Eigen::half>{});
  if (dtype == DType::kBFloat16) return visit(std::type_identity<Eigen::bfloat16>{});
  return visit_number(dtype, visit);
}

/// nullopt: a float that the integer type cannot hold, of which ONNX says nothing.
template <typename To, typename From>
std::optional<To> converted(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (kIsFloat<From> && !kIsFloat<To>) {
    const double whole = std::trunc(static_cast<double>(value));
    // The limits themselves may round up as doubles: one below 2^63 is no double.
    const double above = std::ldexp(1.0, std::numeric_limits<To>::digits);
    if (!(whole < above && whole >= static_cast<double>(std::numeric_limits<To>::lowest())))
      return std::nullopt;
    return static_cast<To>(whole);
  } else if constexpr (sizeof(To) == 2 && kIsFloat<To>) {
    return static_cast<To>(static_cast<float>(value));
  } else if constexpr (sizeof(From) == 2 && kIsFloat<From>) {
    return static_cast<To>(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <typename From>
Results to_bool(Call& call, const Tensor& x) {
  if (!call.fits(DType::kBool, x.dims())) return std::nullopt;
  std::vector<std::uint8_t> out;
  for (std::int64_t i = 0; i < x.size(); ++i) out.push_back(x.at<From>(i) != From(0) ? 1 : 0);
  return one(Tensor::of<std::uint8_t>(DType::kBool, x.dims(), std::move(out)));
}

Results cast_to(Call& call, const Tensor& x, DType to) {
  if (x.dtype() == to && element_bytes(to)) return one(x);
  return visit_any(x.dtype(), [&](auto from_type) -> Results {
    using From = typename decltype(from_type)::type;
    if (to == DType::kBool) return to_bool<From>(call, x);
    return visit_any(to, [&](auto to_type) -> Results {
      using To = typename decltype(to_type)::type;
      if (!call.fits(to, x.dims())) return std::nullopt;
      std::vector<To> out(static_cast<std::size_t>(x.size()));
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::optional<To> value = converted<To>(x.at<From>(static_cast<std::int64_t>(i)));
        if (!value) return std::nullopt;
        out[i] = *value;
      }
      return one(Tensor::of<To>(to, x.dims(), std::move(out)));
    });
  });
}

Results cast(Call& call) {
  const Tensor* x = call.input(0);
  const auto* to = call.node.get<std::int64_t>("to");
  return x && to ? cast_to(call, *x, static_cast<DType>(*to)) : std::nullopt;
}

Results cast_like(Call& call) {
  const Tensor* x = call.input(0);
  const Tensor* target = call.input(1);
  return x && target ? cast_to(call, *x, target->dtype()) : std::nullopt;
}

constexpr std::array kRows = {Row{"Cast", cast}, Row{"CastLike", cast_like}};

}  // namespace

std::span<const Row> cast_rows() { return kRows; }

}  // namespace qprep::evaluation
