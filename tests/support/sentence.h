#pragma once

#include <algorithm>
#include <string>

namespace qprep::test {

/// One line of text without control characters, of a length that a person reads.
inline bool is_sentence(const std::string& message, std::size_t longest = 4000) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return message.size() > 10 && message.size() < longest && std::ranges::none_of(message, control);
}

}  // namespace qprep::test
