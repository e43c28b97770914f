#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// configs/hb_keys.yaml: the keys of hb_mapper's and hb_compile's configurations. The file explains its
/// columns.
namespace qprep {

enum class HbTool { kMapper, kCompile };
/// "hb_mapper", "hb_compile".
std::string_view to_text(HbTool tool);

enum class HbKind {
  kText,
  kPath,
  kWord,
  kFlag,
  kInteger,
  kNumber,
  kNames,
  kPaths,
  kWords,
  kIntegers,
  kNumbers,
  kShapes,
  kNodeInfo,
  kQuantConfig,
  kSources,
  kFlags
};

enum class HbUse { kCarriedOut, kKept, kNotYet, kRefused };

/// One key, as one of the tools knows it.
struct HbKey {
  std::string group, name;
  HbKind kind = HbKind::kText;
  HbUse use = HbUse::kKept;
  std::vector<std::string> words = {};
  std::optional<double> min = {}, max = {}, otherwise = {};
  bool required = false;
  std::string harmless = {}, why = {};
  std::string deprecated = {};  // what to do instead; empty: it is not deprecated
  std::map<std::string, std::string, std::less<>> deprecated_words = {};

  /// "model_parameters.march".
  std::string path() const { return group + "." + name; }
};

struct HbKeys {
  std::vector<std::string> groups;     // in the file's order
  std::vector<HbKey> mapper, compile;  // likewise
  /// By the type of pictures for training, those that may come when the model runs.
  using Conversions = std::map<std::string, std::vector<std::string>, std::less<>>;
  Conversions mapper_conversions, compile_conversions;

  const std::vector<HbKey>& of(HbTool tool) const { return tool == HbTool::kMapper ? mapper : compile; }
  const Conversions& conversions(HbTool tool) const {
    return tool == HbTool::kMapper ? mapper_conversions : compile_conversions;
  }
  /// Null: the tool has no such key.
  const HbKey* find(HbTool tool, std::string_view group, std::string_view name) const;
};

/// Throws Fatal with every mistake of the file.
HbKeys read_hb_keys(const std::string& file);

}  // namespace qprep
