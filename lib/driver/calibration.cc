#include "driver/calibration.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "analysis/calibrate.h"
#include "driver/open_batch.h"
#include "driver/open_samples.h"
#include "ir/walk.h"
#include "onnx_io/loadable_model.h"
#include "quant/fake_quant.h"
#include "runtime/probe.h"
#include "samples/samples.h"
#include "statistics/digest.h"
#include "statistics/statistics_file.h"
#include "support/codes.h"

namespace qprep {

std::vector<Observed> tensors_to_observe(const Model& model, const Plan& plan) {
  const std::vector<const Node*> nodes = nodes_with_bodies(*model.graph);
  std::unordered_map<const Value*, std::int64_t> wanted;  // to the axis of its scales
  for (const auto& [value, decision] : plan.values) {
    if (decision.role != Role::kWeight && !decision.fixed) wanted.emplace(value, decision.spec.channel_axis);
  }
  for (const Node* node : nodes) {
    if (!is_fake_quantize(*node) || node->input(0) == nullptr) continue;
    const auto attributes = read_fake_quantize(*node);
    if (attributes && !attributes->calibrated) wanted.emplace(node->input(0), attributes->spec.channel_axis);
  }

  std::vector<Observed> observed;
  const auto take = [&](const Value& value) {
    const auto found = wanted.extract(&value);
    if (!found) return;
    observed.push_back({&value, value.name()});
    if (found.mapped() >= 0) observed.back().channel_axis = found.mapped();
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
  std::unordered_map<std::string, int> times;
  for (Observed& each : observed) {
    if (const int time = ++times[each.name]; time > 1) each.name += fmt::format("#{}", time);
  }
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

/// That of its scales; where it has one scale, the last axis of what is summed up along that, of all others
/// the one behind the batch.
std::int64_t channel_axis_of(const Observed& tensor) {
  if (tensor.channel_axis) return *tensor.channel_axis;
  const std::span<const Use> uses = tensor.value->uses();
  const bool to_product = std::any_of(uses.begin(), uses.end(), [](const Use& use) {
    return use.input == 0 && (use.node->is("MatMul") || use.node->is("Gemm"));
  });
  return to_product ? -1 : 1;
}

/// Of a tensor of this type, as far as its sizes are known. `axis`: of its channels.
TensorObserver::Size size_of(const Type& type, std::int64_t axis) {
  TensorObserver::Size size;
  if (type.kind != Type::Kind::kTensor || !type.shape) return size;
  const Shape& shape = *type.shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank) {
    size.channels = 0;
  } else if (const Dim& dim = shape[static_cast<std::size_t>(at)]; dim.known()) {
    size.channels = static_cast<std::uint64_t>(dim.size);
  }
  std::uint64_t elements = 1;
  for (const Dim& dim : shape) {
    if (!dim.known()) return size;
    elements *= static_cast<std::uint64_t>(dim.size);
  }
  size.elements = elements;
  return size;
}

Digest digest_of_model(const OnnxFile& file) {
  Digester digester;
  for (const std::span<const std::byte> bytes : bytes_as_read(file)) {
    digester.add(std::to_string(bytes.size()));
    digester.add(bytes);
  }
  return digester.digest();
}

}  // namespace

Statistics run_calibration(OnnxFile& file, const std::vector<Observed>& observed,
                           const CalibrationConfig& config, Wanted wanted,
                           std::span<const PreparedInput> inputs, const PrepareOptions& options,
                           Diagnostics& diagnostics) {
  SampleSet samples = open_samples(file.model, config, inputs, diagnostics);
  judge_count(samples, diagnostics);
  Shards shards;
  if (options.statistics) {
    const StatisticsOptions& part = *options.statistics;
    if (part.shards > samples.size()) {
      throw Fatal(codes::kBadSample,
                  fmt::format("{} samples cannot be parted in {} shards", samples.size(), part.shards),
                  {samples.folder()});
    }
    samples = samples.share(part.shard - 1, part.shards);
    if (part.shards > 1) shards = {part.shards, {part.shard}};
  }
  std::vector<Probed> probed;
  std::size_t in_main_graph = 0;
  for (const Observed& tensor : observed) {
    const bool inside = &tensor.value->graph() != file.model.graph.get();
    const std::int64_t axis = channel_axis_of(tensor);
    probed.push_back({.name = tensor.name,
                      .channel_axis = axis,
                      .channels_of_samples = tensor.channel_axis.has_value(),
                      .inside = inside,
                      .size = size_of(tensor.value->type(), axis)});
    in_main_graph += inside ? 0 : 1;
  }

  CalibrationOptions calibration;
  calibration.threads = options.threads;
  calibration.library = options.runtime;
  calibration.wanted = wanted;
  if (config.memory) calibration.memory = config.memory->value;
  for (const StateLink& link : config.state) calibration.state.emplace_back(link.output, link.input);
  if (options.progress) {
    calibration.progress = [&](std::size_t run, std::size_t runs, std::size_t done, std::size_t total) {
      const std::string number = runs > 1 ? fmt::format(" (run {} of {})", run, runs) : "";
      options.progress("calibrating" + number, done, total);
    };
  }
  const LoadableModel loadable = [&] {
    const ProbesInBodies probes(*file.model.graph, std::span(observed).subspan(in_main_graph), in_main_graph);
    return LoadableModel(file);
  }();
  const SerialisedModel model{file.model.file, loadable.bytes(), loadable.data_folder()};
  std::optional<LoadableModel> of_any_batch;
  if (config.batch && config.batch->value > 1) {
    const std::vector<Port> fed = samples.inputs();
    constexpr std::size_t kTwoOfTwo = 4;
    if (const auto reason = why_one_by_one(*file.model.graph, fed)) {
      warn_one_by_one(*reason, config.batch->where, diagnostics);
    } else if (samples.size() < kTwoOfTwo && shards.all()) {
      warn_one_by_one("a batch is at most half of the samples, which are too few", config.batch->where,
                      diagnostics);
    } else {
      const OpenBatch open(*file.model.graph, fed);
      of_any_batch.emplace(file);
      calibration.batch = {static_cast<std::size_t>(config.batch->value),
                           {model.name, of_any_batch->bytes(), of_any_batch->data_folder()},
                           config.batch->where};
    }
  }
  Statistics statistics = calibrate(model, probed, samples, calibration, diagnostics);
  statistics.model = std::filesystem::path(file.model.file).filename().string();
  statistics.model_digest = digest_of_model(file);
  statistics.preprocessing = preprocessing_text(config, inputs);
  statistics.shards = std::move(shards);
  return statistics;
}

Statistics fitting_statistics(const std::string& path, const OnnxFile& file,
                              const std::vector<Observed>& observed, const CalibrationConfig& config,
                              std::span<const PreparedInput> inputs, Wanted wanted) {
  Statistics all = read_statistics(path);
  const auto fail = [&](const std::string& why) { throw Fatal(codes::kBadStatistics, why, {path}); };
  if (const Digest digest = digest_of_model(file); digest != all.model_digest) {
    fail(fmt::format("these are statistics of another model: {} ({}), not {} ({})", all.model,
                     all.model_digest, std::filesystem::path(file.model.file).filename().string(), digest));
  }
  const std::string preprocessing = preprocessing_text(config, inputs);
  if (!config.data.empty() && preprocessing != all.preprocessing) {
    const auto words = [](const std::string& text) { return text.empty() ? "nothing" : "'" + text + "'"; };
    fail(fmt::format(
        "what was done to their samples is not what this configuration does to them: {} there, {} here",
        words(all.preprocessing), words(preprocessing)));
  }
  if (wanted.histogram && !all.histograms) {
    fail("they have no histograms, which the configured method needs; qprep calibrate collects them");
  }
  if (wanted.channels && !all.channels)
    fail("they have no statistics by channel, which the configuration needs");
  std::unordered_map<std::string_view, TensorStatistics*> by_name;
  for (TensorStatistics& tensor : all.tensors) by_name.emplace(tensor.name, &tensor);
  std::vector<TensorStatistics> fitting;
  for (const Observed& tensor : observed) {
    const auto found = by_name.find(tensor.name);
    if (found == by_name.end()) {
      fail(fmt::format("the tensor '{}' was not observed; calibrate with this configuration", tensor.name));
    }
    if (tensor.channel_axis && found->second->channel_axis != *tensor.channel_axis) {
      fail(
          fmt::format("of the tensor '{}' they have channels along axis {}, and not {}; calibrate with this "
                      "configuration",
                      tensor.name, found->second->channel_axis, *tensor.channel_axis));
    }
    if (wanted.channels_of_samples && tensor.channel_axis && found->second->channels_by_sample.empty()) {
      fail(fmt::format(
          "of the tensor '{}' they do not have the ranges of channels in single samples, of which the "
          "configured method makes averages; calibrate with this configuration",
          tensor.name));
    }
    fitting.push_back(std::move(*found->second));
  }
  all.tensors = std::move(fitting);
  return all;
}

}  // namespace qprep
