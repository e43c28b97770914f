#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "support/diagnostics.h"

namespace qprep {

/// What goes from the ends of a model.
struct EndsToCut {
  std::vector<std::string> types;  // operators, as long as there is one of them at an end
  std::vector<std::string> nodes;  // by their names
  Where where;
};

/// Result: nodes of those operators and names are gone from both ends, one after the other, and the end keeps
/// its name: an output of the graph is what the node read, an input of the graph is what the node made. A
/// node is at an end if it stands alone between an input or output of the graph and one other tensor. Each is
/// a note (graph-cut). Errors (graph-cut): a named node that the model lacks, or that is not at an end.
void cut_ends(Model& model, const EndsToCut& ends, Diagnostics& diagnostics);

}  // namespace qprep
