#include <fmt/format.h>
#include <map>

#include "target/constraint_tree.h"
#include "target/readers.h"

namespace qprep {
namespace {

/// The shapes of the data; nullopt for one whose rank is unknown.
std::vector<KnownShape> data_shapes(const NodeView& view) {
  std::vector<KnownShape> shapes;
  for (const std::size_t i : view.situation.data) {
    if (view.node.input(i)) shapes.push_back(shape_of(view.node.input(i)));
  }
  return shapes;
}

bool may_be_same(const Dim& a, const Dim& b) { return !a.known() || !b.known() || a.size == b.size; }

bool surely_same(const Dim& a, const Dim& b) {
  if (a.known() || b.known()) return a.known() && b.known() && a.size == b.size;
  return !a.symbol.empty() && a.symbol == b.symbol;
}

Tested fit_one(const ShapePattern& pattern, const std::vector<KnownShape>& shapes) {
  if (shapes.size() != pattern.size()) return {Verdict::kBroken, 0, {}};
  Tested tested;
  std::map<char, Dim> letters;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!shapes[i]) {
      tested = {Verdict::kUndecided, 0, fmt::format("the rank of operand {}", i)};
      continue;
    }
    if (shapes[i]->size() != pattern[i].size()) return {Verdict::kBroken, 0, {}};
    for (std::size_t axis = 0; axis < pattern[i].size(); ++axis) {
      const PatternDim& wanted = pattern[i][axis];
      const Dim& dim = (*shapes[i])[axis];
      const Dim other =
          wanted.letter == 0 ? Dim{wanted.size, {}} : letters.try_emplace(wanted.letter, dim).first->second;
      if (!may_be_same(dim, other)) return {Verdict::kBroken, 0, {}};
      const bool bound_here = wanted.letter != 0 && !dim.known() && !other.known() && dim == other;
      if (bound_here || surely_same(dim, other)) continue;
      tested = {Verdict::kUndecided, 0,
                missing_dim(fmt::format("the size of axis {} of operand {}", axis, i), dim)};
    }
  }
  return tested;
}

}  // namespace

Tested fit(const std::vector<ShapePattern>& patterns, const NodeView& node) {
  const auto shapes = data_shapes(node);
  Tested best{Verdict::kBroken, 0, {}};
  for (const ShapePattern& pattern : patterns) {
    Tested tested = fit_one(pattern, shapes);
    if (tested.verdict == Verdict::kHolds) return tested;
    if (tested.verdict == Verdict::kUndecided) best = std::move(tested);
  }
  return best;
}

std::string to_text(const ShapePattern& pattern) {
  std::string text;
  for (const auto& shape : pattern) {
    if (!text.empty()) text += " with ";
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (i > 0) text += 'x';
      text += shape[i].letter != 0 ? std::string(1, shape[i].letter) : std::to_string(shape[i].size);
    }
  }
  return text;
}

std::string shapes_text(const NodeView& node) {
  std::string text;
  for (const auto& shape : data_shapes(node)) {
    if (!text.empty()) text += " with ";
    if (!shape) {
      text += "?";
      continue;
    }
    if (shape->empty()) text += "scalar";
    for (std::size_t i = 0; i < shape->size(); ++i) {
      if (i > 0) text += 'x';
      text += (*shape)[i].known() ? std::to_string((*shape)[i].size) : "?";
    }
  }
  return text;
}

}  // namespace qprep
