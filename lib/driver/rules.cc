#include "driver/rules.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <utility>

#include "config/row_classes.h"
#include "driver/target_words.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr const char* kOpClasses = "op_classes.yaml";
constexpr const char* kFusion = "fusion.yaml";
constexpr const char* kComposites = "composites.yaml";

/// What the target asks of an operator where the configuration says nothing of it.
Setting one_scale_of(const std::string& op, const std::string& march) {
  Setting setting;
  setting.selector = {Selector::Kind::kType, op};
  setting.selector.optional = true;
  setting.says = SameScale{true};
  setting.what = fmt::format("{}: same_scale of {}", march, op);
  return setting;
}

/// Below all that the configuration says, in place of what holds where it says nothing.
void add_target_settings(std::vector<Setting> more, std::vector<Setting>& all) {
  std::erase_if(all, [&more](const Setting& setting) {
    return setting.where.file.empty() && std::ranges::any_of(more, [&setting](const Setting& each) {
             return !each.names_nodes() && each.slot == setting.slot &&
                    aspect_of(each.says) == aspect_of(setting.says);
           });
  });
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// Result: what moves elements only, and has a scale of its own on the target, is active.
void give_own_scales(const March& march, OpClasses& classes) {
  std::vector<Diagnostic> wrong;
  std::vector<std::string> known;
  for (const auto& [op, row] : classes.rows) known.push_back(op);
  std::ranges::sort(known);
  for (const Placed<std::string>& op : march.quantise->own_scale) {
    const auto row = classes.rows.find(op.value);
    if (row == classes.rows.end()) {
      wrong.push_back({Severity::kError, codes::kBadValue,
                       fmt::format("'quantise.own_scale': nothing is known of an operator '{}'{}", op.value,
                                   did_you_mean(op.value, known)),
                       op.where});
      continue;
    }
    const auto change = [](OpTraits& traits) {
      if (traits.op_class == OpClass::kPassive) traits.op_class = OpClass::kActive;
    };
    change(row->second.traits);
    for (OpClasses::Case& each : row->second.cases) change(each.traits);
  }
  if (!wrong.empty()) throw Fatal(wrong);
}

}  // namespace

Rules Rules::read(const std::filesystem::path& configs, const Config& config) {
  Rules rules = {read_op_classes((configs / kOpClasses).string()),
                 read_fusion_rules((configs / kFusion).string()),
                 read_composites((configs / kComposites).string()),
                 {},
                 {}};
  if (!config.march.where.file.empty()) rules.march = read_march(configs, config.march.value);
  if (rules.march && rules.march->tails) rules.fusion = rules.fusion.with_tails(*rules.march->tails);
  if (rules.march) add_classes_of_rows(rules.march->capabilities, rules.op_classes);
  if (rules.march && rules.march->quantise) give_own_scales(*rules.march, rules.op_classes);
  if (rules.march && !rules.march->sequences.empty()) {
    rules.fusion = rules.fusion.with(rules.march->sequences);
  }
  if (!config.fusing.patterns.empty()) rules.fusion = rules.fusion.with(config.fusing.patterns);
  if (config.replace) {
    rules.replace = *config.replace;
  } else if (rules.march) {
    rules.replace = rules.march->replace;
  }
  return rules;
}

Env Rules::env_for(const Config& config, Diagnostics& diagnostics) const {
  std::vector<Setting> all = settings(config);
  if (march && march->quantise) add_target_settings(march->quantise->settings(), all);
  Env env = this->env(diagnostics, std::move(all));
  env.fusing = &config.fusing;
  return env;
}

void Rules::remark_on_march(const Config& config, Diagnostics& diagnostics) const {
  if (march && is_march_file(config.march.value)) {
    for (Diagnostic& each : doubtful_words(find_configs(), config.march.value))
      diagnostics.add(std::move(each));
  }
  if (march && march->quantise) {
    for (const Placed<std::string>& each : march->quantise->not_yet) {
      diagnostics.warning(codes::kNotYet, fmt::format("not carried out of {}: {}", march->name, each.value),
                          each.where);
    }
  }
  if (!march || !march->provisional) return;
  const std::string said =
      march->capabilities.rows.empty()
          ? fmt::format("what {} runs where is not known ({}): whatever can be quantised is asked of the BPU",
                        march->name, march->source)
          : fmt::format(
                "what {} runs where is provisional, concluded from {}: what no row of it speaks of is asked "
                "of "
                "the BPU",
                march->name, march->source);
  diagnostics.note(codes::kProvisionalTarget, said, config.march.where);
}

Env Rules::env(Diagnostics& diagnostics, std::vector<Setting> settings) const {
  Env env{.diagnostics = diagnostics};
  env.settings = std::move(settings);
  for (const std::string& op : march ? march->same_scale : std::vector<std::string>()) {
    env.settings.push_back(one_scale_of(op, march->name));
  }
  env.op_classes = &op_classes;
  env.fusion = &fusion;
  env.composites = &composites;
  env.march = march ? &*march : nullptr;
  env.replace = replace;
  return env;
}

}  // namespace qprep
