#pragma once

#include <functional>
#include <string>
#include <vector>

#include "passes/data_flow.h"
#include "plan/plan.h"

namespace qprep {

struct March;
class TargetJudge;

/// Tensors that can be no int16, whatever is asked for, and why: the end of a reason.
using NarrowTensors = Numbered<Value, std::string>;

/// Adds what the target does not take, make or move in int16, of units that run quantised (`runs`), and what
/// it adds inside the kernel of a layer only in int8. `march`: null for none.
void find_narrow_tensors(const std::vector<Unit>& units, const std::function<bool(const Unit&)>& runs,
                         const DataFlow& flow, const TargetJudge& target, const March* march,
                         NarrowTensors& narrow);

}  // namespace qprep
