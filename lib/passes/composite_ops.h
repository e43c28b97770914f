#pragma once

#include <cstddef>
#include <optional>

#include "config/composites.h"
#include "config/op_classes.h"
#include "ir/graph.h"
#include "passes/reduced_axes.h"

namespace qprep {

/// The operator of the step that the node is; null: none.
const CompositeOp* op_of(const Node& node, const CompositeStep& step);

/// Like op_of, by the node's operator alone.
bool names_op(const Node& node, const CompositeStep& step);

/// The constant is that number in every element, to 1 in 2048: what rounding to float16 does. A constant of
/// more than a few thousand elements is not looked at.
bool is_number(const Tensor& tensor, double wanted);

/// The constant varies along axes of the reductions only, if at all.
bool varies_along(const Tensor& tensor, const AxesOfReduction& reduction);

/// The constant varies along one axis at most, which is neither the first of the result (of that rank, if it
/// is known) nor one of the reductions, if there are any.
bool varies_along_channels(const Tensor& tensor, std::optional<std::size_t> rank,
                           const std::optional<AxesOfReduction>& reduction);

/// The input that the node hands on, but for rounding between floats: of Identity and Cast. nullopt: none.
/// (drop-identity has removed the Dropouts that do.)
std::optional<std::size_t> handed_on(const Node& node);

/// The input that such a node of a block looks through to: its data, where everything else that it reads as
/// data is a constant of one element. nullopt: it is no such node.
std::optional<std::size_t> looked_through(const Node& node, const CompositeStep& step,
                                          const OpTraits& traits);

/// A Conv that multiplies everything with one constant: what mul-to-conv makes of a scale.
bool is_scale_as_conv(const Node& node);

}  // namespace qprep
