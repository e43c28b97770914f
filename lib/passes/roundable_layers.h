#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "quant/least_error_rounding.h"

namespace qprep {

/// Which numbers of its data a layer multiplies with one row of its weight.
struct LayerWindow {
  bool is_convolution = false;  // else all along the last axis
  std::vector<std::int64_t> kernel, strides, dilations;
  std::vector<std::int64_t> pads;  // at the beginnings of the axes, then at their ends
  std::string auto_pad;            // "NOTSET": as `pads` says
  std::int64_t groups = 1;
};

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

/// Weights before they were rounded, by the FakeQuantize that reads the rounded ones.
using UnroundedWeights = std::unordered_map<const Node*, Tensor>;

/// What samples gave a layer, for each group of its window, in two halves.
struct LayerMoments {
  std::vector<InputMoments> one, other;
};

/// Gives the layer weights that are multiples of their scales. A group's are rounded by the moments of all
/// samples if those that one half suggests lose less on the other half than the nearest integers do (of the
/// variance; the mean is for the bias to correct); else they stay. Result: false: all stay.
bool round_weights(const RoundableLayer& layer, const LayerMoments& moments, UnroundedWeights& unrounded);

}  // namespace qprep
