#pragma once

#include <string>
#include <vector>

#include "config/op_classes.h"
#include "ir/graph.h"

namespace qprep {

/// An If or Loop of which the numbers in the model's inputs decide how it runs.
struct DataControlFlow {
  const Node* node = nullptr;
  std::string because;  // "If 'branch' chooses by 'flag', which depends on the model's inputs"
};

/// All of them in the main graph and in its bodies, in graph order; those of shapes and constants alone are
/// none. Linear in the model's size. Given: constants are folded.
std::vector<DataControlFlow> data_control_flow(const Model& model, const OpClasses& classes);

}  // namespace qprep
