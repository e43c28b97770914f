#include "report/segments.h"

#include <catch2/catch.hpp>
#include <string>

#include "planned_model.h"

using namespace qprep;

namespace {

/// The segments in graph order: "0 0 - 1".
std::string segments_of(const PlannedModel& planned) {
  const auto segments = bpu_segments(planned.model, planned.plan).of;
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

TEST_CASE("what is computed from constants alone splits nothing and belongs to its reader's part") {
  PlannedModel constant;
  Node& made = constant.node("k", "ConstantOfShape", {&constant.constant("shape")}, Device::kCpu);
  Node& turned = constant.node("t", "Transpose", {&made.output(0)});
  Node& a = constant.node("a", "Relu", {&constant.input("x")});
  Node& cpu = constant.node("c", "TopK", {&a.output(0)}, Device::kCpu);
  constant.node("b", "Add", {&cpu.output(0), &turned.output(0)});
  CHECK(segments_of(constant) == "- 0 1 - 0");
  constant.node("early", "Add", {&a.output(0), &turned.output(0)});
  CHECK(segments_of(constant) == "- 0 0 - 1 0");
}

TEST_CASE("a part that the CPU reads before another one runs is not one with it") {
  PlannedModel tangled;
  Node& k = tangled.node("k", "Transpose", {&tangled.constant("w")});
  Node& cpu = tangled.node("c", "Loop", {&k.output(0), &tangled.input("x")}, Device::kCpu);
  Node& a = tangled.node("a", "Relu", {&cpu.output(0)});
  tangled.node("b", "Add", {&a.output(0), &k.output(0)});
  CHECK(segments_of(tangled) == "0 - 1 1");
}

TEST_CASE("a shape is no data: the way from it to a Reshape splits nothing") {
  PlannedModel shaped;
  Node& a = shaped.node("a", "Relu", {&shaped.input("x")});
  Node& shape = shaped.node("s", "Shape", {&a.output(0)}, Device::kCpu);
  Node& part = shaped.node("g", "Gather", {&shape.output(0), &shaped.constant("i")}, Device::kCpu);
  shaped.node("r", "Reshape", {&a.output(0), &part.output(0)});
  CHECK(segments_of(shaped) == "0 - - 0");
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
