#include "report/segments.h"

#include <catch2/catch.hpp>
#include <string>

#include "planned_model.h"

using namespace qprep;

namespace {

/// The segments in graph order: "0 0 - 1".
std::string segments_of(const PlannedModel& planned) {
  const auto segments = bpu_segments(planned.model, planned.plan);
  std::string text;
  for (const Node& node : planned.model.graph->nodes()) {
    const auto found = segments.find(&node);
    text += (text.empty() ? "" : " ") + (found == segments.end() ? "-" : std::to_string(found->second));
  }
  return text;
}

}  // namespace

TEST_CASE("a node on the CPU splits a chain") {
  PlannedModel chain;
  Node* last = &chain.node("a", "Relu", {&chain.input("x")});
  for (const Device device : {Device::kBpu, Device::kCpu, Device::kBpu, Device::kBpu}) {
    last = &chain.node("n", "Relu", {&last->output(0)}, device);
  }
  CHECK(segments_of(chain) == "0 0 - 1 1");
}

TEST_CASE("branches that nothing joins are parts of their own, numbered in graph order") {
  PlannedModel branches;
  Value& x = branches.input("x");
  Node& a = branches.node("a", "Relu", {&x});
  Node& b = branches.node("b", "Relu", {&x});
  branches.node("a2", "Relu", {&a.output(0)});
  branches.node("b2", "Relu", {&b.output(0)});
  CHECK(segments_of(branches) == "0 1 0 1");
  branches.node("join", "Add", {&a.output(0), &b.output(0)});
  CHECK(segments_of(branches) == "0 0 0 0 0");
}

TEST_CASE("a part has no way through the CPU between two of its nodes") {
  PlannedModel around;
  Node& a = around.node("a", "Relu", {&around.input("x")});
  Node& cpu = around.node("c", "TopK", {&a.output(0)}, Device::kCpu);
  around.node("join", "Add", {&a.output(0), &cpu.output(0)});
  CHECK(segments_of(around) == "0 - 1");
}

TEST_CASE("a constant that is made on the CPU splits nothing") {
  PlannedModel constant;
  Node& made = constant.node("k", "Constant", {}, Device::kCpu);
  made.set_attribute("value", Tensor::scalar(1));
  Node& a = constant.node("a", "Relu", {&constant.input("x")});
  constant.node("b", "Add", {&a.output(0), &made.output(0)});
  CHECK(segments_of(constant) == "- 0 0");
}

TEST_CASE("what a body captures counts as read by its holder") {
  PlannedModel nested;
  Value& condition = nested.input("c", DType::kBool);
  Node& a = nested.node("a", "Relu", {&nested.input("x")});
  Node& branch = nested.node("if", "If", {&condition}, Device::kCpu);
  auto body = std::make_unique<Graph>(*nested.model.names, &branch);
  Graph& inside = *body;
  branch.set_attribute("then_branch", std::move(body));
  inside.add_output(
      inside.insert(nullptr, {.op = "Relu", .inputs = {&a.output(0)}, .outputs = {"inner"}}).output(0));
  nested.node("b", "Add", {&a.output(0), &branch.output(0)});
  CHECK(segments_of(nested) == "0 - 1");
}
