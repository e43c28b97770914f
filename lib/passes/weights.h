#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "config/op_classes.h"
#include "ir/graph.h"

namespace qprep {

/// The axis of a weight that counts the output channels of `node`, by traits.channels; -1: none does.
///
/// ConvTranspose's weight is [C, M/group, ...]: axis 1 counts the channels of one group, so output channel
/// m has the scale of m modulo M/group, which the groups share. Where every group is one channel to one
/// (depthwise: [C, 1, ...], group = C), axis 0 is exactly the output channel.
std::int64_t channel_axis(const Node& node, const OpTraits& traits, const Dims& weight);

/// The axis of a gemm_like node's result that counts channels, its rank, and how many channels there are.
struct OutputChannels {
  std::size_t axis = 0;
  std::size_t rank = 0;
  std::int64_t count = 0;
};
/// nullopt for an operator whose result has none, and for a weight of a rank that makes no sense.
std::optional<OutputChannels> output_channels(const Node& node, const OpTraits& traits, const Dims& weight);

}  // namespace qprep
