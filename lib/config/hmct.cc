#include "config/hmct.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "config/quote.h"
#include "config/recognise.h"
#include "support/text.h"

namespace qprep {
namespace {

using Kind = YamlNode::Kind;

const std::vector<std::string> kSections = {"model_config", "op_config", "subgraph_config", "node_config"};
const std::vector<std::string> kTypes = {"int8", "int16", "float16", "float32"};

std::string what_is(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kScalar:
      break;
  }
  return quote(node.text);
}

bool is_one_of(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// "input1": 1.
std::optional<std::size_t> numbered_input(std::string_view key) {
  if (!key.starts_with("input")) return std::nullopt;
  key.remove_prefix(5);
  std::size_t input = 0;
  const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), input);
  if (key.empty() || error != std::errc() || stop != key.data() + key.size() || input > 999)
    return std::nullopt;
  return input;
}

class Reader {
 public:
  explicit Reader(const Findings& findings) : findings_(findings) {}

  HmctConfig read(const YamlNode& root) {
    // In the order of their priority.
    for (const std::string_view section : {"node_config", "subgraph_config", "op_config", "model_config"}) {
      for (const YamlNode::Entry& entry : root.entries) {
        if (entry.key == section) read_section(entry);
      }
    }
    for (const YamlNode::Entry& entry : root.entries) {
      if (is_one_of(kSections, entry.key)) continue;
      if (is_own_key(entry.key)) {
        findings_.mistakes.error(
            codes::kMixedForms,
            fmt::format("{} is a key of qprep's own configurations, and this file is a quant_config of hmct; "
                        "a file is written in one way",
                        quote(entry.key)),
            entry.where);
      } else {
        unknown(entry, "quant_config", kSections);
      }
    }
    return std::move(config_);
  }

 private:
  void read_section(const YamlNode::Entry& section) {
    if (section.value->kind == Kind::kNull) return;
    if (section.value->kind != Kind::kMap) {
      return findings_.wrong(fmt::format("'{}' must be a map, not {}", section.key, what_is(*section.value)),
                             section.value->where);
    }
    if (section.key == "model_config") return read_model(*section.value);
    for (const YamlNode::Entry& entry : section.value->entries) {
      if (entry.value->kind != Kind::kMap) {
        findings_.wrong(fmt::format("{} in '{}' must be a map, not {}", quote(entry.key), section.key,
                                    what_is(*entry.value)),
                        entry.value->where);
      } else if (section.key == "subgraph_config") {
        read_subgraph(entry);
      } else {
        read_node_or_op(section.key, entry);
      }
    }
  }

  void read_node_or_op(const std::string& section, const YamlNode::Entry& node) {
    Selector selector;
    selector.kind = section == "op_config" ? Selector::Kind::kType : Selector::Kind::kExact;
    selector.text = node.key;
    const std::string what = fmt::format("{} {}", section, quote(node.key));
    for (const YamlNode::Entry& entry : node.value->entries) {
      const std::string of = fmt::format("{} {}", what, entry.key);
      const auto input = numbered_input(entry.key);
      if (entry.key == "qtype") {
        add_both(selector, *entry.value, of);
      } else if (input) {
        if (const auto precision = dtype(*entry.value, of)) {
          add(selector, Slot::kInput, *precision, entry.where, of);
          config_.of_nodes.settings.back().input = *input;
        }
      } else if (entry.key == "output") {
        if (const auto precision = dtype(*entry.value, of))
          add(selector, Slot::kOutput, *precision, entry.where, of);
      } else if (entry.key == "ON") {
        read_device(selector, *entry.value, of);
      } else {
        unknown(entry, what, {"qtype", "input0", "output", "ON"});
      }
    }
  }

  void read_device(const Selector& selector, const YamlNode& on, const std::string& of) {
    if (on.kind == Kind::kScalar && on.text == "CPU") {
      add(selector, Slot::kNode, Precision::kFloat32, on.where, of);
    } else if (on.kind == Kind::kScalar && on.text == "BPU" && selector.kind == Selector::Kind::kExact) {
      config_.of_nodes.wants_bpu.push_back({selector.text, on.where});
    } else if (on.kind != Kind::kScalar || on.text != "BPU") {
      findings_.wrong(fmt::format("{} must be one of BPU, CPU, not {}", of, what_is(on)), on.where);
    }
  }

  void read_subgraph(const YamlNode::Entry& subgraph) {
    const std::string what = fmt::format("subgraph_config {}", quote(subgraph.key));
    YamlMap map(*subgraph.value, "subgraph_config." + subgraph.key, findings_.mistakes);
    Selector selector;
    selector.kind = Selector::Kind::kSubgraph;
    selector.text = subgraph.key;
    for (Placed<std::string>& name : map.texts("inputs")) selector.from.push_back(std::move(name.value));
    for (Placed<std::string>& name : map.texts("outputs")) selector.to.push_back(std::move(name.value));
    const YamlNode* type = map.find("qtype");
    map.finish();
    if (selector.from.empty() || selector.to.empty() || !type) {
      return findings_.wrong(fmt::format("{} needs 'inputs', 'outputs' and 'qtype'", what), subgraph.where);
    }
    add_both(selector, *type, what);
  }

  void read_model(const YamlNode& model) {
    YamlMap map(model, "model_config", findings_.mistakes);
    const auto of_all = [&](const char* key, const std::vector<Slot>& slots) {
      const YamlNode* type = map.find(key);
      const std::string what = fmt::format("model_config.{}", key);
      if (!type) return;
      const auto precision = dtype(*type, what);
      if (!precision) return;
      for (const Slot slot : slots) {
        config_.of_all.push_back(setting_for_all(slot, *precision, type->where, what));
      }
    };
    of_all("model_output_type", {Slot::kHighPrecision, Slot::kTail});
    of_all("all_node_type", {Slot::kOutput});
    config_.calibration = read_hmct_calibration(map, findings_);
    if (config_.calibration.per_channel) {
      Setting setting;
      setting.says = PerChannel{true};
      setting.where = *config_.calibration.per_channel;
      setting.what = "model_config.activation.per_channel";
      config_.of_all.push_back(std::move(setting));
    }
    map.finish();
  }

  std::optional<Precision> dtype(const YamlNode& node, const std::string& of) {
    if (node.kind == Kind::kScalar && node.text == "float16") {
      findings_.later(fmt::format("'float16' for {}", of), node.where);
      return std::nullopt;
    }
    if (node.kind == Kind::kScalar && is_one_of(kTypes, node.text)) return precision_from(node.text);
    findings_.wrong(fmt::format("{} must be one of {}, not {}{}", of, join(kTypes, ", "), what_is(node),
                                node.kind == Kind::kScalar ? did_you_mean(node.text, kTypes) : ""),
                    node.where);
    return std::nullopt;
  }

  /// What the nodes read and make; a float node is left alone.
  void add_both(const Selector& selector, const YamlNode& type, const std::string& of) {
    const auto precision = dtype(type, of);
    if (!precision) return;
    if (*precision == Precision::kFloat32) return add(selector, Slot::kNode, *precision, type.where, of);
    add(selector, Slot::kInput, *precision, type.where, of);
    add(selector, Slot::kOutput, *precision, type.where, of);
  }

  void add(const Selector& selector, Slot slot, Precision precision, const Where& where,
           const std::string& what) {
    Setting setting = setting_for_all(slot, precision, where, what);
    setting.selector = selector;
    config_.of_nodes.settings.push_back(std::move(setting));
  }

  void unknown(const YamlNode::Entry& entry, const std::string& inside,
               const std::vector<std::string>& known) {
    findings_.mistakes.error(codes::kUnknownKey,
                             fmt::format("unknown key {} in {}{}; known: {}", quote(entry.key), inside,
                                         did_you_mean(entry.key, known), join(known, ", ")),
                             entry.where);
  }

  const Findings& findings_;
  HmctConfig config_;
};

}  // namespace

HmctConfig read_hmct(const YamlNode& root, const Findings& findings) { return Reader(findings).read(root); }

}  // namespace qprep
