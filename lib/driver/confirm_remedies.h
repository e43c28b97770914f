#pragma once

#include <filesystem>
#include <string>

#include "driver/decided.h"

namespace qprep {

/// Tells remedies that only another decision shows to help; where that fails, none is told. Given: the model
/// and the plan are what `decide` makes of the other arguments.
///
/// Sizes: of the nodes that are told to fix the open ones, those alone still are that do not run on the CPU
/// once the sizes are fixed, to 1 for each open first axis and 64 for the others. So are those that the
/// target keeps there and that a replacement takes from there with these sizes, or lets be asked for; and
/// those for which nothing is known are told what they need besides, where it is the same for any sizes.
/// Nothing is decided again where there are none of both.
///
/// Fusing: where the configuration fuses nothing, those that the target keeps on the CPU are told to leave
/// out the line that says so if they do not run there without it.
///
/// Head, tail and stubs: where the configuration leaves these float, the nodes on the CPU for which nothing
/// else is known are told to leave out the stubs, or to quantise all, if that takes them from there; those
/// that are told so already, and that it leaves there, are not any more.
void confirm_remedies(const std::filesystem::path& file, const std::string& config,
                      const std::filesystem::path& configs, const Overrides& overrides, const Model& model,
                      Plan& plan);

}  // namespace qprep
