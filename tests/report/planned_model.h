#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// A model and a plan for it, put together by hand: float32 tensors, int8 where quantised.
class PlannedModel {
 public:
  PlannedModel() { model.opsets[""] = 13; }

  Value& input(const std::string& name, DType dtype = DType::kFloat32) {
    return model.graph->add_input(name, Type::tensor(dtype, Shape{{1, ""}, {-1, "N"}}));
  }
  Value& constant(const std::string& name) {
    return model.graph->add_initializer(name, Tensor::floats({1, 2}, {1, 2}));
  }

  Node& node(const std::string& label, const std::string& op, std::vector<Value*> inputs,
             Device device = Device::kBpu) {
    Node& node = model.graph->insert(
        nullptr, {.op = op, .inputs = std::move(inputs), .outputs = {label + "_out"}, .name = label});
    node.output(0).set_type(Type::tensor(DType::kFloat32));
    NodePlan& decided = plan.nodes[&node];
    decided.device = device;
    decided.device_because = device == Device::kBpu ? op + " runs on the BPU" : op + " runs on the CPU";
    decided.output_because = device == Device::kBpu ? "default int8" : "";
    return node;
  }

  void quantise(Value& value, Role role = Role::kActivation, QuantSpec spec = {}) {
    plan.values[&value] = {spec, "default", role};
  }

  /// Input i of the node reads the quantised value; a weight is weight_because.
  void reads_quantised(Node& node, std::vector<std::size_t> inputs) {
    plan.nodes[&node].quantised_inputs = std::move(inputs);
  }

  void unit(const std::string& pattern, std::vector<const Node*> nodes) {
    for (const Node* node : nodes) plan.nodes[node].unit = static_cast<int>(plan.units.size());
    plan.units.push_back({pattern, std::move(nodes)});
  }

  Model model;
  Plan plan;
};

/// image -> conv1 + relu1 (unit) -> soft (CPU) -> conv2 (with conv1's weight, float output) -> result; conv1
/// -> side (not fused with it, int16); ids is int64 and feeds only `side`.
inline PlannedModel small_planned_model() {
  PlannedModel small;
  Value& image = small.input("image");
  Value& ids = small.input("ids", DType::kInt64);
  Value& weight = small.constant("w");
  Value& bias = small.constant("b");
  Node& conv1 = small.node("conv1", "Conv", {&image, &weight, &bias});
  conv1.set_attribute("pads", std::vector<std::int64_t>{1, 1, 1, 1});
  conv1.set_attribute("auto_pad", std::string("NOTSET"));
  Node& relu1 = small.node("relu1", "Relu", {&conv1.output(0)});
  Node& soft = small.node("soft", "Softmax", {&relu1.output(0)}, Device::kCpu);
  Node& conv2 = small.node("conv2", "Conv", {&soft.output(0), &weight, nullptr});
  Node& side = small.node("side", "Gather", {&relu1.output(0), &ids});
  conv2.absorb(small.node("bn2", "BatchNormalization", {}));
  small.plan.nodes.erase(&small.model.graph->nodes().back());
  small.model.graph->erase(small.model.graph->nodes().back());
  small.model.graph->add_output(conv2.output(0));
  small.model.graph->add_output(side.output(0));

  QuantSpec per_channel, wide;
  per_channel.channel_axis = 0;
  wide.precision = Precision::kInt16;
  wide.averaging_constant = 0;
  small.quantise(image);
  small.quantise(weight, Role::kWeight, per_channel);
  small.quantise(relu1.output(0));
  small.quantise(soft.output(0));
  small.quantise(side.output(0), Role::kActivation, wide);
  for (Node* node : {&conv1, &conv2}) {
    small.reads_quantised(*node, {0, 1});
    small.plan.nodes[node].weight_because = "default int8";
  }
  small.reads_quantised(side, {0});
  small.plan.nodes[&conv1].output_because = "inside the unit conv-relu";
  small.plan.nodes[&conv2].output_because = "high precision output";
  small.unit("conv-relu", {&conv1, &relu1});
  small.unit("Conv", {&conv2});
  small.unit("Gather", {&side});
  small.plan.misses.push_back({"conv-add", {&conv1, &side}, "the result of conv1 is read twice"});
  return small;
}

}  // namespace qprep
