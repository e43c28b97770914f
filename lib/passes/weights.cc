#include "passes/weights.h"

#include <algorithm>

namespace qprep {
namespace {

std::int64_t groups(const Node& node) { return node.int_or("group", 1); }

bool is_depthwise_transposed(const Node& node, const Dims& weight) {
  return weight.size() >= 2 && weight[1] == 1 && weight[0] == groups(node);
}

}  // namespace

std::int64_t channel_axis(const Node& node, const OpTraits& traits, const Dims& weight) {
  const auto rank = static_cast<std::int64_t>(weight.size());
  if (rank < 2) return -1;
  switch (traits.channels) {
    case ChannelRule::kNone:
      return -1;
    case ChannelRule::kFirst:
      return 0;
    case ChannelRule::kTransposed:
      return is_depthwise_transposed(node, weight) ? 0 : 1;
    case ChannelRule::kLast:
      return rank - 1;
    case ChannelRule::kGemm:
      return node.int_or("transB", 0) != 0 ? 0 : 1;
  }
  return -1;
}

std::optional<OutputChannels> output_channels(const Node& node, const OpTraits& traits, const Dims& weight) {
  const std::size_t rank = weight.size();
  if (rank < 2) return std::nullopt;
  switch (traits.channels) {
    case ChannelRule::kNone:
      return std::nullopt;
    case ChannelRule::kFirst:
      return OutputChannels{1, rank, weight[0]};
    case ChannelRule::kTransposed:
      return OutputChannels{1, rank, weight[1] * groups(node)};
    case ChannelRule::kLast: {
      const auto data = node.input(0) ? node.input(0)->type().rank() : std::nullopt;
      if (!data || *data < 2) return std::nullopt;
      return OutputChannels{std::max(*data, rank) - 1, std::max(*data, rank), weight[rank - 1]};
    }
    case ChannelRule::kGemm:
      return OutputChannels{1, 2, node.int_or("transB", 0) != 0 ? weight[0] : weight[1]};
  }
  return std::nullopt;
}

}  // namespace qprep
