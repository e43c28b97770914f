#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/rearrangement.h"
#include "ir/graph.h"

namespace qprep {

/// Where the elements of a tensor went, followed through nodes that only move or repeat them: the axes before
/// and behind, each as a product of factors, the outermost first. An axis of size 1 has none.
class FactorLayout {
 public:
  /// Nothing has moved yet. nullopt: the rank is not known.
  static std::optional<FactorLayout> of(const Value& value);

  /// Follows Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Expand and Tile. False: the node is none of
  /// them, or does not move whole factors, or its shapes are not known well enough. One unknown size (a
  /// batch) is; several are where they have names.
  bool follow(const Node& node);

  /// Elements moved or were repeated, and as the rearrangement says.
  bool is(const Rearrangement& rearrangement) const;

 private:
  struct Size {
    std::int64_t size = -1;  // -1: unknown
    std::string symbol = {};
  };
  using Axis = std::vector<std::size_t>;  // indices into sizes_
  using Axes = std::vector<Axis>;

  bool regroup(const Shape& shape);
  bool regroup(Axis factors, const Shape& shape, std::size_t first, std::size_t last, Axes& axes);
  bool transpose(const Node& node);
  bool expand(const Shape& shape);
  bool tile(const Node& node);
  std::size_t add(std::int64_t size);
  std::size_t split(std::size_t factor, std::int64_t outer);
  FactorLayout merged() const;

  std::vector<Size> sizes_;
  Axes from_, to_;
};

}  // namespace qprep
