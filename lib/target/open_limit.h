#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qprep {

/// A limit of a target that could not be decided for a node.
struct OpenLimit {
  std::string missing;  // "H ('height')": what is unknown; behind it in brackets, the symbol of an axis
  std::string who;      // "bayes' Conv"
  std::string rule;     // "H * W is at most 8192"

  /// The symbol; without one, what is unknown.
  std::string axis() const;
};

/// "H ('height') is unknown, and bayes' Conv takes only what fits: H * W is at most 8192".
std::string to_text(const OpenLimit& limit);
/// Of sentences that to_text made, joined by "; ", whatever stands before each; none of other sentences.
std::vector<OpenLimit> open_limits_in(std::string_view sentences);

}  // namespace qprep
