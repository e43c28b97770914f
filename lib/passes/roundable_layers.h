#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "passes/layer_window.h"
#include "quant/least_error_rounding.h"

namespace qprep {

/// A Conv, Gemm or MatMul of the main graph with a quantised weight of its own, symmetric, one scale for each
/// output or one for all.
struct RoundableLayer {
  Node* node = nullptr;
  Node* quantiser = nullptr;  // the FakeQuantize of the weight
  std::string reads;          // the data, before it is quantised
  LayerWindow window;
  std::size_t inputs = 0;  // numbers in a row of the weight
};

/// In graph order; without layers of more inputs than `most_inputs`.
std::vector<RoundableLayer> roundable_layers(Graph& graph, std::size_t most_inputs);

/// What each output of a layer lost on average when its weights were rounded, by their FakeQuantize: the mean
/// of (W - Q(W)) x over what samples gave the layer, times alpha of a Gemm.
using RoundingShifts = std::unordered_map<const Node*, std::vector<double>>;

/// What samples gave a layer, for each group of its window, in two halves.
struct LayerMoments {
  std::vector<InputMoments> one, other;
};

/// Gives the layer weights that are multiples of their scales. A group's are rounded by the moments of all
/// samples if those that one half suggests lose less on the other half than the nearest integers do (of the
/// variance; the mean is for the bias to correct); else they stay. Result: false: all stay.
bool round_weights(const RoundableLayer& layer, const LayerMoments& moments, RoundingShifts& shifts);

}  // namespace qprep
