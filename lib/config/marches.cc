#include "config/marches.h"

namespace qprep {

const std::vector<March>& marches() {
  static const std::vector<March> all = {
      {"bernoulli2", "X3"},    {"bayes", "J5, RDK Ultra"}, {"bayes-e", "X5"},
      {"meta", "-"},           {"nash-e", "J6E, S100"},    {"nash-m", "J6M, S100P"},
      {"nash-p", "J6P, S600"}, {"nash-h", "J6H"},          {"nash-b", "J6B"}};
  return all;
}

std::vector<std::string> march_names() {
  std::vector<std::string> names;
  for (const March& march : marches()) names.push_back(march.name);
  return names;
}

}  // namespace qprep
