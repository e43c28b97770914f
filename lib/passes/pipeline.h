#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "passes/pass.h"

namespace qprep {

enum class PassKind { kRewrite, kDecide, kAct };
PassKind kind_of(const Pass& pass);

/// The passes of `prepare` in order: rewrites, deciding passes, acting passes.
std::span<const Pass> pipeline();
/// The part of the pipeline that is of one kind: the driver raises the opset between kDecide and kAct.
std::span<const Pass> pipeline(PassKind kind);
/// By name, for --dump-after and --stop-after; null if there is none.
const Pass* find_pass(std::string_view name);

/// What a run tells about itself, after the graph was verified.
struct PassReport {
  const Pass& pass;
  const Model& model;
  const Plan& plan;
  bool changed;    // a rewrite's own word; true for the others
  double seconds;  // without verify
};

/// Called after each pass. Returns false to stop there (--stop-after).
using PassObserver = std::function<bool(const PassReport&)>;

/// Runs `passes` in order; after each that says that it changed the graph, verify(). `observer` may be empty.
/// Result: true if all ran, false if the observer stopped the run after one of them.
/// Errors: Fatal(kBrokenGraph) that names the pass after which the graph is inconsistent; what a pass throws.
bool run_passes(Model& model, Plan& plan, std::span<const Pass> passes, Env& env,
                const PassObserver& observer = {});

/// What --dump-after prints after `pass`: the model, and after deciding and acting passes the plan too.
std::string dump_after(const PassReport& report);

}  // namespace qprep
