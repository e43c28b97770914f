#include "ir/operator_name.h"

namespace qprep {

std::string operator_name(const Node& node) {
  return node.is_onnx_domain() ? node.op() : node.domain() + "::" + node.op();
}

}  // namespace qprep
