#pragma once

#include <string>

namespace qprep {

/// did_you_mean of a path that leads to nothing, over the names in the folder that lacks the first part of it
/// that is missing; "" if none is near.
std::string did_you_mean_file(const std::string& path);

}  // namespace qprep
