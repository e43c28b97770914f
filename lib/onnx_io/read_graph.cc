#include "onnx_io/read_graph.h"

#include <fmt/format.h>
#include <tsl/robin_map.h>
#include <tsl/robin_set.h>

#include "onnx_io/exported_place.h"
#include "onnx_io/opset_imports.h"
#include "onnx_io/read_attribute.h"
#include "onnx_io/read_tensor.h"
#include "onnx_io/sort_nodes.h"
#include "onnx_io/types.h"
#include "support/codes.h"

namespace qprep {
namespace {

using ValueInfos = google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>;

/// What a name stands for in a graph. `position`: how many nodes of the graph stand before the reader at
/// least (inputs and initializers: 0).
struct Definition {
  Value* value = nullptr;
  std::size_t position = 0;
};

/// The names of a graph while it is read, and those around it.
struct Scope {
  Graph& graph;
  Scope* outer = nullptr;
  tsl::robin_map<std::string_view, Definition> names = {};
  std::size_t position = 0;  // of the node that is being linked
  bool unsorted = false;
};

class ModelReader {
 public:
  ModelReader(FileRecord& record, const std::string& file, Diagnostics& diagnostics)
      : record_(record), file_(file), diagnostics_(diagnostics) {}

  Model read() {
    const onnx::ModelProto& proto = *record_.parsed->model;
    model_.file = file_;
    model_.ir_version = proto.ir_version();
    model_.opsets = read_opset_imports(proto.opset_import());
    reserve_names(proto);
    read_graph(proto.graph(), *model_.graph, nullptr);
    for (const onnx::FunctionProto& function : proto.functions()) read_function(function);
    if (sorted_) label_again(proto);
    return std::move(model_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Fatal(codes::kCorruptModel, fmt::format(format, std::forward<Args>(args)...), {file_});
  }

  // Node names, before any label is made: no label may take the name of a later node.

  void reserve_names(const onnx::ModelProto& proto) {
    reserve_names(proto.graph().node());
    for (const onnx::FunctionProto& function : proto.functions()) reserve_names(function.node());
  }

  template <typename Nodes>
  void reserve_names(const Nodes& nodes) {
    model_.names->nodes.expect(static_cast<std::size_t>(nodes.size()));
    labelled_.reserve(labelled_.size() + static_cast<std::size_t>(nodes.size()));
    for (const onnx::NodeProto& node : nodes) {
      if (!node.name().empty()) model_.names->nodes.reserve(node.name());
      for (const onnx::AttributeProto& attribute : node.attribute()) {
        if (attribute.has_g()) reserve_names(attribute.g().node());
        for (const onnx::GraphProto& graph : attribute.graphs()) reserve_names(graph.node());
      }
    }
  }

  /// A Constant is known by what it makes, so that is its label where it has no name.
  std::string label_for(const Node& node) {
    if (!node.name().empty() && labelled_.insert(node.name()).second) return node.name();
    const onnx::NodeProto& proto = *record_.nodes[node.origin()];
    const bool by_result = node.op() == "Constant" && proto.output_size() > 0;
    const std::string& base = !node.name().empty() ? node.name() : by_result ? proto.output(0) : node.op();
    return model_.names->nodes.fresh(base.empty() ? "node" : base);
  }

  /// Labels as the sorted model's file would give them, whose bodies stand in the order of the attributes.
  void label_again(const onnx::ModelProto& proto) {
    model_.names->nodes = {};
    labelled_.clear();
    reserve_names(proto);
    label_again(*model_.graph);
    for (const Function& function : model_.functions) label_again(*function.body);
  }

  void label_again(Graph& graph) {
    for (Node& node : graph.nodes()) node.set_label(label_for(node));
    for (Node& node : graph.nodes()) {
      for (const onnx::AttributeProto& attribute : record_.nodes[node.origin()]->attribute()) {
        if (const auto* body = node.get<std::unique_ptr<Graph>>(attribute.name())) label_again(**body);
        const auto* bodies = node.get<std::vector<std::unique_ptr<Graph>>>(attribute.name());
        for (std::size_t i = 0; bodies && i < bodies->size(); ++i) label_again(*(*bodies)[i]);
      }
    }
  }

  // Graphs: define every name first, then link the readers, so that the order of nodes does not matter.

  void read_graph(const onnx::GraphProto& proto, Graph& graph, Scope* outer) {
    graph.identify(proto.name(), static_cast<OriginId>(record_.graphs.size()));
    record_.graphs.push_back(&proto);
    Scope scope{graph, outer};
    for (const onnx::ValueInfoProto& input : proto.input()) {
      define(scope, graph.add_input(input.name(), read_type(input.type())), 0, "graph input");
    }
    read_initializers(proto, scope);
    read_nodes(proto.node(), scope);
    for (const onnx::ValueInfoProto& output : proto.output()) add_output(scope, output.name());
    finish(scope, proto.output(), proto.value_info());
  }

  void read_function(const onnx::FunctionProto& proto) {
    Function function;
    function.name = proto.name();
    function.domain = proto.domain();
    function.overload = proto.overload();
    function.attributes.assign(proto.attribute().begin(), proto.attribute().end());
    function.opsets = read_opset_imports(proto.opset_import());
    function.origin = static_cast<OriginId>(record_.functions.size());
    record_.functions.push_back(&proto);
    function.body = std::make_unique<Graph>(*model_.names, nullptr);
    Scope scope{*function.body};
    for (const std::string& input : proto.input()) {
      define(scope, function.body->add_input(input, {}), 0, "function input");
    }
    read_nodes(proto.node(), scope);
    for (const std::string& output : proto.output()) add_output(scope, output);
    finish(scope, {}, proto.value_info());
    model_.functions.push_back(std::move(function));
  }

  void define(Scope& scope, Value& value, std::size_t position, const std::string& by) {
    if (value.name().empty()) return;
    if (!scope.names.emplace(value.name(), Definition{&value, position}).second) {
      fail("{}: the value '{}' is defined twice in its graph", by, value.name());
    }
  }

  void read_initializers(const onnx::GraphProto& proto, Scope& scope) {
    for (const onnx::TensorProto& tensor : proto.initializer()) {
      const Tensor payload =
          read_tensor(record_.parsed, tensor, fmt::format("initializer '{}'", tensor.name()), file_);
      add_initializer(scope, tensor.name(), {&tensor, nullptr, payload});
    }
    for (const onnx::SparseTensorProto& sparse : proto.sparse_initializer()) {
      const Tensor payload = opaque_tensor({sparse.dims().begin(), sparse.dims().end()});
      Value& value = add_initializer(scope, sparse.values().name(), {nullptr, &sparse, payload});
      value.set_type({Type::Kind::kOther, DType::kUndefined, std::nullopt});
    }
  }

  Value& add_initializer(Scope& scope, const std::string& name, FileRecord::Initializer initializer) {
    const auto origin = static_cast<OriginId>(record_.initializers.size());
    const Tensor tensor = initializer.as_read;
    record_.initializers.push_back(std::move(initializer));
    const auto known = scope.names.find(name);
    if (known == scope.names.end()) {
      Value& value = scope.graph.add_initializer(name, tensor, origin);
      define(scope, value, 0, "initializer");
      return value;
    }
    Value& input = *known->second.value;
    if (input.initializer()) fail("the initializer '{}' stands twice in its graph", name);
    scope.graph.give_initializer(input, tensor, origin);
    return input;
  }

  template <typename Nodes>
  void read_nodes(const Nodes& protos, Scope& scope) {
    const std::size_t expected = scope.names.size() + static_cast<std::size_t>(protos.size());
    scope.names.reserve(expected);
    model_.names->values.expect(expected);
    std::size_t position = 0;
    for (const onnx::NodeProto& proto : protos) {
      Node& node = scope.graph.add_node(proto.op_type(), proto.domain(), proto.name(), proto.overload(),
                                        static_cast<OriginId>(record_.nodes.size()));
      record_.nodes.push_back(&proto);
      node.set_label(label_for(node));
      if (std::string place = exported_place(proto); !place.empty()) node.add_place(std::move(place));
      ++position;
      for (const std::string& name : proto.output()) {
        Value& output = node.add_output(name);
        if (name.empty() || scope.names.emplace(output.name(), Definition{&output, position}).second)
          continue;
        fail("node '{}' defines the value '{}', which is defined already", node.label(), name);
      }
    }
    auto node = scope.graph.nodes().begin();
    for (const onnx::NodeProto& proto : protos) {
      link(proto, *node++, scope);
      ++scope.position;
    }
  }

  void link(const onnx::NodeProto& proto, Node& node, Scope& scope) {
    std::size_t i = 0;
    for (const std::string& name : proto.input()) {
      Value* value = name.empty() ? nullptr : find(name, &scope);
      if (!value && !name.empty()) fail("node '{}' reads '{}', which nothing defines", node.label(), name);
      node.set_input(i++, value);
    }
    const AttributeParts parts = {[&](const onnx::TensorProto& tensor) {
                                    return read_tensor(record_.parsed, tensor,
                                                       fmt::format("node '{}'", node.label()), file_);
                                  },
                                  [&](const onnx::GraphProto& body) {
                                    auto graph = std::make_unique<Graph>(*model_.names, &node);
                                    read_graph(body, *graph, &scope);
                                    return graph;
                                  }};
    for (const onnx::AttributeProto& attribute : proto.attribute()) {
      if (node.attribute(attribute.name())) {
        fail("node '{}' has two attributes '{}'", node.label(), attribute.name());
      }
      node.add_attribute(read_attribute(attribute, parts));
    }
  }

  /// Notes in every scope up to the value's whether its reader stands before it.
  static Value* find(const std::string& name, Scope* scope) {
    for (; scope; scope = scope->outer) {
      const auto found = scope->names.find(name);
      if (found == scope->names.end()) continue;
      if (found->second.position > scope->position) scope->unsorted = true;
      return found->second.value;
    }
    return nullptr;
  }

  void add_output(Scope& scope, const std::string& name) {
    Value* value = find(name, &scope);
    if (!value) fail("nothing defines the output '{}' of the graph '{}'", name, scope.graph.name());
    scope.graph.add_output(*value);
  }

  void finish(Scope& scope, const ValueInfos& outputs, const ValueInfos& value_infos) {
    for (const ValueInfos* infos : {&outputs, &value_infos}) {
      for (const onnx::ValueInfoProto& info : *infos) {
        const auto found = scope.names.find(info.name());
        if (found == scope.names.end() || found->second.value->type().kind != Type::Kind::kUnknown) continue;
        found->second.value->set_type(read_type(info.type()));
      }
    }
    if (!scope.unsorted) return;
    if (const Node* node = sort_nodes(scope.graph)) {
      fail("node '{}' needs its own result '{}': the graph has a cycle", node->label(),
           node->output(0).name());
    }
    sorted_ = true;
    diagnostics_.note(
        codes::kNodeOrder,
        fmt::format("the nodes of the graph '{}' were not in order; they are sorted, so that each "
                    "stands after those it reads",
                    scope.graph.name()),
        {file_});
  }

  FileRecord& record_;
  const std::string& file_;
  Diagnostics& diagnostics_;
  Model model_;
  tsl::robin_set<std::string_view> labelled_;  // names that are a node's label
  bool sorted_ = false;                        // a graph whose nodes were not in order
};

}  // namespace

Model read_model(FileRecord& record, const std::string& file, Diagnostics& diagnostics) {
  return ModelReader(record, file, diagnostics).read();
}

}  // namespace qprep
