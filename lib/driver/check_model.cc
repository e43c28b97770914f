#include "driver/check_model.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <unordered_set>

#include "config/march.h"
#include "driver/confirm_remedies.h"
#include "driver/fix_sizes.h"
#include "driver/output_folder.h"
#include "driver/own_keys.h"
#include "driver/segments_picture.h"
#include "ir/open_axes.h"
#include "ir/walk.h"
#include "passes/selection.h"
#include "passes/target_judge.h"
#include "report/devices.h"
#include "report/page.h"
#include "report/report_json.h"
#include "support/atomic_file.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kMostNamed = 100;
/// Deciding for a target takes some ten microseconds a node.
constexpr std::size_t kMostNodesToTry = 20'000;

/// Of nodes and operators.
std::vector<std::string> names_in(const Model& model) {
  std::vector<std::string> names;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    names.push_back(node->label());
    names.push_back(node->op());
  }
  return names;
}

/// The labels of the nodes that may run on the CPU.
std::unordered_set<std::string> allowed_nodes(const Model& model, const std::vector<std::string>& words,
                                              Diagnostics& diagnostics) {
  std::unordered_set<std::string> labels;
  const Selection selection(model, nullptr);
  for (const std::string& word : words) {
    bool found = false;
    for (const Selector::Kind kind : {Selector::Kind::kName, Selector::Kind::kType}) {
      for (const Node* node : selection.find({.kind = kind, .text = word}).nodes) {
        labels.insert(node->label());
        found = true;
      }
    }
    if (!found) {
      diagnostics.warning(codes::kNoMatch,
                          fmt::format("--allow: no node, scope or operator of the model is called '{}'{}",
                                      word, did_you_mean(word, names_in(model))),
                          {model.file});
    }
  }
  return labels;
}

void refuse(const ReportNode& node, const std::string& file, Diagnostics& diagnostics) {
  diagnostics.error(codes::kNotOnBpu,
                    fmt::format("{} '{}' runs on the CPU: {}", node.op, node.name, node.device_because),
                    {file});
}

void write_files(const CheckOptions& options, const std::string& prefix, SegmentsPicture* picture,
                 Diagnostics& diagnostics, CheckedModel& checked) {
  const Report& report = checked.report;
  CheckResult result = check_result_of_plan(report);
  complete(result, report);
  for (const auto& [name, text] :
       {std::pair("model_check_result.txt", result.text), std::pair("model_check_result.json", result.json),
        std::pair("deploy_device.txt", deploy_devices(report))}) {
    const std::filesystem::path path = (options.folder / name).lexically_normal();
    write_file_atomically(path, text, false);
    checked.files.push_back(path);
  }
  if (!picture) return;
  for (std::filesystem::path& file : picture->write(options.folder, prefix, false, diagnostics)) {
    checked.files.push_back(std::move(file));
  }
}

struct Refused {
  std::size_t always = 0, unless_asked = 0;
  std::vector<std::string> labels;  // of those that it never runs
};

/// The nodes that the target does not run, in bodies too.
Refused refused_by_target(const Decided& decided) {
  Refused refused;
  for (const Node* node : nodes_with_bodies(*decided.file.model.graph)) {
    const NodePlan* plan = decided.plan.of(*node);
    if (!plan || !plan->by_target) continue;
    if (plan->remedy == kAskForBpu) {
      ++refused.unless_asked;
    } else {
      ++refused.always;
      refused.labels.push_back(node->label());
    }
  }
  return refused;
}

void find_better_targets(const std::filesystem::path& model, const CheckOptions& options,
                         const std::string& own, const std::vector<std::string>& refused_there,
                         CheckedModel& checked) {
  for (const std::string& name : march_names(options.configs)) {
    if (name == own) continue;
    const March march = read_march(options.configs, name);
    if (march.provisional || march.quantise || march.capabilities.rows.empty()) continue;
    CheckOptions other = options;
    other.overrides.march = name;
    Diagnostics said_already;
    const Decided decided = decide(model, other.config, other.configs, said_already, other.overrides);
    const std::size_t refused = refused_by_target(decided).always;
    if (refused >= checked.refused_by_target) continue;
    std::unordered_set<std::string> on_bpu;
    for (const Node* node : nodes_with_bodies(*decided.file.model.graph)) {
      const NodePlan* plan = decided.plan.of(*node);
      if (plan && plan->device == Device::kBpu) on_bpu.insert(node->label());
    }
    OtherTarget& better = checked.better_targets.emplace_back(name, refused);
    std::ranges::copy_if(refused_there, std::back_inserter(better.runs),
                         [&](const std::string& label) { return on_bpu.contains(label); });
  }
  std::ranges::stable_sort(checked.better_targets, {}, &OtherTarget::refused);
}

bool is_profile(const CheckedModel& checked) {
  return checked.decided && checked.decided->rules.is_profile();
}

bool is_for_hb_mapper(const CheckedModel& checked) {
  return checked.decided && checked.decided->config.written_for.starts_with("hb_");
}

/// A profile says how tools quantise, and not which chip runs what.
std::string text_of_devices(const CheckedModel& checked) {
  return is_profile(checked)
             ? fmt::format("BPU stands for what {} runs quantised, wherever that is, and CPU for float.\n",
                           checked.report.march)
             : "";
}

/// "3 fused sequences (2 conv-relu, 1 conv-add), 1 missed".
std::string text_of_fused(const Report& report) {
  std::map<std::string, std::size_t> by_pattern;
  std::size_t fused = 0;
  for (const ReportGroup& unit : report.units) {
    if (unit.kind != ReportGroup::Kind::kSequence) continue;
    ++fused;
    ++by_pattern[unit.pattern];
  }
  std::vector<std::pair<std::size_t, std::string>> most;
  for (const auto& [pattern, count] : by_pattern) most.emplace_back(count, pattern);
  std::ranges::stable_sort(most, std::ranges::greater(), &std::pair<std::size_t, std::string>::first);
  std::vector<std::string> parts;
  for (const auto& [count, pattern] : most)
    parts.push_back(fmt::format("{} {}", with_commas(count), pattern));
  std::string text = counted(fused, "fused sequence", "fused sequences");
  if (fused > 0) text += fmt::format(" ({})", first_of(parts));
  if (!report.fusable.empty()) text += fmt::format(", {} missed", with_commas(report.fusable.size()));
  return text + "\n";
}

std::string text_of_better(const CheckedModel& checked) {
  std::string text;
  if (checked.run_if_asked > 0) {
    text = fmt::format("{} on the BPU of {} only where asked for.",
                       counted(checked.run_if_asked, "node runs", "nodes run"), checked.report.march);
  }
  if (checked.refused_by_target == 0) return text.empty() ? "" : text + "\n";
  const std::string nodes = counted(checked.refused_by_target, "node", "nodes");
  if (is_profile(checked)) return text + fmt::format("{} leaves {} in float.\n", checked.report.march, nodes);
  text +=
      fmt::format("{}{} cannot run {} on the BPU. ", text.empty() ? "" : " ", checked.report.march, nodes);
  if (!checked.looked_for_better) return text + "Other targets were not tried: the model is large.\n";
  if (checked.better_targets.empty())
    return text + "No other target whose limits are known can run more of them.\n";
  std::vector<std::string> others;
  for (const OtherTarget& other : checked.better_targets) {
    others.push_back(other.refused == 0 ? fmt::format("{} can run all of them", other.march)
                                        : fmt::format("{} can all but {}", other.march, other.refused));
  }
  text += fmt::format("{}.\n", join(others, ", "));
  for (const OtherTarget& other : checked.better_targets) {
    if (!other.runs.empty())
      text += fmt::format("On the BPU of {}: {}.\n", other.march, first_of(other.runs));
  }
  return text;
}

}  // namespace

CheckedModel check_model(const std::filesystem::path& model, const CheckOptions& options,
                         Diagnostics& diagnostics) {
  const auto kept = std::make_shared<Decided>(
      decide(model, options.config, options.configs, diagnostics, options.overrides));
  Decided& decided = *kept;
  confirm_remedies(model, options.config, options.configs, options.overrides, decided.file.model,
                   decided.plan);
  const Refused refused = refused_by_target(decided);
  say_in_own_keys(decided.config, decided.plan);
  const Placed<std::string>& march = decided.config.march;
  const std::string march_name = march.where.file.empty() ? "" : march_name_of(march.value);
  CheckedModel checked;
  std::optional<OutputFolder> folder;
  std::optional<SegmentsPicture> picture;
  if (!options.folder.empty()) folder.emplace(options.folder);
  if (folder && options.picture) {
    picture.emplace(decided.file.model, decided.plan, model.filename().string(), march_name);
  }
  checked.report = build_report(decided.file.model, decided.plan, model.filename().string(), march_name,
                                diagnostics.all(), decided.rules.table());
  say_in_own_keys(decided.config, checked.report.sizes_remedy);
  checked.report.seeks_blocks = !decided.config.fusing.eager;
  checked.open_axes = open_axes(*decided.file.model.graph);
  checked.refused_by_target = refused.always;
  checked.run_if_asked = refused.unless_asked;
  checked.looked_for_better = decided.file.model.graph->nodes().size() <= kMostNodesToTry;
  if (checked.refused_by_target > 0 && checked.looked_for_better && !decided.rules.is_profile()) {
    find_better_targets(model, options, march.value, refused.labels, checked);
  }
  if (options.no_fallback) {
    const auto allowed = allowed_nodes(decided.file.model, options.allowed, diagnostics);
    for (const ReportNode* node : fallbacks(checked.report)) {
      if (allowed.contains(node->name)) continue;
      checked.refused.push_back(node->name);
      if (checked.refused.size() <= kMostNamed) refuse(*node, model.string(), diagnostics);
    }
  }
  if (folder) {
    const auto& prefix = decided.config.prefix;
    write_files(options, prefix ? prefix->value : model.stem().string(), picture ? &*picture : nullptr,
                diagnostics, checked);
  }
  checked.decided = kept;
  return checked;
}

std::string to_text(const CheckedModel& checked) {
  const Report& report = checked.report;
  const std::string open =
      checked.open_axes.empty()
          ? ""
          : fmt::format(
                "The model leaves sizes open, and what is computed from them runs on the CPU: {}; --dim "
                "NAME=SIZE, or '{}' in a configuration, gives them\n",
                join(checked.open_axes, ", "), is_for_hb_mapper(checked) ? "input_shape" : "dims");
  return fmt::format("{}{}\n{}\n{}\n{}{}{}{}", report.model,
                     report.march.empty() ? "" : fmt::format(" for {}", report.march),
                     text_of_devices(checked), device_table(report), device_summary(report),
                     text_of_fused(report), text_of_better(checked), open);
}

nlohmann::ordered_json to_json(const CheckedModel& checked) {
  const Report& report = checked.report;
  nlohmann::ordered_json json = {{"model", report.model}};
  json["march"] =
      report.march.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(report.march);
  json.update(devices_json(report));
  json["refused_by_target"] = checked.refused_by_target;
  json["run_if_asked"] = checked.run_if_asked;
  json["better_targets"] = nlohmann::ordered_json::array();
  for (const OtherTarget& other : checked.better_targets) {
    json["better_targets"].push_back(
        {{"march", other.march}, {"refused", other.refused}, {"runs", other.runs}});
  }
  json["open_axes"] = checked.open_axes;
  json["refused"] = checked.refused;
  json["files"] = nlohmann::ordered_json::array();
  for (const std::filesystem::path& file : checked.files) json["files"].push_back(file.string());
  return json;
}

}  // namespace qprep
