#include "config/march.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "config/capabilities.h"
#include "config/replacements.h"
#include "config/yaml_reader.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr const char* kFolder = "march";

}  // namespace

std::vector<std::string> march_names(const std::filesystem::path& configs) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(configs / kFolder, error)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

March read_march(const std::filesystem::path& configs, const std::string& name) {
  const std::string file = (configs / kFolder / (name + ".yaml")).string();
  Diagnostics diagnostics;
  const auto root = read_yaml(file, diagnostics);
  YamlMap map(*root, "", diagnostics);
  March march;
  march.name = name;
  for (const auto& [key, target] : {std::pair("chips", &march.chips), std::pair("source", &march.source)}) {
    if (const auto text = map.text(key)) *target = text->value;
    if (!map.has(key)) {
      diagnostics.error(codes::kMissingKey, fmt::format("{} is missing", map.name_of(key)), map.where());
    }
  }
  if (const auto provisional = map.boolean("provisional")) march.provisional = provisional->value;
  march.replace = read_replacements(map, "replace", diagnostics);
  if (map.has("fuse")) {
    YamlMap fuse = map.map("fuse");
    if (const auto relu = fuse.word("tail_relu", {"fused", "apart"})) {
      march.tail_relu_apart = relu->value == "apart";
    }
    if (const auto addends = fuse.boolean("int16_addends")) march.int16_addends = addends->value;
    const bool has_sequences = fuse.has("heads") || fuse.has("tails") || fuse.has("units");
    if (has_sequences) {
      march.sequences = read_fusion_parts(fuse, (configs / "fusion.yaml").string(), diagnostics);
    } else {
      fuse.finish();
    }
  }
  march.capabilities = read_capabilities(map, {}, march.source, diagnostics);
  march.capabilities.march = name;
  map.finish();
  diagnostics.throw_if_error();
  return march;
}

}  // namespace qprep
