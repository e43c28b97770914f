#include "onnx_io/infer_shapes.h"

#include <fmt/format.h>
#include <onnx/shape_inference/implementation.h>
#include <set>
#include <tsl/robin_map.h>
#include <unordered_map>
#include <vector>

#include "onnx_io/bounded_schemas.h"
#include "onnx_io/build_model.h"
#include "onnx_io/infer_element_types.h"
#include "onnx_io/inference_limits.h"
#include "onnx_io/types.h"
#include "support/codes.h"

namespace qprep {
namespace {

/// Below it, the inference takes an initializer's type from the inputs and value infos alone.
constexpr std::int64_t kFreeInitializersSince = 4;

/// Makes a model's message what inference needs: small data inside, large data gone.
class Preparation {
 public:
  Preparation(BuiltModel& built, const InferenceScope& scope) : built_(built), scope_(scope) {}

  void prepare(const Model& model) {
    opset_ = model.opset();
    onnx::ModelProto& proto = *built_.model;
    proto.clear_training_info();
    if (!scope_.functions) proto.clear_functions();
    for_each_tensor(proto, [&](onnx::TensorProto& tensor) { restore(tensor); });
    prepare(*model.graph, *proto.mutable_graph());
    import_missing_domains(proto);
  }

 private:
  void restore(onnx::TensorProto& tensor) const {
    tensor.clear_external_data();
    tensor.clear_data_location();
    if (!tensor.has_raw_data()) return;
    const Payload& payload = built_.payloads[payload_index(tensor.raw_data())];
    if (payload.size() > kLargestShapeData) {
      tensor.clear_raw_data();
    } else {
      tensor.set_raw_data(payload.bytes().data(), payload.size());
    }
  }

  /// Large initializers become values of known type; so do all of old files, where inference asks the inputs.
  void prepare(const Graph& graph, onnx::GraphProto& proto) {
    auto& initializers = *proto.mutable_initializer();
    int small = 0;  // that stand in front
    tsl::robin_map<std::string_view, const Value*> values;
    values.reserve(graph.initializers().size());
    for (const Value* value : graph.initializers()) values.emplace(value->name(), value);
    for (int i = 0; i < initializers.size(); ++i) {
      const onnx::TensorProto& tensor = initializers[i];
      const Value& value = *values.at(tensor.name());
      const bool is_small = value.initializer()->payload().size() <= kLargestShapeData;
      if (!value.is_graph_input() && (!is_small || built_.model->ir_version() < kFreeInitializersSince)) {
        onnx::ValueInfoProto& info = *proto.add_value_info();
        info.set_name(value.name());
        if (value.type().kind == Type::Kind::kTensor) write_type(value.type(), *info.mutable_type());
      }
      if (is_small) initializers.SwapElements(small++, i);
    }
    initializers.DeleteSubrange(small, initializers.size() - small);
    if (!graph.holder()) add_reshapes(graph, proto);
    auto node = graph.nodes().begin();
    for (onnx::NodeProto& node_proto : *proto.mutable_node()) prepare(*node++, node_proto);
  }

  /// What is known of a Reshape's result by other means: inference says nothing where it cannot tell all.
  static void add_reshapes(const Graph& graph, onnx::GraphProto& proto) {
    std::set<std::string_view> described;
    for (const onnx::ValueInfoProto& info : proto.value_info()) described.insert(info.name());
    std::vector<const Value*> found;
    for (const Node& node : graph.nodes()) {
      if (!node.is("Reshape") || node.output_count() != 1) continue;
      const Value& value = node.output(0);
      if (value.type().shape && !value.is_graph_output() && !described.contains(value.name()))
        found.push_back(&value);
    }
    for (const Value* value : found) {
      onnx::ValueInfoProto& info = *proto.add_value_info();
      info.set_name(value->name());
      write_type(value->type(), *info.mutable_type());
    }
  }

  void prepare(const Node& node, onnx::NodeProto& proto) {
    domains_.insert(node.domain());
    for (onnx::AttributeProto& attribute : *proto.mutable_attribute()) {
      const Attribute* in_ir = node.attribute(attribute.name());
      if (!scope_.bodies) {
        attribute.clear_g();
        attribute.clear_graphs();
      } else if (const auto* body = std::get_if<std::unique_ptr<Graph>>(&in_ir->value)) {
        prepare(**body, *attribute.mutable_g());
      }
    }
  }

  /// Inference gives up on the whole model at a node whose domain is not imported.
  void import_missing_domains(onnx::ModelProto& proto) const {
    std::set<std::string> missing = domains_;
    for (const onnx::OperatorSetIdProto& import : proto.opset_import()) missing.erase(import.domain());
    for (const std::string& domain : missing) {
      onnx::OperatorSetIdProto& import = *proto.add_opset_import();
      import.set_domain(domain);
      import.set_version(domain == "ai.onnx" ? opset_ : 1);
    }
  }

  BuiltModel& built_;
  const InferenceScope& scope_;
  std::set<std::string> domains_;
  std::int64_t opset_ = 0;
};

/// Takes the types that inference wrote into the message over to the IR. What a file says of an output holds,
/// even where inference contradicts it: the signature is the user's.
class Transfer {
 public:
  static void run(const Graph& graph, const onnx::GraphProto& proto) {
    tsl::robin_map<std::string_view, const onnx::TypeProto*> types;
    types.reserve(
        static_cast<std::size_t>(proto.input_size() + proto.output_size() + proto.value_info_size()));
    for (const auto* infos : {&proto.input(), &proto.output(), &proto.value_info()}) {
      for (const onnx::ValueInfoProto& info : *infos) {
        if (info.has_type()) types[info.name()] = &info.type();
      }
    }
    const auto take = [&](Value& value) {
      const auto found = types.find(value.name());
      if (found == types.end()) return;
      Type type = read_type(*found->second);
      const bool breaks_signature = value.is_graph_output() && shapes_contradict(value.type(), type);
      if (type.kind != Type::Kind::kUnknown && !breaks_signature) value.set_type(std::move(type));
    };
    if (graph.holder()) {
      for (Value* input : graph.inputs()) {
        if (!input->initializer()) take(*input);
      }
    }
    auto node_proto = proto.node().begin();
    for (const Node& node : graph.nodes()) {
      for (std::size_t i = 0; i < node.output_count(); ++i) take(node.output(i));
      for (const onnx::AttributeProto& attribute : (node_proto++)->attribute()) {
        const auto* body = node.get<std::unique_ptr<Graph>>(attribute.name());
        if (body && attribute.has_g()) run(**body, attribute.g());
      }
    }
  }
};

void note(Diagnostics& diagnostics, const OnnxFile& file, std::string message) {
  diagnostics.note(codes::kShapeInference, std::move(message), {file.model.file});
}

}  // namespace

void infer_shapes(OnnxFile& file, Diagnostics& diagnostics) {
  const InferenceScope scope = inference_scope(file.model);
  if (!scope.any) {
    note(diagnostics, file, "shapes are not inferred: types nest too deep in this model");
    return;
  }
  if (!scope.functions && !file.model.functions.empty()) {
    note(diagnostics, file,
         "shapes are not inferred through the model's functions: they call themselves, are defined twice, or "
         "would expand to too many nodes");
  }
  if (!scope.bodies) {
    note(diagnostics, file,
         "shapes are not inferred inside bodies: there are too many for a graph this large");
  }
  const std::unique_ptr<BuiltModel> built = build_model(file);
  Preparation(*built, scope).prepare(file.model);
  try {
    std::unordered_map<std::string, onnx::TensorShapeProto> data;
    const BoundedSchemas schemas;
    onnx::shape_inference::InferShapes(*built->model, &schemas, onnx::ShapeInferenceOptions(false, 0, true),
                                       &data);
  } catch (const std::exception& failure) {
    note(diagnostics, file, fmt::format("shape inference stopped early: {}", failure.what()));
  }
  Transfer::run(*file.model.graph, built->model->graph());
  infer_element_types(file.model);
}

}  // namespace qprep
