#include "passes/fold_settings.h"

#include <catch2/catch.hpp>
#include <random>

#include "config/op_classes.h"
#include "passes/selection.h"

using namespace qprep;

namespace {

const OpClasses& classes() {
  static const OpClasses read = read_op_classes(QPREP_SOURCE_DIR "/configs/op_classes.yaml");
  return read;
}

std::shared_ptr<const NodeSettings> folded_over(const Model& model, const std::vector<Setting>& settings,
                                                Diagnostics& diagnostics) {
  Plan plan;
  const DataFlow flow(model, classes(), plan);
  return fold_settings(model, settings, flow, plan, diagnostics);
}

/// A graph of nodes "/s<i>/t<j>/Conv<n>" with a weight each, every second one a Sigmoid.
Model random_model(std::mt19937& random) {
  Model model;
  Value* x = &model.graph->add_input("x", Type::tensor(DType::kFloat32));
  const int count = std::uniform_int_distribution(1, 12)(random);
  for (int n = 0; n < count; ++n) {
    const auto digit = [&] { return std::to_string(std::uniform_int_distribution(0, 2)(random)); };
    const std::string op = n % 2 == 0 ? "Conv" : "Sigmoid";
    NodeSpec spec{
        op, {x}, {"v" + std::to_string(n)}, "/s" + digit() + "/t" + digit() + "/" + op + std::to_string(n)};
    if (n % 2 == 0) {
      spec.inputs.push_back(&model.graph->add_initializer(
          "w" + std::to_string(n), Tensor::of<float>(DType::kFloat32, {1, 1, 1, 1}, {1.0F})));
    }
    Node& node = model.graph->insert(nullptr, std::move(spec));
    node.set_label(node.name());
    x = &node.output(0);
  }
  model.graph->add_output(*x);
  return model;
}

std::vector<Setting> random_settings(std::mt19937& random) {
  const std::vector<Selector> selectors = {
      {Selector::Kind::kName, "s0"},      {Selector::Kind::kName, "s1.t1"},
      {Selector::Kind::kName, "*.t2"},    {Selector::Kind::kName, "re:.*Conv.*"},
      {Selector::Kind::kType, "Sigmoid"}, {Selector::Kind::kAll, ""},
      {Selector::Kind::kName, "v3"},      {Selector::Kind::kName, "/s2/t0"}};
  const std::vector<Precision> precisions = {Precision::kFloat32, Precision::kInt8, Precision::kInt16};
  std::vector<Setting> settings(std::uniform_int_distribution<std::size_t>(0, 8)(random));
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const auto one_of = [&](const auto& from) {
      return from[std::uniform_int_distribution<std::size_t>(0, from.size() - 1)(random)];
    };
    settings[i].selector = one_of(selectors);
    settings[i].slot = one_of(std::vector{Slot::kOutput, Slot::kWeight, Slot::kNode});
    settings[i].says = settings[i].slot == Slot::kNode ? Precision::kFloat32 : one_of(precisions);
    if (settings[i].slot == Slot::kNode && !settings[i].names_nodes()) settings[i].slot = Slot::kOutput;
    settings[i].what = "setting " + std::to_string(i);
  }
  return settings;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The selectors above, spelled out by hand.
bool speaks_of(const Selector& selector, const Node& node) {
  const std::string& name = node.name();
  if (selector.kind == Selector::Kind::kAll) return true;
  if (selector.kind == Selector::Kind::kType) return node.op() == selector.text;
  if (selector.text == "s0") return name.starts_with("/s0/");
  if (selector.text == "s1.t1") return name.starts_with("/s1/t1/");
  if (selector.text == "*.t2") return contains(name, "/t2/");
  if (selector.text == "re:.*Conv.*") return contains(name, "Conv");
  if (selector.text == "v3") return node.output(0).name() == "v3";
  return name.starts_with("/s2/t0/");
}

Precision naive(const std::vector<Setting>& settings, const Node& node, Slot slot) {
  for (const Setting& setting : settings) {
    if (setting.slot == slot && speaks_of(setting.selector, node)) return setting.precision();
  }
  return Precision::kInt8;
}

bool naively_skipped(const std::vector<Setting>& settings, const Node& node) {
  for (const Setting& setting : settings) {
    if (!speaks_of(setting.selector, node)) continue;
    if (setting.slot == Slot::kNode) return true;
    if (setting.slot == Slot::kOutput) return false;
  }
  return false;
}

}  // namespace

TEST_CASE("The first setting that speaks of a slot wins, whatever the list") {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    const Model model = random_model(random);
    const std::vector<Setting> settings = random_settings(random);
    Diagnostics diagnostics;
    const auto fold = folded_over(model, settings, diagnostics);
    const NodeSettings& folded = *fold;
    for (const Node& node : model.graph->nodes()) {
      INFO("round " << round << " node " << node.name());
      REQUIRE(folded.winner(node, Slot::kOutput).precision() == naive(settings, node, Slot::kOutput));
      if (node.is("Conv")) {
        REQUIRE(folded.winner(node, Slot::kWeight).precision() == naive(settings, node, Slot::kWeight));
      }
      REQUIRE((folded.skip(node) != nullptr) == naively_skipped(settings, node));
      REQUIRE(&folded.winner(node, Slot::kWeight) == folded.all(node, Slot::kWeight).front());
    }
  }
}

TEST_CASE("Many selectors that match nothing are told in part, with their number") {
  Model model;
  model.graph->add_input("x", Type::tensor(DType::kFloat32));
  std::vector<Setting> settings(25);
  for (std::size_t i = 0; i < settings.size(); ++i) {
    settings[i].selector = {Selector::Kind::kName, "nowhere"};
    settings[i].where = {"c.yaml", static_cast<int>(i) + 1, 3};
  }
  Diagnostics diagnostics;
  folded_over(model, settings, diagnostics);
  REQUIRE(diagnostics.all().size() == 21);
  CHECK(diagnostics.all().back().message == "and 5 more settings match nothing");
}

TEST_CASE("What is said of several slots of a name that is none is one mistake") {
  Model model;
  model.graph->add_input("x", Type::tensor(DType::kFloat32));
  std::vector<Setting> settings(3);
  for (Setting& setting : settings) setting.selector = {Selector::Kind::kName, "nowhere"};
  for (std::size_t i = 0; i < settings.size(); ++i) {
    settings[i].where = {"c.yaml", static_cast<int>(i) + 5, 3};
    settings[i].named_at = {"c.yaml", i < 2 ? 4 : 7, 3};
  }
  Diagnostics diagnostics;
  folded_over(model, settings, diagnostics);
  REQUIRE(diagnostics.all().size() == 2);
  CHECK(diagnostics.all().front().where.line == 4);
}

TEST_CASE("A node answers to its name, its results, its scopes and what was folded into it") {
  Model model;
  Value& x = model.graph->add_input("x", Type::tensor(DType::kFloat32));
  Node& conv = model.graph->insert(nullptr, {"Conv", {&x}, {"c"}, "/a/conv"});
  Node& norm = model.graph->insert(nullptr, {"BatchNormalization", {&conv.output(0)}, {"n"}, "/a/norm"});
  Node& last = model.graph->insert(nullptr, {"Relu", {&norm.output(0)}, {"y"}, "/ab/relu"});
  conv.absorb(norm);
  last.add_place("layer1.0.relu.relu_1");
  Node& odd = model.graph->insert(nullptr, {"Relu", {&x}, {"z"}, "odd[0]*"});
  const Selection selection(model, nullptr);
  const auto nodes = [&](const std::string& text) {
    return selection.find({Selector::Kind::kName, text}).nodes;
  };
  using Nodes = std::vector<const Node*>;
  CHECK(nodes("/a/conv") == Nodes{&conv});
  CHECK(nodes("a.conv") == Nodes{&conv});
  CHECK(nodes("c") == Nodes{&conv});
  CHECK(nodes("a.norm") == Nodes{&conv, &norm});
  CHECK(nodes("a") == Nodes{&conv, &norm});
  CHECK(nodes("a*") == Nodes{&conv, &norm, &last});
  CHECK(nodes("a?") == Nodes{&last});
  CHECK(nodes("[!b].conv") == Nodes{&conv});
  CHECK(nodes("re:a.*") == Nodes{&conv, &norm, &last});
  CHECK(nodes("re:a") == Nodes{});
  CHECK(nodes("odd[0]*") == Nodes{&odd});
  CHECK(nodes("odd[1]*").empty());
  CHECK(nodes("conv").empty());
  CHECK(nodes("layer1.0.relu") == Nodes{&last});
  CHECK(nodes("layer1") == Nodes{&last});
  CHECK(selection.find({Selector::Kind::kName, "x"}).inputs == std::vector<const Value*>{&x});
}

TEST_CASE("In a Sequential a node answers to the name that its module has in the program, too") {
  Model model;
  Value& x = model.graph->add_input("x", Type::tensor(DType::kFloat32));
  const auto add = [&](const char* name) {
    return &model.graph->insert(nullptr, {"Relu", {&x}, {std::string(name) + "_out"}, name});
  };
  const Node* conv = add("/layer1/layer1.0/conv1/Conv");
  const Node* query = add("/1/1.0/1.0.0/fn/fn.1/query/MatMul");
  const Node* ten = add("/layer1/layer10/conv1/Conv");
  const Selection selection(model, nullptr);
  const auto nodes = [&](const std::string& text) {
    return selection.find({Selector::Kind::kName, text}).nodes;
  };
  using Nodes = std::vector<const Node*>;
  CHECK(nodes("layer1.0.conv1") == Nodes{conv});
  CHECK(nodes("layer1.0") == Nodes{conv});
  CHECK(nodes("layer1.layer1.0") == Nodes{conv});
  CHECK(nodes("layer1") == Nodes{conv, ten});
  CHECK(nodes("1.0.0.fn.1.query") == Nodes{query});
  CHECK(nodes("re:layer1\\.0.*") == Nodes{conv});
}

TEST_CASE("A type may say how many spatial axes, a domain, and several operators") {
  Model model;
  const auto input = [&](const char* name, std::size_t rank) {
    return &model.graph->add_input(name, Type::tensor(DType::kFloat32, Shape(rank)));
  };
  const Node& flat = model.graph->insert(nullptr, {"Conv", {input("a", 3)}, {"x"}, "flat"});
  const Node& square = model.graph->insert(nullptr, {"Conv", {input("b", 4)}, {"y"}, "square"});
  Value& unknown = model.graph->add_input("c", Type::tensor(DType::kFloat32));
  const Node& any = model.graph->insert(nullptr, {"Conv", {&unknown}, {"z"}, "any"});
  NodeSpec spec{"FusedConv", {&unknown}, {"f"}, "fused"};
  spec.domain = "com.microsoft";
  const Node& fused = model.graph->insert(nullptr, spec);
  const Selection selection(model, nullptr);
  const auto nodes = [&](const std::string& text) {
    return selection.find({Selector::Kind::kType, text}).nodes;
  };
  using Nodes = std::vector<const Node*>;
  CHECK(nodes("Conv") == Nodes{&flat, &square, &any});
  CHECK(nodes("Conv1d") == Nodes{&flat, &any});
  CHECK(nodes("Conv2d") == Nodes{&square, &any});
  CHECK(nodes("Gemm,Conv1d") == Nodes{&flat, &any});
  CHECK(nodes("com.microsoft::FusedConv") == Nodes{&fused});
  CHECK(nodes("ai.other::FusedConv").empty());
  CHECK(selection.why_nothing({Selector::Kind::kType, "Gemm,MatMul"}) ==
        "no node of the model is a Gemm or MatMul; there are Conv, FusedConv");
}

namespace {

/// x -> Conv a -> MaxPool p -> Sigmoid s -> Conv b -> y, each conv with a weight.
struct Chain {
  Model model;
  Node *a, *p, *s, *b;
  Chain() {
    Graph& graph = *model.graph;
    const auto weight = [&](const std::string& name) {
      return &graph.add_initializer(name, Tensor::of<float>(DType::kFloat32, {1, 1, 1, 1}, {1.0F}));
    };
    Value& x = graph.add_input("x", Type::tensor(DType::kFloat32));
    a = &graph.insert(nullptr, {"Conv", {&x, weight("wa")}, {"va"}, "a"});
    p = &graph.insert(nullptr, {"MaxPool", {&a->output(0)}, {"vp"}, "p"});
    s = &graph.insert(nullptr, {"Sigmoid", {&p->output(0)}, {"vs"}, "s"});
    b = &graph.insert(nullptr, {"Conv", {&s->output(0), weight("wb")}, {"vb"}, "b"});
    for (Node* node : {a, p, s, b}) node->set_label(node->name());
    graph.add_output(b->output(0));
  }
  std::vector<std::string> names(const Selector& selector) const {
    Plan plan;
    const DataFlow flow(model, classes(), plan);
    const Selection::Match match = Selection(model, &flow).find(selector);
    std::vector<std::string> found;
    for (const Value* input : match.inputs) found.push_back(input->name());
    for (const Node* node : match.nodes) found.push_back(node->label());
    return found;
  }
};

Setting say(Selector selector, Slot slot, Says says, int line) {
  Setting setting;
  setting.selector = std::move(selector);
  setting.slot = slot;
  setting.says = std::move(says);
  setting.where = {"c.yaml", line, 1};
  setting.what = "line " + std::to_string(line);
  return setting;
}

using Labels = std::vector<std::string>;

}  // namespace

TEST_CASE("What a node reads is what the node before made, through passive operators") {
  const Chain chain;
  Setting of_sigmoid = say({Selector::Kind::kName, "s"}, Slot::kInput, Precision::kInt16, 1);
  Diagnostics diagnostics;
  const auto folded = folded_over(chain.model, {of_sigmoid}, diagnostics);
  CHECK(diagnostics.all().empty());
  CHECK(folded->winner(*chain.a, Slot::kOutput).precision() == Precision::kInt16);
  CHECK(folded->winner(*chain.s, Slot::kOutput).precision() == Precision::kInt8);
}

TEST_CASE("The input that is a weight is the weight, an input that is not there an error") {
  const Chain chain;
  Setting weight = say({Selector::Kind::kName, "b"}, Slot::kInput, Precision::kInt16, 1);
  weight.input = 1;
  Setting absent = say({Selector::Kind::kName, "b"}, Slot::kInput, Precision::kInt16, 2);
  absent.input = 7;
  Diagnostics diagnostics;
  const auto folded = folded_over(chain.model, {weight, absent}, diagnostics);
  CHECK(folded->winner(*chain.b, Slot::kWeight).precision() == Precision::kInt16);
  REQUIRE(diagnostics.all().size() == 1);
  CHECK(diagnostics.all().front().message == "Conv 'b' has no input 7; it has 2");
}

TEST_CASE("Aspects are settled apart: a threshold leaves the precision to the next setting") {
  const Chain chain;
  const Selector conv{Selector::Kind::kName, "a"};
  Diagnostics diagnostics;
  const auto folded = folded_over(
      chain.model,
      {say(conv, Slot::kOutput, FixedScale{1.0, 0}, 1), say(conv, Slot::kOutput, Precision::kInt16, 2),
       say(conv, Slot::kOutput, FixedScale{2.0, 0}, 3)},
      diagnostics);
  CHECK(folded->winner(*chain.a, Slot::kOutput).where.line == 2);
  CHECK(folded->find(*chain.a, Slot::kOutput, Aspect::kFixedScale)->where.line == 1);
  CHECK(folded->find(*chain.s, Slot::kOutput, Aspect::kFixedScale) == nullptr);
  CHECK(diagnostics.all().empty());
}

TEST_CASE("Classes, what leads to an operator, and subgraphs are selectors") {
  const Chain chain;
  CHECK(chain.names({Selector::Kind::kClass, "gemm_like"}) == Labels{"a", "b"});
  CHECK(chain.names({Selector::Kind::kBefore, "Sigmoid"}) == Labels{"a", "p"});
  CHECK(chain.names({Selector::Kind::kBefore, "Sigmoid:1"}).empty());
  CHECK(chain.names({Selector::Kind::kBefore, "Conv:0"}) == Labels{"x", "a", "p", "s"});
  Selector between{Selector::Kind::kSubgraph};
  between.from = {"va"};
  between.to = {"s"};
  CHECK(chain.names(between) == Labels{"p", "s"});
  std::swap(between.from, between.to);
  CHECK(chain.names(between).empty());
}

TEST_CASE("A selector that may match nothing is no mistake then") {
  const Chain chain;
  Selector selector{Selector::Kind::kName, "nowhere"};
  selector.optional = true;
  Diagnostics diagnostics;
  folded_over(chain.model, {say(selector, Slot::kOutput, Precision::kInt16, 1)}, diagnostics);
  CHECK(diagnostics.all().empty());
}

TEST_CASE("A dot in a scope's name ends no scope; a name with dots is that of a module first") {
  Model model;
  Value* x = &model.graph->add_input("x", Type::tensor(DType::kFloat32));
  std::vector<const Node*> nodes;
  for (const std::string name : {"/1/1.0/Gemm", "/1/1.1/1.1.0/Gemm", "/1/1.1/1.1.1/Gemm", "/a/b.c/Relu"}) {
    Node& node = model.graph->insert(nullptr, {"Relu", {x}, {"y" + name}, name});
    node.set_label(name);
    nodes.push_back(&node);
    x = &node.output(0);
  }
  const Selection selection(model, nullptr);
  const auto found = [&](const std::string& text) {
    return selection.find({Selector::Kind::kName, text}).nodes;
  };
  using Nodes = std::vector<const Node*>;
  CHECK(found("1.1") == Nodes{nodes[1], nodes[2]});
  CHECK(found("1.1.1") == Nodes{nodes[2]});
  CHECK(found("/1/1.1") == Nodes{nodes[1], nodes[2]});
  CHECK(found("1.0") == Nodes{nodes[0]});
  CHECK(found("/1") == Nodes{nodes[0], nodes[1], nodes[2]});
  CHECK(found("a.b").empty());
  CHECK(found("a.b.c") == Nodes{nodes[3]});
  CHECK(found("a") == Nodes{nodes[3]});
}
