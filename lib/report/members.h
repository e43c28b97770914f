#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "ir/operators_in_file.h"

namespace qprep {

/// Names of nodes that stand together, with their operators in the file; behind a layer, of the batch norm
/// that stands there in the models for training.
std::vector<std::pair<std::string, std::string>> members_of(const Model& model,
                                                            const OperatorsInFile& in_file,
                                                            const std::vector<const Node*>& nodes);
/// The names alone.
std::vector<std::string> labels_of(const Model& model, const std::vector<const Node*>& nodes);

}  // namespace qprep
