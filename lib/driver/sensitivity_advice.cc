#include "driver/sensitivity_advice.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "config/yaml_write.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kMostNamed = 64;  // nodes of a form that names them one by one

std::string in_yaml(const std::string& text) { return yaml_scalar(text, false); }

class Adviser {
 public:
  Adviser(const Sensitivity& sensitivity, const Config& config, std::span<const ReportNode> nodes,
          std::string table)
      : sensitivity_(sensitivity),
        config_(config),
        nodes_(nodes),
        in_float_(sensitivity.wants_float()),
        advice_{std::move(table)} {}

  SensitivityAdvice advice() {
    const std::string key = config_.precision_key ? config_.precision_key->value : "";
    if (config_.written_for.starts_with("hb_")) {
      for_hb_mapper();
    } else if (key == "templates") {
      for_templates();
    } else if (key == "qconfig_dict") {
      for_qconfig_dict();
    } else if (key == "quantizers") {
      for_quantizers();
    } else if (key == "extra_qconfig_dict") {
      for_mqbench();
    } else {
      for_qconfig_setter(!key.empty());
    }
    return std::move(advice_);
  }

 private:
  void say(std::string line) { advice_.lines.push_back(std::move(line)); }

  /// Where a list stands that the file has.
  std::string in_list() const {
    return fmt::format("'{}' (line {})", config_.precision_key->value, config_.precision_key->where.line);
  }

  void for_qconfig_setter(bool has_list) {
    const std::string entry =
        fmt::format("{{sensitive_op: {{table: {}, topk: {}{}}}}}", in_yaml(advice_.table),
                    sensitivity_.worth_raising(), in_float_ ? ", dtype: float" : "");
    if (!has_list) return say(fmt::format("qconfig_setter: [{}]", entry));
    advice_.where = ", as the first entry of " + in_list();
    if (!sensitivity_.raised.empty()) advice_.where += " in place of the sensitive_op there";
    say("- " + entry);
  }

  void for_templates() {
    advice_.where = ", as the last entry of " + in_list();
    if (!sensitivity_.raised.empty()) advice_.where += " in place of the SensitivityTemplate there";
    say(fmt::format("- {{SensitivityTemplate: {{sensitive_table: {}, topk_or_ratio: {}{}}}}}",
                    in_yaml(advice_.table), sensitivity_.worth_raising(),
                    in_float_ ? ", high_precision_dtype: float" : ""));
  }

  /// A node that stays float still hands integers to one that is quantised, so those that read a tensor have
  /// to stay float as well.
  void for_hb_mapper() {
    if (in_float_) {
      advice_.where =
          ", name the nodes that make and read them in 'calibration_parameters.run_on_cpu', which leaves "
          "nodes float, not tensors";
      const std::string nodes = yaml_scalar(join(named(makers_and_readers()), ";"), true);
      say(speaks("run_on_cpu ") ? nodes : "run_on_cpu: " + nodes);
    } else {
      say_each("model_parameters", "node_info", speaks("node_info "), [&](const std::string& node) {
        return fmt::format("{}: {{'OutputType': 'int16'}}", yaml_scalar(node, true));
      });
    }
    say_of_the_rest();
  }

  void for_qconfig_dict() {
    say_each("qconfig_dict", "module_name", speaks("qconfig_dict.module_name "),
             [&](const std::string& node) {
               return fmt::format("- [{}, {}]", in_yaml(node), in_float_ ? "{activation: float}" : "qint16");
             });
    say_of_the_rest();
  }

  /// Under a key that the file may have already.
  template <typename Entry>
  void say_each(std::string_view group, std::string_view key, bool has_key, const Entry& entry) {
    advice_.where = fmt::format(", in '{}{}'", group, has_key ? fmt::format(".{}", key) : "");
    if (!has_key) say(fmt::format("{}:", key));
    for (const std::string& node : named(makers())) say((has_key ? "" : "  ") + entry(node));
  }

  /// A setting of the file is under this key.
  bool speaks(std::string_view key) const {
    return std::ranges::any_of(config_.setters,
                               [&](const Setting& setting) { return setting.what.starts_with(key); });
  }

  void for_quantizers() {
    advice_.where = ", as the first entry of " + in_list();
    say("- module_name:");
    for (const std::string& node : named(makers()))
      say(fmt::format("    {}: {{output_activation: {}}}", in_yaml(node), in_float_ ? "null" : "int16"));
    say_of_the_rest();
  }

  /// Its dictionaries give all tensors one number of bits.
  void for_mqbench() {
    if (in_float_) {
      advice_.where = ", exclude the nodes that make and read them";
      std::vector<std::string> nodes = named(makers_and_readers());
      std::ranges::transform(nodes, nodes.begin(), in_yaml);
      say(fmt::format("extra_quantizer_dict: {{exclude_node_name: [{}]}}", join(nodes, ", ")));
      return say_of_the_rest();
    }
    advice_.where = ", and with them all others, in 'extra_qconfig_dict'";
    say("a_qscheme: {bit: 16, symmetry: true, per_channel: false, pot_scale: false}");
  }

  std::vector<std::string> tensors() const {
    std::vector<std::string> names = sensitivity_.raised;
    for (const TensorCost& each : sensitivity_.tensors) names.push_back(each.tensor);
    names.resize(sensitivity_.worth_raising());
    return names;
  }

  static void add(const std::string& name, std::vector<std::string>& names) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }

  /// By their names, in the order of the table; an input of the model is named by itself.
  std::vector<std::string> makers() const {
    std::vector<std::string> names;
    for (const std::string& tensor : tensors()) {
      const auto maker =
          std::ranges::find_if(nodes_, [&](const ReportNode& node) { return has(node.outputs, tensor); });
      add(maker == nodes_.end() ? tensor : maker->name, names);
    }
    return names;
  }

  std::vector<std::string> makers_and_readers() const {
    std::vector<std::string> names;
    for (const std::string& tensor : tensors()) {
      for (const ReportNode& node : nodes_) {
        if (has(node.outputs, tensor) || has(node.inputs, tensor)) add(node.name, names);
      }
    }
    return names;
  }

  static bool has(const std::vector<ReportSlot>& slots, const std::string& tensor) {
    return std::ranges::find(slots, tensor, &ReportSlot::name) != slots.end();
  }

  std::vector<std::string> named(std::vector<std::string> nodes) {
    rest_ = nodes.size() - std::min(nodes.size(), kMostNamed);
    nodes.resize(nodes.size() - rest_);
    return nodes;
  }

  void say_of_the_rest() {
    if (rest_ == 0) return;
    say(fmt::format("# and likewise {} more, for the first {} tensors of {}", rest_,
                    sensitivity_.worth_raising(), advice_.table));
  }

  const Sensitivity& sensitivity_;
  const Config& config_;
  std::span<const ReportNode> nodes_;
  bool in_float_;
  SensitivityAdvice advice_;
  std::size_t rest_ = 0;  // nodes that are not named
};

}  // namespace

SensitivityAdvice advice_of(const Sensitivity& sensitivity, const Config& config,
                            std::span<const ReportNode> nodes, std::string table) {
  return Adviser(sensitivity, config, nodes, std::move(table)).advice();
}

}  // namespace qprep
