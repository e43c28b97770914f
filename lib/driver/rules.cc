#include "driver/rules.h"

#include <fmt/format.h>
#include <utility>

#include "support/codes.h"

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

}  // namespace

Rules Rules::read(const std::filesystem::path& configs, const Config& config) {
  Rules rules = {read_op_classes((configs / kOpClasses).string()),
                 read_fusion_rules((configs / kFusion).string()),
                 read_composites((configs / kComposites).string()),
                 {},
                 {}};
  if (!config.march.where.file.empty()) rules.march = read_march(configs, config.march.value);
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
  Env env = this->env(diagnostics, settings(config));
  env.fusing = &config.fusing;
  return env;
}

void Rules::remark_on_march(const Config& config, Diagnostics& diagnostics) const {
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
