#include "passes/find_blocks.h"

#include <algorithm>
#include <utility>

#include "config/fusing.h"
#include "passes/composite_matcher.h"
#include "passes/composite_quantity.h"
#include "passes/rearrangement_matcher.h"
#include "passes/split_matcher.h"

namespace qprep {
namespace {

/// All its nodes are in one composite operator.
bool has_a_name(const Block& block, const Plan& plan) {
  const Unit* unit = plan.unit_of(*block.nodes.front());
  return unit && unit->is_composite() &&
         std::all_of(block.nodes.begin(), block.nodes.end(),
                     [&](const Node* node) { return plan.unit_of(*node) == unit; });
}

bool holds_all(const CompositeMatch& match) {
  const std::vector<CompositeCondition>& given = match.pattern->meaning->given;
  return std::all_of(given.begin(), given.end(),
                     [&](const CompositeCondition& condition) { return holds(condition, match); });
}

}  // namespace

void find_blocks(const Model& model, Plan& plan, Env& env) {
  plan.blocks.clear();
  if (env.fusing && env.fusing->eager) return;
  std::vector<Block> blocks = find_rearrangements(model, env.composites->rearrangements);
  const CompositeMatcher matcher(env.composites->blocks, *env.op_classes, CompositeMatcher::Kind::kBlocks);
  for (CompositeMatch& match : matcher.find(model).matches) {
    if (holds_all(match)) blocks.push_back({match.pattern->name, std::move(match.nodes)});
  }
  for (Block& split : find_splits(model)) blocks.push_back(std::move(split));
  std::erase_if(blocks, [&](const Block& block) { return has_a_name(block, plan); });
  std::stable_sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) {
    return a.nodes.front()->mark() < b.nodes.front()->mark();
  });
  plan.blocks = std::move(blocks);
}

}  // namespace qprep
