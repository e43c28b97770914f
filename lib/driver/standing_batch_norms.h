#pragma once

#include <string>
#include <vector>

#include "passes/pass.h"

namespace qprep {

/// The batch norms that fold-batch-norm leaves, and what is said of them once it is known what becomes of
/// them: replace-operators makes some a Conv.
class StandingBatchNorms {
 public:
  /// Given: fold-batch-norm just ran. `said`: its diagnostics.
  StandingBatchNorms(Model& model, Diagnostics said);
  /// Given: replace-operators ran, unless the run ends before it. Result: `said`, as far as it still holds,
  /// and what became of them are in env.diagnostics.
  void tell(Model& model, Env& env) const;

 private:
  Diagnostics said_;
  std::vector<std::string> labels_;
};

}  // namespace qprep
