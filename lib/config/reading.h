#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_reader.h"
#include "plan/setting.h"
#include "support/diagnostics.h"

/// What the readers of configurations for PyTorch and its relatives have in common.
namespace qprep {

/// Where a reader says what is wrong.
struct Reading {
  Diagnostics& diagnostics;
  Diagnostics& not_yet;  // what is right, but cannot be carried out yet: errors for prepare

  void wrong(std::string message, const Where& where) const;
  /// `what` begins the sentence: "observer 'kl' of ...".
  void later(const std::string& what, const Where& where) const;
  /// The word is none of `allowed`; `name` begins the sentence, as in "'method' must be one of ...".
  /// `more`: what else is allowed, for the list's end; `near`: the words that it may have been meant to be.
  void wrong_word(const std::string& name, const YamlNode& node, const std::vector<std::string>& allowed,
                  const std::string& more = "", const std::vector<std::string>& near = {}) const;
};

/// "module_name 'a' weight" as the path of a YamlMap, which messages put into quotes.
std::string as_path(std::string what);
/// A number as YAML writes it; nullopt for anything else, quoted ones too.
std::optional<double> number_in(const YamlNode& node);
/// One of the words, with or without "torch." before it. What else stands there is said to be wrong.
std::optional<std::string> torch_word(const YamlNode& node, const std::string& name,
                                      const std::vector<std::string>& allowed, const Reading& reading);
/// A plain null, or Python's None.
bool is_none(const YamlNode& node);

/// For a key of a map: 'a.b' by name, as in qprep's own configuration. nullopt, after saying why: it is no
/// selector.
std::optional<Selector> name_selector(const std::string& text, const Where& where, const Reading& reading);
/// By a type as PyTorch or ONNX names it.
std::optional<Selector> type_selector(const std::string& text, const Where& where, const Reading& reading);

/// An entry of a map, or of a list of pairs as Python writes them: {a: x} and [[a, x]].
struct NamedValue {
  std::string name;
  Where where;
  const YamlNode* value = nullptr;
};
/// What else stands there, and a name that stands twice, is said to be wrong.
std::vector<NamedValue> named_values(const YamlNode& node, const std::string& name, const Reading& reading);

}  // namespace qprep
