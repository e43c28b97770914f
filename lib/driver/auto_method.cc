#include "driver/auto_method.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "quant/fake_quant.h"
#include "runtime/probe.h"
#include "support/parallel.h"

namespace qprep {
namespace {

/// FakeQuantize nodes that are not calibrated, as Simulate nodes for as long as it lives.
class SimulatedNodes {
 public:
  explicit SimulatedNodes(Graph& graph) {
    for (Node* node : fake_quantize_nodes(graph)) {
      const auto attributes = read_fake_quantize(*node);
      if (!attributes || attributes->calibrated || !node->input(0) || constant_of(*node->input(0))) continue;
      node->set_op(kSimulateOp, kProbeDomain);
      node->set_attribute(kProbeNumber, static_cast<std::int64_t>(nodes_.size()));
      nodes_.push_back({node, *attributes, node->input(0)});
      // The kernel takes the data alone.
      scales_.push_back({node->input(1), node->input(2)});
      node->truncate_inputs(1);
    }
  }
  SimulatedNodes(const SimulatedNodes&) = delete;
  SimulatedNodes& operator=(const SimulatedNodes&) = delete;
  ~SimulatedNodes() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      nodes_[i].node->set_input(1, scales_[i].first);
      nodes_[i].node->set_input(2, scales_[i].second);
      nodes_[i].node->erase_attribute(kProbeNumber);
      set_calibrated(*nodes_[i].node, false);
    }
  }

  /// How each quantises the ranges of the tensors.
  Quantisers quantisers(const std::unordered_map<const Value*, Range>& ranges) const {
    Quantisers all(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const auto range = ranges.find(nodes_[i].data);
      if (range == ranges.end() || range->second.magnitude() == 0.0F || !range->second.all_finite()) continue;
      const auto& [spec, integers, calibrated] = nodes_[i].attributes;
      const auto to = scale_for(range->second.min, range->second.max, spec.scheme, integers);
      if (to) all[i] = QuantParams{to->scale, to->zero_point, integers};
    }
    return all;
  }

 private:
  struct Simulated {
    Node* node;
    FakeQuantAttrs attributes;
    const Value* data;
  };
  std::vector<Simulated> nodes_;
  std::vector<std::pair<Value*, Value*>> scales_;
};

Simulation simulation_of(const OnnxFile& file, std::span<const std::string> results,
                         const std::string& library) {
  const std::string bytes = serialize_onnx(file);
  return Simulation({file.model.file, std::as_bytes(std::span(bytes)), {}}, results, library);
}

/// How many samples are compared.
std::size_t samples_for(const Statistics& statistics, std::size_t candidates) {
  constexpr double kElements = 3e9;
  constexpr std::size_t kFewest = 8, kMost = 64;
  double elements = 0;
  for (const TensorStatistics& tensor : statistics.tensors)
    elements += static_cast<double>(tensor.range().finite);
  const std::size_t samples = statistics.samples.size();
  const double each =
      std::max(1.0, elements / static_cast<double>(samples)) * static_cast<double>(candidates + 1);
  const auto affordable = static_cast<std::size_t>(std::min(kElements / each, static_cast<double>(kMost)));
  return std::min(samples, std::max(kFewest, affordable));
}

/// The mean over the results of noise / signal; results that never vary count against their noise alone.
double mean_error(std::span<const ResultError> results) {
  double sum = 0;
  for (const ResultError& each : results) sum += each.signal > 0 ? each.noise / each.signal : each.noise;
  return sum / static_cast<double>(results.size());
}

}  // namespace

std::vector<ObserverSpec> auto_observers() {
  return {{.observer = Observer::kMse},
          {.observer = Observer::kKl},
          {.observer = Observer::kPercentile, .percentile = 99.9},
          {.observer = Observer::kPercentile, .percentile = 99.99},
          {.observer = Observer::kPercentile, .percentile = 99.999},
          {.observer = Observer::kMinMax}};
}

std::size_t best_of(std::span<const MethodTrial> trials) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < trials.size(); ++i) {
    if (trials[i].error < trials[best].error) best = i;
  }
  return best;
}

AutoMethod::AutoMethod(OnnxFile& file, SampleSet samples, std::vector<std::string> results,
                       const PrepareOptions& options)
    : file_(file),
      samples_(std::move(samples)),
      results_(std::move(results)),
      options_(options),
      float_(std::make_unique<Simulation>(simulation_of(file, results_, options.runtime))) {}

std::vector<ResultError> AutoMethod::errors_of_sample(std::size_t sample, const Simulation& quantised,
                                                      std::span<const Quantisers> candidates) const {
  const Feeds feeds = samples_.load(sample).feeds;
  const std::vector<std::vector<float>> reference = float_->run(feeds, {});
  std::vector<ResultError> errors;
  for (const Quantisers& candidate : candidates) {
    const std::vector<std::vector<float>> results = quantised.run(feeds, candidate);
    for (std::size_t r = 0; r < results.size(); ++r) {
      const bool alike = results[r].size() == reference[r].size();
      errors.push_back(alike ? error_of(results[r], reference[r])
                             : ResultError{std::numeric_limits<double>::infinity(), 0});
    }
  }
  return errors;
}

std::vector<MethodTrial> AutoMethod::compare(const std::vector<Observed>& observed,
                                             const Statistics& statistics,
                                             std::span<const AutoCandidate> candidates) {
  const SimulatedNodes nodes(*file_.model.graph);
  std::vector<Quantisers> quantisers;
  for (const AutoCandidate& candidate : candidates) {
    std::unordered_map<const Value*, Range> ranges;
    for (std::size_t i = 0; i < observed.size(); ++i) {
      ranges.emplace(observed[i].value, candidate.ranges[i].taken.range);
    }
    quantisers.push_back(nodes.quantisers(ranges));
  }
  const Simulation quantised = simulation_of(file_, results_, options_.runtime);

  std::vector<std::vector<ResultError>> by_sample(samples_for(statistics, candidates.size()));
  std::mutex mutex;
  std::size_t done = 0;
  parallel_for(by_sample.size(), static_cast<std::size_t>(std::max(options_.threads, 0)),
               [&](std::size_t sample) {
                 // Evenly apart: neighbours often come from one recording.
                 const std::size_t chosen = sample * statistics.samples.size() / by_sample.size();
                 by_sample[sample] = errors_of_sample(chosen, quantised, quantisers);
                 const std::lock_guard<std::mutex> lock(mutex);
                 if (options_.progress) options_.progress("comparing methods", ++done, by_sample.size());
               });

  std::vector<ResultError> sums(candidates.size() * results_.size());
  for (const std::vector<ResultError>& sample : by_sample) {
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i].noise += sample[i].noise;
      sums[i].signal += sample[i].signal;
    }
  }
  std::vector<MethodTrial> trials;
  for (std::size_t c = 0; c < candidates.size(); ++c) {
    const std::span<const ResultError> mine(sums.data() + c * results_.size(), results_.size());
    trials.push_back({to_text(candidates[c].observer), mean_error(mine), by_sample.size(), results_.size()});
  }
  return trials;
}

}  // namespace qprep
