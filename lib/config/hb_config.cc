#include "config/hb_config.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "config/config_folder.h"
#include "config/findings.h"
#include "config/hb_calibration.h"
#include "config/hb_file.h"
#include "config/hb_inputs.h"
#include "config/hb_keys.h"
#include "config/hb_settings.h"
#include "config/hmct.h"
#include "config/quote.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kModel = "model_parameters";
constexpr std::string_view kCompiler = "compiler_parameters";

const HbKeys& known_keys() {
  static const HbKeys keys = read_hb_keys((find_configs() / "hb_keys.yaml").string());
  return keys;
}

std::vector<Placed<std::string>> placed(const HbValue* value) {
  std::vector<Placed<std::string>> names;
  if (!value) return names;
  for (const std::string& part : value->parts) names.push_back({part, value->where});
  return names;
}

class Reader {
 public:
  Reader(const YamlNode& root, const std::string& file, Diagnostics& diagnostics)
      : findings_{diagnostics, not_yet_, remarks_}, hb_(root, known_keys(), findings_) {
    config_.file = file;
    config_.written_for = to_text(hb_.tool());
  }

  Config read() {
    read_model();
    read_compiler();
    config_.inputs = read_hb_inputs(hb_, known_keys(), findings_);
    read_settings();
    read_hb_calibration(hb_, hmct_calibration_, findings_, config_);
    config_.not_yet = not_yet_.all();
    config_.remarks = remarks_.all();
    return std::move(config_);
  }

 private:
  std::string resolved(const std::string& path) const { return beside(config_.file, path); }

  void read_model() {
    if (const HbValue* march = hb_.find(kModel, "march")) config_.march = {march->text, march->where};
    if (const HbValue* model = hb_.find(kModel, "onnx_model")) {
      config_.model = {resolved(model->text), model->where};
    } else if (!hb_.gives(kModel, "onnx_model") && !hb_.gives(kModel, "caffe_model")) {
      findings_.remarks.note(codes::kMissingKey,
                             "there is no 'model_parameters.onnx_model': name the model on the command line",
                             hb_.where());
    }
    const HbValue* folder = hb_.find(kModel, "working_dir");
    config_.folder = {resolved(folder ? folder->text : "model_output"), folder ? folder->where : Where{}};
    if (const HbValue* prefix = hb_.find(kModel, "output_model_file_prefix")) read_prefix(*prefix);
    if (!config_.prefix && hb_.tool() == HbTool::kCompile) config_.prefix = {"model", {}};
    config_.cuts.outputs = placed(hb_.find(kModel, "output_nodes"));
    config_.cuts.remove_types = placed(hb_.find(kModel, "remove_node_type"));
    config_.cuts.remove_nodes = placed(hb_.find(kModel, "remove_node_name"));
  }

  void read_prefix(const HbValue& prefix) {
    if (prefix.text.find_first_of("/\n") != std::string::npos) {
      findings_.wrong(
          "'model_parameters.output_model_file_prefix' is the beginning of file names and has no "
          "'/' and no line breaks",
          prefix.where);
    }
    config_.prefix = {prefix.text, prefix.where};
  }

  void read_compiler() {
    const HbValue* mode = hb_.find(kCompiler, "compile_mode");
    const HbValue* balance = hb_.find(kCompiler, "balance_factor");
    if (mode && mode->text == "balance" && !hb_.gives(kCompiler, "balance_factor")) {
      findings_.mistakes.error(codes::kMissingKey,
                               "'compile_mode' balance needs 'compiler_parameters.balance_factor', 0 to 100",
                               mode->where);
    }
    const int fixed = !mode || mode->text == "latency" ? 100 : 0;
    if (balance && (!mode || mode->text != "balance") && balance->number != fixed) {
      findings_.wrong(
          fmt::format("'compiler_parameters.balance_factor' is for 'compile_mode' balance; with {} "
                      "it is {}",
                      mode ? mode->text : "latency", fixed),
          balance->where);
    }
    for (const HbValue& value : hb_.values()) {
      if (value.key->kind == HbKind::kSources || value.key->kind == HbKind::kFlags) check_map(value);
      if (value.key->use != HbUse::kKept) continue;
      config_.kept.push_back(value.text.empty() ? value.key->name
                                                : fmt::format("{}: {}", value.key->name, value.text));
    }
    if (config_.kept.empty()) return;
    findings_.remarks.note(codes::kKeptKey,
                           fmt::format("kept for the compiler: {}", join(config_.kept, ", ")), hb_.where());
  }

  void check_map(const HbValue& value) {
    const HbKey& key = *value.key;
    if (value.node->kind != YamlNode::Kind::kMap) {
      return findings_.wrong(fmt::format("'{}' must be a map", key.path()), value.where);
    }
    const bool flags = key.kind == HbKind::kFlags;
    for (const YamlNode::Entry& entry : value.node->entries) {
      const std::string name = fmt::format("'{}.{}'", key.path(), entry.key);
      const auto known = [&](const std::string& word) {
        return std::find(key.words.begin(), key.words.end(), word) != key.words.end();
      };
      if (flags && !known(entry.key)) {
        findings_.mistakes.error(
            codes::kUnknownKey,
            fmt::format("unknown key {} in '{}'{}; known: {}", quote(entry.key), key.path(),
                        did_you_mean(entry.key, key.words), join(key.words, ", ")),
            entry.where);
      } else if (flags && !hb_flag(entry.value->text)) {
        findings_.wrong(fmt::format("{} must be True or False", name), entry.value->where);
      } else if (!flags && !known(entry.value->text)) {
        findings_.wrong(fmt::format("{} must be one of {}, not {}{}", name, join(key.words, ", "),
                                    quote(entry.value->text), did_you_mean(entry.value->text, key.words)),
                        entry.value->where);
      }
    }
  }

  /// node_info first, then run_on_*, quant_config, and the words of `optimization`.
  void read_settings() {
    HbSettings all;
    read_node_info(hb_, findings_, all);
    read_run_on(hb_, findings_, all);
    HmctConfig hmct = read_quant_config();
    const auto take = [&](std::vector<Setting>& settings) {
      std::move(settings.begin(), settings.end(), std::back_inserter(all.settings));
    };
    take(hmct.of_nodes.settings);
    read_optimization(hb_, findings_, all);
    take(hmct.of_all);
    config_.setters = std::move(all.settings);
    config_.wants_bpu = std::move(all.wants_bpu);
    std::move(hmct.of_nodes.wants_bpu.begin(), hmct.of_nodes.wants_bpu.end(),
              std::back_inserter(config_.wants_bpu));
    hmct_calibration_ = std::move(hmct.calibration);
  }

  /// In the file, or in one of its own that it names.
  HmctConfig read_quant_config() {
    const HbValue* value = hb_.find("calibration_parameters", "quant_config");
    if (!value) return {};
    if (value->node->kind == YamlNode::Kind::kMap) return read_hmct(*value->node, findings_);
    if (value->node->kind != YamlNode::Kind::kScalar) {
      findings_.wrong("'calibration_parameters.quant_config' must be a map, or the name of a file",
                      value->where);
      return {};
    }
    try {
      const auto root = read_yaml(resolved(value->text), findings_.mistakes);
      if (root->kind == YamlNode::Kind::kMap) return read_hmct(*root, findings_);
      findings_.wrong("a quant_config must be a map", root->where);
    } catch (const Fatal& unreadable) {
      const Diagnostic& first = unreadable.diagnostics().back();
      if (first.code != codes::kFileAccess) throw;
      findings_.mistakes.error(
          first.code, fmt::format("the quant_config {}: {}", quote(value->text), escaped(first.message)),
          value->where);
    }
    return {};
  }

  Config config_;
  Diagnostics not_yet_, remarks_;
  Findings findings_;
  HbFile hb_;
  HmctCalibration hmct_calibration_;
};

bool alike(const YamlNode& a, const YamlNode& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!alike(*a.items[i], *b.items[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    if (a.entries[i].key != b.entries[i].key || !alike(*a.entries[i].value, *b.entries[i].value))
      return false;
  }
  return true;
}

/// Where keys stand that repeat one with an equal value.
void find_repeated_alike(const YamlNode& node, std::vector<Where>& found) {
  for (const YamlNode::Entry& again : node.repeated) {
    const auto first = std::find_if(node.entries.begin(), node.entries.end(),
                                    [&](const YamlNode::Entry& entry) { return entry.key == again.key; });
    if (first != node.entries.end() && alike(*first->value, *again.value)) found.push_back(again.where);
  }
  for (const YamlNode::Entry& entry : node.entries) find_repeated_alike(*entry.value, found);
}

}  // namespace

Config read_hb_config(const YamlNode& root, const std::string& file, Diagnostics& diagnostics) {
  return Reader(root, file, diagnostics).read();
}

Config read_hmct_config(const YamlNode& root, const std::string& file, Diagnostics& diagnostics) {
  Diagnostics not_yet, remarks;
  HmctConfig hmct = read_hmct(root, {diagnostics, not_yet, remarks});
  Config config;
  config.file = file;
  config.written_for = "hmct";
  config.setters = std::move(hmct.of_nodes.settings);
  std::move(hmct.of_all.begin(), hmct.of_all.end(), std::back_inserter(config.setters));
  config.wants_bpu = std::move(hmct.of_nodes.wants_bpu);
  if (hmct.calibration.where) {
    remarks.note(
        codes::kChosenMethod,
        "a quant_config by itself has no samples, so that what it says of calibration has no effect; in a "
        "file of hb_compile it has",
        *hmct.calibration.where);
  }
  config.not_yet = not_yet.all();
  config.remarks = remarks.all();
  return config;
}

Diagnostics repeated_alike_are_warnings(const YamlNode& root, const Diagnostics& said) {
  std::vector<Where> alike_at;
  find_repeated_alike(root, alike_at);
  Diagnostics result;
  for (Diagnostic each : said.all()) {
    const bool harmless = each.code == codes::kDuplicateKey &&
                          std::find(alike_at.begin(), alike_at.end(), each.where) != alike_at.end();
    if (harmless) {
      each.severity = Severity::kWarning;
      each.message += " with the same value";
    }
    result.add(std::move(each));
  }
  return result;
}

}  // namespace qprep
