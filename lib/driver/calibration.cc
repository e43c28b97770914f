#include "driver/calibration.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "analysis/calibrate.h"
#include "driver/adapt_sample.h"
#include "ir/walk.h"
#include "quant/fake_quant.h"
#include "runtime/port.h"
#include "runtime/probe.h"
#include "runtime/samples.h"

namespace qprep {

std::vector<Observed> tensors_to_observe(const Model& model, const Plan& plan) {
  const std::vector<const Node*> nodes = nodes_with_bodies(*model.graph);
  std::unordered_set<const Value*> wanted;
  for (const auto& [value, decision] : plan.values) {
    if (decision.role != Role::kWeight && !decision.fixed) wanted.insert(value);
  }
  for (const Node* node : nodes) {
    if (!is_fake_quantize(*node) || node->input(0) == nullptr) continue;
    const auto attributes = read_fake_quantize(*node);
    if (attributes && !attributes->calibrated) wanted.insert(node->input(0));
  }

  std::vector<Observed> observed;
  const auto take = [&](const Value& value) {
    if (wanted.erase(&value) > 0) observed.push_back({&value, value.name()});
  };
  for (const Graph* graph : graphs_with_bodies(*model.graph)) {
    for (const Value* input : graph->inputs()) take(*input);
    for (const Value* initializer : graph->initializers()) take(*initializer);
  }
  for (const Node* node : nodes) {
    for (std::size_t i = 0; i < node->output_count(); ++i) take(node->output(i));
  }
  const auto in_main_graph = [&](const Observed& each) { return &each.value->graph() == model.graph.get(); };
  std::stable_partition(observed.begin(), observed.end(), in_main_graph);
  return observed;
}

bool carries_scales(const Model& model) {
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    if (node->is("QuantizeLinear")) return true;
    if (!is_fake_quantize(*node) || node->input(0) == nullptr || constant_of(*node->input(0)) != nullptr)
      continue;
    const auto attributes = read_fake_quantize(*node);
    if (attributes && attributes->calibrated) return true;
  }
  return false;
}

namespace {

std::vector<RawInput> raw_inputs(const CalibrationConfig& config, std::span<const PreparedInput> inputs) {
  std::vector<RawInput> raw;
  for (std::size_t i = 0; i < inputs.size() && i < config.raw.size(); ++i) {
    const InputPreprocessing& spec = inputs[i].spec;
    RawInput input;
    input.port.name = inputs[i].value->name();
    input.port.type = inputs[i].sample;
    input.folder = config.raw[i].folder;
    input.bytes = config.raw[i].bytes;
    input.adapt = [spec](const Tensor& sample) { return adapt_sample(sample, spec); };
    raw.push_back(std::move(input));
  }
  return raw;
}

/// Probe nodes in bodies, for as long as it lives.
class ProbesInBodies {
 public:
  /// `first`: the number of the first.
  ProbesInBodies(Graph& graph, std::span<const Observed> inside, std::size_t first) {
    if (inside.empty()) return;
    std::unordered_map<const Value*, Value*> values;
    find_values(graph, values);
    // Leaves of a graph run from the last to the first.
    for (std::size_t i = inside.size(); i-- > 0;) {
      Value& value = *values.at(inside[i].value);
      Node& probe = value.graph().insert(
          nullptr, {.op = kProbeOp, .inputs = {&value}, .outputs = {kProbeDomain}, .domain = kProbeDomain});
      probe.set_attribute(kProbeNumber, static_cast<std::int64_t>(first + i));
      probes_.push_back(&probe);
    }
  }
  ProbesInBodies(const ProbesInBodies&) = delete;
  ProbesInBodies& operator=(const ProbesInBodies&) = delete;
  ~ProbesInBodies() {
    for (Node* probe : probes_) probe->graph().erase(*probe);
  }

 private:
  static void find_values(Graph& graph, std::unordered_map<const Value*, Value*>& values) {
    for (Value* input : graph.inputs()) values.emplace(input, input);
    for (Value* initializer : graph.initializers()) values.emplace(initializer, initializer);
    for (Node& node : graph.nodes()) {
      for (std::size_t i = 0; i < node.output_count(); ++i) values.emplace(&node.output(i), &node.output(i));
      for (Graph* body : node.bodies()) find_values(*body, values);
    }
  }

  std::vector<Node*> probes_;
};

}  // namespace

CalibrationRun run_calibration(OnnxFile& file, const std::vector<Observed>& observed,
                               const CalibrationConfig& config, std::span<const PreparedInput> inputs,
                               const PrepareOptions& options, Diagnostics& diagnostics) {
  const SampleSet samples = config.raw.empty()
                                ? SampleSet::open(config.data, input_ports(file.model), diagnostics)
                                : SampleSet::open_raw(raw_inputs(config, inputs), diagnostics);
  std::vector<std::string> names;
  for (const Observed& tensor : observed) {
    if (&tensor.value->graph() == file.model.graph.get()) names.push_back(tensor.name);
  }
  const std::size_t inside = observed.size() - names.size();

  CalibrationOptions calibration;
  calibration.threads = options.threads;
  calibration.library = options.runtime;
  if (options.progress) {
    calibration.progress = [&](std::size_t done, std::size_t total) {
      options.progress("calibrating", done, total);
    };
  }
  const std::string bytes = [&] {
    const ProbesInBodies probes(*file.model.graph, std::span(observed).subspan(names.size()), names.size());
    return serialize_onnx(file);
  }();
  const SerialisedModel model{file.model.file, std::as_bytes(std::span(bytes)), {}};
  return {observe(model, names, inside, samples, calibration, diagnostics), samples.size()};
}

}  // namespace qprep
