#include "driver/decided.h"

#include "driver/configured_model.h"
#include "driver/fix_sizes.h"
#include "driver/newer_opset.h"
#include "driver/read_model.h"
#include "driver/rewrite_model.h"
#include "driver/small_segments.h"
#include "driver/tensor_methods.h"
#include "driver/whole_on_bpu.h"
#include "onnx_io/infer_shapes.h"
#include "passes/pipeline.h"
#include "quant/fake_quant.h"

namespace qprep {
namespace {

void fuse_all(Config& config) {
  Fusing& fusing = config.fusing;
  if (fusing.eager) config.method = Config{}.method;
  fusing.eager = false;
  fusing.only_lists.reset();
  fusing.lists.clear();
}

}  // namespace

Decided decide(const std::filesystem::path& model, const std::string& config,
               const std::filesystem::path& configs, Diagnostics& diagnostics, const Overrides& overrides) {
  Decided decided;
  if (!config.empty()) decided.config = read_config(config);
  if (overrides.fuses_all) fuse_all(decided.config);
  if (overrides.drops_stubs || overrides.quantises_all) decided.config.stubs = {};
  if (overrides.quantises_all) decided.config.method = {"jit", {"method: jit"}};
  for (const Diagnostic& remark : decided.config.remarks) diagnostics.add(remark);
  for (const Diagnostic& each : decided.config.not_yet) {
    diagnostics.warning(each.code, each.message, each.where);
  }
  if (!overrides.march.empty()) decided.config.march = {overrides.march, {"--march"}};
  decided.rules = Rules::read(configs, decided.config);
  const Rules& rules = decided.rules;
  rules.remark_on_march(decided.config, diagnostics);
  decided.file = read_model(model, diagnostics);
  std::vector<Placed<OpenSize>> sizes = decided.config.dims;
  sizes.insert(sizes.end(), overrides.dims.begin(), overrides.dims.end());
  fix_sizes(decided.file.model, sizes, overrides.dims_may_miss, diagnostics);
  infer_shapes(decided.file, diagnostics);
  configure_model(decided.config, decided.file, rules.op_classes, diagnostics);
  Env rewriting = rules.env_for(decided.config, diagnostics);
  rewrite_model(decided.file, decided.plan, rewriting);
  check_method(decided.config, decided.file.model, rules.op_classes, diagnostics);
  if (decided.file.model.opset() < kFakeQuantizeOpset) {
    Diagnostics trial;
    Env of_trial = rules.env_for(decided.config, trial);
    run_passes(decided.file.model, decided.plan, pipeline(PassKind::kDecide), of_trial);
    if (needs_newer_opset(decided.config, decided.file.model, decided.plan)) {
      raise_to(kFakeQuantizeOpset, decided.file.model, diagnostics);
      infer_shapes(decided.file, trial);
    }
    decided.plan = Plan{};
  }
  move_small_segments(decided.config, rules, decided.file.model);
  Env env = rules.env_for(decided.config, diagnostics);
  run_passes(decided.file.model, decided.plan, pipeline(PassKind::kDecide), env);
  check_wanted_devices(decided.config, decided.file.model, decided.plan, diagnostics);
  check_whole_on_bpu(decided.config, decided.file.model, decided.plan, diagnostics);
  if (const auto& calibration = decided.config.calibration) {
    const std::vector<Observed> observed = tensors_to_observe(decided.file.model, decided.plan);
    methods_by_name(decided.file.model, decided.plan, observed, *calibration, diagnostics);
  }
  diagnostics.throw_if_error();
  return decided;
}

}  // namespace qprep
