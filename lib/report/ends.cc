#include "report/ends.h"

#include <set>

namespace qprep {

std::vector<std::string> ends_before(const Unit& unit, const Plan& plan) {
  const NodePlan* layer = plan.of(*unit.nodes.front());
  if (!layer || layer->weight_because.empty()) return {};
  const Value& result = unit.nodes.back()->output(0);
  std::set<std::string> before;
  for (const Use& use : result.uses()) {
    const Node& node = *use.node;
    const Unit* reader = plan.unit_of(node);
    before.insert(reader && reader->is_composite() ? reader->pattern
                  : node.is_onnx_domain()          ? node.op()
                                                   : node.domain() + "::" + node.op());
  }
  if (result.is_graph_output()) before.insert("output");
  return {before.begin(), before.end()};
}

}  // namespace qprep
