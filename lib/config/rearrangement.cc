#include "config/rearrangement.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <stdexcept>

#include "config/pattern_text.h"

namespace qprep {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Rearrangement parse() {
    axes("->", result_.from, false);
    axes(";", result_.to, true);
    for (const Rearrangement::Factor& factor : result_.factors) {
      const auto at = static_cast<std::size_t>(&factor - result_.factors.data());
      const bool stays = std::any_of(result_.to.begin(), result_.to.end(), [&](const auto& axis) {
        return std::find(axis.begin(), axis.end(), at) != axis.end();
      });
      if (!stays) throw std::invalid_argument(fmt::format("'{}' is missing behind '->'", factor.name));
    }
    return std::move(result_);
  }

 private:
  void axes(std::string_view end, Rearrangement::Axes& side, bool right) {
    std::vector<bool> seen(result_.factors.size(), false);
    while (!text_.accept(end)) {
      std::vector<std::size_t> axis;
      if (text_.accept("(")) {
        while (!text_.accept(")")) axis.push_back(factor(right, seen));
      } else {
        axis.push_back(factor(right, seen));
      }
      side.push_back(std::move(axis));
    }
  }

  std::size_t factor(bool right, std::vector<bool>& seen) {
    const std::string name = text_.name("a factor");
    const auto known = std::find_if(result_.factors.begin(), result_.factors.end(),
                                    [&](const Rearrangement::Factor& each) { return each.name == name; });
    const auto at = static_cast<std::size_t>(known - result_.factors.begin());
    if (known == result_.factors.end()) {
      const bool upper = std::isupper(static_cast<unsigned char>(name.front())) != 0;
      result_.factors.push_back({name, upper, right});
      seen.push_back(false);
    }
    if (seen[at]) throw std::invalid_argument(fmt::format("'{}' stands twice on one side", name));
    seen[at] = true;
    return at;
  }

  PatternText text_;
  Rearrangement result_;
};

}  // namespace

Rearrangement parse_rearrangement(std::string_view text) { return Parser(fmt::format("{};", text)).parse(); }

}  // namespace qprep
