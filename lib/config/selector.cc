#include "config/selector.h"

#include <algorithm>
#include <re2/re2.h>

namespace qprep {
namespace {

constexpr std::string_view kRegex = "re:";

RE2::Options quiet() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

/// fnmatch's language: * any text, ? one character, [ab] one of these, [!ab] one of the others.
std::string regex_of_glob(std::string_view glob) {
  std::string regex;
  for (std::size_t i = 0; i < glob.size(); ++i) {
    const char c = glob[i];
    const std::size_t close = c == '[' ? glob.find(']', i + 2) : std::string_view::npos;
    if (c == '*') {
      regex += ".*";
    } else if (c == '?') {
      regex += '.';
    } else if (close != std::string_view::npos) {
      std::string_view set = glob.substr(i + 1, close - i - 1);
      regex += '[';
      if (set.front() == '!') {
        regex += '^';
        set.remove_prefix(1);
      }
      for (const char member : set) {
        if (member == '\\' || member == '[' || member == '^') regex += '\\';
        regex += member;
      }
      regex += ']';
      i = close;
    } else {
      regex += RE2::QuoteMeta(re2::StringPiece(&c, 1));
    }
  }
  return regex;
}

}  // namespace

std::string path_of(std::string_view name) {
  while (name.starts_with('/')) name.remove_prefix(1);
  std::string path(name);
  std::replace(path.begin(), path.end(), '/', '.');
  return path;
}

std::string module_path_of(std::string_view name) {
  while (name.starts_with('/')) name.remove_prefix(1);
  std::string path;
  for (;;) {
    const std::size_t slash = name.find('/');
    const std::string_view scope = name.substr(0, slash);
    if (slash == std::string_view::npos) return path.append(scope);
    name.remove_prefix(slash + 1);
    const bool is_in_next =
        name.size() > scope.size() && name.starts_with(scope) && name[scope.size()] == '.';
    if (!is_in_next) path.append(scope).append(1, '.');
  }
}

bool is_pattern(std::string_view selector) {
  return selector.starts_with(kRegex) || selector.find_first_of("*?[") != std::string_view::npos;
}

std::string expression_of(std::string_view selector) {
  if (selector.starts_with(kRegex)) return std::string(selector.substr(kRegex.size()));
  return regex_of_glob(path_of(selector)) + "(\\..*)?";
}

std::shared_ptr<const RE2> regex_of(std::string_view selector) {
  return std::make_shared<const RE2>(expression_of(selector), quiet());
}

std::optional<std::string> pattern_error(std::string_view selector) {
  if (!is_pattern(selector)) return std::nullopt;
  const auto regex = regex_of(selector);
  return regex->ok() ? std::nullopt : std::optional(regex->error());
}

}  // namespace qprep
