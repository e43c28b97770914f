#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/setting_spec.h"
#include "config/templates.h"

namespace qprep {

/// Reads the entries of `qconfig_setter`: names of templates, and maps from selectors to what is said of
/// them. docs/config.md, "qconfig_setter", describes them for users.
class EntryReader {
 public:
  EntryReader(const UsualPrecision& usual, const Templates& templates, Diagnostics& diagnostics,
              Diagnostics& not_yet)
      : usual_(usual), templates_(templates), diagnostics_(diagnostics), spec_(usual, diagnostics, not_yet) {}

  /// A list of entries, the one of the highest priority first; `key` names it in messages.
  std::vector<Setting> read_list(const YamlNode& list, const std::string& key);
  /// One entry.
  std::vector<Setting> read_entry(const YamlNode& entry, const std::string& key);
  /// A map from selectors of one kind to what is said of them.
  void read_selectors(const YamlNode& map, Selector::Kind kind, const std::string& key,
                      std::vector<Setting>& settings);

  /// After saying what is wrong with it: false.
  bool is_selector(const Selector& selector, const Where& where);
  SpecReader& spec() { return spec_; }

 private:
  void read(const YamlNode& entry, const std::string& key, std::vector<Setting>& settings);
  void read_named(const YamlNode& entry, const std::string& key, std::vector<Setting>& settings);
  void read_content(const YamlNode& list, std::vector<Setting>& settings);
  void read_subgraphs(const YamlNode& list, std::vector<Setting>& settings);
  void read_subgraph(const YamlNode& subgraph, std::vector<Setting>& settings);
  void read_template(const YamlNode& node, std::vector<Setting>& settings);

  const UsualPrecision& usual_;
  const Templates& templates_;
  Diagnostics& diagnostics_;
  SpecReader spec_;
  std::optional<SaidAt> template_at_;  // set while the content of a template is read
};

}  // namespace qprep
