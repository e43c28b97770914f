#include "passes/node_settings.h"

#include <catch2/catch.hpp>
#include <random>

#include "onnx_io/onnx_file.h"

using namespace qprep;

namespace {

/// A graph of nodes "/s<i>/t<j>/Relu<n>", every second one a Sigmoid.
Model random_model(std::mt19937& random) {
  Model model;
  Value* x = &model.graph->add_input("x", Type::tensor(DType::kFloat32));
  const int count = std::uniform_int_distribution(1, 12)(random);
  for (int n = 0; n < count; ++n) {
    const auto digit = [&] { return std::to_string(std::uniform_int_distribution(0, 2)(random)); };
    const std::string op = n % 2 == 0 ? "Relu" : "Sigmoid";
    NodeSpec spec{
        op, {x}, {"v" + std::to_string(n)}, "/s" + digit() + "/t" + digit() + "/" + op + std::to_string(n)};
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
      {Selector::Kind::kName, "*.t2"},    {Selector::Kind::kName, "re:.*Relu.*"},
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
  if (selector.text == "re:.*Relu.*") return contains(name, "Relu");
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
    const NodeSettings folded(model, settings, diagnostics);
    for (const Node& node : model.graph->nodes()) {
      INFO("round " << round << " node " << node.name());
      REQUIRE(folded.winner(node, Slot::kOutput).precision() == naive(settings, node, Slot::kOutput));
      REQUIRE(folded.winner(node, Slot::kWeight).precision() == naive(settings, node, Slot::kWeight));
      REQUIRE((folded.skip(node) != nullptr) == naively_skipped(settings, node));
      REQUIRE(&folded.winner(node, Slot::kWeight) == folded.all(node, Slot::kWeight).front());
    }
  }
}

TEST_CASE("Many selectors that match nothing are told in part, with their number") {
  Model model;
  model.graph->add_input("x", Type::tensor(DType::kFloat32));
  std::vector<Setting> settings(25);
  for (Setting& setting : settings) setting.selector = {Selector::Kind::kName, "nowhere"};
  Diagnostics diagnostics;
  const NodeSettings folded(model, settings, diagnostics);
  REQUIRE(diagnostics.all().size() == 21);
  CHECK(diagnostics.all().back().message == "and 5 more settings match nothing");
}

TEST_CASE("A node answers to its name, its results, its scopes and what was folded into it") {
  Model model;
  Value& x = model.graph->add_input("x", Type::tensor(DType::kFloat32));
  Node& conv = model.graph->insert(nullptr, {"Conv", {&x}, {"c"}, "/a/conv"});
  Node& norm = model.graph->insert(nullptr, {"BatchNormalization", {&conv.output(0)}, {"n"}, "/a/norm"});
  Node& last = model.graph->insert(nullptr, {"Relu", {&norm.output(0)}, {"y"}, "/ab/relu"});
  conv.absorb(norm);
  Node& odd = model.graph->insert(nullptr, {"Relu", {&x}, {"z"}, "odd[0]*"});
  const Selection selection(model);
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
  CHECK(selection.find({Selector::Kind::kName, "x"}).inputs == std::vector<const Value*>{&x});
}
