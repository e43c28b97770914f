#include "passes/factor_layout.h"

#include <algorithm>
#include <utility>

namespace qprep {
namespace {

using Axis = std::vector<std::size_t>;
using Axes = std::vector<Axis>;

/// Finds which factor of a rearrangement each factor of a layout is.
class Binding {
 public:
  Binding(const Rearrangement& pattern, const Axes& from, const Axes& to)
      : pattern_(pattern), from_(from), to_(to), bound_(pattern.factors.size()) {}

  bool exists() {
    return pattern_.from.size() == from_.size() && pattern_.to.size() == to_.size() && bind_left(0, 0, 0);
  }

 private:
  /// Factors of the pattern from there on, to factors of the layout from there on: in order, some to none.
  bool bind_left(std::size_t axis, std::size_t at, std::size_t next) {
    if (axis == from_.size()) return right_agrees();
    const Axis& wanted = pattern_.from[axis];
    if (at == wanted.size()) return next == from_[axis].size() && bind_left(axis + 1, 0, 0);
    auto& bound = bound_[wanted[at]];
    if (next < from_[axis].size()) {
      bound = from_[axis][next];
      if (bind_left(axis, at + 1, next + 1)) return true;
    }
    bound.reset();
    return !pattern_.factors[wanted[at]].more_than_one && bind_left(axis, at + 1, next);
  }

  bool right_agrees() const {
    for (std::size_t axis = 0; axis < to_.size(); ++axis) {
      std::size_t next = 0;
      for (const std::size_t factor : pattern_.to[axis]) {
        if (pattern_.factors[factor].repeated) {
          const bool is_new = next < to_[axis].size() && !stands_left(to_[axis][next]);
          if (is_new) ++next;
          if (!is_new && pattern_.factors[factor].more_than_one) return false;
        } else if (bound_[factor]) {
          if (next == to_[axis].size() || to_[axis][next] != *bound_[factor]) return false;
          ++next;
        }
      }
      if (next != to_[axis].size()) return false;
    }
    return true;
  }

  bool stands_left(std::size_t factor) const {
    return std::any_of(from_.begin(), from_.end(), [&](const Axis& axis) {
      return std::find(axis.begin(), axis.end(), factor) != axis.end();
    });
  }

  const Rearrangement& pattern_;
  const Axes& from_;
  const Axes& to_;
  std::vector<std::optional<std::size_t>> bound_;
};

/// The factors of all axes; the same ones in the same order mean that no element moved.
Axis in_order(const Axes& axes) {
  Axis factors;
  for (const Axis& axis : axes) factors.insert(factors.end(), axis.begin(), axis.end());
  return factors;
}

/// Takes `inner` out of the axes where it stands right behind `outer`.
void drop_behind(Axes& axes, std::size_t outer, std::size_t inner) {
  for (Axis& axis : axes) {
    const auto at = std::find(axis.begin(), axis.end(), inner);
    if (at != axis.end() && at != axis.begin() && *(at - 1) == outer) axis.erase(at);
  }
}

bool stand_together(const Axes& axes, std::size_t outer, std::size_t inner) {
  return std::any_of(axes.begin(), axes.end(), [&](const Axis& axis) {
    const auto at = std::find(axis.begin(), axis.end(), outer);
    return at != axis.end() && at + 1 != axis.end() && *(at + 1) == inner;
  });
}

}  // namespace

std::optional<FactorLayout> FactorLayout::of(const Value& value) {
  const auto& shape = value.type().shape;
  if (value.type().kind != Type::Kind::kTensor || !shape) return std::nullopt;
  FactorLayout layout;
  for (const Dim& dim : *shape) {
    if (dim.size == 0) return std::nullopt;
    Axis axis;
    if (dim.size != 1) {
      axis.push_back(layout.add(dim.size));
      layout.sizes_.back().symbol = dim.symbol;
    }
    layout.from_.push_back(axis);
    layout.to_.push_back(std::move(axis));
  }
  return layout;
}

bool FactorLayout::follow(const Node& node) {
  if (node.output_count() == 0 || !node.output(0).type().shape) return false;
  const Shape& shape = *node.output(0).type().shape;
  if (node.is("Transpose")) return transpose(node);
  if (node.is("Expand")) return expand(shape);
  if (node.is("Tile")) return tile(node);
  const bool keeps_order =
      node.is("Reshape") || node.is("Flatten") || node.is("Squeeze") || node.is("Unsqueeze");
  return keeps_order && regroup(shape);
}

bool FactorLayout::is(const Rearrangement& rearrangement) const {
  const FactorLayout simple = merged();
  if (in_order(simple.from_) == in_order(simple.to_)) return false;
  return Binding(rearrangement, simple.from_, simple.to_).exists();
}

/// Cuts the shape and the factors at the unknown sizes, which have to be the same ones.
bool FactorLayout::regroup(const Shape& shape) {
  Axes axes;
  Axis known;
  std::size_t first = 0;
  std::size_t unknown = 0;
  for (const Axis& axis : to_) {
    for (const std::size_t factor : axis) {
      if (sizes_[factor].size >= 0) {
        known.push_back(factor);
        continue;
      }
      std::size_t last = first;
      while (last < shape.size() && shape[last].known()) ++last;
      if (last == shape.size() || !regroup(std::exchange(known, {}), shape, first, last, axes)) return false;
      const std::string& symbol = shape[last].symbol;
      if (unknown++ > 0 && (symbol.empty() || symbol != sizes_[factor].symbol)) return false;
      axes.push_back({factor});
      first = last + 1;
    }
  }
  if (!regroup(std::move(known), shape, first, shape.size(), axes)) return false;
  to_ = std::move(axes);
  return true;
}

/// Appends the axes of that part of the shape. Given: the factors have known sizes.
bool FactorLayout::regroup(Axis factors, const Shape& shape, std::size_t first, std::size_t last,
                           Axes& axes) {
  std::size_t next = 0;
  for (std::size_t i = first; i < last; ++i) {
    std::int64_t missing = shape[i].size;
    if (missing < 1) return false;
    Axis axis;
    while (missing > 1) {
      if (next == factors.size()) return false;
      const std::int64_t size = sizes_[factors[next]].size;
      if (missing % size != 0) {
        if (size % missing != 0) return false;
        const std::size_t inner = split(factors[next], missing);
        factors.insert(factors.begin() + static_cast<std::ptrdiff_t>(next) + 1, inner);
      }
      missing /= sizes_[factors[next]].size;
      axis.push_back(factors[next++]);
    }
    axes.push_back(std::move(axis));
  }
  return next == factors.size();
}

bool FactorLayout::transpose(const Node& node) {
  const auto* order = node.get<std::vector<std::int64_t>>("perm");
  if (order && order->size() != to_.size()) return false;
  Axes axes;
  std::vector<bool> seen(to_.size(), false);
  for (std::size_t i = 0; i < to_.size(); ++i) {
    const auto axis = order ? static_cast<std::size_t>((*order)[i]) : to_.size() - 1 - i;
    if (axis >= to_.size() || seen[axis]) return false;
    seen[axis] = true;
    axes.push_back(to_[axis]);
  }
  to_ = std::move(axes);
  return true;
}

bool FactorLayout::expand(const Shape& shape) {
  if (shape.size() != to_.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!to_[i].empty() || shape[i].size == 1) continue;
    if (shape[i].size < 1) return false;
    to_[i].push_back(add(shape[i].size));
  }
  return true;
}

bool FactorLayout::tile(const Node& node) {
  const Tensor* tensor = node.input(1) ? constant_of(*node.input(1)) : nullptr;
  const auto repeats = tensor ? tensor->to_int64s() : std::nullopt;
  if (!repeats || repeats->size() != to_.size()) return false;
  for (std::size_t i = 0; i < to_.size(); ++i) {
    if ((*repeats)[i] < 1) return false;
    if ((*repeats)[i] > 1) to_[i].insert(to_[i].begin(), add((*repeats)[i]));
  }
  return true;
}

std::size_t FactorLayout::add(std::int64_t size) {
  sizes_.push_back({size, {}});
  return sizes_.size() - 1;
}

/// Result: the factor has the outer part of its size, and the new one, which is returned, the inner one.
std::size_t FactorLayout::split(std::size_t factor, std::int64_t outer) {
  const std::size_t inner = add(sizes_[factor].size / outer);
  sizes_[factor].size = outer;
  for (Axis& axis : from_) {
    const auto at = std::find(axis.begin(), axis.end(), factor);
    if (at != axis.end()) axis.insert(at + 1, inner);
  }
  return inner;
}

/// Factors that stay beside each other are one.
FactorLayout FactorLayout::merged() const {
  FactorLayout simple = *this;
  for (const Axis& axis : from_) {
    for (std::size_t i = 0; i + 1 < axis.size(); ++i) {
      const auto inner = axis[i + 1];
      // What is merged with the one before it already has its place.
      std::size_t outer = axis[i];
      for (std::size_t j = i; j > 0 && !stand_together(simple.from_, outer, inner); --j) outer = axis[j - 1];
      if (!stand_together(simple.to_, outer, inner)) continue;
      drop_behind(simple.from_, outer, inner);
      drop_behind(simple.to_, outer, inner);
    }
  }
  return simple;
}

}  // namespace qprep
