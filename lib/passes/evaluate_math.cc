#include <algorithm>
#include <cmath>
#include <limits>

#include "passes/evaluate_ops.h"

// Arithmetic, element by element.
namespace qprep::evaluation {
namespace {

/// Integers wrap: the sum of the bit patterns, in the unsigned type of the same width.
template <typename T, typename Op>
T wrapping(T a, T b, Op op) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(op(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
  } else {
    return op(a, b);
  }
}

struct Add {
  template <typename T>
  static std::optional<T> apply(T a, T b) {
    return wrapping(a, b, [](auto x, auto y) { return x + y; });
  }
};

struct Sub {
  template <typename T>
  static std::optional<T> apply(T a, T b) {
    return wrapping(a, b, [](auto x, auto y) { return x - y; });
  }
};

struct Mul {
  template <typename T>
  static std::optional<T> apply(T a, T b) {
    return wrapping(a, b, [](auto x, auto y) { return x * y; });
  }
};

/// No integer is a / 0 or lowest / -1.
template <typename T>
bool divides(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == T(-1) && a == std::numeric_limits<T>::lowest()) return false;
  }
  return b != T{};
}

// Integers are divided towards zero.
struct Div {
  template <typename T>
  static std::optional<T> apply(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      if (!divides(a, b)) return std::nullopt;
    }
    return static_cast<T>(a / b);
  }
};

// The result has the sign of the divisor.
struct Mod {
  template <typename T>
  static std::optional<T> apply(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      if (!divides(a, b)) return std::nullopt;
      const T rest = static_cast<T>(a % b);
      return rest != T{} && (rest < T{}) != (b < T{}) ? static_cast<T>(rest + b) : rest;
    } else {
      return std::nullopt;
    }
  }
};

// The result has the sign of the dividend.
struct Fmod {
  template <typename T>
  static std::optional<T> apply(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      if (!divides(a, b)) return std::nullopt;
      return static_cast<T>(a % b);
    } else {
      return std::fmod(a, b);
    }
  }
};

struct Min {
  template <typename T>
  static std::optional<T> apply(T a, T b) {
    return a != a || a < b ? a : b;
  }
};

struct Max {
  template <typename T>
  static std::optional<T> apply(T a, T b) {
    return a != a || a > b ? a : b;
  }
};

template <typename Op>
Results binary_of(Call& call, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.dtype() == DType::kBool) return std::nullopt;
  if (call.opset < 7 && a.dims() != b.dims()) return std::nullopt;
  const std::optional<Dims> dims = broadcast(a.dims(), b.dims());
  if (!dims || !call.fits(a.dtype(), *dims)) return std::nullopt;
  return visit_number(a.dtype(), [&](auto type) -> Results {
    using T = typename decltype(type)::type;
    const std::vector<T> x = a.to_vector<T>();
    const std::vector<T> y = b.to_vector<T>();
    std::vector<T> out;
    out.reserve(static_cast<std::size_t>(*element_count(*dims)));
    bool known = true;
    const std::array<Dims, 2> strides = {broadcast_strides(a.dims(), *dims),
                                         broadcast_strides(b.dims(), *dims)};
    for_each_index<2>(*dims, strides, [&](const auto& at) {
      const std::optional<T> value =
          Op::template apply<T>(x[static_cast<std::size_t>(at[0])], y[static_cast<std::size_t>(at[1])]);
      known = known && value;
      out.push_back(value.value_or(T{}));
    });
    return known ? one(Tensor::of<T>(a.dtype(), *dims, std::move(out))) : std::nullopt;
  });
}

template <typename Op>
Results binary(Call& call) {
  const Tensor* a = call.input(0);
  const Tensor* b = call.input(1);
  return a && b ? binary_of<Op>(call, *a, *b) : std::nullopt;
}

Results mod(Call& call) { return call.node.int_or("fmod", 0) != 0 ? binary<Fmod>(call) : binary<Mod>(call); }

template <typename Op>
Results variadic(Call& call) {
  const Tensor* first = call.input(0);
  if (!first || !element_bytes(first->dtype())) return std::nullopt;
  Tensor total = *first;
  for (const Tensor* next : call.inputs.subspan(1)) {
    if (!next || (call.opset < 8 && next->dims() != total.dims())) return std::nullopt;
    const Results sum = binary_of<Op>(call, total, *next);
    if (!sum) return std::nullopt;
    total = sum->front();
  }
  return one(std::move(total));
}

// In double, then rounded to the base's type: what does not fit an integer is not known.
Results pow(Call& call) {
  const Tensor* a = call.input(0);
  const Tensor* b = call.input(1);
  if (!a || !b || (call.opset < 7 && a->dims() != b->dims()) || a->dtype() == DType::kBool)
    return std::nullopt;
  const std::optional<Dims> dims = broadcast(a->dims(), b->dims());
  if (!dims || !call.fits(a->dtype(), *dims)) return std::nullopt;
  const std::array<Dims, 2> strides = {broadcast_strides(a->dims(), *dims),
                                       broadcast_strides(b->dims(), *dims)};
  return visit_number(a->dtype(), [&](auto base) -> Results {
    return visit_number(b->dtype(), [&](auto exponent) -> Results {
      using T = typename decltype(base)::type;
      using U = typename decltype(exponent)::type;
      std::vector<T> out;
      bool known = true;
      for_each_index<2>(*dims, strides, [&](const auto& at) {
        const double value =
            std::pow(static_cast<double>(a->at<T>(at[0])), static_cast<double>(b->at<U>(at[1])));
        if constexpr (std::is_integral_v<T>) {
          // Beyond 2^53 a double is not every integer.
          known = known && std::abs(value) <= 9007199254740992.0 &&
                  value >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
                  value <= static_cast<double>(std::numeric_limits<T>::max());
        }
        out.push_back(known ? static_cast<T>(value) : T{});
      });
      return known ? one(Tensor::of<T>(a->dtype(), *dims, std::move(out))) : std::nullopt;
    });
  });
}

template <typename T, typename Op>
Results map(Call& call, const Tensor& x, Op op) {
  if (!call.fits(x.dtype(), x.dims())) return std::nullopt;
  std::vector<T> values = x.to_vector<T>();
  for (T& value : values) value = op(value);
  return one(Tensor::of<T>(x.dtype(), x.dims(), std::move(values)));
}

/// For float32 and float64; computed in double and rounded once.
template <double (*kFunction)(double)>
Results float_unary(Call& call) {
  const Tensor* x = call.input(0);
  if (!x || !(x->dtype() == DType::kFloat32 || x->dtype() == DType::kFloat64)) return std::nullopt;
  return visit_number(x->dtype(), [&](auto type) -> Results {
    using T = typename decltype(type)::type;
    return map<T>(call, *x, [](T value) { return static_cast<T>(kFunction(static_cast<double>(value))); });
  });
}

/// For every number.
template <typename Op>
Results unary(Call& call) {
  const Tensor* x = call.input(0);
  if (!x || x->dtype() == DType::kBool) return std::nullopt;
  return visit_number(x->dtype(), [&](auto type) -> Results {
    using T = typename decltype(type)::type;
    return map<T>(call, *x, [](T value) { return Op::template apply<T>(value); });
  });
}

struct Neg {
  template <typename T>
  static T apply(T x) {
    if constexpr (std::is_integral_v<T>) {
      return wrapping(T{}, x, [](auto a, auto b) { return a - b; });
    } else {
      return -x;
    }
  }
};

struct Abs {
  template <typename T>
  static T apply(T x) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::abs(x);
    } else {
      return x < T{} ? Neg::apply(x) : x;
    }
  }
};

struct Sign {
  template <typename T>
  static T apply(T x) {
    return x != x ? x : static_cast<T>((x > T{}) - (x < T{}));
  }
};

struct Relu {
  template <typename T>
  static T apply(T x) {
    return x < T{} ? T{} : x;
  }
};

double square_root(double x) { return std::sqrt(x); }
double floor(double x) { return std::floor(x); }
double ceil(double x) { return std::ceil(x); }
double round_half_even(double x) { return std::nearbyint(x); }
double reciprocal(double x) { return 1.0 / x; }
double exponential(double x) { return std::exp(x); }
double logarithm(double x) { return std::log(x); }

/// The bound that attribute `name`, or from operator set 11 on input i, gives; `otherwise` if it gives none.
template <typename T>
std::optional<T> bound(const Call& call, std::string_view name, std::size_t i, DType dtype, T otherwise) {
  if (call.opset < 11) return static_cast<T>(call.node.float_or(name, static_cast<float>(otherwise)));
  const Tensor* given = call.input(i);
  if (!given) return otherwise;
  return given->dtype() == dtype && given->size() == 1 ? std::optional(given->at<T>(0)) : std::nullopt;
}

Results clip(Call& call) {
  const Tensor* x = call.input(0);
  if (!x || x->dtype() == DType::kBool || (call.opset < 11 && x->dtype() != DType::kFloat32))
    return std::nullopt;
  return visit_number(x->dtype(), [&](auto type) -> Results {
    using T = typename decltype(type)::type;
    const auto low = bound<T>(call, "min", 1, x->dtype(), std::numeric_limits<T>::lowest());
    const auto high = bound<T>(call, "max", 2, x->dtype(), std::numeric_limits<T>::max());
    if (!low || !high) return std::nullopt;
    return map<T>(call, *x, [&](T value) {
      const T raised = value < *low ? *low : value;
      return raised > *high ? *high : raised;
    });
  });
}

constexpr std::array kRows = {
    Row{"Add", binary<Add>},
    Row{"Sub", binary<Sub>},
    Row{"Mul", binary<Mul>},
    Row{"Div", binary<Div>},
    Row{"Mod", mod},
    Row{"Pow", pow},
    Row{"Min", variadic<Min>},
    Row{"Max", variadic<Max>},
    Row{"Sum", variadic<Add>},
    Row{"Neg", unary<Neg>},
    Row{"Abs", unary<Abs>},
    Row{"Sign", unary<Sign>},
    Row{"Relu", unary<Relu>},
    Row{"Clip", clip},
    Row{"Sqrt", float_unary<square_root>},
    Row{"Floor", float_unary<floor>},
    Row{"Ceil", float_unary<ceil>},
    Row{"Round", float_unary<round_half_even>},
    Row{"Reciprocal", float_unary<reciprocal>},
    Row{"Exp", float_unary<exponential>},
    Row{"Log", float_unary<logarithm>},
};

}  // namespace

std::span<const Row> math_rows() { return kRows; }

}  // namespace qprep::evaluation
