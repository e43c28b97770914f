#include <catch2/catch.hpp>

#include "ir/verify.h"
#include "onnx_io/onnx_file.h"
#include "support/codes.h"
#include "support/fatal.h"
#include "support/onnx_compare.h"
#include "support/proto_models.h"

using namespace qprep;
using namespace qprep::test;
using Catch::Contains;

namespace {

std::string refusal(const onnx::ModelProto& model) {
  return fatal_text(codes::kCorruptModel, [&] { read_proto(model); });
}

/// Reads it, checks that it is sound and that an untouched copy is equal in every field.
OnnxFile read_checked(const onnx::ModelProto& model) {
  OnnxFile file = read_proto(model);
  CHECK(verify(file.model).empty());
  CHECK(difference(model, plain_model(serialize_onnx(file))).empty());
  return file;
}

std::vector<std::string> labels(const Graph& graph) {
  std::vector<std::string> found;
  for (const Node& node : graph.nodes()) found.push_back(node.label());
  return found;
}

std::vector<std::string> ops(const Graph& graph) {
  std::vector<std::string> found;
  for (const Node& node : graph.nodes()) found.push_back(node.op());
  return found;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("nodes, edges, types and initializers come out as the file has them") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  onnx::ValueInfoProto& x = add_input(graph, "x", {1, 3});
  x.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_param("N");
  x.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim();
  add_output(graph, "y", {1});
  add_floats(graph, "w", {2}, {1.5F, -2});
  onnx::NodeProto& node = add_node(graph, "Clip", {"x", "", "w"}, {"y"}, "clip");
  add_attribute(node, "b", onnx::AttributeProto::INT).set_i(7);
  add_attribute(node, "a", onnx::AttributeProto::FLOATS).add_floats(0.5F);

  const OnnxFile file = read_checked(model);
  const Graph& read = *file.model.graph;
  CHECK(file.model.ir_version == 8);
  CHECK(file.model.opset() == 17);
  CHECK(to_text(read.inputs()[0]->type()) == "float32[1,3,N,?]");
  REQUIRE(read.nodes().size() == 1);
  const Node& clip = read.nodes().front();
  CHECK(clip.label() == "clip");
  CHECK(clip.input(0) == read.inputs()[0]);
  CHECK(clip.input(1) == nullptr);
  CHECK(clip.input(2)->initializer()->to_vector<float>() == std::vector<float>{1.5F, -2});
  CHECK(clip.int_or("b", 0) == 7);
  CHECK(*clip.get<std::vector<float>>("a") == std::vector<float>{0.5F});
  CHECK(read.outputs()[0] == &clip.output(0));
  CHECK(clip.output(0).is_graph_output());
}

TEST_CASE("payloads are views, not copies") {
  onnx::ModelProto model = relu_model();
  add_floats(*model.mutable_graph(), "w", {1000}, std::vector<float>(1000, 2));
  const auto bytes = std::make_shared<const std::string>(model.SerializeAsString());
  Diagnostics diagnostics;
  const OnnxFile file = parse_onnx(std::as_bytes(std::span(*bytes)), bytes, "m", diagnostics);
  const auto* data =
      reinterpret_cast<const char*>(file.model.graph->initializers()[0]->initializer()->bytes().data());
  CHECK(data >= bytes->data());
  CHECK(data < bytes->data() + bytes->size());
}

TEST_CASE("a tensor keeps its data after the file's record is gone") {
  Tensor tensor;
  {
    onnx::ModelProto model = relu_model();
    add_floats(*model.mutable_graph(), "w", {3}, {1, 2, 3});
    tensor = *read_proto(model).model.graph->initializers()[0]->initializer();
  }
  CHECK(tensor.to_vector<float>() == std::vector<float>{1, 2, 3});
}

TEST_CASE("labels are unique; names stay as they are") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_output(graph, "e");
  add_node(graph, "Relu", {"x"}, {"a"});
  add_node(graph, "Relu", {"a"}, {"b"});
  add_node(graph, "Abs", {"b"}, {"c"}, "n");
  add_node(graph, "Abs", {"c"}, {"d"}, "n");
  add_node(graph, "Abs", {"d"}, {"e"}, "Relu_1");
  const OnnxFile file = read_checked(model);
  CHECK(labels(*file.model.graph) == Texts{"Relu", "Relu_2", "n", "n_1", "Relu_1"});
  CHECK(file.model.graph->nodes().front().name().empty());
}

TEST_CASE("unsorted nodes are sorted, each as early as it can, with a note") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_output(graph, "d");
  add_node(graph, "C", {"b"}, {"c"});
  add_node(graph, "A", {"x"}, {"a"});
  add_node(graph, "D", {"c"}, {"d"});
  add_node(graph, "B", {"a"}, {"b"});
  Diagnostics diagnostics;
  const OnnxFile file = read_bytes(model.SerializeAsString(), diagnostics);
  CHECK(ops(*file.model.graph) == Texts{"A", "B", "C", "D"});
  CHECK(verify(file.model).empty());
  REQUIRE(diagnostics.all().size() == 1);
  CHECK(diagnostics.all()[0].code == codes::kNodeOrder);
  CHECK(diagnostics.all()[0].severity == Severity::kNote);
  const onnx::ModelProto written = plain_model(serialize_onnx(file));
  CHECK(written.graph().node(0).op_type() == "A");
  CHECK(written.graph().node_size() == 4);
}

TEST_CASE("labels follow the sorted order, so that what is written reads with the same labels") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_output(graph, "c");
  add_node(graph, "Abs", {"b"}, {"c"}, "n");
  add_node(graph, "Relu", {"a"}, {"b"}, "n");
  add_node(graph, "Relu", {"x"}, {"a"});
  const OnnxFile file = read_proto(model);
  CHECK(labels(*file.model.graph) == Texts{"Relu", "n", "n_1"});
  CHECK(labels(*read_bytes(serialize_onnx(file)).model.graph) == Texts{"Relu", "n", "n_1"});
}

TEST_CASE("what a body reads, or returns, orders the nodes around it") {
  for (const bool returns : {false, true}) {
    onnx::ModelProto model = new_model();
    onnx::GraphProto& graph = *model.mutable_graph();
    add_input(graph, "x");
    add_output(graph, "y");
    onnx::NodeProto& node = add_node(graph, "If", {"x"}, {"y"}, "if");
    onnx::GraphProto& body = add_body(node, "then_branch");
    if (returns) {
      add_output(body, "late");
    } else {
      add_node(body, "Relu", {"late"}, {"r"});
      add_output(body, "r");
    }
    add_node(graph, "Abs", {"x"}, {"late"}, "abs");
    const OnnxFile file = read_proto(model);
    CHECK(ops(*file.model.graph) == Texts{"Abs", "If"});
    CHECK(verify(file.model).empty());
  }
}

TEST_CASE("a cycle is refused with a node and its value") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_node(graph, "A", {"x"}, {"a"}, "before");
  add_node(graph, "Add", {"a", "d"}, {"b"}, "one");
  add_node(graph, "Abs", {"b"}, {"c"}, "two");
  add_node(graph, "Abs", {"c"}, {"d"}, "three");
  add_node(graph, "Abs", {"d"}, {"e"}, "after");
  const std::string text = refusal(model);
  CHECK_THAT(text, Contains("cycle"));
  CHECK_THAT(text, Contains("'one'") || Contains("'two'") || Contains("'three'"));

  onnx::ModelProto self = new_model();
  add_node(*self.mutable_graph(), "Abs", {"a"}, {"a"}, "self");
  CHECK_THAT(refusal(self), Contains("'self'") && Contains("'a'"));

  onnx::ModelProto through_body = new_model();
  add_input(*through_body.mutable_graph(), "x");
  onnx::NodeProto& node = add_node(*through_body.mutable_graph(), "If", {"x"}, {"y"}, "if");
  add_node(add_body(node, "then_branch"), "Relu", {"y"}, {"r"});
  CHECK_THAT(refusal(through_body), Contains("'if'"));
}

TEST_CASE("names that do not resolve are refused with node and value") {
  onnx::ModelProto missing = relu_model();
  add_node(*missing.mutable_graph(), "Abs", {"nowhere"}, {"z"}, "abs");
  CHECK_THAT(refusal(missing), Contains("node 'abs' reads 'nowhere'"));

  onnx::ModelProto no_output = relu_model();
  add_output(*no_output.mutable_graph(), "nowhere");
  CHECK_THAT(refusal(no_output), Contains("'nowhere'") && Contains("'g'"));

  onnx::ModelProto inner = relu_model();
  onnx::NodeProto& node = add_node(*inner.mutable_graph(), "If", {"x"}, {"z"}, "if");
  add_node(add_body(node, "then_branch"), "Relu", {"x"}, {"inside"});
  add_node(*inner.mutable_graph(), "Abs", {"inside"}, {"o"}, "outside");
  CHECK_THAT(refusal(inner), Contains("node 'outside' reads 'inside'"));
}

TEST_CASE("a name that is defined twice is refused") {
  onnx::ModelProto nodes = relu_model();
  add_node(*nodes.mutable_graph(), "Abs", {"x"}, {"y"}, "abs");
  CHECK_THAT(refusal(nodes), Contains("node 'abs'") && Contains("'y'"));

  onnx::ModelProto input = relu_model();
  add_node(*input.mutable_graph(), "Abs", {"x"}, {"x"}, "abs");
  CHECK_THAT(refusal(input), Contains("node 'abs'") && Contains("'x'"));

  onnx::ModelProto inputs = relu_model();
  add_input(*inputs.mutable_graph(), "x");
  CHECK_THAT(refusal(inputs), Contains("'x'"));

  onnx::ModelProto initializers = relu_model();
  add_floats(*initializers.mutable_graph(), "w", {1}, {1});
  add_floats(*initializers.mutable_graph(), "w", {1}, {2});
  CHECK_THAT(refusal(initializers), Contains("'w'"));

  onnx::ModelProto attributes = relu_model();
  onnx::NodeProto& node = *attributes.mutable_graph()->mutable_node(0);
  add_attribute(node, "axis", onnx::AttributeProto::INT);
  add_attribute(node, "axis", onnx::AttributeProto::INT);
  CHECK_THAT(refusal(attributes), Contains("node 'relu'") && Contains("'axis'"));
}

TEST_CASE("bodies read the values around them, and may have names of their own for others") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_output(graph, "y");
  add_floats(graph, "w", {2}, {1, 2});
  onnx::NodeProto& outer = add_node(graph, "If", {"x"}, {"y"}, "outer");
  onnx::GraphProto& then_branch = add_body(outer, "then_branch");
  onnx::NodeProto& inner = add_node(then_branch, "If", {"x"}, {"r"}, "inner");
  onnx::GraphProto& deep = add_body(inner, "then_branch");
  add_node(deep, "Mul", {"x", "w"}, {"m"}, "deep");
  add_output(deep, "m");
  add_output(then_branch, "r");
  onnx::GraphProto& else_branch = add_body(outer, "else_branch");
  add_floats(else_branch, "w", {2}, {3, 4});  // hides the outer one
  add_node(else_branch, "Mul", {"x", "w"}, {"r"}, "hiding");
  add_output(else_branch, "r");

  const OnnxFile file = read_checked(model);
  const Node& node = file.model.graph->nodes().front();
  const Value& w = *file.model.graph->initializers()[0];
  REQUIRE(w.uses().size() == 1);
  CHECK(w.uses()[0].node->label() == "deep");
  CHECK(enclosing_node(*file.model.graph, *w.uses()[0].node) == &node);
  CHECK(file.model.graph->inputs()[0]->uses().size() == 4);
}

TEST_CASE("an initializer that is an input too is one value") {
  onnx::ModelProto model = new_model();
  model.set_ir_version(3);
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_input(graph, "w");
  add_output(graph, "y");
  add_floats(graph, "w", {2}, {1, 2});
  add_node(graph, "Mul", {"x", "w"}, {"y"});
  const OnnxFile file = read_checked(model);
  const Value& w = *file.model.graph->inputs()[1];
  CHECK(w.initializer());
  CHECK(file.model.graph->initializers()[0] == &w);
}

TEST_CASE("a model that imports no operator set has version 1, and still imports none when written") {
  onnx::ModelProto model = relu_model();
  model.clear_opset_import();
  CHECK(read_checked(model).model.opset() == 1);
}

TEST_CASE("ai.onnx is ONNX's own domain, spelt as the file spells it when written") {
  onnx::ModelProto model = relu_model();
  model.mutable_opset_import(0)->set_domain("ai.onnx");
  OnnxFile file = read_checked(model);
  CHECK(file.model.opset() == 17);
  file.model.opsets[""] = 18;
  const onnx::ModelProto raised = plain_model(serialize_onnx(file));
  REQUIRE(raised.opset_import_size() == 1);
  CHECK(raised.opset_import(0).domain() == "ai.onnx");
  CHECK(raised.opset_import(0).version() == 18);
}

TEST_CASE("model-local functions have bodies, attributes and operator sets") {
  onnx::ModelProto model = relu_model();
  onnx::FunctionProto& function = *model.add_functions();
  function.set_name("F");
  function.set_domain("local");
  function.set_overload("o");
  function.add_input("a");
  function.add_output("b");
  function.add_attribute("alpha");
  onnx::AttributeProto& fallback = *function.add_attribute_proto();
  fallback.set_name("beta");
  fallback.set_type(onnx::AttributeProto::FLOAT);
  fallback.set_f(2);
  onnx::OperatorSetIdProto& import = *function.add_opset_import();
  import.set_domain("");
  import.set_version(16);
  onnx::NodeProto& node = add_node(function, "LeakyRelu", {"a"}, {"b"}, "leaky");
  add_attribute(node, "alpha", onnx::AttributeProto::FLOAT).set_ref_attr_name("alpha");

  const OnnxFile file = read_checked(model);
  REQUIRE(file.model.functions.size() == 1);
  const Function& read = file.model.functions[0];
  CHECK(read.name == "F");
  CHECK(read.domain == "local");
  CHECK(read.overload == "o");
  CHECK(read.attributes == Texts{"alpha"});
  CHECK(read.opsets == Opsets{{"", 16}});
  CHECK(read.body->nodes().front().attribute("alpha")->reference == "alpha");
}

TEST_CASE("an attribute without a type has that of its field") {
  onnx::ModelProto model = relu_model();
  model.set_ir_version(1);
  onnx::NodeProto& node = *model.mutable_graph()->mutable_node(0);
  const auto add = [&](const std::string& name) -> onnx::AttributeProto& {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    return attribute;
  };
  add("f").set_f(1);
  add("i").set_i(2);
  add("s").set_s("three");
  set_floats(*add("t").mutable_t(), {1}, {4});
  add("floats").add_floats(5);
  add("ints").add_ints(6);
  add("strings").add_strings("seven");
  add("g").mutable_g()->set_name("eight");
  add("graphs").add_graphs()->set_name("nine");
  add("none");
  const OnnxFile file = read_checked(model);
  const Node& read = file.model.graph->nodes().front();
  CHECK(read.float_or("f", 0) == 1);
  CHECK(read.int_or("i", 0) == 2);
  CHECK(read.string_or("s", "") == "three");
  CHECK(read.get<Tensor>("t")->at<float>(0) == 4);
  CHECK(read.get<std::vector<float>>("floats")->front() == 5);
  CHECK(read.ints_or("ints", {}) == std::vector<std::int64_t>{6});
  CHECK(read.get<std::vector<std::string>>("strings")->front() == "seven");
  CHECK(read.bodies().size() == 2);
  CHECK(std::holds_alternative<std::monostate>(read.attribute("none")->value));
}

TEST_CASE("A node knows the module that it was exported from") {
  const auto place = [](const std::string& scopes) -> std::string {
    onnx::ModelProto model = new_model();
    onnx::GraphProto& graph = *model.mutable_graph();
    add_input(graph, "x", {1});
    add_output(graph, "y", {1});
    onnx::NodeProto& node = add_node(graph, "Relu", {"x"}, {"y"}, "node_relu_1");
    onnx::StringStringEntryProto& entry = *node.add_metadata_props();
    entry.set_key("pkg.torch.onnx.name_scopes");
    entry.set_value(scopes);
    const OnnxFile file = read_checked(model);
    const Texts places = file.model.graph->nodes().front().places();
    return places.empty() ? "" : places.front();
  };
  CHECK(place("['', 'layer1', 'layer1.0', 'layer1.0.relu', 'relu_1']") == "layer1.0.relu.relu_1");
  CHECK(place("['', 'add']") == "add");
  CHECK(place("['add']") == "add");
  CHECK(place("[\"it's\", 'add']") == "it's.add");
  CHECK(place("[]").empty());
  CHECK(place("['a', b]").empty());
  CHECK(place("['a'").empty());
  CHECK(place("['a\\n', 'b']").empty());
  CHECK(place("words").empty());
}
