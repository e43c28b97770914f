#include "target/open_limit.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace qprep {
namespace {

constexpr std::string_view kIs = " is unknown, and ";
constexpr std::string_view kAre = " are unknown, and ";
constexpr std::string_view kFits = " takes only what fits: ";
constexpr std::string_view kNext = "; ";

/// "the axes", "the leading axes ('batch')".
bool is_plural(std::string_view noun) {
  const std::string_view head = noun.substr(0, std::min(noun.find(" ("), noun.find(" of ")));
  constexpr std::array<std::string_view, 3> kEnds = {"axes", "parts", "lists"};
  return std::ranges::any_of(kEnds, [&](std::string_view end) { return head.ends_with(end); });
}

}  // namespace

std::string OpenLimit::axis() const {
  const std::size_t open = missing.find(" ('");
  return open != missing.npos && missing.ends_with("')") ? missing.substr(open + 3, missing.size() - open - 5)
                                                         : missing;
}

std::string to_text(const OpenLimit& limit) {
  return fmt::format("{}{}{}{}{}", limit.missing, is_plural(limit.missing) ? kAre : kIs, limit.who, kFits,
                     limit.rule);
}

std::vector<OpenLimit> open_limits_in(std::string_view sentences) {
  std::vector<OpenLimit> limits;
  while (!sentences.empty()) {
    const std::size_t fits = sentences.find(kFits);
    if (fits == sentences.npos) break;
    const std::string_view before = sentences.substr(0, fits);
    const std::size_t is = before.rfind(kIs), are = before.rfind(kAre);
    const bool singular = is != before.npos && (are == before.npos || are < is);
    const std::size_t verb = singular ? is : are;
    if (verb == before.npos) break;
    const std::string_view said = before.substr(0, verb);
    const std::size_t colon = said.rfind(": ");  // behind the name of a part
    const std::size_t rule = fits + kFits.size();
    const std::size_t end = std::min(sentences.find(kNext, rule), sentences.size());
    limits.push_back({std::string(colon == said.npos ? said : said.substr(colon + 2)),
                      std::string(before.substr(verb + (singular ? kIs : kAre).size())),
                      std::string(sentences.substr(rule, end - rule))});
    sentences.remove_prefix(std::min(end + kNext.size(), sentences.size()));
  }
  return limits;
}

}  // namespace qprep
