#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/findings.h"
#include "config/hb_keys.h"
#include "config/yaml_reader.h"

namespace qprep {

/// A value that a file of hb_mapper or hb_compile gives. An empty text, which such files often have, gives
/// none.
struct HbValue {
  const HbKey* key = nullptr;
  Where where;                     // of the value
  const YamlNode* node = nullptr;  // of the kinds that are maps
  std::string text;                // of a scalar; else its parts, with ';'
  bool flag = false;
  double number = 0;
  /// Of names; of the kinds with one value for each input, "" where an input has none.
  std::vector<std::string> parts;
  /// Of numbers: for each input; none for "None".
  std::vector<std::optional<std::vector<double>>> numbers;
};

/// A file of hb_mapper or hb_compile whose keys and values are of the right kinds, each by itself.
class HbFile {
 public:
  /// Says everything that is wrong with a key or a value by itself; which are deprecated, and which prepare
  /// does not carry out. Given: `root` and `keys` outlive it; is_hb_file(root).
  HbFile(const YamlNode& root, const HbKeys& keys, const Findings& findings);

  HbTool tool() const { return tool_; }
  const Where& where() const { return root_.where; }
  /// Null: not given, or wrong.
  const HbValue* find(std::string_view group, std::string_view name) const;
  /// The file's key is there with a value that is not empty, right or wrong.
  bool gives(std::string_view group, std::string_view name) const;
  /// In the order of the file.
  const std::vector<HbValue>& values() const { return values_; }

 private:
  HbTool told_tool() const;
  void read_group(const YamlNode::Entry& group);
  void read_key(const std::string& group, const YamlNode::Entry& entry);
  bool is_one_too_many(const Where& where);
  void unknown_group(const YamlNode::Entry& group);
  void unknown_key(const std::string& group, const YamlNode::Entry& entry);
  void miss_required();
  bool read_scalar(HbValue& value);
  bool read_parts(HbValue& value);
  bool read_numbers(HbValue& value);
  bool read_flag(HbValue& value);
  bool is_allowed(const HbValue& value, const std::string& word);
  bool in_range(const HbValue& value, std::string_view text, bool whole, double& number);
  void follow_up(const HbValue& value);

  const YamlNode& root_;
  const HbKeys& keys_;
  const Findings& findings_;
  HbTool tool_;
  std::size_t unknown_ = 0;  // keys
  std::vector<HbValue> values_;
};

/// The text cut at each separator, blanks around each part cut off. An empty text has no parts.
std::vector<std::string> split(std::string_view text, std::string_view separators);

/// "True", "yes", "on" and their like; nullopt: neither these nor their opposites.
std::optional<bool> hb_flag(std::string_view text);

}  // namespace qprep
