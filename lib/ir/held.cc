#include "ir/held.h"

#include <algorithm>

#include "ir/walk.h"

namespace qprep {

Held::Held(const Model& model) {
  for (const Node* node : nodes_with_bodies(*model.graph)) there_.emplace(node->label(), node);
  for (const GoneNode& gone : model.gone) {
    if (gone.because.ends_with(kLeftOut)) left_out_.insert(gone.label);
  }
}

std::vector<std::string> Held::by(const Node& node) const {
  const auto owner = there_.find(node.made_for());
  const std::vector<std::string>* of_owner =
      node.made_for().empty() || owner == there_.end() ? nullptr : &owner->second->absorbed();
  std::vector<std::string> held;
  for (const std::string& label : node.absorbed()) {
    const bool elsewhere = of_owner && std::ranges::find(*of_owner, label) != of_owner->end();
    if (!elsewhere && !there_.contains(label) && !left_out_.contains(label)) held.push_back(label);
  }
  return held;
}

}  // namespace qprep
