#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace qprep {

/// Result: the model with a node `Probe` on each named tensor, for a Session with SessionOptions::probe. Such
/// a node calls the callback with its number, which is the tensor's position in `tensors`, and the tensor's
/// elements; so a tensor is seen when it is made, and ONNX Runtime may free it at once. The names of the
/// nodes' outputs, all empty tensors, are appended to the model's outputs.
///
/// ONNX Runtime (1.31) visits the leaves of a graph from the last node to the first, so the nodes are
/// appended in reverse: with `tensors` in graph order each probe runs right after its tensor is made, and
/// memory stays that of bare inference. In another order the result is the same and more tensors live at
/// once.
///
/// Given: `model` is a serialised ModelProto; each of `tensors` is a tensor of its main graph. It works on
/// the bytes: protobuf defines that a message with another appended is the two merged, their lists one after
/// the other.
struct ProbedModel {
  std::vector<std::byte> bytes;
  std::vector<std::string> outputs;
};
ProbedModel append_probes(std::span<const std::byte> model, std::span<const std::string> tensors);

/// Domain and operators of the nodes, and their attribute for the number. Simulate computes what
/// SessionOptions::simulate makes of its input.
inline constexpr const char* kProbeDomain = "qprep.probe";
inline constexpr const char* kProbeOp = "Probe";
inline constexpr const char* kSimulateOp = "Simulate";
inline constexpr const char* kProbeNumber = "number";

}  // namespace qprep
