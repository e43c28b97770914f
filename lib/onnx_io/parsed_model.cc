#include "onnx_io/parsed_model.h"

#include <climits>
#include <fmt/format.h>
#include <optional>

#include "onnx_io/wire.h"
#include "support/codes.h"
#include "support/diagnostics.h"

namespace qprep {
namespace {

using Call = std::function<void(onnx::TensorProto&)>;

void walk(onnx::GraphProto& graph, const Call& call);

void walk(onnx::SparseTensorProto& sparse, const Call& call) {
  if (sparse.has_values()) call(*sparse.mutable_values());
  if (sparse.has_indices()) call(*sparse.mutable_indices());
}

void walk(onnx::AttributeProto& attribute, const Call& call) {
  if (attribute.has_t()) call(*attribute.mutable_t());
  for (onnx::TensorProto& tensor : *attribute.mutable_tensors()) call(tensor);
  if (attribute.has_sparse_tensor()) walk(*attribute.mutable_sparse_tensor(), call);
  for (onnx::SparseTensorProto& sparse : *attribute.mutable_sparse_tensors()) walk(sparse, call);
  if (attribute.has_g()) walk(*attribute.mutable_g(), call);
  for (onnx::GraphProto& graph : *attribute.mutable_graphs()) walk(graph, call);
}

void walk(onnx::NodeProto& node, const Call& call) {
  for (onnx::AttributeProto& attribute : *node.mutable_attribute()) walk(attribute, call);
}

void walk(onnx::GraphProto& graph, const Call& call) {
  for (onnx::TensorProto& tensor : *graph.mutable_initializer()) call(tensor);
  for (onnx::SparseTensorProto& sparse : *graph.mutable_sparse_initializer()) walk(sparse, call);
  for (onnx::NodeProto& node : *graph.mutable_node()) walk(node, call);
}

[[noreturn]] void fail(const std::string& name, std::string message) {
  throw Fatal(codes::kCorruptModel, std::move(message), {name});
}

/// Files that people take for models; nullopt if it is none of them.
std::optional<std::string> known_stranger(std::string_view bytes) {
  if (bytes.starts_with("version https://git-lfs")) {
    return "this is a Git LFS pointer, not the model it points to; fetch that with 'git lfs pull'";
  }
  if (bytes.size() >= 8 && bytes.substr(4, 4) == "ORTM") {
    return "this is a model in ONNX Runtime's own format, not in ONNX's";
  }
  if (bytes.starts_with("PK\x03\x04")) return "this is a ZIP archive, not an ONNX model";
  return std::nullopt;
}

}  // namespace

void for_each_tensor(onnx::ModelProto& model, const Call& call) {
  if (model.has_graph()) walk(*model.mutable_graph(), call);
  for (onnx::FunctionProto& function : *model.mutable_functions()) {
    for (onnx::AttributeProto& attribute : *function.mutable_attribute_proto()) walk(attribute, call);
    for (onnx::NodeProto& node : *function.mutable_node()) walk(node, call);
  }
  for (onnx::TrainingInfoProto& training : *model.mutable_training_info()) {
    if (training.has_initialization()) walk(*training.mutable_initialization(), call);
    if (training.has_algorithm()) walk(*training.mutable_algorithm(), call);
  }
}

std::shared_ptr<ParsedModel> parse_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                         const std::string& name) {
  if (bytes.empty()) fail(name, "the file is empty");
  Skeleton skeleton;
  try {
    skeleton = strip_payloads(bytes);
  } catch (const wire::Malformed& malformed) {
    const auto stranger = known_stranger({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    fail(name,
         stranger.value_or(fmt::format("this is no ONNX model, or a damaged or truncated one: {} (byte {})",
                                       malformed.what(), malformed.offset)));
  }
  if (skeleton.bytes.size() > INT_MAX) {
    fail(name, "more than 2 GB of this model are not raw tensor data, which no reader of ONNX supports");
  }
  auto parsed = std::make_shared<ParsedModel>();
  parsed->model = google::protobuf::Arena::CreateMessage<onnx::ModelProto>(&parsed->arena);
  if (!parsed->model->ParseFromArray(skeleton.bytes.data(), static_cast<int>(skeleton.bytes.size()))) {
    fail(name, "this is no ONNX model, or a damaged one: a message inside it is malformed or nests too deep");
  }
  if (!parsed->model->has_graph()) fail(name, "this is no ONNX model: it has no graph");
  parsed->payloads = std::move(skeleton.payloads);
  parsed->owner = std::move(owner);
  return parsed;
}

}  // namespace qprep
