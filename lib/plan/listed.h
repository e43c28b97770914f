#pragma once

#include <string_view>

namespace qprep {

/// Miss::pattern of a list of `fuse` that is none of the known sequences.
inline constexpr std::string_view kListed = "fuse";

}  // namespace qprep
