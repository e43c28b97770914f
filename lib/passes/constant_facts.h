#pragma once

#include "ir/tensor.h"
#include "plan/plan.h"

namespace qprep {

/// What the numbers of a float32 tensor are, in one pass over the payload, in parallel if it is big.
ConstantFacts constant_facts(const Tensor& tensor);

/// No element of a float32 tensor is NaN or infinite.
bool all_finite(const Tensor& tensor);

}  // namespace qprep
