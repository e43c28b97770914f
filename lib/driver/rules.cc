#include "driver/rules.h"

#include <utility>

namespace qprep {
namespace {

constexpr const char* kOpClasses = "op_classes.yaml";
constexpr const char* kFusion = "fusion.yaml";
constexpr const char* kComposites = "composites.yaml";

}  // namespace

Rules Rules::read(const std::filesystem::path& configs) {
  return {read_op_classes((configs / kOpClasses).string()), read_fusion_rules((configs / kFusion).string()),
          read_composites((configs / kComposites).string())};
}

void Rules::add(const Config& config) {
  if (!config.fusing.patterns.empty()) fusion = fusion.with(config.fusing.patterns);
}

Env Rules::env_for(const Config& config, Diagnostics& diagnostics) const {
  Env env = this->env(diagnostics, settings(config));
  env.fusing = &config.fusing;
  return env;
}

Env Rules::env(Diagnostics& diagnostics, std::vector<Setting> settings) const {
  Env env{.diagnostics = diagnostics};
  env.settings = std::move(settings);
  env.op_classes = &op_classes;
  env.fusion = &fusion;
  env.composites = &composites;
  return env;
}

}  // namespace qprep
