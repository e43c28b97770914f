#include "runtime/port.h"

namespace qprep {

std::vector<Port> input_ports(const Model& model) {
  std::vector<Port> ports;
  for (const Value* input : model.graph->inputs()) {
    const bool has_default = input->initializer() != nullptr;
    if (has_default && model.ir_version < 4) continue;
    ports.push_back({input->name(), input->type(), has_default});
  }
  return ports;
}

}  // namespace qprep
