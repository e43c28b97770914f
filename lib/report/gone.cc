#include "report/gone.h"

#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/walk.h"

namespace qprep {

void add_gone(const Model& model, Report& report) {
  std::unordered_map<std::string_view, const Node*> there;
  for (const Node* node : nodes_with_bodies(*model.graph)) there.emplace(node->label(), node);
  struct Became {
    const GoneNode *first, *last;
  };
  std::vector<Became> all;
  std::unordered_map<std::string_view, std::size_t> at;
  for (const GoneNode& each : model.gone) {
    const auto [known, is_new] = at.emplace(each.label, all.size());
    if (is_new) all.push_back({&each, &each});
    all[known->second].last = &each;
  }
  for (const auto& [first, last] : all) {
    if (const auto node = there.find(first->label); node != there.end()) {
      report.became.push_back({first->label, first->op, node->second->op(), last->because});
    } else {
      report.gone.push_back({first->label, first->op, last->because});
    }
  }
}

}  // namespace qprep
