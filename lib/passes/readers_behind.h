#pragma once

#include <vector>

#include "passes/data_flow.h"

namespace qprep {

/// Looks at all that read the value's elements, over the passive operators that hand them on; false as soon
/// as `f` is for one, or there are too many to look at.
template <typename F>
bool all_behind(const DataFlow& flow, const Value& value, const F& f) {
  constexpr std::size_t kMostLooks = 64;
  std::vector<const Value*> waiting{&value};
  for (std::size_t at = 0; at < waiting.size(); ++at) {
    if (at == kMostLooks || waiting[at]->uses().size() > kMostLooks) return false;
    for (const Use& use : waiting[at]->uses()) {
      if (!flow.knows(*use.node)) return false;
      const OpTraits& traits = flow.traits(*use.node);
      if (traits.op_class == OpClass::kPassive && traits.is_data(use.input)) {
        waiting.push_back(&use.node->output(0));
      } else if (!f(*use.node)) {
        return false;
      }
    }
  }
  return true;
}

/// These nodes, but for those that read no more than the shape of it.
inline std::vector<const Node*> readers_behind(const DataFlow& flow, const Value& value) {
  std::vector<const Node*> readers;
  all_behind(flow, value, [&](const Node& node) {
    if (!node.is("Shape") && !node.is("Size")) readers.push_back(&node);
    return true;
  });
  return readers;
}

}  // namespace qprep
