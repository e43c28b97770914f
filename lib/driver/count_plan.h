#pragma once

#include "config/composites.h"
#include "driver/prepare.h"
#include "plan/plan.h"
#include "report/report.h"

namespace qprep {

/// How many nodes, segments, sequences and tensors of which dtype the plan has, into `result`.
void count_plan(const Plan& plan, const Report& report, const Composites& composites, PrepareResult& result);

/// What the samples gave no scale is not quantised after all.
void uncount(PrepareResult& result, const Decision& decision);

}  // namespace qprep
