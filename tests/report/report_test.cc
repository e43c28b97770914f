#include "report/report.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "planned_model.h"
#include "report/checks.h"
#include "report/report_json.h"
#include "report/report_text.h"
#include "support/codes.h"

using namespace qprep;

namespace {

Report small_report() {
  const PlannedModel small = small_planned_model();
  Diagnostic odd{Severity::kWarning, codes::kFileAccess, "tensor 'soft_out' never varies", {"m.yaml", 3, 7}};
  return build_report(small.model, small.plan, "small.onnx", "bayes", {&odd, 1});
}

CheckResult check_result(const Report& report) {
  CheckResult result = check_result_of_plan(report);
  complete(result, report);
  return result;
}

nlohmann::ordered_json to_json(const Report& report) {
  return nlohmann::ordered_json::parse(check_result(report).json);
}

std::string to_text(const Report& report) { return check_result(report).text; }

std::string messages(const std::vector<Hint>& hints) {
  std::string text;
  for (const Hint& hint : hints) text += hint.name + ": " + hint.message + "\n";
  return text;
}

}  // namespace

TEST_CASE("the check result as text") {
  const std::filesystem::path golden =
      std::filesystem::path(QPREP_SOURCE_DIR) / "tests/report/small_report.txt";
  const std::string text = to_text(small_report());
  if (std::getenv("QPREP_UPDATE")) std::ofstream(golden) << text;
  std::ostringstream expected;
  expected << std::ifstream(golden).rdbuf();
  CHECK(text == expected.str());
}

TEST_CASE("the check result as JSON") {
  const nlohmann::ordered_json json = to_json(small_report());
  CHECK(json["model"] == "small.onnx");
  CHECK(json["march"] == "bayes");
  CHECK(
      json["inputs"].dump() ==
      R"([{"name":"image","dtype":"qint8","ch_axis":-1,"observer":"min_max"},{"name":"ids","dtype":"int64"}])");
  CHECK(json["nodes"].size() == 5);
  CHECK(json["nodes"][0].dump(1) == R"({
 "name": "conv1",
 "op": "Conv",
 "device": "BPU",
 "segment": 0,
 "macs": null,
 "inputs": [
  {
   "name": "image",
   "dtype": "qint8",
   "ch_axis": -1,
   "observer": "min_max"
  },
  {
   "name": "w",
   "dtype": "qint8",
   "ch_axis": 0,
   "observer": "min_max"
  },
  {
   "name": "b",
   "dtype": "float32"
  }
 ],
 "outputs": [
  {
   "name": "conv1_out",
   "dtype": "float32"
  }
 ],
 "because": {
  "device": "Conv runs on the BPU",
  "output": "inside the unit conv-relu",
  "weight": "default int8"
 }
})");
  CHECK(json["nodes"][2]["segment"].is_null());
  CHECK(json["nodes"][2]["because"]["weight"].is_null());
  CHECK(json["nodes"][3]["inputs"][2].is_null());
  CHECK(json["nodes"][3]["absorbed"].dump() == R"(["bn2"])");
  CHECK(
      json["diagnostics"].dump() ==
      R"([{"severity":"warning","code":"file-access","message":"tensor 'soft_out' never varies","file":"m.yaml","line":3,"column":7}])");
}

TEST_CASE("hints: float results, several formats, int16 weights, frozen scales") {
  CHECK(messages(qconfig_hints(small_report())) ==
        "conv2: activation is None. Maybe output layer?\n"
        "side: Mixed input dtype ['qint8'] and output dtype ['qint16']\n"
        "side: averaging_constant=0\n");

  PlannedModel mixed;
  Value& x = mixed.input("x");
  Value& y = mixed.input("y");
  Value& w = mixed.constant("w");
  Node& conv = mixed.node("conv", "Conv", {&x, &w});
  Node& add = mixed.node("add", "Add", {&conv.output(0), &y});
  QuantSpec wide;
  wide.precision = Precision::kInt16;
  mixed.quantise(y, Role::kActivation, wide);
  mixed.quantise(w, Role::kWeight, wide);
  mixed.quantise(add.output(0));
  mixed.reads_quantised(conv, {1});
  mixed.reads_quantised(add, {1});
  mixed.plan.nodes[&conv].weight_because = "asked for";
  mixed.unit("conv-add", {&conv, &add});
  const Report report = build_report(mixed.model, mixed.plan, "m", "bayes", {});
  CHECK(messages(qconfig_hints(report)) ==
        "conv: qint16 weight!\n"
        "add: No high-precision output at the end of id(0).\n"
        "add: Mixed input dtype ['float32', 'qint16'] and output dtype ['qint8']\n");
  CHECK(messages(abnormal_compute_types(report)) == "conv: float32*qint16\n");
  CHECK(messages(float_inputs(report)) == "conv: ['float32', 'qint16']\n");
}

TEST_CASE("a unit of several nodes is one row, and its kinds are counted") {
  PlannedModel spelled;
  Value& x = spelled.input("x");
  Node& sigmoid = spelled.node("sigmoid", "Sigmoid", {&x});
  Node& mul = spelled.node("mul", "Mul", {&x, &sigmoid.output(0)});
  Node& alone = spelled.node("alone", "Add", {&x, &mul.output(0)});
  Node& head = spelled.node("head", "Conv", {&alone.output(0), &x});
  Node& relu = spelled.node("relu", "Relu", {&head.output(0)});
  Value& bias = spelled.constant("bias");
  Node& product = spelled.node("product", "MatMul", {&relu.output(0), &x});
  Node& shifted = spelled.node("shifted", "Add", {&product.output(0), &bias});
  spelled.unit("conv-relu", {&head, &relu});
  spelled.unit("SiLU", {&sigmoid, &mul});
  spelled.plan.units.back().operands = {&x};
  spelled.unit("Add", {&alone});
  spelled.unit("linear", {&product, &shifted});
  spelled.plan.units.back().bias = &bias;
  const Report report = build_report(spelled.model, spelled.plan, "m", "bayes", {});
  CHECK(text_of_plan(report).find("Units of several modules:\n"
                                  "unit       what it is          on the BPU  on the CPU\n"
                                  "---------  ------------------  ----------  ----------\n"
                                  "SiLU       composite operator           1           0\n"
                                  "conv-relu  sequence                     1           0\n"
                                  "linear     layer and bias               1           0\n"
                                  "\n") != std::string::npos);
  CHECK(text_of_plan(report).find("Modules below run as one kernel; nothing inside is quantised:\n"
                                  "name     unit       nodes\n"
                                  "-------  ---------  ----------------\n"
                                  "mul      SiLU       sigmoid, mul\n"
                                  "relu     conv-relu  head, relu\n"
                                  "shifted  linear     product, shifted\n"
                                  "\n") != std::string::npos);
  CHECK(json_of_plan(report).find(
            R"("units": [
    {"name":"mul","pattern":"SiLU","nodes":["sigmoid","mul"],"kind":"composite operator","device":"BPU"},
    {"name":"relu","pattern":"conv-relu","nodes":["head","relu"],"kind":"sequence","device":"BPU"},
    {"name":"shifted","pattern":"linear","nodes":["product","shifted"],"kind":"layer and bias","device":"BPU"}
  ])") != std::string::npos);
}

TEST_CASE("a sum names the layer that adds it, or why none does") {
  PlannedModel residual;
  Value& x = residual.input("x");
  Value& w = residual.constant("w");
  const auto layer = [&](const char* label, Value& read) -> Node& {
    Node& conv = residual.node(label, "Conv", {&read, &w});
    residual.plan.nodes[&conv].weight_because = "default int8";
    return conv;
  };
  Node& first = layer("first", x);
  Node& joined = residual.node("joined", "Add", {&first.output(0), &x});
  Node& second = layer("second", joined.output(0));
  Node& relu = residual.node("relu", "Relu", {&second.output(0)});
  Node& pool = residual.node("pool", "MaxPool", {&relu.output(0)});
  Node& apart = residual.node("apart", "Add", {&relu.output(0), &pool.output(0)});
  Node& third = layer("third", apart.output(0));
  Node& missed = residual.node("missed", "Add", {&third.output(0), &x});
  Node& shape = residual.node("shape", "Add", {&x, &x});
  residual.unit("conv-add", {&first, &joined});
  residual.unit("conv-relu", {&second, &relu});
  residual.unit("MaxPool", {&pool});
  residual.unit("Add", {&apart});
  residual.unit("conv", {&third});
  residual.unit("Add", {&missed});
  residual.plan.misses.push_back({"conv-add", {&third, &missed}, "its result is read twice"});
  static_cast<void>(shape);
  const Report report = build_report(residual.model, residual.plan, "m", "", {});
  CHECK(text_of_plan(report).find(
            "Modules below add two results, in the unit of a layer or in one of their own:\n"
            "name    unit      layer  why no layer adds it\n"
            "------  --------  -----  "
            "-------------------------------------------------------------------------------------\n"
            "joined  conv-add  first\n"
            "apart                    the unit conv-relu of Conv 'second' ends with Relu 'relu'; "
            "MaxPool 'pool' is no layer\n"
            "missed                   conv-add of Conv 'third': its result is read twice\n"
            "\n") != std::string::npos);
  const nlohmann::ordered_json sums = to_json(report)["sums"];
  REQUIRE(sums.size() == 3);
  CHECK(sums[0].dump() == R"({"name":"joined","unit":"conv-add","layer":"first","because":null})");
  CHECK(sums[2]["because"] == "conv-add of Conv 'third': its result is read twice");
}

TEST_CASE("nodes on the CPU are counted by reason, sentences that differ in names as one") {
  PlannedModel split;
  Value& x = split.input("x");
  const auto on_cpu = [&](const char* label, const char* op, const char* because) {
    split.plan.nodes[&split.node(label, op, {&x}, Device::kCpu)].device_because = because;
  };
  on_cpu("places", "NonZero", "integer: it computes places");
  on_cpu("move1", "Reshape", "passive: the graph's 'it's a', which it moves, is not quantised");
  on_cpu("move2", "Transpose", "passive: the graph's 'b', which it moves, is not quantised");
  on_cpu("move3", "Reshape", "passive: the graph's 'c', which it moves, is not quantised");
  split.node("conv", "Conv", {&x});
  on_cpu("last", "Exp", "Exp 'last' stays float, as m.yaml:2:3 says");
  const Report report = build_report(split.model, split.plan, "m", "", {});
  CHECK(text_of_plan(report).find("Modules below run on the CPU, in float where they compute:\n"
                                  "times  types                   nodes                because\n"
                                  "-----  ----------------------  -------------------  "
                                  "------------------------------------------------------------\n"
                                  "    3  2 Reshape, 1 Transpose  move1, move2, move3  "
                                  "passive: the graph's '...', which it moves, is not quantised\n") !=
        std::string::npos);
  const nlohmann::ordered_json rows = to_json(report)["on_cpu"];
  REQUIRE(rows.size() == 3);
  CHECK(rows[0]["operators"].dump() == R"({"Reshape":2,"Transpose":1})");
  CHECK(rows[0]["nodes"].dump() == R"(["move1","move2","move3"])");
  CHECK(
      rows[2].dump() ==
      R"({"because":"Exp 'last' stays float, as m.yaml:2:3 says","remedy":null,"times":1,"operators":{"Exp":1},"nodes":["last"]})");
}

TEST_CASE("what became operators of ONNX stands behind the plan") {
  PlannedModel less;
  less.input("x");
  Report report = build_report(less.model, less.plan, "m", "", {});
  report.rewritten.push_back({"norm/add", "LayerNormalization", "LayerNorm", {"norm/mean", "norm/add"}});
  CHECK(to_text(report).find("Modules below are one operator of ONNX each in the models that are written:\n"
                             "name      operator            instead of  nodes\n"
                             "--------  ------------------  ----------  -------------------\n"
                             "norm/add  LayerNormalization  LayerNorm   norm/mean, norm/add\n"
                             "\n") != std::string::npos);
  CHECK(
      to_json(report)["rewritten"].dump() ==
      R"([{"name":"norm/add","op":"LayerNormalization","pattern":"LayerNorm","nodes":["norm/mean","norm/add"],"folded":[]}])");
}

TEST_CASE("replacements that were not made are one row for a reason, the most frequent first") {
  PlannedModel same;
  same.model.graph->add_input(
      "x", Type::tensor(DType::kFloat32, Shape{{-1, "batch"}, {3, ""}, {-1, ""}, {-1, "batch"}}));
  same.model.kept.push_back(
      {"fc1", "Gemm", "gemm-to-conv", "'sum1', which adds another tensor, is one unit with it"});
  same.model.kept.push_back({"flat", "Flatten", "flatten-to-reshape", "the rank is not known", true});
  same.model.kept.push_back(
      {"fc2", "Gemm", "gemm-to-conv", "'sum2', which adds another tensor, is one unit with it"});
  same.model.idle_replacements = {"pow-to-mul", "where-to-mul"};
  const Report report = build_report(same.model, same.plan, "m", "bayes", {});
  const std::string text = text_of_plan(report);
  const std::size_t table = text.find("Replacements below were asked for and not made:\n");
  REQUIRE(table != std::string::npos);
  CHECK(text.find(
            "\ngemm-to-conv            2  fc1, fc2  '...', which adds another tensor, is one unit with it\n"
            "flatten-to-reshape      1  flat      the rank is not known; a fixed size of what is open in "
            "the model's inputs would decide it: 'dims: {batch: SIZE, \"x[2]\": SIZE}' in the configuration, "
            "or "
            "'qprep check --dim batch=SIZE --dim \"x[2]=SIZE\"'\n",
            table) != std::string::npos);
  CHECK(text.find("\nReplacements that were asked for and are for no node: pow-to-mul, where-to-mul\n",
                  table) != std::string::npos);
  CHECK(to_json(report)["not_replaced"].back()["nodes"].empty());
}

TEST_CASE("a node that is gone after it became another operator is gone once, as what it was") {
  PlannedModel less;
  Value& x = less.input("x");
  less.node("fc", "Conv", {&x});
  less.model.gone.push_back({"flat", "Flatten", {}, {}, "is a Reshape now, by flatten-to-reshape"});
  less.model.gone.push_back({"fc", "Gemm", {}, {}, "is a Conv now, by gemm-to-conv"});
  less.model.gone.push_back({"flat", "Reshape", {}, {}, "hands on what it reads, 'x', and is left out"});
  const Report report = build_report(less.model, less.plan, "m", "bayes", {});
  CHECK(text_of_plan(report).find("Modules below are not in the model any more:\n"
                                  "gone because it                               times  nodes\n"
                                  "--------------------------------------------  -----  -----\n"
                                  "hands on what it reads, 'x', and is left out      1  flat\n"
                                  "\n"
                                  "Modules below became other operators, or the same otherwise:\n"
                                  "type  what became of it               times  nodes\n"
                                  "----  ------------------------------  -----  -----\n"
                                  "Gemm  is a Conv now, by gemm-to-conv      1  fc\n"
                                  "\n") != std::string::npos);
  CHECK(report.gone.at(0).op == "Flatten");
}

TEST_CASE("of sequences that one reason keeps apart, four are listed") {
  PlannedModel apart;
  Value& x = apart.input("x");
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) {
    Node& first = apart.node(std::string(name) + "1", "Sigmoid", {&x});
    Node& second = apart.node(std::string(name) + "2", "Mul", {&x, &first.output(0)});
    apart.plan.misses.push_back({"SiLU", {&first, &second}, "not listed"});
  }
  const Report report = build_report(apart.model, apart.plan, "m", "bayes", {});
  CHECK(text_of_plan(report).find("d1          Sigmoid  not listed\n"
                                  "d2          Mul\n"
                                  "\n"
                                  "and 2 more  SiLU     not listed\n") != std::string::npos);
  CHECK(report.fusable.size() == 6);
}

TEST_CASE("nodes that are gone for one reason are one row of the text, and a row each of the JSON") {
  PlannedModel less;
  less.input("x");
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    less.model.gone.push_back({name, "Shape", {}, {}, "was computed in advance"});
  }
  less.model.gone.push_back({"bn", "BatchNormalization", {}, {}, "was folded into 'conv'"});
  const Report report = build_report(less.model, less.plan, "m", "bayes", {});
  CHECK(text_of_plan(report).find("Modules below are not in the model any more:\n"
                                  "gone because it          times  nodes\n"
                                  "-----------------------  -----  ----------------------\n"
                                  "was computed in advance      5  a, b, c, d, and 1 more\n"
                                  "was folded into 'conv'       1  bn\n"
                                  "\n") != std::string::npos);
  CHECK(json_of_plan(report).find(
            R"({"name":"bn","op":"BatchNormalization","because":"was folded into 'conv'"})") !=
        std::string::npos);
}

TEST_CASE("a block is one row, beside the units") {
  PlannedModel named;
  Value& x = named.input("x");
  Node& scores = named.node("scores", "MatMul", {&x, &x});
  Node& softmax = named.node("softmax", "Softmax", {&scores.output(0)});
  Node& mixed = named.node("mixed", "MatMul", {&softmax.output(0), &x});
  named.plan.blocks.push_back({"Attention", {&scores, &softmax, &mixed}});
  const Report report = build_report(named.model, named.plan, "m", "bayes", {});
  CHECK(text_of_plan(report).find("Modules below form a block; each is quantised by itself:\n"
                                  "name   block      nodes\n"
                                  "-----  ---------  ----------------------\n"
                                  "mixed  Attention  scores, softmax, mixed\n") != std::string::npos);
  CHECK(json_of_plan(report).find(
            R"("blocks": [
    {"name":"mixed","pattern":"Attention","nodes":["scores","softmax","mixed"]}
  ])") != std::string::npos);
}

TEST_CASE("a weight that stays float is told from a missing one") {
  PlannedModel plain;
  Value& w = plain.constant("w");
  Node& conv = plain.node("conv", "Conv", {&plain.input("x"), &w});
  plain.plan.nodes[&conv].weight_because = "weights.dtype is float";
  const Report report = build_report(plain.model, plain.plan, "m", "bayes", {});
  CHECK(report.nodes.at(0).weight == 1U);
  CHECK_THAT(to_text(report),
             Catch::Contains("| conv        | Conv        | float32      | weight = None |"));
}

TEST_CASE("a report without anything to say is whole, and names cannot break it") {
  PlannedModel odd;
  odd.model.graph->add_output(
      odd.node("evil\n| name", "Custom\x1b[2J", {&odd.input("x\ty")}, Device::kCpu).output(0));
  const std::string text = to_text(build_report(odd.model, odd.plan, "m", "bayes", {}));
  CHECK_THAT(text, Catch::Contains("evil\\n| name") && Catch::Contains("Custom\\x1b[2J") &&
                       Catch::Contains("x\\ty"));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK_THAT(text, Catch::StartsWith("All fusable modules are fused in model!\n\n") &&
                       Catch::Contains("\nAll modules in the model run exactly once.\n"));

  const Report nothing = build_report(Model(), Plan(), "", "", {});
  CHECK_THAT(to_text(nothing), Catch::Contains("0 nodes on the BPU"));
  CHECK(to_json(nothing)["nodes"].is_array());
}

TEST_CASE("nodes of a body follow their holder, and nothing decided is said") {
  PlannedModel nested;
  Node& loop = nested.node("loop", "Loop", {&nested.input("x")}, Device::kCpu);
  auto body = std::make_unique<Graph>(*nested.model.names, &loop);
  Graph& inside = *body;
  loop.set_attribute("body", std::move(body));
  inside.insert(
      nullptr,
      {.op = "Tanh", .inputs = {&nested.model.graph->inputs()[0][0]}, .outputs = {"t"}, .name = "inner"});
  nested.node("after", "Relu", {&loop.output(0)});
  const Report report = build_report(nested.model, nested.plan, "m", "bayes", {});
  REQUIRE(report.nodes.size() == 3);
  CHECK(report.nodes[1].name == "inner");
  CHECK(report.nodes[1].depth == 1);
  CHECK(report.nodes[1].device_because == "nothing was decided for it");
  CHECK(report.nodes[2].name == "after");
}

TEST_CASE("tensors without a scale are float in the report, and it says why") {
  Report report = small_report();
  leave_float(report, {{"relu1_out", "no sample reached it"}});
  const nlohmann::ordered_json json = to_json(report);
  std::size_t outputs = 0;
  for (const auto& node : json["nodes"]) {
    for (const auto& slot : node["inputs"]) {
      if (!slot.is_null() && slot["name"] == "relu1_out") CHECK(slot["dtype"] == "float32");
    }
    for (const auto& slot : node["outputs"]) {
      if (slot["name"] != "relu1_out") continue;
      ++outputs;
      CHECK(slot["dtype"] == "float32");
      CHECK(node["because"]["output"] == "float, since the samples give it no scale: no sample reached it");
    }
  }
  CHECK(outputs == 1);
}
