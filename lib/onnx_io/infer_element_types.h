#pragma once

#include "ir/graph.h"

namespace qprep {

/// Result: a value of the main graph whose type was unknown has the element type that an operator's schema
/// demands of it, by a type parameter that it shares with a value of known type: data beside float32 weights
/// are float32. So what follows an operator that nobody knows is not lost. Shapes are not touched; linear in
/// the model's size.
void infer_element_types(const Model& model);

}  // namespace qprep
