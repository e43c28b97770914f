#include "report/flow.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

#include "planned_model.h"
#include "report/flow_dot.h"
#include "report/flow_levels.h"

using namespace qprep;

namespace {

/// "a+b, c": the nodes of each box.
std::string boxes(const Flow& flow) {
  std::string text;
  for (const FlowBox& box : flow.boxes) {
    text += text.empty() ? "" : ", ";
    for (std::size_t i = 0; i < box.nodes.size(); ++i) text += (i > 0 ? "+" : "") + box.nodes[i];
  }
  return text;
}

/// A chain of `count` layers, every `period`-th on the CPU; 0: none.
struct Chain {
  PlannedModel planned;

  Chain(std::size_t count, std::size_t period) {
    Value* last = &planned.input("x");
    for (std::size_t i = 0; i < count; ++i) {
      const bool cpu = period > 0 && i % period == period - 1;
      Node& node = planned.node(fmt::format("n{}", i), cpu ? "Softmax" : "Conv", {last},
                                cpu ? Device::kCpu : Device::kBpu);
      last = &node.output(0);
    }
    planned.model.graph->add_output(*last);
  }
  DrawnFlow drawn(const FlowLimits& limits) const {
    return drawn_flow(flow_of(planned.model, planned.plan), limits);
  }
};

}  // namespace

TEST_CASE("the picture of a small partition") {
  PlannedModel small = small_planned_model();
  Value& last = *small.model.graph->outputs().front();
  // What a file may call a node: quotes, escapes, an entity, a line break, no UTF-8.
  Node& odd = small.node("\"<&amp;\\N>\n\xff", "Tanh", {&last}, Device::kCpu);
  small.model.graph->add_output(odd.output(0));
  const std::string dot = to_dot(drawn_flow(flow_of(small.model, small.plan)), "small.onnx", "bayes");
  const auto golden = std::filesystem::path(QPREP_SOURCE_DIR) / "tests/report/small_segments.dot";
  if (std::getenv("QPREP_UPDATE")) std::ofstream(golden) << dot;
  std::ostringstream expected;
  expected << std::ifstream(golden).rdbuf();
  CHECK(dot == expected.str());
}

TEST_CASE("nodes in a row on the CPU are one box where they have one reason") {
  PlannedModel planned;
  Node& a = planned.node("a", "Exp", {&planned.input("x")}, Device::kCpu);
  Node& b = planned.node("b", "Exp", {&a.output(0)}, Device::kCpu);
  Node& c = planned.node("c", "Log", {&b.output(0)}, Device::kCpu);
  planned.model.graph->add_output(c.output(0));
  planned.plan.nodes[&a].device_because = "it follows 'x'";
  planned.plan.nodes[&b].device_because = "it follows 'a'";
  const DrawnFlow drawn = drawn_flow(flow_of(planned.model, planned.plan));
  CHECK(drawn.level == DrawnFlow::Level::kUnits);
  CHECK(boxes(drawn.flow) == "a+b, c");
  REQUIRE(drawn.flow.boxes.front().reasons.size() == 1);
  CHECK(drawn.flow.boxes.front().reasons.front().text == "it follows '...'");
}

TEST_CASE("a picture with too many boxes has rows and branches as one, then segments, then stages") {
  const Chain plain(50, 0);
  CHECK(plain.drawn({}).flow.boxes.size() == 50);
  const DrawnFlow runs = plain.drawn({.readable = 10});
  CHECK(runs.level == DrawnFlow::Level::kRuns);
  CHECK(runs.flow.boxes.size() == 1);
  CHECK(runs.flow.boxes.front().nodes.size() == 50);

  const Chain mixed(60, 3);
  CHECK(mixed.drawn({.readable = 10}).flow.boxes.size() == 40);
  const DrawnFlow stages = mixed.drawn({.readable = 10, .items = 30});
  CHECK(stages.level == DrawnFlow::Level::kStages);
  CHECK(stages.flow.boxes.size() == 5);
  CHECK(stages.flow.boxes[2].segment == FlowBox::kSeveral);
  std::size_t nodes = 0;
  for (const FlowBox& box : stages.flow.boxes) nodes += box.nodes.size();
  CHECK(nodes == 60);

  const std::string dot = to_dot(stages, "m.onnx", "");
  CHECK(dot.find("60 units are drawn as 5 boxes") != std::string::npos);
}

TEST_CASE("branches that meet again are joined with what they meet in") {
  PlannedModel planned;
  Node& begin = planned.node("begin", "Conv", {&planned.input("x")});
  Node& left = planned.node("left", "Conv", {&begin.output(0)});
  Node& right = planned.node("right", "Conv", {&begin.output(0)}, Device::kCpu);
  Node& sum = planned.node("sum", "Add", {&left.output(0), &begin.output(0)});
  Node& all = planned.node("all", "Add", {&sum.output(0), &right.output(0)});
  planned.model.graph->add_output(all.output(0));
  const Flow flow = flow_of(planned.model, planned.plan);
  CHECK(boxes(drawn_flow(flow, {.readable = 4}).flow) == "begin, left+sum, right, all");
  const Flow with_all = drawn_flow(flow, {.readable = 1, .items = 8}).flow;
  CHECK(boxes(with_all) == "begin+left+sum, right, all");
}

TEST_CASE("what is computed from shapes alone is left out of large pictures") {
  PlannedModel planned;
  Value& x = planned.input("x");
  Node& conv = planned.node("conv", "Conv", {&x});
  Node& shape = planned.node("shape", "Shape", {&conv.output(0)}, Device::kCpu);
  Node& reshape = planned.node("reshape", "Reshape", {&conv.output(0), &shape.output(0)});
  planned.model.graph->add_output(reshape.output(0));
  const Flow flow = flow_of(planned.model, planned.plan);
  CHECK(boxes(drawn_flow(flow).flow) == "conv, shape, reshape");
  const DrawnFlow drawn = drawn_flow(flow, {.readable = 1});
  CHECK(boxes(drawn.flow) == "conv+reshape");
  CHECK(drawn.left_out == 1);
}

TEST_CASE("what control flow hands to its body comes from who made it") {
  PlannedModel planned;
  Node& conv = planned.node("conv", "Conv", {&planned.input("x")});
  Node& loop = planned.node("loop", "Loop", {nullptr, nullptr, &conv.output(0)}, Device::kCpu);
  auto body = std::make_unique<Graph>(*planned.model.names, &loop);
  body->add_input("turn", Type::tensor(DType::kInt64));
  Value& goes_on = body->add_input("goes_on", Type::tensor(DType::kBool));
  Value& state = body->add_input("state", Type::tensor(DType::kFloat32));
  Node& inner =
      body->insert(nullptr, {.op = "Conv", .inputs = {&state}, .outputs = {"next"}, .name = "inner"});
  planned.plan.nodes[&inner].device = Device::kBpu;
  body->add_output(goes_on);
  body->add_output(inner.output(0));
  loop.set_attribute("body", std::move(body));
  planned.model.graph->add_output(loop.output(0));
  const Flow flow = flow_of(planned.model, planned.plan);
  CHECK(boxes(flow) == "conv, inner, loop");
  std::vector<std::pair<std::size_t, std::size_t>> arrows;
  for (const FlowArrow& arrow : flow.arrows) {
    if (arrow.from != FlowArrow::kCaller && arrow.to != FlowArrow::kCaller)
      arrows.emplace_back(arrow.from, arrow.to);
  }
  CHECK(arrows == std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}, {0, 2}, {1, 2}});
}

TEST_CASE("what repeats is said once") {
  const std::vector<std::string> names = {"conv", "add", "pool"};
  CHECK(repeats_text({0}, names) == "conv");
  CHECK(repeats_text({0, 0, 0}, names) == "3 × conv");
  CHECK(repeats_text({2, 0, 1, 0, 1, 0, 1, 2}, names) == "pool, 3 × (conv, add), pool");
  CHECK(repeats_text({0, 0, 1, 0, 0, 1}, names) == "2 × (2 × conv, add)");
}
