#include "passes/pipeline.h"

#include <catch2/catch.hpp>
#include <ctime>
#include <fmt/format.h>
#include <stdexcept>

#include "support/codes.h"

namespace qprep {
namespace {

bool read_too_early(Model& model, Env&) {
  Graph& graph = *model.graph;
  graph.move(graph.nodes().back(), &graph.nodes().front());
  return true;
}

bool break_a_rule(Model& model, Env&) {
  model.graph->erase(model.graph->nodes().front());
  return true;
}

void decide_nothing(const Model&, Plan&, Env&) {}
void act_on_nothing(Model&, const Plan&, Env&) {}

const Pass kSorts{"sorts-badly", "", Rewrite{read_too_early}};
const Pass kErases{"erases-badly", "", Rewrite{break_a_rule}};
const Pass kDecides{"decides", "", Decide{decide_nothing}};
const Pass kActs{"acts", "", Act{act_on_nothing}};

/// y = Tanh(Relu(x))
struct Fixture {
  Model model;
  Plan plan;
  Diagnostics diagnostics;
  Env env{.diagnostics = diagnostics};

  Fixture() {
    model.file = "m.onnx";
    model.opsets[""] = 17;
    Graph& graph = *model.graph;
    Value& x = graph.add_input("x", Type::tensor(DType::kFloat32));
    Node& relu = graph.insert(nullptr, {.op = "Relu", .inputs = {&x}, .outputs = {"r"}});
    Node& tanh = graph.insert(nullptr, {.op = "Tanh", .inputs = {&relu.output(0)}, .outputs = {"y"}});
    graph.add_output(tanh.output(0));
  }

  std::string failure_of(const Pass& pass) {
    try {
      run_passes(model, plan, {&pass, 1}, env);
    } catch (const Fatal& fatal) {
      CHECK(fatal.diagnostics().at(0).code == codes::kBrokenGraph);
      return fatal.what();
    }
    return "no failure";
  }
};

}  // namespace

TEST_CASE("a pass that leaves a graph inconsistent is named") {
  CHECK(Fixture().failure_of(kSorts) ==
        "m.onnx: error: pass sorts-badly broke the graph: node 'y' reads 'r' before it is defined "
        "[broken-graph]");
  CHECK(Fixture().failure_of(kErases) ==
        "m.onnx: error: pass erases-badly broke the graph: erase: an output is used [broken-graph]");
}

TEST_CASE("the pipeline has its kinds in order, and finds a pass by name") {
  std::vector<std::string_view> names;
  for (const PassKind kind : {PassKind::kRewrite, PassKind::kDecide, PassKind::kAct}) {
    CHECK_FALSE(pipeline(kind).empty());
    for (const Pass& pass : pipeline(kind)) {
      CHECK(kind_of(pass) == kind);
      CHECK_FALSE(pass.summary.empty());
      names.push_back(pass.name);
    }
  }
  CHECK(names.size() == pipeline().size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK(pipeline()[i].name == names[i]);
    CHECK(find_pass(names[i]) == &pipeline()[i]);
  }
  CHECK(find_pass("no-such-pass") == nullptr);
}

TEST_CASE("the observer sees each pass, can stop, and can print the plan once one was made") {
  Fixture f;
  const std::vector<Pass> passes = {*find_pass("drop-identity"), kDecides, kActs};
  std::vector<std::string> seen;
  std::vector<bool> with_plan;
  const auto stop_after = [&](std::string_view last) {
    return [&, last](const PassReport& report) {
      seen.emplace_back(report.pass.name);
      with_plan.push_back(dump_after(report).find("\nplan\n") != std::string::npos);
      CHECK(report.seconds >= 0);
      CHECK(report.changed == (report.pass.name != "drop-identity"));
      return report.pass.name != last;
    };
  };
  CHECK(run_passes(f.model, f.plan, passes, f.env, stop_after("")));
  CHECK(seen == std::vector<std::string>{"drop-identity", "decides", "acts"});
  CHECK(with_plan == std::vector<bool>{false, true, true});
  seen.clear();
  CHECK_FALSE(run_passes(f.model, f.plan, passes, f.env, stop_after("decides")));
  CHECK(seen == std::vector<std::string>{"drop-identity", "decides"});
}

// A pass that is not linear takes minutes here.
TEST_CASE("rewrites take time in proportion to the graph") {
  constexpr int kNodes = 100'000;
  const std::string shape =
      GENERATE("identities", "reshapes", "transposes", "constants", "conv-bn", "outputs");
  Model model;
  model.opsets[""] = 17;
  Graph& graph = *model.graph;
  Value* at = &graph.add_input("x", Type::tensor(DType::kFloat32, Shape{{2, ""}, {3, ""}}));
  Value& start = *at;
  Value& target = graph.add_initializer("shape", Tensor::int64s({2}, {3, -1}));
  const auto floats = [&graph](const std::string& name, Dims dims) {
    std::vector<float> values(static_cast<std::size_t>(*element_count(dims)), 1.0F);
    return &graph.add_initializer(name, Tensor::floats(std::move(dims), std::move(values)));
  };
  const auto add = [&](const std::string& op, std::vector<Value*> inputs) -> Node& {
    return graph.insert(nullptr, {.op = op, .inputs = std::move(inputs), .outputs = {"v"}});
  };
  if (shape == "constants") at = floats("c", {4});
  for (int i = 0; i < kNodes; ++i) {
    if (shape == "identities") {
      at = &add("Identity", {at}).output(0);
    } else if (shape == "reshapes") {
      at = &add("Reshape", {at, &target}).output(0);
    } else if (shape == "transposes") {
      Node& node = add("Transpose", {at});
      node.set_attribute("perm", i % 3 == 0 ? Dims{1, 0, 2} : Dims{0, 2, 1});
      at = &node.output(0);
    } else if (shape == "constants") {
      at = &add("Add", {at, at}).output(0);
    } else if (shape == "outputs") {
      graph.add_output(add(i % 2 == 0 ? "Identity" : "Relu", {&start}).output(0));
    } else if (i % 2 == 0) {
      at = &add("Conv", {at, floats(fmt::format("w{}", i), {1, 1, 1, 1})}).output(0);
    } else {
      std::vector<Value*> inputs = {at};
      for (const char* name : {"s", "b", "m", "v"})
        inputs.push_back(floats(fmt::format("{}{}", name, i), {1}));
      at = &add("BatchNormalization", inputs).output(0);
    }
  }
  graph.add_output(add("Relu", {at}).output(0));

  Plan plan;
  Diagnostics diagnostics;
  Env env{.diagnostics = diagnostics};
  const std::clock_t began = std::clock();
  run_passes(model, plan, pipeline(PassKind::kRewrite), env);
  const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  WARN(shape << ": " << seconds << " s");
  CAPTURE(shape);
  const std::size_t left = shape == "outputs" ? kNodes + 1 : shape == "conv-bn" ? kNodes / 2 + 1 : 0;
  CHECK((left == 0 ? graph.nodes().size() <= 2 : graph.nodes().size() == left));
}

}  // namespace qprep
