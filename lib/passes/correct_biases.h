#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "passes/constant_change.h"
#include "passes/roundable_layers.h"
#include "support/diagnostics.h"

namespace qprep {

/// What samples gave a tensor on average, for each of its channels.
struct ChannelMeans {
  std::int64_t axis = 1;  // from the front or, negative, from the back
  std::vector<double> means;
};

struct CorrectedBiases {
  struct LeftAlone {
    std::string layer, because;  // a label; "its bias is not constant"
  };
  std::size_t layers = 0;               // whose weights are quantised
  std::vector<std::string> corrected;   // the labels of those whose bias was
  std::vector<LeftAlone> left_alone;    // the others
  std::vector<ConstantChange> changes;  // of `corrected`

  /// The graph has the biases as they were instead; called again, the corrected ones again.
  void exchange();
  /// Given: the graph has the biases as they were, which is to stay so.
  void forget();
  /// Given: the graph has the corrected ones, which is to stay so. Result: biases that nothing reads any more
  /// are gone, also as inputs of the model whose defaults they were, with a note.
  void settle(Diagnostics& diagnostics);
};

/// Adds to biases what rounding the weights takes from the layers' results on average, so that the mean of
/// each channel stays what it was: with W the weight and Q(W) the quantised one,
///
///   b_o += sum over i and taps t of (W - Q(W))_{o,i,t} E[x_i] share_t
///
/// (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, 4.2,
/// with the means of samples). share_t is the part of a convolution's output that sees its data, not its
/// pads, with tap t; 1 where the data's size is not known. Each element of a ConvTranspose's result sees one
/// of as many taps as its stride skips.
///
/// Given: `means`, by what an activation's FakeQuantize reads; weights' FakeQuantize nodes are calibrated. A
/// layer is corrected if it reads such an activation and its bias is constant, or can be added to the node. A
/// bias that others read stays for them as it was.
/// `shifts`: of layers whose weights were rounded already, instead of that sum.
CorrectedBiases correct_biases(Graph& graph, const std::unordered_map<const Value*, ChannelMeans>& means,
                               const RoundingShifts& shifts = {});

}  // namespace qprep
