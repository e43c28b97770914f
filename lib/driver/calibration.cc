#include "driver/calibration.h"

#include <unordered_set>
#include <utility>

#include "analysis/calibrate.h"
#include "driver/adapt_sample.h"
#include "quant/fake_quant.h"
#include "runtime/port.h"
#include "runtime/samples.h"

namespace qprep {

std::vector<Observed> tensors_to_observe(const Model& model, const Plan& plan) {
  const Graph& graph = *model.graph;
  std::unordered_set<const Value*> wanted;
  for (const auto& [value, decision] : plan.values) {
    if (decision.role != Role::kWeight && !decision.fixed) wanted.insert(value);
  }
  for (const Node& node : graph.nodes()) {
    if (!is_fake_quantize(node) || node.input(0) == nullptr) continue;
    const auto attributes = read_fake_quantize(node);
    if (attributes && !attributes->calibrated) wanted.insert(node.input(0));
  }

  std::vector<Observed> observed;
  const auto take = [&](const Value& value) {
    if (wanted.erase(&value) > 0) observed.push_back({&value, value.name()});
  };
  for (const Value* input : graph.inputs()) take(*input);
  for (const Value* initializer : graph.initializers()) take(*initializer);
  for (const Node& node : graph.nodes()) {
    for (std::size_t i = 0; i < node.output_count(); ++i) take(node.output(i));
  }
  return observed;
}

bool carries_scales(const Model& model) {
  for (const Node& node : model.graph->nodes()) {
    if (node.is("QuantizeLinear")) return true;
    if (!is_fake_quantize(node) || node.input(0) == nullptr || constant_of(*node.input(0)) != nullptr)
      continue;
    const auto attributes = read_fake_quantize(node);
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

}  // namespace

CalibrationRun run_calibration(const OnnxFile& file, const std::vector<Observed>& observed,
                               const CalibrationConfig& config, std::span<const PreparedInput> inputs,
                               const PrepareOptions& options, Diagnostics& diagnostics) {
  const SampleSet samples = config.raw.empty()
                                ? SampleSet::open(config.data, input_ports(file.model), diagnostics)
                                : SampleSet::open_raw(raw_inputs(config, inputs), diagnostics);
  std::vector<std::string> names;
  names.reserve(observed.size());
  for (const Observed& tensor : observed) names.push_back(tensor.name);

  CalibrationOptions calibration;
  calibration.threads = options.threads;
  calibration.library = options.runtime;
  if (options.progress) {
    calibration.progress = [&](std::size_t done, std::size_t total) {
      options.progress("calibrating", done, total);
    };
  }
  const std::string bytes = serialize_onnx(file);
  const SerialisedModel model{file.model.file, std::as_bytes(std::span(bytes)), {}};
  return {calibrate(model, names, samples, calibration, diagnostics), samples.size()};
}

Ranges by_present_name(const Ranges& ranges, const std::vector<Observed>& observed) {
  Ranges renamed;
  for (const Observed& tensor : observed) {
    const auto range = ranges.find(tensor.name);
    if (range != ranges.end()) renamed.emplace(tensor.value->name(), range->second);
  }
  return renamed;
}

}  // namespace qprep
