#pragma once

#include <string>
#include <vector>

namespace qprep {

/// A target that configurations can name.
struct March {
  std::string name;  // "bayes"
  std::string what;  // "J5, RDK Ultra"
};

/// All, in the order to list them in.
const std::vector<March>& marches();
std::vector<std::string> march_names();

}  // namespace qprep
