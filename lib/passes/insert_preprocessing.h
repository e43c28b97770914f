#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"
#include "plan/preprocessing.h"
#include "support/diagnostics.h"

namespace qprep {

/// An input for which a configuration has a preprocessing.
struct PreparedInput {
  InputPreprocessing spec;
  Value* value = nullptr;
  Type sample;  // what the model took before, and what samples hold
};

/// Result: the model takes what the target hands to it, and what it took before is computed from that, by
/// ordinary nodes before all others:
///
///     x [fed layout] -> Transpose to NCHW -> HzPreprocess_x (Conv 1x1, pixel_affine.h) -> Transpose -> the
///     model
///
/// without the Transposes where the layouts are NCHW, and without the Conv where numbers stay as they are.
/// The input keeps its name; open sizes are those of the configuration. In the order of `specs`.
/// Errors (preprocessing): another number of inputs, an input that the model lacks, one that is no float32
/// tensor of four axes or has other channels than such pictures, sizes that contradict the model's.
std::vector<PreparedInput> insert_preprocessing(Model& model, std::span<const InputPreprocessing> specs,
                                                Diagnostics& diagnostics);

}  // namespace qprep
