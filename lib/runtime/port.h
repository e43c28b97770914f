#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// An input or output of a model: its name and what is known of its type.
struct Port {
  std::string name;
  Type type;
  bool has_default = false;  // an input that may be left out: an initializer is its default (IR 4 and newer)
};

/// The inputs that a caller may set. Below IR 4 an initializer among the inputs is a constant and no port.
std::vector<Port> input_ports(const Model& model);

}  // namespace qprep
