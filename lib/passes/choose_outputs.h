#pragma once

#include <span>
#include <string>

#include "config/yaml_reader.h"
#include "ir/graph.h"
#include "support/diagnostics.h"

namespace qprep {

/// Result: the outputs of the model are the tensors of these names, or the results of the nodes of these
/// names, in their order and under their own names; nodes that lead to none of them are gone (a note,
/// graph-cut). No names: nothing changed. Errors (graph-cut): a name that the model lacks, a tensor that no
/// node makes, one of unknown type, one that is named twice.
void choose_outputs(Model& model, std::span<const Placed<std::string>> names, Diagnostics& diagnostics);

}  // namespace qprep
