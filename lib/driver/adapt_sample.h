#pragma once

#include "ir/tensor.h"
#include "plan/preprocessing.h"

namespace qprep {

/// The sample as the prepared model takes it. Given: it is as the pictures of the training were before mean
/// and scale, in the layout of training; float32 with four axes if `input` changes anything.
Tensor adapt_sample(const Tensor& sample, const InputPreprocessing& input);

}  // namespace qprep
