#include "config/quantization_config.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "config/foreign_words.h"
#include "config/tensor_spec.h"

namespace qprep {
namespace {

struct Part {
  std::string_view key;
  Slot slot;
  SpecOf of;
};
constexpr std::array kParts = {
    Part{"output_activation", Slot::kOutput, SpecOf::kActivation},
    Part{"weight", Slot::kWeight, SpecOf::kWeight},
    Part{"input_activation", Slot::kInput, SpecOf::kActivation},
    Part{"bias", Slot::kWeight, SpecOf::kBias},
};

/// Appends what the map says of a part.
void read_part(const YamlNode& node, const Part& part, const std::string& what, const Reading& reading,
               Qconfig& qconfig) {
  // What a node reads is an output of another, which may have its own reason to be quantised.
  if (part.slot == Slot::kInput && is_none(node)) return;
  for (const auto& [says, where] :
       read_tensor_spec(node, part.of, fmt::format("{} {}", what, part.key), reading)) {
    qconfig.said.push_back({part.slot, says, where, std::string(part.key)});
  }
}

/// One that is predefined: its places are that of its name.
void read_predefined(const YamlNode& name, const std::vector<std::string_view>& parts,
                     const std::string& what, const Reading& reading, Qconfig& qconfig) {
  const auto& configs = foreign_words().quantization_configs;
  const auto at = name.kind == YamlNode::Kind::kScalar ? configs.find(name.text) : configs.end();
  if (at == configs.end()) return reading.wrong_word(what, name, words_of(configs));
  Diagnostics mistakes, not_yet;
  const Reading inner{mistakes, not_yet};
  const std::size_t before = qconfig.said.size();
  YamlMap map(*at->second, name.text, mistakes);
  for (const Part& part : kParts) {
    const bool wanted = std::find(parts.begin(), parts.end(), part.key) != parts.end();
    const YamlNode* node = map.find(part.key);
    if (wanted && node) read_part(*node, part, what, inner, qconfig);
  }
  for (std::size_t i = before; i < qconfig.said.size(); ++i) qconfig.said[i].where = name.where;
  mistakes.throw_if_error();
  for (const Diagnostic& each : not_yet.all()) reading.not_yet.error(each.code, each.message, name.where);
}

void read_map(const YamlNode& node, const std::string& what, const Reading& reading, Qconfig& qconfig) {
  YamlMap map(node, as_path(what), reading.diagnostics);
  map.boolean("is_qat");
  std::vector<std::string_view> unsaid;
  for (const Part& part : kParts) {
    if (const YamlNode* given = map.find(part.key)) {
      read_part(*given, part, what, reading, qconfig);
    } else {
      unsaid.push_back(part.key);
    }
  }
  if (const YamlNode* from = map.find("from")) read_predefined(*from, unsaid, what, reading, qconfig);
  map.finish();
}

}  // namespace

Qconfig read_quantization_config(const YamlNode& node, const std::string& what, const Reading& reading) {
  Qconfig qconfig;
  qconfig.where = node.where;
  if (is_none(node)) {
    qconfig.skip = true;
  } else if (node.kind == YamlNode::Kind::kScalar) {
    read_predefined(node, {"output_activation", "weight", "input_activation", "bias"}, what, reading,
                    qconfig);
  } else {
    read_map(node, what, reading, qconfig);
  }
  return qconfig;
}

}  // namespace qprep
