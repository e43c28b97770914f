#include "report/members.h"

#include <algorithm>

namespace qprep {
namespace {

/// The batch norm that stands behind the layer in the models for training and is none of the nodes; null:
/// there is none.
const std::string* norm_behind(const Model& model, const Node& layer, const std::vector<const Node*>& nodes) {
  const auto norm = model.kept_batch_norms.find(&layer);
  if (norm == model.kept_batch_norms.end()) return nullptr;
  const std::string& name = norm->second.name;
  const auto is_it = [&](const Node* each) { return each->label() == name; };
  return std::ranges::any_of(nodes, is_it) ? nullptr : &name;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> members_of(const Model& model,
                                                            const OperatorsInFile& in_file,
                                                            const std::vector<const Node*>& nodes) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const Node* node : nodes) {
    members.emplace_back(node->label(), in_file.of(*node));
    if (const std::string* norm = norm_behind(model, *node, nodes)) {
      members.emplace_back(*norm, "BatchNormalization");
    }
  }
  return members;
}

std::vector<std::string> labels_of(const Model& model, const std::vector<const Node*>& nodes) {
  std::vector<std::string> labels;
  for (const Node* node : nodes) {
    labels.push_back(node->label());
    if (const std::string* norm = norm_behind(model, *node, nodes)) labels.push_back(*norm);
  }
  return labels;
}

}  // namespace qprep
