#include "ir/operators_in_file.h"

#include "ir/operator_name.h"

namespace qprep {

OperatorsInFile::OperatorsInFile(const Model& model) {
  for (const GoneNode& each : model.gone) was_.emplace(each.label, each.op);
}

std::string OperatorsInFile::of(const Node& node) const {
  const auto was = was_.find(node.label());
  if (node.made_for().empty() && was != was_.end()) return std::string(was->second);
  return operator_name(node);
}

}  // namespace qprep
