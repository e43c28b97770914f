#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/yaml_write.h"
#include "support/diagnostics.h"
#include "support/sentence.h"

namespace qprep::test {

/// The same document, wherever it stands.
inline bool same_document(const YamlNode& a, const YamlNode& b) {
  const auto same = [](const auto& one, const auto& other) { return same_document(*one, *other); };
  const auto same_entry = [](const YamlNode::Entry& one, const YamlNode::Entry& other) {
    return one.key == other.key && same_document(*one.value, *other.value);
  };
  return a.kind == b.kind && a.text == b.text && std::ranges::equal(a.items, b.items, same) &&
         std::ranges::equal(a.entries, b.entries, same_entry);
}

/// What must hold for any text at all as a configuration: it is refused with sentences that each have a place
/// in it, or it becomes settings of which each has one, and can be
/// written and read again. std::logic_error with what does not hold. Files that
/// the text names are not looked for: its folder does not exist.
inline void check_config_text(std::string_view text) {
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::logic_error(what);
  };
  const std::string name = "/nowhere/qprep.yaml";
  const auto lines = std::ranges::count(text, '\n') + 1;
  const auto check_place = [&](const Where& where, const std::string& what) {
    require(where.file == name, "a place in '" + where.file + "': " + what);
    require(where.line >= 0 && where.line <= lines && where.column >= 0, "no place in the text: " + what);
  };
  const auto check_diagnostics = [&](const std::vector<Diagnostic>& all) {
    for (const Diagnostic& each : all) {
      require(is_sentence(each.message), "no sentence: " + each.message);
      require(!each.code.empty(), "no code: " + each.message);
      check_place(each.where, each.message);
    }
  };
  try {
    const Config config = parse_config(text, name);
    check_diagnostics(config.not_yet);
    for (const Setting& setting : settings(config)) {
      require(!to_text(setting).empty() && !to_text(setting.slot).empty(), "a setting without a text");
      if (!setting.where.file.empty()) check_place(setting.where, to_text(setting));
    }
    Diagnostics none;
    const auto document = parse_yaml(text, name, none);
    const auto again = parse_yaml(to_yaml(*document, nullptr), name, none);
    require(same_document(*document, *again), "what is written reads as another document");
  } catch (const Fatal& refused) {
    require(!refused.diagnostics().empty(), "refused without a sentence");
    check_diagnostics(refused.diagnostics());
  }
}

}  // namespace qprep::test
