#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "passes/roundable_layers.h"

namespace qprep {

/// Appends columns of what a layer multiplies with the rows of its weight, for each group of its window: of
/// at most `most` places of its output, evenly apart. x: float32[dims]; of a convolution [N, C, ...], and
/// beyond its border is 0. Data of another rank or of no elements: no columns. Given: columns.size() is the
/// number of groups.
void append_layer_columns(const LayerWindow& window, std::span<const float> x,
                          std::span<const std::int64_t> dims, std::size_t most,
                          std::span<std::vector<float>> columns);

}  // namespace qprep
