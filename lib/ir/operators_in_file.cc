#include "ir/operators_in_file.h"

namespace qprep {

OperatorsInFile::OperatorsInFile(const Model& model) {
  for (const GoneNode& each : model.gone) was_.emplace(each.label, each.op);
}

std::string OperatorsInFile::of(const Node& node) const {
  const auto was = was_.find(node.label());
  if (node.made_for().empty() && was != was_.end()) return std::string(was->second);
  return node.is_onnx_domain() ? node.op() : node.domain() + "::" + node.op();
}

}  // namespace qprep
