#include <algorithm>

#include "passes/replacement_functions.h"

namespace qprep::replace {
namespace {

using Sources = std::vector<std::optional<std::size_t>>;  // the axis that each size is; nullopt: several

constexpr const char* kNoRank = "the rank of what it reads is not known";
constexpr const char* kUnknownSizes = "more sizes of its result are unknown than a Reshape infers";

Replaced become(Replacing& at, const Shape& shape, const Sources& source) {
  const auto target = reshape_target(shape, source);
  if (!target) return Replaced::unknown(kUnknownSizes);
  if (at.asks()) return Replaced::yes();
  at.become_reshape(*at.node().input(0), *target);
  return Replaced::yes();
}

/// The product of the sizes in [first, last).
Dim product_of(const Shape& shape, std::size_t first, std::size_t last) {
  std::int64_t product = 1;
  for (std::size_t i = first; i < last; ++i) {
    if (!shape[i].known() || __builtin_mul_overflow(product, shape[i].size, &product)) return {};
  }
  return {product, ""};
}

}  // namespace

Replaced flatten_to_reshape(Replacing& at) {
  const std::optional<Shape>& shape = at.type(0).shape;
  if (!shape) return Replaced::unknown(kNoRank);
  const std::int64_t axis = at.node().int_or("axis", 1);
  const auto rank = static_cast<std::int64_t>(shape->size());
  const std::int64_t split = axis < 0 ? axis + rank : axis;
  if (split < 0 || split > rank) return Replaced::no("its axis is none of what it reads");
  const auto middle = static_cast<std::size_t>(split);
  const Shape sizes = {product_of(*shape, 0, middle), product_of(*shape, middle, shape->size())};
  const auto own = [](std::size_t count, std::size_t first) {
    return count == 1 ? std::optional(first) : std::nullopt;
  };
  return become(at, sizes, {own(middle, 0), own(shape->size() - middle, middle)});
}

Replaced squeeze_to_reshape(Replacing& at) {
  const std::optional<Shape>& shape = at.type(0).shape;
  if (!shape) return Replaced::unknown(kNoRank);
  std::vector<std::size_t> gone;
  if (at.gives("axes", 13, 1)) {
    const auto axes = at.ints("axes", 13, 1);
    const auto known = axes ? axes_of(*axes, shape->size()) : std::nullopt;
    if (!known) return Replaced::no("its axes are not known");
    gone = *known;
  } else {
    for (std::size_t i = 0; i < shape->size(); ++i) {
      if (!(*shape)[i].known())
        return Replaced::unknown("it drops every axis of size 1, and not all sizes are known");
      if ((*shape)[i].size == 1) gone.push_back(i);
    }
  }
  Shape sizes;
  Sources source;
  for (std::size_t i = 0; i < shape->size(); ++i) {
    if (std::find(gone.begin(), gone.end(), i) != gone.end()) continue;
    sizes.push_back((*shape)[i]);
    source.emplace_back(i);
  }
  return become(at, sizes, source);
}

Replaced unsqueeze_to_reshape(Replacing& at) {
  const std::optional<Shape>& shape = at.type(0).shape;
  if (!shape) return Replaced::unknown(kNoRank);
  const auto axes = at.ints("axes", 13, 1);
  const std::size_t rank = axes ? shape->size() + axes->size() : 0;
  const auto added = axes ? axes_of(*axes, rank) : std::nullopt;
  if (!added || added->size() != axes->size()) return Replaced::no("its axes are not known");
  Shape sizes;
  Sources source;
  for (std::size_t i = 0, from = 0; i < rank; ++i) {
    const bool is_new = std::find(added->begin(), added->end(), i) != added->end();
    sizes.push_back(is_new ? Dim{1, ""} : (*shape)[from]);
    source.push_back(is_new ? std::nullopt : std::optional(from++));
  }
  return become(at, sizes, source);
}

}  // namespace qprep::replace
