#pragma once

#include "passes/pass.h"

namespace qprep {

/// Finds the nodes that the target runs as one kernel (env.fusion), in the main graph and in the bodies of
/// its control flow, never across the border of a body, and writes them to plan.units, in the order of their
/// first nodes; every other node of class gemm_like or active becomes a unit of its own, named after the
/// head of a sequence that it would be ("conv"), else after its operator. NodePlan::unit names the unit of a
/// node.
///
/// Composite operators (env.composites) come first: a node that spells one out joins no sequence, except
/// where a sequence asks for that operator, and takes it in whole. So the Add of a HardSwish is no bias of
/// the convolution before it, and a Relu6 is its activation in whatever spelling.
///
/// Where the configuration lists what is fused (env.fusing), a list becomes one unit, and what no list has a
/// Miss. With `method: eager`, a composite operator is one where a list names its nodes, and else a Miss.
///
/// A pattern matches where every result inside the unit is read once, by the next node, and is no output of
/// the graph. The longest match counts. Roots are visited from the last node of the graph to the first, and a
/// node joins one unit only: where both operands of an Add could take it in, the later root has it.
/// A root whose match could have been longer but for such a rule leaves a Miss with the rule that failed;
/// only the deepest one. So does a composite operator that fails only since somebody else reads a result
/// inside it, unless something as long holds there.
///
/// What Model::apart has counts as a Miss too, instead of what replacements made of its nodes.
void group_units(const Model& model, Plan& plan, Env& env);

/// Result: the sequences and composite operators that the configuration leaves apart, as the nodes are now.
/// Given: as for group_units.
std::vector<SequenceApart> sequences_apart(const Model& model, Env& env);

}  // namespace qprep
