#pragma once

#include <string>
#include <string_view>

namespace qprep {

/// The text in single quotes for a message: control characters escaped, and cut after 60 bytes.
std::string quote(std::string_view text);

}  // namespace qprep
