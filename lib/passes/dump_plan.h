#pragma once

#include <string>

#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// The plan as text, for people, --dump-after and golden files: units and misses, then what is decided for
/// each node and value, in the order of the graph. Decisions about what is no longer in the model are left
/// out.
std::string dump_plan(const Model& model, const Plan& plan);

}  // namespace qprep
