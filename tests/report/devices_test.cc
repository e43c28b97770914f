#include "report/devices.h"

#include <catch2/catch.hpp>

#include "planned_model.h"
#include "report/cpu_reasons.h"
#include "report/work.h"

using namespace qprep;

namespace {

Type floats(std::vector<std::int64_t> sizes) {
  Shape shape;
  for (const std::int64_t size : sizes) shape.push_back({size, ""});
  return Type::tensor(DType::kFloat32, shape);
}

/// What one node of `op` multiplies, with inputs and an output of these sizes.
struct OneNode {
  PlannedModel planned;
  Node* node;

  OneNode(const std::string& op, const std::vector<std::vector<std::int64_t>>& inputs,
          const std::vector<std::int64_t>& output) {
    std::vector<Value*> values;
    for (const auto& sizes : inputs) {
      values.push_back(&planned.input("x" + std::to_string(values.size())));
      values.back()->set_type(floats(sizes));
    }
    node = &planned.node("node", op, values);
    node->output(0).set_type(floats(output));
  }
  std::optional<std::int64_t> macs() const { return macs_of(*node); }
};

}  // namespace

TEST_CASE("multiplications by the definitions of the operators") {
  CHECK(OneNode("Conv", {{1, 3, 8, 8}, {16, 3, 3, 3}}, {1, 16, 8, 8}).macs() == 16 * 64 * 27);
  CHECK(OneNode("Conv", {{1, 8, 9}, {8, 1, 3}}, {1, 8, 7}).macs() == 8 * 7 * 3);
  CHECK(OneNode("ConvTranspose", {{1, 4, 5, 5}, {4, 6, 2, 2}}, {1, 6, 10, 10}).macs() == 100 * 24);
  CHECK(OneNode("MatMul", {{2, 7, 5}, {5, 3}}, {2, 7, 3}).macs() == 2 * 7 * 3 * 5);
  CHECK(OneNode("Gemm", {{7, 5}, {5, 3}}, {7, 3}).macs() == 7 * 3 * 5);
  OneNode transposed("Gemm", {{5, 7}, {5, 3}}, {7, 3});
  transposed.node->set_attribute("transA", std::int64_t{1});
  CHECK(transposed.macs() == 7 * 3 * 5);
  // Five steps, a batch of two, one direction, four gates of six states from three inputs.
  CHECK(OneNode("LSTM", {{5, 2, 3}, {1, 24, 3}, {1, 24, 6}}, {5, 1, 2, 6}).macs() == 5 * 2 * 24 * (3 + 6));
  CHECK(OneNode("Add", {{1, 3}, {1, 3}}, {1, 3}).macs() == 0);
}

TEST_CASE("multiplications of unknown or impossible sizes are unknown") {
  CHECK_FALSE(OneNode("Conv", {{-1, 3, 8, 8}, {16, 3, 3, 3}}, {-1, 16, 8, 8}).macs());
  const std::int64_t huge = std::int64_t{1} << 62;
  CHECK_FALSE(OneNode("MatMul", {{huge, 8}, {8, 4}}, {huge, 4}).macs());
  CHECK_FALSE(OneNode("LSTM", {{5, 2}, {1, 24, 3}, {1, 24, 6}}, {5, 1, 2, 6}).macs());
}

TEST_CASE("the table of devices, the work, what crosses, and why") {
  PlannedModel planned;
  Value& x = planned.input("x");
  x.set_type(floats({1, 3, 4, 4}));
  Value& w = planned.constant("w");
  Node& conv = planned.node("conv", "Conv", {&x, &w});
  conv.output(0).set_type(floats({1, 2, 4, 4}));
  Node& soft = planned.node("soft", "Softmax", {&conv.output(0)}, Device::kCpu);
  soft.output(0).set_type(floats({1, 2, 4, 4}));
  Node& shape = planned.node("shape", "Shape", {&soft.output(0)}, Device::kCpu);
  Node& add = planned.node("add", "Add", {&soft.output(0), &conv.output(0)});
  add.output(0).set_type(floats({1, 2, 4, 4}));
  planned.plan.nodes[&soft].remedy = "ask for it by name";
  planned.plan.nodes[&conv].undecided = "H is unknown";
  planned.quantise(x);
  planned.quantise(w, Role::kWeight);
  planned.quantise(conv.output(0));
  planned.quantise(soft.output(0));
  planned.reads_quantised(conv, {0, 1});
  planned.reads_quantised(add, {0, 1});
  planned.model.graph->add_output(add.output(0));
  planned.model.graph->add_output(shape.output(0));

  const Report report = build_report(planned.model, planned.plan, "m.onnx", "bayes", {});
  CHECK("\n" + device_table(report) == R"(
Node   ON   Subgraph  Type     In/Out DataType
-----  ---  --------  -------  ---------------
conv   BPU  id(0)     Conv     qint8/qint8
soft   CPU  --        Softmax  float32/qint8
shape  CPU  --        Shape    float32/float32
add    BPU  id(1)     Add      qint8/float32
)");
  CHECK("\n" + device_summary(report) == R"(
2 nodes on the BPU in 2 segments, 2 on the CPU, 1 of them computes with the model's data

multiplications  ON   formats      nodes
---------------  ---  -----------  -----
             64  BPU  qint8*qint8      1

3 tensors cross between devices or segments, 192 bytes:
tensor    from   to     dtype    shape      bytes
--------  -----  -----  -------  ---------  -----
conv_out  id(0)  CPU    float32  [1,2,4,4]    128
conv_out  id(0)  id(1)  qint8    [1,2,4,4]     32
soft_out  CPU    id(1)  qint8    [1,2,4,4]     32

On the CPU:
  1 Softmax: soft
    Softmax runs on the CPU
    remedy: ask for it by name
  1 Shape: shape
    Shape runs on the CPU
Limits of 1 node could not be decided and are taken to hold:
  1 Conv: conv
    H is unknown
)");
  CHECK("\n" + deploy_devices(report) == R"(
name   deploy device  type
-----  -------------  -------
conv   BPU            Conv
soft   CPU            Softmax
shape  CPU            Shape
add    BPU            Add
)");
  REQUIRE(fallbacks(report).size() == 1);
  CHECK(fallbacks(report).front()->name == "soft");

  const nlohmann::ordered_json json = devices_json(report);
  CHECK(json["nodes"].dump() == R"({"bpu":2,"cpu":2,"cpu_with_data":1,"segments":2})");
  CHECK(json["work"].dump() ==
        R"([{"device":"BPU","formats":"qint8*qint8","macs":64,"nodes":1,"nodes_of_unknown_size":0}])");
  CHECK(json["crossings"][1]["to"] == "id(1)");
  CHECK(json["crossings"][1]["bytes"] == 32);
  CHECK(json["cpu"][0].dump() ==
        R"({"because":"Softmax runs on the CPU","remedy":"ask for it by name","nodes":["soft"]})");
  CHECK(json["table"].size() == 4);
}

TEST_CASE("limits that cannot be decided are counted by reason; a Constant is on no list of the CPU") {
  PlannedModel planned;
  Value& x = planned.input("x");
  x.set_type(Type::tensor(DType::kFloat32, Shape{{-1, "batch"}, {3, ""}}));
  Node& first = planned.node("first", "Relu", {&x});
  Node& second = planned.node("second", "Relu", {&first.output(0)});
  planned.node("k", "Constant", {}, Device::kCpu);
  planned.plan.nodes[&first].undecided = "N ('batch') is unknown";
  planned.plan.nodes[&second].undecided = "N ('rows') is unknown";
  const Report report = build_report(planned.model, planned.plan, "m.onnx", "bayes", {});
  CHECK(cpu_reasons(report).empty());
  const std::vector<UndecidedLimits> limits = undecided_limits(report);
  REQUIRE(limits.size() == 1);
  CHECK(limits[0].because == "N ('...') is unknown");
  CHECK(limits[0].nodes == std::vector<std::string>{"first", "second"});
  CHECK(report.sizes_remedy ==
        "a fixed size of what is open in the model's inputs would decide it: 'dims: {batch: SIZE}' in the "
        "configuration, or 'qprep check --dim batch=SIZE'");
}

TEST_CASE("what the model quantises itself crosses as that") {
  PlannedModel planned;
  Value& x = planned.input("x");
  Node& own = planned.node("own", "FakeQuantize", {&x});
  own.output(0).set_type(floats({1, 2, 4, 4}));
  planned.plan.carried[&own.output(0)].spec.precision = Precision::kInt16;
  planned.node("soft", "Softmax", {&own.output(0)}, Device::kCpu);
  const Report report = build_report(planned.model, planned.plan, "m.onnx", "bayes", {});
  REQUIRE(report.crossings.size() == 1);
  CHECK(report.crossings[0].dtype == "qint16");
  CHECK(report.crossings[0].bytes == 64);
}
