#pragma once

#include <span>

#include "passes/data_flow.h"
#include "passes/placement.h"
#include "plan/plan.h"
#include "plan/setting.h"

namespace qprep {

/// A setting asks for a scale for each channel of the tensor.
struct ChannelsAsked {
  const Value* value = nullptr;
  const Setting* setting = nullptr;
};

/// Gives those of the tensors that can have it a scale for each index of axis 1: their spec and their reason
/// say so. The reason of the others says why they have one scale, and they are listed in plan.one_scale.
///
/// A tensor can have it where integers can be computed with it: of at least two channels, with a scale of its
/// own, made and read by operators that keep channels apart (configs/op_classes.yaml), since a sum over
/// channels has no scale if each of them has another. Who reads floats does not count.
/// Given: the plan is decided but for that.
void settle_channel_scales(const DataFlow& flow, const QuantisedNodes& nodes,
                           std::span<const ChannelsAsked> asked, Plan& plan);

/// An activation of the plan has a scale for each channel.
bool has_channel_scales(const Plan& plan);

}  // namespace qprep
