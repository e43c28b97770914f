#include "report/ends.h"

#include <set>

#include "report/standing_norms.h"

namespace qprep {

Ends::Ends(const Model& model, const Plan& plan)
    : plan_(plan), norms_(standing_norms(model, plan)), operators_(model) {}

std::string Ends::name_of_operator(const Node& node) const {
  const Unit* unit = plan_.unit_of(node);
  if (unit && unit->is_composite()) return unit->pattern;
  return operators_.of(node);
}

std::vector<std::string> Ends::before(const Unit& unit) const {
  const NodePlan* layer = plan_.of(*unit.nodes.front());
  if (!layer || layer->weight_because.empty()) return {};
  std::set<std::string> before;
  std::vector<const Value*> waiting{&unit.nodes.back()->output(0)};
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    for (const Use& use : waiting[i]->uses()) {
      const Node& node = *use.node;
      const auto norm = norms_.find(&node);
      if (norm != norms_.end() && norm->second->layer == unit.nodes.front()->label()) return {};
      if (node.is("Reshape") && !node.made_for().empty() && !plan_.unit_of(node)) {
        waiting.push_back(&node.output(0));
      } else {
        before.insert(name_of_operator(node));
      }
    }
    if (waiting[i]->is_graph_output()) before.insert("output");
  }
  return {before.begin(), before.end()};
}

}  // namespace qprep
