#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "ir/operators_in_file.h"
#include "plan/plan.h"

namespace qprep {

/// What the units of layers end before. Given: model and plan outlive this.
class Ends {
 public:
  Ends(const Model& model, const Plan& plan);

  /// The operators that read the result of a layer's unit, as the file has them, sorted and each once; the
  /// name of a composite operator, and "output" where the model hands it out. A Reshape that a replacement
  /// put in is looked through. Empty: the unit begins with no layer, or could have taken in the batch norm
  /// behind it.
  std::vector<std::string> before(const Unit& unit) const;

 private:
  std::string name_of_operator(const Node& node) const;

  const Plan& plan_;
  std::unordered_map<const Node*, const StandingNorm*> norms_;
  OperatorsInFile operators_;
};

}  // namespace qprep
