#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/yaml_reader.h"

/// Documents as text again: without anchors and comments of their own, a value a line.
namespace qprep {

/// The way to a value: keys of maps and indices of lists, from the outside in.
using YamlPath = std::vector<std::variant<std::string, std::size_t>>;

/// The text as one YAML value on one line, in quotes where it needs them. `quoted`: it stood in quotes, so it
/// must not become a number, a truth value or null.
std::string yaml_scalar(std::string_view text, bool quoted);

/// What stands beside a value, without the '#'; empty: nothing.
using YamlComment = std::function<std::string(const YamlPath& path, const YamlNode& value)>;

/// The document in block style; a comment beside each value that is no list or map, or an empty one; comments
/// begin in one column. Reading the result gives the same document at other places. Given: the root is a map.
std::string to_yaml(const YamlNode& root, const YamlComment& comment);

/// The document with what it lacks: each key of `additions` that a map of `document` does not have, maps
/// within maps too. What is there stays as it is.
std::shared_ptr<const YamlNode> with_additions(const YamlNode& document, const YamlNode& additions);

/// The document, but for what `replace` gives another value: it is asked for every value that is no list or
/// map, and null keeps it.
using YamlReplace =
    std::function<std::shared_ptr<const YamlNode>(const YamlPath& path, const YamlNode& value)>;
std::shared_ptr<const YamlNode> with_replaced(const YamlNode& document, const YamlReplace& replace);

}  // namespace qprep
