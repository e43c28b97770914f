#include <algorithm>

#include "passes/evaluate_ops.h"

// Operators whose result is bool.
namespace qprep::evaluation {
namespace {

Tensor bools(Dims dims, std::vector<std::uint8_t> values) {
  return Tensor::of<std::uint8_t>(DType::kBool, std::move(dims), std::move(values));
}

template <typename Op>
Results compare_as(Call& call, bool of_bools) {
  const Tensor* a = call.input(0);
  const Tensor* b = call.input(1);
  if (!a || !b || a->dtype() != b->dtype() || (a->dtype() == DType::kBool) < of_bools) return std::nullopt;
  if (call.opset < 7 && a->dims() != b->dims()) return std::nullopt;
  const std::optional<Dims> dims = broadcast(a->dims(), b->dims());
  if (!dims || !call.fits(DType::kBool, *dims)) return std::nullopt;
  return visit_number(a->dtype(), [&](auto type) -> Results {
    using T = typename decltype(type)::type;
    std::vector<std::uint8_t> out;
    const std::array<Dims, 2> strides = {broadcast_strides(a->dims(), *dims),
                                         broadcast_strides(b->dims(), *dims)};
    for_each_index<2>(*dims, strides, [&](const auto& at) {
      out.push_back(Op::apply(a->at<T>(at[0]), b->at<T>(at[1])) ? 1 : 0);
    });
    return one(bools(*dims, std::move(out)));
  });
}

template <typename Op>
Results compare(Call& call) {
  return compare_as<Op>(call, false);
}

template <typename Op>
Results logical(Call& call) {
  return compare_as<Op>(call, true);
}

struct Equal {
  template <typename T>
  static bool apply(T a, T b) {
    return a == b;
  }
};
struct Less {
  template <typename T>
  static bool apply(T a, T b) {
    return a < b;
  }
};
struct Greater {
  template <typename T>
  static bool apply(T a, T b) {
    return a > b;
  }
};
struct LessOrEqual {
  template <typename T>
  static bool apply(T a, T b) {
    return a <= b;
  }
};
struct GreaterOrEqual {
  template <typename T>
  static bool apply(T a, T b) {
    return a >= b;
  }
};
struct And {
  template <typename T>
  static bool apply(T a, T b) {
    return a != T{} && b != T{};
  }
};
struct Or {
  template <typename T>
  static bool apply(T a, T b) {
    return a != T{} || b != T{};
  }
};
struct Xor {
  template <typename T>
  static bool apply(T a, T b) {
    return (a != T{}) != (b != T{});
  }
};

Results negate(Call& call) {
  const Tensor* x = call.input(0);
  if (!x || x->dtype() != DType::kBool || !call.fits(x->dtype(), x->dims())) return std::nullopt;
  std::vector<std::uint8_t> values = x->to_vector<std::uint8_t>();
  for (std::uint8_t& value : values) value = value == 0 ? 1 : 0;
  return one(bools(x->dims(), std::move(values)));
}

constexpr std::array kRows = {
    Row{"Equal", compare<Equal>},
    Row{"Less", compare<Less>},
    Row{"Greater", compare<Greater>},
    Row{"LessOrEqual", compare<LessOrEqual>},
    Row{"GreaterOrEqual", compare<GreaterOrEqual>},
    Row{"And", logical<And>},
    Row{"Or", logical<Or>},
    Row{"Xor", logical<Xor>},
    Row{"Not", negate},
};

}  // namespace

std::span<const Row> compare_rows() { return kRows; }

}  // namespace qprep::evaluation
