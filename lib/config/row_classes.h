#pragma once

#include "config/op_classes.h"
#include "target/capability.h"

namespace qprep {

/// Result: each operator that the classes do not know, and that a row of the target has, counts as the one
/// that its row is like; without such a one it is active, and all its inputs carry data.
void add_classes_of_rows(const Capabilities& target, OpClasses& classes);

}  // namespace qprep
