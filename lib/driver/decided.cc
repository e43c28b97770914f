#include "driver/decided.h"

#include <fmt/format.h>

#include "driver/configured_model.h"
#include "driver/rewrite_model.h"
#include "driver/rules.h"
#include "onnx_io/infer_shapes.h"
#include "passes/pipeline.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

using Sizes = std::map<std::string, std::int64_t>;

/// Result: the inputs' axes of these names have these sizes. Throws Fatal for names that no input has.
void fix_sizes(Model& model, const Sizes& sizes) {
  std::vector<std::string> open;
  Sizes left = sizes;
  for (Value* input : model.graph->inputs()) {
    Type type = input->type();
    if (!type.shape) continue;
    for (std::size_t i = 0; i < type.shape->size(); ++i) {
      Dim& dim = (*type.shape)[i];
      if (dim.known()) continue;
      for (const std::string& name : {dim.symbol, fmt::format("{}[{}]", input->name(), i)}) {
        if (name.empty()) continue;
        open.push_back(name);
        const auto at = sizes.find(name);
        if (at == sizes.end()) continue;
        dim = {at->second, ""};
        left.erase(name);
        break;
      }
    }
    input->set_type(std::move(type));
  }
  Diagnostics unknown;
  for (const auto& [name, size] : left) {
    unknown.error(codes::kNoMatch,
                  fmt::format("no axis of an input with an open size is called '{}'{}; {}", name,
                              did_you_mean(name, open),
                              open.empty() ? "there is none" : "there are " + join(open, ", ")),
                  {model.file});
  }
  unknown.throw_if_error();
}

}  // namespace

Decided decide(const std::filesystem::path& model, const std::string& config,
               const std::filesystem::path& configs, Diagnostics& diagnostics, const Overrides& overrides) {
  Decided decided;
  if (!config.empty()) decided.config = read_config(config);
  for (const Diagnostic& remark : decided.config.remarks) diagnostics.add(remark);
  for (const Diagnostic& each : decided.config.not_yet) {
    diagnostics.warning(each.code, each.message, each.where);
  }
  if (!overrides.march.empty()) decided.config.march = {overrides.march, {"--march"}};
  const Rules rules = Rules::read(configs, decided.config);
  decided.file = read_onnx(model, diagnostics);
  fix_sizes(decided.file.model, overrides.sizes);
  infer_shapes(decided.file, diagnostics);
  configure_model(decided.config, decided.file, rules.op_classes, diagnostics);
  Env env = rules.env_for(decided.config, diagnostics);
  rewrite_model(decided.file, decided.plan, env);
  check_method(decided.config, decided.file.model, rules.op_classes, diagnostics);
  run_passes(decided.file.model, decided.plan, pipeline(PassKind::kDecide), env);
  check_wanted_devices(decided.config, decided.file.model, decided.plan, diagnostics);
  diagnostics.throw_if_error();
  return decided;
}

}  // namespace qprep
