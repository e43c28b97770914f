#include <algorithm>
#include <limits>

#include "passes/evaluate_ops.h"

// Reductions over axes.
namespace qprep::evaluation {
namespace {

/// Which elements of the input make which element of the result.
struct Reduction {
  Dims dims;                  // of the result
  Dims out_strides;           // over the input's axes: 0 along what is reduced
  std::int64_t elements = 1;  // of the input for one of the result
};

std::optional<Reduction> reduction_of(const Call& call, const Dims& dims, std::int64_t axes_input_since) {
  const auto given = ints_of(call, "axes", axes_input_since, 1);
  if (!given) return std::nullopt;
  const bool all = !*given || (*given)->empty();
  const bool nothing = all && call.node.int_or("noop_with_empty_axes", 0) != 0;
  const auto axes = axes_in(given->value_or(Dims{}), dims.size());
  if (!axes) return std::nullopt;
  const bool keep = call.node.int_or("keepdims", 1) != 0;
  Reduction reduction;
  Dims kept;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const bool reduced = !nothing && (all || std::find(axes->begin(), axes->end(), i) != axes->end());
    kept.push_back(reduced ? 1 : dims[i]);
    if (reduced) reduction.elements *= dims[i];
    if (!reduced || keep) reduction.dims.push_back(kept.back());
  }
  reduction.out_strides = broadcast_strides(kept, kept);
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (kept[i] != dims[i]) reduction.out_strides[i] = 0;
  }
  return reduction;
}

/// Sums of floats are taken in double, of integers in 64 bits, where they wrap.
template <typename T>
using Accumulator = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

struct Sum {
  static constexpr bool kOfNothing = true;
  template <typename T>
  static Accumulator<T> start() {
    return 0;
  }
  template <typename T>
  static Accumulator<T> add(Accumulator<T> total, T value) {
    return total + static_cast<Accumulator<T>>(value);
  }
  template <typename T>
  static T finish(Accumulator<T> total, std::int64_t) {
    return static_cast<T>(total);
  }
};

struct Mean : Sum {
  static constexpr bool kOfNothing = false;
  template <typename T>
  static T finish(Accumulator<T> total, std::int64_t count) {
    return static_cast<T>(total / static_cast<Accumulator<T>>(count));
  }
};

struct Prod : Sum {
  template <typename T>
  static Accumulator<T> start() {
    return 1;
  }
  template <typename T>
  static Accumulator<T> add(Accumulator<T> total, T value) {
    return total * static_cast<Accumulator<T>>(value);
  }
};

template <typename Op>
Results reduce(Call& call, std::int64_t axes_input_since, bool floats_only) {
  const Tensor* x = call.input(0);
  const auto reduction = x ? reduction_of(call, x->dims(), axes_input_since) : std::nullopt;
  if (!reduction || (reduction->elements == 0 && !Op::kOfNothing) || x->dtype() == DType::kBool ||
      (floats_only && !is_floating(x->dtype())) || !call.fits(x->dtype(), reduction->dims)) {
    return std::nullopt;
  }
  return visit_number(x->dtype(), [&](auto type) -> Results {
    using T = typename decltype(type)::type;
    const auto size = static_cast<std::size_t>(*element_count(reduction->dims));
    std::vector<Accumulator<T>> totals(size, Op::template start<T>());
    const std::array<Dims, 2> strides = {strides_of(x->dims()), reduction->out_strides};
    for_each_index<2>(x->dims(), strides, [&](const auto& at) {
      auto& total = totals[static_cast<std::size_t>(at[1])];
      total = Op::template add<T>(total, x->at<T>(at[0]));
    });
    std::vector<T> out;
    for (const Accumulator<T> total : totals)
      out.push_back(Op::template finish<T>(total, reduction->elements));
    return one(Tensor::of<T>(x->dtype(), reduction->dims, std::move(out)));
  });
}

template <bool kLargest>
Results extreme(Call& call) {
  const Tensor* x = call.input(0);
  const auto reduction = x ? reduction_of(call, x->dims(), 18) : std::nullopt;
  if (!reduction || reduction->elements == 0 || x->dtype() == DType::kBool ||
      !call.fits(x->dtype(), reduction->dims)) {
    return std::nullopt;
  }
  return visit_number(x->dtype(), [&](auto type) -> Results {
    using T = typename decltype(type)::type;
    std::vector<std::optional<T>> best(static_cast<std::size_t>(*element_count(reduction->dims)));
    const std::array<Dims, 2> strides = {strides_of(x->dims()), reduction->out_strides};
    for_each_index<2>(x->dims(), strides, [&](const auto& at) {
      const T value = x->at<T>(at[0]);
      std::optional<T>& held = best[static_cast<std::size_t>(at[1])];
      if (!held || value != value || (kLargest ? value > *held : value < *held)) held = value;
    });
    std::vector<T> out;
    for (const std::optional<T>& held : best) out.push_back(*held);
    return one(Tensor::of<T>(x->dtype(), reduction->dims, std::move(out)));
  });
}

Results reduce_sum(Call& call) { return reduce<Sum>(call, 13, false); }
Results reduce_prod(Call& call) { return reduce<Prod>(call, 18, false); }
Results reduce_mean(Call& call) { return reduce<Mean>(call, 18, true); }

constexpr std::array kRows = {
    Row{"ReduceSum", reduce_sum},    Row{"ReduceProd", reduce_prod},   Row{"ReduceMean", reduce_mean},
    Row{"ReduceMax", extreme<true>}, Row{"ReduceMin", extreme<false>},
};

}  // namespace

std::span<const Row> reduce_rows() { return kRows; }

}  // namespace qprep::evaluation
