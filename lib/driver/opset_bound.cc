#include "driver/opset_bound.h"

#include <fmt/format.h>

#include "driver/rewrite_model.h"
#include "ir/newest_opset.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "opset/raise_opset.h"

namespace qprep {

OpsetBound opset_bound(const Config& config, const Rules& rules, const Model& model,
                       const std::filesystem::path& file) {
  OpsetBound bound{kNewestOpset, fmt::format("the newest that is known is {}", kNewestOpset)};
  if (config.newest_opset) {
    bound = {config.newest_opset->value, fmt::format("'newest_opset' is {} ({})", config.newest_opset->value,
                                                     to_text(config.newest_opset->where))};
  }
  Diagnostics unsaid;
  Env env = rules.env(unsaid, {});
  for (;;) {
    const std::int64_t needed = opset_for_modern(model, env, bound.newest);
    if (needed <= model.opset()) return bound;
    Diagnostics of_the_trial;
    OnnxFile trial = read_onnx(file, of_the_trial);
    infer_shapes(trial, of_the_trial);
    Plan plan;
    Env env_of_the_trial = rules.env_for(config, of_the_trial);
    rewrite_model(trial, plan, env_of_the_trial);
    try {
      raise_opset(trial.model, needed, of_the_trial);
      return bound;
    } catch (const Fatal& refusal) {
      bound = {needed - 1, fmt::format("the model cannot be raised to {}: {}", needed,
                                       refusal.diagnostics().front().message)};
    }
  }
}

}  // namespace qprep
