#pragma once

#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "plan/sample_spec.h"
#include "report/report.h"

namespace qprep {

/// The tensors by which the quantised model is compared with the float one: where its quantised part ends,
/// else its float32 outputs. Where samples have several steps, its outputs but for the states: what these
/// lose shows in later steps.
std::vector<std::string> results_to_compare(const Model& model, const Report& report,
                                            std::span<const StateLink> state);

}  // namespace qprep
