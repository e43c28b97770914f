#pragma once

#include <string>
#include <string_view>

namespace qprep {

/// The text with its control characters, line ends and tabs too, escaped: a part of a message in one line.
std::string escaped(std::string_view text);

/// The text in single quotes for a message: control characters escaped, and cut after 60 bytes.
std::string quote(std::string_view text);

}  // namespace qprep
