#include "onnx_io/name_changes.h"

#include <algorithm>

namespace qprep {
namespace {

std::string_view name_in_file(const Value& initializer, const FileRecord& record) {
  if (initializer.origin() == kNoOrigin) return {};
  const FileRecord::Initializer& found = record.initializers[initializer.origin()];
  return found.dense ? found.dense->name() : found.sparse->values().name();
}

/// The name that the node's output had in the file; empty if it is new.
std::string_view output_in_file(const Node& node, std::size_t i, const FileRecord& record) {
  if (node.origin() == kNoOrigin) return {};
  const onnx::NodeProto& proto = *record.nodes[node.origin()];
  const auto index = static_cast<int>(i);
  return index < proto.output_size() ? std::string_view(proto.output(index)) : std::string_view();
}

bool same_outputs(const Node& node, const FileRecord& record) {
  if (node.origin() == kNoOrigin) return false;
  const onnx::NodeProto& proto = *record.nodes[node.origin()];
  if (static_cast<std::size_t>(proto.output_size()) != node.output_count()) return false;
  for (std::size_t i = 0; i < node.output_count(); ++i) {
    if (node.output(i).name() != proto.output(static_cast<int>(i))) return false;
  }
  return true;
}

bool unchanged(const Graph& graph, const FileRecord& record, const NamesInFile& in_file) {
  const auto has_name = [](const Value* value, std::string_view name) { return value->name() == name; };
  const auto as_in_file = [&](const Value* value) { return value->name() == name_in_file(*value, record); };
  const auto& inputs = graph.inputs();
  const auto& initializers = graph.initializers();
  return static_cast<std::size_t>(in_file.nodes.size()) == graph.nodes().size() &&
         in_file.initializers.size() == initializers.size() &&
         std::equal(inputs.begin(), inputs.end(), in_file.inputs.begin(), in_file.inputs.end(), has_name) &&
         std::all_of(initializers.begin(), initializers.end(), as_in_file) &&
         std::all_of(graph.nodes().begin(), graph.nodes().end(),
                     [&](const Node& node) { return same_outputs(node, record); });
}

}  // namespace

NamesInFile names_in(const onnx::GraphProto& proto) {
  NamesInFile names{{}, {}, proto.node()};
  for (const onnx::ValueInfoProto& input : proto.input()) names.inputs.push_back(input.name());
  for (const onnx::TensorProto& tensor : proto.initializer()) names.initializers.push_back(tensor.name());
  for (const onnx::SparseTensorProto& sparse : proto.sparse_initializer()) {
    names.initializers.push_back(sparse.values().name());
  }
  return names;
}

NamesInFile names_in(const onnx::FunctionProto& proto) {
  return {{proto.input().begin(), proto.input().end()}, {}, proto.node()};
}

NameChanges::NameChanges(const Graph& graph, const FileRecord& record, const NamesInFile& in_file) {
  if (unchanged(graph, record, in_file)) return;
  none_ = false;
  in_file_.insert(in_file.inputs.begin(), in_file.inputs.end());
  in_file_.insert(in_file.initializers.begin(), in_file.initializers.end());
  for (const onnx::NodeProto& node : in_file.nodes)
    in_file_.insert(node.output().begin(), node.output().end());

  for (const Value* input : graph.inputs()) current_.insert(input->name());
  for (const Value* value : graph.initializers()) add(*value, name_in_file(*value, record));
  for (const Node& node : graph.nodes()) {
    for (std::size_t i = 0; i < node.output_count(); ++i)
      add(node.output(i), output_in_file(node, i, record));
  }
}

void NameChanges::add(const Value& value, std::string_view name_in_file) {
  current_.insert(value.name());
  if (!name_in_file.empty() && name_in_file != value.name()) renamed_.emplace(name_in_file, &value);
}

const Value* NameChanges::renamed(std::string_view name) const {
  const auto at = renamed_.find(name);
  return at == renamed_.end() ? nullptr : at->second;
}

std::optional<std::string> NameChanges::now(const std::string& name) const {
  if (none_) return name;
  const auto renamed = renamed_.find(name);
  if (renamed != renamed_.end()) return renamed->second->name();
  if (current_.contains(name) || !in_file_.contains(name)) return name;
  return std::nullopt;
}

}  // namespace qprep
