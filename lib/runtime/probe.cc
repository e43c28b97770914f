#include "runtime/probe.h"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace qprep {
namespace {

/// Field numbers of onnx.proto.
enum Field : std::uint32_t {
  kModelGraph = 7,
  kModelOpset = 8,
  kGraphNode = 1,
  kGraphOutput = 12,
  kNodeInput = 1,
  kNodeOutput = 2,
  kNodeName = 3,
  kNodeOp = 4,
  kNodeAttribute = 5,
  kNodeDomain = 7,
  kAttributeName = 1,
  kAttributeInt = 3,
  kAttributeType = 20,
  kValueName = 1,
  kValueType = 2,
  kTypeTensor = 1,
  kTensorElement = 1,
  kOpsetDomain = 1,
  kOpsetVersion = 2,
};

constexpr std::uint64_t kAttributeTypeInt = 2;
constexpr std::uint64_t kElementFloat = 1;

/// A protobuf message as it is written, field after field.
class Message {
 public:
  Message& add(Field field, std::uint64_t number) {
    varint(field << 3U);
    varint(number);
    return *this;
  }
  Message& add(Field field, std::string_view bytes) {
    varint((field << 3U) | 2U);
    varint(bytes.size());
    bytes_ += bytes;
    return *this;
  }
  Message& add(Field field, const Message& message) { return add(field, std::string_view(message.bytes_)); }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t number) {
    for (; number >= 0x80; number >>= 7U) bytes_ += static_cast<char>((number & 0x7fU) | 0x80U);
    bytes_ += static_cast<char>(number);
  }

  std::string bytes_;
};

/// A prefix that no name in the model has: it does not occur in its bytes at all.
std::string unused_prefix(std::span<const std::byte> model) {
  for (int i = 0;; ++i) {
    std::string prefix = std::string(kProbeDomain) + "." + std::to_string(i) + ".";
    if (!memmem(model.data(), model.size(), prefix.data(), prefix.size())) return prefix;
  }
}

}  // namespace

ProbedModel append_probes(std::span<const std::byte> model, std::span<const std::string> tensors) {
  const std::string prefix = unused_prefix(model);
  ProbedModel probed;
  Message graph;
  for (std::size_t i = 0; i < tensors.size(); ++i) probed.outputs.push_back(prefix + std::to_string(i));
  for (std::size_t i = tensors.size(); i-- > 0;) {
    const std::string& name = probed.outputs[i];
    Message number;
    number.add(kAttributeName, kProbeNumber).add(kAttributeInt, i).add(kAttributeType, kAttributeTypeInt);
    Message node;
    node.add(kNodeInput, tensors[i]).add(kNodeOutput, name).add(kNodeName, name).add(kNodeOp, kProbeOp);
    node.add(kNodeAttribute, number).add(kNodeDomain, kProbeDomain);
    Message tensor;
    tensor.add(kTensorElement, kElementFloat);
    Message output;
    output.add(kValueName, name).add(kValueType, Message().add(kTypeTensor, tensor));
    graph.add(kGraphNode, node).add(kGraphOutput, output);
  }
  Message opset;
  opset.add(kOpsetDomain, kProbeDomain).add(kOpsetVersion, 1);
  Message addition;
  addition.add(kModelGraph, graph).add(kModelOpset, opset);

  const auto added = std::as_bytes(std::span<const char>(addition.bytes()));
  probed.bytes.reserve(model.size() + added.size());
  probed.bytes.assign(model.begin(), model.end());
  probed.bytes.insert(probed.bytes.end(), added.begin(), added.end());
  return probed;
}

}  // namespace qprep
