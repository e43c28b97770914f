#include "passes/find_blocks.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "passes/composite_matcher.h"
#include "passes/rearrangement_matcher.h"

namespace qprep {
namespace {

/// All its nodes are in one composite operator.
bool has_a_name(const Block& block, const Plan& plan) {
  const NodePlan* first = plan.of(*block.nodes.front());
  if (!first || first->unit < 0 || !plan.units[static_cast<std::size_t>(first->unit)].is_composite()) {
    return false;
  }
  return std::all_of(block.nodes.begin(), block.nodes.end(), [&](const Node* node) {
    const NodePlan* each = plan.of(*node);
    return each && each->unit == first->unit;
  });
}

}  // namespace

void find_blocks(const Model& model, Plan& plan, Env& env) {
  std::vector<Block> blocks = find_rearrangements(model, env.composites->rearrangements);
  const CompositeMatcher matcher(env.composites->blocks, *env.op_classes, CompositeMatcher::Kind::kBlocks);
  for (CompositeMatch& match : matcher.find(model).matches) {
    blocks.push_back({match.pattern->name, std::move(match.nodes)});
  }
  std::erase_if(blocks, [&](const Block& block) { return has_a_name(block, plan); });
  std::stable_sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) {
    return a.nodes.front()->mark() < b.nodes.front()->mark();
  });
  plan.blocks = std::move(blocks);
}

}  // namespace qprep
