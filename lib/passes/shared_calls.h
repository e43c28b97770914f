#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "plan/node_settings.h"
#include "plan/plan.h"

namespace qprep {

/// The calls of each shared module, which are the units that read one weight, and what settings of one scale
/// for all of them come to. Given: the plan is decided, and outlives this.
class SharedCalls {
 public:
  explicit SharedCalls(const Plan& plan);

  /// Calls of a module that the setting names have one scale. It takes a setting for every one of them, so
  /// that none of these settings is idle.
  bool has_effect(const Setting& setting) const;
  /// Why they have not, as the end of a sentence. Given: has_effect() is false.
  std::string why_idle(const Setting& setting) const;

 private:
  using Calls = std::vector<const Unit*>;
  std::vector<const Value*> named_by(const Setting& setting) const;
  bool names(const Setting& setting, const Unit& unit) const;

  const Plan& plan_;
  std::unordered_map<const Value*, Calls> calls_;
  std::vector<const Value*> weights_;  // the keys of calls_, in the order of the graph
};

}  // namespace qprep
