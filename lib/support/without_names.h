#pragma once

#include <string>
#include <string_view>

namespace qprep {

/// The sentence with '...' for whatever stands between quotation marks, so that sentences that differ in
/// names only are one.
std::string without_names(std::string_view sentence);

}  // namespace qprep
