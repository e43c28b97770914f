#pragma once

#include <string>

namespace onnx {
class NodeProto;
}

namespace qprep {

/// Where the node stood in the program that it was exported from: "layer1.0.conv1.conv2d" for PyTorch's
/// metadata "pkg.torch.onnx.name_scopes" = "['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']", the
/// innermost module and the call in it. Empty: the exporter noted none, or something else.
std::string exported_place(const onnx::NodeProto& node);

}  // namespace qprep
