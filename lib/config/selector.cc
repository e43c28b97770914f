#include "config/selector.h"

#include <algorithm>
#include <fmt/format.h>
#include <re2/re2.h>

#include "config/quote.h"

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

/// A set that does not end: "conv[1".
bool has_open_set(std::string_view glob) {
  for (std::size_t i = glob.find('['); i != std::string_view::npos; i = glob.find('[', i)) {
    i = glob.find(']', i + 2);
    if (i == std::string_view::npos) return true;
  }
  return false;
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
  const bool is_regex = selector.starts_with(kRegex);
  if (is_regex && selector.size() == kRegex.size()) return "there is nothing behind 're:'";
  if (!is_regex && has_open_set(selector)) {
    return "a '[' that no ']' closes; a '[' of the name itself is written '[[]'";
  }
  const auto regex = regex_of(selector);
  if (regex->ok()) return std::nullopt;
  const bool looks_around =
      regex->error_code() == RE2::ErrorBadPerlOp || regex->error_code() == RE2::ErrorBadEscape;
  const std::string& argument = regex->error_arg();
  std::string error = regex->error();
  if (error.ends_with(argument))
    error.replace(error.size() - argument.size(), argument.size(), quote(argument));
  return error + (looks_around ? " (RE2 has neither lookahead nor backreferences)" : "");
}

std::optional<std::string> selector_error(std::string_view selector) {
  const auto error = pattern_error(selector);
  if (!error) return std::nullopt;
  return fmt::format("{} is no {}: {}", quote(selector),
                     selector.starts_with(kRegex) ? "regular expression" : "pattern", *error);
}

}  // namespace qprep
