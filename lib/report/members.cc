#include "report/members.h"

#include <algorithm>

namespace qprep {

std::vector<std::pair<std::string, std::string>> members_of(const Model& model,
                                                            const std::vector<const Node*>& nodes) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const Node* node : nodes) {
    members.emplace_back(node->label(), node->op());
    const auto norm = model.kept_batch_norms.find(node);
    if (norm == model.kept_batch_norms.end()) continue;
    const std::string& name = norm->second.name;
    const bool is_there =
        std::any_of(nodes.begin(), nodes.end(), [&](const Node* each) { return each->label() == name; });
    if (!is_there) members.emplace_back(name, "BatchNormalization");
  }
  return members;
}

std::vector<std::string> labels_of(const Model& model, const std::vector<const Node*>& nodes) {
  std::vector<std::string> labels;
  for (auto& [label, op] : members_of(model, nodes)) labels.push_back(std::move(label));
  return labels;
}

}  // namespace qprep
