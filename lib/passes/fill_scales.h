#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "quant/scale.h"
#include "support/diagnostics.h"

namespace qprep {

/// Why a tensor of this range has no scale: "it was 0 in every sample"; empty: it has one.
/// `seen`: of the tensor, where a method takes `range` of it.
std::string no_scale_because(const Range& range, QuantRange quantised, const Range& seen);

struct FilledScales {
  std::size_t calibrated = 0;                                    // nodes that are and were not before
  std::vector<std::pair<const Value*, std::string>> left_float;  // the tensors of those that are not, and why
};

/// By the value that a FakeQuantize reads (its input 0).
using ValueRanges = std::unordered_map<const Value*, Range>;
/// The same of those that have a scale for each channel.
using ValueChannels = std::unordered_map<const Value*, std::vector<ChannelEnds>>;

/// Sets the scale of every uncalibrated FakeQuantize from the range of the tensor it reads (its input 0;
/// where several have one initializer as their scale, from all that these read) and calibrates the node. A
/// node whose tensor has no usable range stays uncalibrated, that is float, with a warning: never seen (a
/// branch that no sample took), NaN or Inf in the data, all zero, too large. A tensor that never varies gets
/// the scale of its value, with a note. Result: the functions fit the nodes.
/// `channels`: what the integers of each channel cover, for nodes with a scale for each; a channel that was 0
/// in every sample has the scale of the whole tensor.
/// `seen`: what samples gave the tensors, where `ranges` are what methods take of that.
/// `which`: of the nodes that read constants, whose scales come from these, or of the others alone.
enum class FillWhich { kAll, kConstants, kOthers };
FilledScales fill_scales(Model& model, const ValueRanges& ranges, Diagnostics& diagnostics,
                         FillWhich which = FillWhich::kAll, const ValueChannels& channels = {},
                         const ValueRanges& seen = {});
/// The same with ranges by the tensors' names.
FilledScales fill_scales(Model& model, const Ranges& ranges, Diagnostics& diagnostics);

}  // namespace qprep
