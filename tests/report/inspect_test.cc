#include "report/inspect.h"

#include <catch2/catch.hpp>

#include "planned_model.h"

using namespace qprep;

TEST_CASE("inspect shows what a model holds and what would be quantised") {
  PlannedModel small = small_planned_model();
  small.model.file = "small.onnx";
  small.model.opsets["com.custom"] = 2;
  const InspectResult result = inspect(small.model, small.plan);
  CHECK(to_text(result) ==
        R"(small.onnx
IR 8, opset ai.onnx 13, com.custom 2
5 nodes, 2 initializers of 16 bytes

input  type
-----  ------------
image  float32[1,N]
ids    int64[1,N]

output     type
---------  ----------
conv2_out  float32[*]
side_out   float32[*]

operator  nodes
--------  -----
Conv          2
Gather        1
Relu          1
Softmax       1

initializers  bytes
------------  -----
float32          16

prepare would quantise 1 qint16 activations, 3 qint8 activations, 1 qint8 weights
4 nodes on the BPU in 2 segments, 1 on the CPU

on the CPU because       nodes
-----------------------  -----
Softmax runs on the CPU      1
)");
  const nlohmann::ordered_json json = to_json(result);
  CHECK(json["opsets"].dump() == R"({"ai.onnx":13,"com.custom":2})");
  CHECK(json["operators"].dump() == R"({"Conv":2,"Gather":1,"Relu":1,"Softmax":1})");
  CHECK(json["initializers"].dump() == R"({"count":2,"bytes":16,"bytes_by_dtype":{"float32":16}})");
  CHECK(json["prepare"]["activations"].dump() == R"({"qint16":1,"qint8":3})");
  CHECK(json["prepare"]["cpu_because"][0]["reason"] == "Softmax runs on the CPU");
}

TEST_CASE("inspect counts bodies and functions, and says when nothing would be quantised") {
  PlannedModel nested;
  Node& loop = nested.node("loop", "Loop", {&nested.input("x")}, Device::kCpu);
  auto body = std::make_unique<Graph>(*nested.model.names, &loop);
  body->insert(nullptr, {.op = "Custom", .outputs = {"t"}, .domain = "lab"});
  loop.set_attribute("body", std::move(body));
  nested.model.functions.emplace_back();
  const InspectResult result = inspect(nested.model, nested.plan);
  CHECK(result.nodes == 2);
  CHECK(result.operators.at("lab::Custom") == 1);
  CHECK_THAT(to_text(result),
             Catch::Contains("1 functions") && Catch::Contains("prepare would quantise nothing\n"));
}

TEST_CASE("inspect shows the most frequent reasons and counts the rest") {
  PlannedModel many;
  for (char c = 'a'; c < 'a' + 15; ++c)
    many.node(std::string(1, c), std::string("Op") + c, {&many.input(std::string(2, c))}, Device::kCpu);
  const std::string text = to_text(inspect(many.model, many.plan));
  CHECK_THAT(text, Catch::Contains("Opl runs on the CPU") && Catch::Contains("other reasons            3"));
  CHECK(text.find("Opm runs on the CPU") == std::string::npos);
}
