#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

/// The language of name selectors; docs/config.md, "Selectors", describes it for users.
namespace qprep {

/// "backbone.layer1.Conv" for "/backbone/layer1/Conv": scopes are separated by dots.
std::string path_of(std::string_view name);

/// The path that begins with the name that the module has in its program: "layer1.0.conv1.Conv" for
/// "/layer1/layer1.0/conv1/Conv", as PyTorch's exporter writes scopes in a Sequential or ModuleList.
std::string module_path_of(std::string_view name);

/// "re:..." or a text with *, ? or [: a pattern, not a name.
bool is_pattern(std::string_view selector);

/// The regular expression (RE2) of a pattern.
std::string expression_of(std::string_view selector);

/// What the paths of nodes and tensors are matched with, whole. A glob matches a scope with all that is in
/// it, as a name does. RE2 takes time linear in the path, whatever the expression. Given:
/// is_pattern(selector) and not pattern_error(selector).
std::shared_ptr<const re2::RE2> regex_of(std::string_view selector);

/// Why the selector is no pattern: "missing ): re(": nullopt: it is fine, or is no pattern at all.
std::optional<std::string> pattern_error(std::string_view selector);

/// The same as a sentence: "'re:(' is no regular expression: missing ): '('".
std::optional<std::string> selector_error(std::string_view selector);

}  // namespace qprep
