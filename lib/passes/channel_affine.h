#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// y = a x + b, per channel.
struct ChannelAffine {
  std::vector<double> a;
  std::vector<double> b;

  std::int64_t channels() const { return static_cast<std::int64_t>(a.size()); }
  bool shifts() const;
};

/// What a BatchNormalization of a model of that operator set does, or why that is not known: a clause.
std::variant<ChannelAffine, std::string> channel_affine_of(const Node& node, std::int64_t opset);

}  // namespace qprep
