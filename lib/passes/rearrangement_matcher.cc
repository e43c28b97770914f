#include "passes/rearrangement_matcher.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "ir/walk.h"
#include "passes/factor_layout.h"

namespace qprep {
namespace {

constexpr std::size_t kLongest = 8;

/// A chain begins with one of these: a Transpose or a Flatten at its start moves or joins nothing that a
/// rearrangement asks for.
bool begins(const Node& node) {
  static constexpr std::array<std::string_view, 4> kOps{"Reshape", "Unsqueeze", "Expand", "Tile"};
  return node.is_onnx_domain() && std::find(kOps.begin(), kOps.end(), node.op()) != kOps.end();
}

const Node* only_reader(const Node& node) {
  if (node.output_count() == 0) return nullptr;
  const Value& value = node.output(0);
  if (!value.has_single_use() || value.uses().front().input != 0) return nullptr;
  const Node* reader = value.uses().front().node;
  return &reader->graph() == &node.graph() ? reader : nullptr;
}

const Rearrangement* named(const FactorLayout& layout, const std::vector<Rearrangement>& rearrangements) {
  const auto at = std::find_if(rearrangements.begin(), rearrangements.end(),
                               [&](const Rearrangement& each) { return layout.is(each); });
  return at != rearrangements.end() ? &*at : nullptr;
}

/// The longest chain from the node on that has a name; its nodes are empty if there is none.
Block chain_from(const Node& first, const std::vector<Rearrangement>& rearrangements) {
  Block longest;
  auto layout = first.input(0) ? FactorLayout::of(*first.input(0)) : std::nullopt;
  std::vector<const Node*> nodes;
  for (const Node* node = &first; layout && node && nodes.size() < kLongest; node = only_reader(*node)) {
    if (!layout->follow(*node)) break;
    nodes.push_back(node);
    if (nodes.size() < 2) continue;
    if (const Rearrangement* found = named(*layout, rearrangements)) longest = {found->name, nodes};
  }
  return longest;
}

}  // namespace

std::vector<Block> find_rearrangements(const Model& model, const std::vector<Rearrangement>& rearrangements) {
  std::vector<Block> found;
  std::unordered_set<const Node*> taken;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    if (!begins(*node) || taken.contains(node)) continue;
    Block block = chain_from(*node, rearrangements);
    taken.insert(block.nodes.begin(), block.nodes.end());
    if (!block.nodes.empty()) found.push_back(std::move(block));
  }
  return found;
}

}  // namespace qprep
