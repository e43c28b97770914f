#include "passes/pipeline.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fmt/format.h>
#include <stdexcept>

#include "ir/dump.h"
#include "ir/verify.h"
#include "passes/apply_templates.h"
#include "passes/drop_identity.h"
#include "passes/dump_plan.h"
#include "passes/find_blocks.h"
#include "passes/fold_batch_norm.h"
#include "passes/fold_constants.h"
#include "passes/group_units.h"
#include "passes/inline_functions.h"
#include "passes/insert_fake_quant.h"
#include "passes/replace_einsum.h"
#include "passes/replace_operators.h"
#include "passes/take_out_batch_norm.h"
#include "support/codes.h"

namespace qprep {
namespace {

// In order of running; one kind after the other.
const std::array kPipeline = {
    Pass{"inline-functions", "puts the nodes of functions where they are called", Rewrite{inline_functions}},
    Pass{"take-out-batch-norm", "folds batch norms that were written for training",
         Rewrite{take_out_batch_norm}},
    Pass{"drop-identity", "removes nodes that hand on their input as it is", Rewrite{drop_identity}},
    Pass{"replace-einsum", "makes an Einsum that is a matrix product a MatMul", Rewrite{replace_einsum}},
    Pass{"fold-constants", "computes what depends on constants alone", Rewrite{fold_constants}},
    Pass{"fold-batch-norm", "multiplies batch norms into the weights beside them", Rewrite{fold_batch_norm}},
    Pass{"replace-operators", "makes operators those that the target has", Rewrite{replace_operators}},
    Pass{"group-units", "finds the nodes that run as one kernel", Decide{group_units}},
    Pass{"find-blocks", "names what nodes spell out together", Decide{find_blocks}},
    Pass{"apply-templates", "decides what is quantised, and why", Decide{apply_templates}},
    Pass{"insert-fake-quant", "puts FakeQuantize where that was decided", Act{insert_fake_quant}},
};

bool run(const Pass& pass, Model& model, Plan& plan, Env& env) {
  switch (kind_of(pass)) {
    case PassKind::kRewrite:
      return std::get<Rewrite>(pass.run)(model, env);
    case PassKind::kDecide:
      std::get<Decide>(pass.run)(model, plan, env);
      return true;
    case PassKind::kAct:
      std::get<Act>(pass.run)(model, plan, env);
      return true;
  }
  return false;
}

[[noreturn]] void fail(const Pass& pass, const Model& model, const std::string& what) {
  throw Fatal(codes::kBrokenGraph, fmt::format("pass {} broke the graph: {}", pass.name, what), {model.file});
}

}  // namespace

PassKind kind_of(const Pass& pass) { return static_cast<PassKind>(pass.run.index()); }

std::span<const Pass> pipeline() { return kPipeline; }

std::span<const Pass> pipeline(PassKind kind) {
  const auto of_kind = [kind](const Pass& pass) { return kind_of(pass) == kind; };
  const auto first = std::find_if(kPipeline.begin(), kPipeline.end(), of_kind);
  return {first, std::find_if_not(first, kPipeline.end(), of_kind)};
}

const Pass* find_pass(std::string_view name) {
  const auto at = std::find_if(kPipeline.begin(), kPipeline.end(),
                               [name](const Pass& pass) { return pass.name == name; });
  return at == kPipeline.end() ? nullptr : &*at;
}

bool run_passes(Model& model, Plan& plan, std::span<const Pass> passes, Env& env,
                const PassObserver& observer) {
  using Clock = std::chrono::steady_clock;
  for (const Pass& pass : passes) {
    const Clock::time_point start = Clock::now();
    bool changed = false;
    try {
      changed = run(pass, model, plan, env);
    } catch (const std::logic_error& error) {
      fail(pass, model, error.what());
    }
    const std::chrono::duration<double> taken = Clock::now() - start;
    if (changed) {
      const std::vector<std::string> problems = verify(model);
      if (!problems.empty()) fail(pass, model, problems.front());
    }
    if (observer && !observer({pass, model, plan, changed, taken.count()})) return false;
  }
  return true;
}

std::string dump_after(const PassReport& report) {
  std::string text = dump(report.model);
  if (kind_of(report.pass) != PassKind::kRewrite) text += dump_plan(report.model, report.plan);
  return text;
}

}  // namespace qprep
