#include "onnx_io/build_graph.h"

#include <algorithm>

#include "onnx_io/build_attribute.h"
#include "onnx_io/build_values.h"
#include "onnx_io/opset_imports.h"
#include "onnx_io/protobuf_copy.h"

namespace qprep {
namespace {

/// Below it, an initializer must be a graph input too.
constexpr std::int64_t kFreeInitializersSince = 4;

bool has_external_data(const FileRecord& record) {
  return std::any_of(record.initializers.begin(), record.initializers.end(), [](const auto& initializer) {
    return initializer.dense && is_external(*initializer.dense);
  });
}

std::vector<const Value*> inputs_of(const Node& node) {
  const std::vector<Value*> values = node.inputs();
  return {values.begin(), values.end()};
}

std::vector<const Value*> outputs_of(const Node& node) {
  std::vector<const Value*> values;
  for (std::size_t i = 0; i < node.output_count(); ++i) values.push_back(&node.output(i));
  return values;
}

/// The inputs that the file has to list.
std::vector<const Value*> inputs_of(const Graph& graph, std::int64_t ir_version) {
  std::vector<const Value*> values(graph.inputs().begin(), graph.inputs().end());
  if (graph.holder() || ir_version >= kFreeInitializersSince) return values;
  for (const Value* value : graph.initializers()) {
    if (value->origin() == kNoOrigin && !value->is_graph_input()) values.push_back(value);
  }
  return values;
}

/// The node's record says everything about its attributes.
bool attributes_as_in_file(const Node& node, const onnx::NodeProto& record) {
  const auto as_in_file = [](const Attribute& attribute) {
    return attribute.from_file && !std::holds_alternative<std::unique_ptr<Graph>>(attribute.value) &&
           !std::holds_alternative<std::vector<std::unique_ptr<Graph>>>(attribute.value);
  };
  return node.attributes().size() == static_cast<std::size_t>(record.attribute_size()) &&
         std::all_of(node.attributes().begin(), node.attributes().end(), as_in_file);
}

}  // namespace

GraphBuilder::GraphBuilder(const Model& model, const FileRecord* record, std::vector<Payload>& payloads)
    : model_(model), record_(record), tensors_(payloads, record && has_external_data(*record)) {}

void GraphBuilder::build(const Graph& graph, onnx::GraphProto& proto) {
  using P = onnx::GraphProto;
  const P* record = graph.origin() == kNoOrigin ? nullptr : record_->graphs[graph.origin()];
  if (record) {
    copy_fields(*record, proto,
                {P::kNodeFieldNumber, P::kInitializerFieldNumber, P::kSparseInitializerFieldNumber,
                 P::kInputFieldNumber, P::kOutputFieldNumber, P::kValueInfoFieldNumber,
                 P::kQuantizationAnnotationFieldNumber});
  }
  if (proto.name() != graph.name()) proto.set_name(graph.name());
  if (!record && graph.name().empty()) proto.set_name("graph");

  proto.mutable_node()->Reserve(static_cast<int>(graph.nodes().size()));
  for (const Node& node : graph.nodes()) build(node, *proto.add_node());
  build_initializers(graph, proto);

  const std::vector<const Value*> outputs(graph.outputs().begin(), graph.outputs().end());
  build_signature(graph.holder() ? Outdated::kNever : Outdated::kIfOther, inputs_of(graph, model_.ir_version),
                  record ? &record->input() : nullptr, *proto.mutable_input());
  build_signature(graph.holder() ? Outdated::kNever : Outdated::kIfContradicted, outputs,
                  record ? &record->output() : nullptr, *proto.mutable_output());
  if (!record) {
    build_value_infos(graph, nullptr, nullptr, *proto.mutable_value_info());
    return;
  }
  if (record->value_info().empty() && record->quantization_annotation().empty()) return;
  const NameChanges changes(graph, *record_, names_in(*record));
  build_value_infos(graph, &record->value_info(), &changes, *proto.mutable_value_info());
  build_annotations(record->quantization_annotation(), changes, *proto.mutable_quantization_annotation());
}

void GraphBuilder::build_initializers(const Graph& graph, onnx::GraphProto& proto) {
  for (const Value* value : graph.initializers()) {
    const Tensor& tensor = *value->initializer();
    if (value->origin() == kNoOrigin) {
      onnx::TensorProto& out = *proto.add_initializer();
      out.set_name(value->name());
      tensors_.build(tensor, out);
      continue;
    }
    const FileRecord::Initializer& record = record_->initializers[value->origin()];
    if (record.sparse && tensor.same_payload(record.as_read)) {
      onnx::SparseTensorProto& out = *proto.add_sparse_initializer();
      out = *record.sparse;
      if (out.values().name() != value->name()) out.mutable_values()->set_name(value->name());
      continue;
    }
    onnx::TensorProto& out = *proto.add_initializer();
    if (record.sparse) {
      tensors_.build(tensor, out);
    } else if (tensor.same_payload(record.as_read)) {
      out = *record.dense;
    } else {
      tensors_.replace_data(tensor, *record.dense, out);
    }
    if (out.name() != value->name()) out.set_name(value->name());
  }
}

void GraphBuilder::build(const Node& node, onnx::NodeProto& proto) {
  const onnx::NodeProto* record = node.origin() == kNoOrigin ? nullptr : record_->nodes[node.origin()];
  if (record && attributes_as_in_file(node, *record)) {
    proto = *record;
  } else {
    if (record) copy_fields(*record, proto, {onnx::NodeProto::kAttributeFieldNumber});
    build_attributes(node, record, proto);
  }
  if (!record || proto.op_type() != node.op()) proto.set_op_type(node.op());
  if (proto.domain() != node.domain()) proto.set_domain(node.domain());
  if (proto.name() != node.name()) proto.set_name(node.name());
  if (proto.overload() != node.overload()) proto.set_overload(node.overload());
  update_names(inputs_of(node), *proto.mutable_input());
  update_names(outputs_of(node), *proto.mutable_output());
}

void GraphBuilder::build_attributes(const Node& node, const onnx::NodeProto* record, onnx::NodeProto& proto) {
  const BuildBody build_body = [this](const Graph& graph, onnx::GraphProto& out) { build(graph, out); };
  std::vector<std::string_view> written;
  if (record) {
    for (const onnx::AttributeProto& in_file : record->attribute()) {
      const Attribute* attribute = node.attribute(in_file.name());
      if (!attribute) continue;
      build_attribute(*attribute, &in_file, tensors_, build_body, *proto.add_attribute());
      written.push_back(in_file.name());
    }
  }
  for (const Attribute& attribute : node.attributes()) {
    if (std::find(written.begin(), written.end(), attribute.name) != written.end()) continue;
    build_attribute(attribute, nullptr, tensors_, build_body, *proto.add_attribute());
  }
}

void GraphBuilder::build(const Function& function, onnx::FunctionProto& proto) {
  using P = onnx::FunctionProto;
  const Graph& body = *function.body;
  const P* record = function.origin == kNoOrigin ? nullptr : record_->functions[function.origin];
  if (record) {
    copy_fields(*record, proto, {P::kNodeFieldNumber, P::kOpsetImportFieldNumber, P::kValueInfoFieldNumber});
  }
  if (proto.name() != function.name) proto.set_name(function.name);
  if (proto.domain() != function.domain) proto.set_domain(function.domain);
  if (proto.overload() != function.overload) proto.set_overload(function.overload);
  if (!std::equal(function.attributes.begin(), function.attributes.end(), proto.attribute().begin(),
                  proto.attribute().end())) {
    proto.mutable_attribute()->Assign(function.attributes.begin(), function.attributes.end());
  }
  update_names({body.inputs().begin(), body.inputs().end()}, *proto.mutable_input());
  update_names({body.outputs().begin(), body.outputs().end()}, *proto.mutable_output());
  for (const Node& node : body.nodes()) build(node, *proto.add_node());
  build_opset_imports(function.opsets, record ? &record->opset_import() : nullptr,
                      *proto.mutable_opset_import());
  if (!record || record->value_info().empty()) return;
  const NameChanges changes(body, *record_, names_in(*record));
  build_value_infos(body, &record->value_info(), &changes, *proto.mutable_value_info());
}

}  // namespace qprep
