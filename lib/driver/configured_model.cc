#include "driver/configured_model.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "config/hb_settings.h"
#include "onnx_io/infer_shapes.h"
#include "passes/choose_outputs.h"
#include "passes/cut_ends.h"
#include "passes/data_control_flow.h"
#include "passes/selection.h"
#include "passes/wanted_device.h"
#include "support/codes.h"

namespace qprep {
namespace {

EndsToCut ends_of(const GraphCuts& cuts) {
  EndsToCut ends;
  for (const Placed<std::string>& type : cuts.remove_types) ends.types.push_back(type.value);
  for (const Placed<std::string>& node : cuts.remove_nodes) ends.nodes.push_back(node.value);
  if (!cuts.remove_types.empty()) ends.where = cuts.remove_types.front().where;
  if (!cuts.remove_nodes.empty()) ends.where = cuts.remove_nodes.front().where;
  return ends;
}

/// Bytes less 128 are int8 already.
void fix_scales_of_pictures(const std::vector<PreparedInput>& inputs, Config& config) {
  std::vector<Setting> settings;
  for (const PreparedInput& input : inputs) {
    if (!input.spec.is_picture()) continue;
    const std::string what = "input_type_rt " + input.spec.fed_word;
    for (const Says& says : {Says(Precision::kInt8), Says(FixedScale{.threshold = 0, .scale = 1})}) {
      settings.push_back(setting_of_node(input.value->name(), Slot::kOutput, says, input.spec.where, what));
    }
  }
  config.setters.insert(config.setters.begin(), settings.begin(), settings.end());
}

/// Behind the settings that name nodes, before those for all.
void quantise_wanted_nodes(const Model& model, const OpClasses& op_classes, Config& config) {
  if (config.wants_bpu.empty()) return;
  const auto is_general = [](const Setting& setting) { return !setting.names_nodes(); };
  const auto says_all = [&](const Setting& setting) {
    return is_general(setting) && setting.slot == Slot::kOutput && setting.says_precision();
  };
  const auto all = std::find_if(config.setters.begin(), config.setters.end(), says_all);
  const Precision usual = all == config.setters.end() ? config.activations.value : all->precision();
  std::vector<Setting> settings;
  const Selection selection(model, nullptr);
  for (const Placed<std::string>& wanted : config.wants_bpu) {
    Setting setting = setting_of_node(wanted.value, Slot::kOutput, usual, wanted.where,
                                      "'" + wanted.value + "' on the BPU");
    const Selection::Match match = selection.find(setting.selector);
    const auto is_active = [&](const Node* node) {
      return op_classes.of(*node).op_class == OpClass::kActive;
    };
    const auto says_more = [&](const Setting& each) {
      return each.names_nodes() && each.selector.text == wanted.value && each.slot == Slot::kOutput &&
             each.says_precision();
    };
    if (std::any_of(config.setters.begin(), config.setters.end(), says_more)) continue;
    if (std::any_of(match.nodes.begin(), match.nodes.end(), is_active))
      settings.push_back(std::move(setting));
  }
  const auto before = std::find_if(config.setters.begin(), config.setters.end(), is_general);
  config.setters.insert(before, settings.begin(), settings.end());
}

}  // namespace

std::filesystem::path model_file(const Config& config, const std::filesystem::path& named) {
  if (named.extension() == ".yaml" || named.extension() == ".yml") {
    throw Fatal(codes::kCorruptModel, "this is no ONNX model; a configuration is named with -c",
                {named.string()});
  }
  if (!named.empty()) return named;
  if (config.model) return config.model->value;
  throw Fatal(codes::kMissingKey,
              "no model is named, neither on the command line nor in 'model_parameters.onnx_model'",
              {config.file, 0, 0});
}

std::vector<PreparedInput> configure_model(Config& config, OnnxFile& file, const OpClasses& op_classes,
                                           Diagnostics& diagnostics) {
  quantise_wanted_nodes(file.model, op_classes, config);
  if (!config.cuts.any() && config.inputs.empty()) return {};
  choose_outputs(file.model, config.cuts.outputs, diagnostics);
  diagnostics.throw_if_error();
  cut_ends(file.model, ends_of(config.cuts), diagnostics);
  std::vector<PreparedInput> inputs = insert_preprocessing(file.model, config.inputs, diagnostics);
  diagnostics.throw_if_error();
  Diagnostics said_already;
  infer_shapes(file, said_already);
  fix_scales_of_pictures(inputs, config);
  return inputs;
}

void check_wanted_devices(const Config& config, const Model& model, const Plan& plan,
                          Diagnostics& diagnostics) {
  std::vector<std::pair<std::string, Where>> wanted;
  for (const Placed<std::string>& node : config.wants_bpu) wanted.emplace_back(node.value, node.where);
  warn_of_nodes_not_on_bpu(model, plan, wanted, diagnostics);
}

void check_method(const Config& config, const Model& model, const OpClasses& op_classes,
                  Diagnostics& diagnostics) {
  constexpr std::size_t kMostNamed = 20;
  if (config.method.value != "symbolic") return;
  const std::vector<DataControlFlow> refused = data_control_flow(model, op_classes);
  for (std::size_t i = 0; i < refused.size() && i < kMostNamed; ++i) {
    diagnostics.error(
        codes::kDataControlFlow,
        fmt::format("method 'symbolic' takes no control flow that depends on data: {}; 'jit' and "
                    "'jit_strip' quantise its bodies",
                    refused[i].because),
        config.method.where);
  }
  if (refused.size() > kMostNamed) {
    diagnostics.error(codes::kDataControlFlow,
                      fmt::format("and {} more nodes are like this", refused.size() - kMostNamed),
                      config.method.where);
  }
}

}  // namespace qprep
