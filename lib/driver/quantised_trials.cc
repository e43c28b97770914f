#include "driver/quantised_trials.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "onnx_io/loadable_model.h"
#include "runtime/probe.h"
#include "support/parallel.h"

namespace qprep {
namespace {

constexpr std::size_t kMostSteps = 64;

/// A FakeQuantize that is a Simulate node for as long as this lives.
class SimulateNode {
 public:
  SimulateNode(Node& node, std::size_t number)
      : node_(&node), scale_(node.input(1)), zero_point_(node.input(2)) {
    node.set_op(kSimulateOp, kProbeDomain);
    node.set_attribute(kProbeNumber, static_cast<std::int64_t>(number));
    // The kernel takes the data alone.
    node.truncate_inputs(1);
  }
  SimulateNode(const SimulateNode&) = delete;
  SimulateNode& operator=(const SimulateNode&) = delete;
  ~SimulateNode() {
    node_->set_input(1, scale_);
    node_->set_input(2, zero_point_);
    node_->erase_attribute(kProbeNumber);
    set_calibrated(*node_, false);
  }

 private:
  Node* node_;
  Value *scale_, *zero_point_;
};

}  // namespace

QuantisedTrials::QuantisedTrials(OnnxFile& file, SampleSet samples, std::vector<std::string> results,
                                 std::vector<StateLink> state, const PrepareOptions& options)
    : file_(file),
      samples_(std::move(samples)),
      results_(std::move(results)),
      state_(std::move(state)),
      options_(options),
      float_(simulation()) {}

std::unique_ptr<Simulation> QuantisedTrials::simulation() const {
  const LoadableModel loadable(file_);
  std::vector<std::string> states;
  for (const StateLink& link : state_) states.push_back(link.output);
  return std::make_unique<Simulation>(
      SerialisedModel{file_.model.file, loadable.bytes(), loadable.data_folder()}, results_, states,
      options_.runtime);
}

void QuantisedTrials::load_quantised() {
  std::vector<std::unique_ptr<SimulateNode>> nodes;
  simulated_.clear();
  for (Node* node : fake_quantize_nodes(*file_.model.graph)) {
    const auto attributes = read_fake_quantize(*node);
    if (!attributes || attributes->calibrated || !node->input(0) || constant_of(*node->input(0))) continue;
    simulated_.push_back({node->input(0), *attributes});
    nodes.push_back(std::make_unique<SimulateNode>(*node, nodes.size()));
  }
  quantised_ = simulation();
}

Quantisers QuantisedTrials::quantisers_of(const SimulatedTensors& tensors) const {
  Quantisers all(simulated_.size());
  for (std::size_t i = 0; i < simulated_.size(); ++i) {
    const auto found = tensors.find(simulated_[i].data);
    if (found == tensors.end()) continue;
    const Range& range = found->second.range;
    if (range.magnitude() == 0.0F || !range.all_finite()) continue;
    const auto& [spec, usual, calibrated] = simulated_[i].attributes;
    const QuantRange integers = found->second.integers.value_or(usual);
    const auto to = scale_for(range.min, range.max, spec.scheme, integers);
    if (!to) continue;
    const std::vector<ChannelEnds>& channels = found->second.channels;
    if (spec.channel_axis < 0) {
      all[i] = Quantiser{integers, {*to}};
    } else if (!channels.empty()) {
      all[i] = Quantiser{integers, scales_for(channels, *to, spec.scheme, integers),
                         static_cast<std::size_t>(spec.channel_axis)};
    }
  }
  return all;
}

QuantisedTrials::Results QuantisedTrials::run(const Simulation& model, const Sample& sample,
                                              const Quantisers& quantisers) const {
  SimulatedStep made = model.run(sample.feeds, quantisers);
  Results results = std::move(made.results);
  for (std::size_t i = 0; i < std::min(sample.later.size(), kMostSteps - 1); ++i) {
    Feeds feeds = sample.later[i];
    for (std::size_t s = 0; s < state_.size(); ++s) feeds.emplace(state_[s].input, std::move(made.states[s]));
    made = model.run(feeds, quantisers);
    for (std::size_t r = 0; r < results.size(); ++r)
      results[r].insert(results[r].end(), made.results[r].begin(), made.results[r].end());
  }
  return results;
}

std::vector<ResultError> QuantisedTrials::errors_of_sample(std::size_t number,
                                                           std::span<const Quantisers> trials,
                                                           Against against) const {
  const Sample sample = samples_.load(number);
  const Results of_float = run(*float_, sample, {});
  Results unsimulated;
  if (against == Against::kQuantisedWeights) unsimulated = run(*quantised_, sample, {});
  const Results& reference = against == Against::kFloat ? of_float : unsimulated;
  std::vector<ResultError> errors;
  for (const Quantisers& trial : trials) {
    const Results there = run(*quantised_, sample, trial);
    for (std::size_t r = 0; r < there.size(); ++r) {
      if (there[r].size() != reference[r].size()) {
        errors.push_back(incomparable());
        continue;
      }
      errors.push_back(error_of(there[r], reference[r], of_float[r]));
    }
  }
  return errors;
}

std::vector<double> QuantisedTrials::errors(std::span<const SimulatedTensors> trials, std::size_t count,
                                            Against against, std::string_view doing) const {
  std::vector<double> noise;
  for (const ResultFigures& each : compare(trials, count, against, doing))
    noise.push_back(each.results > 0 ? each.noise : std::numeric_limits<double>::infinity());
  return noise;
}

std::vector<ResultFigures> QuantisedTrials::compare(std::span<const SimulatedTensors> trials,
                                                    std::size_t count, Against against,
                                                    std::string_view doing) const {
  std::vector<Quantisers> quantisers;  // that differ
  std::vector<std::size_t> of_trial;
  for (const SimulatedTensors& trial : trials) {
    Quantisers these = quantisers_of(trial);
    const auto same = std::find(quantisers.begin(), quantisers.end(), these);
    of_trial.push_back(static_cast<std::size_t>(same - quantisers.begin()));
    if (same == quantisers.end()) quantisers.push_back(std::move(these));
  }

  std::vector<std::vector<ResultError>> by_sample(count);
  std::mutex mutex;
  std::size_t done = 0;
  parallel_for(count, static_cast<std::size_t>(std::max(options_.threads, 0)), [&](std::size_t i) {
    // Evenly apart: neighbours often come from one recording.
    by_sample[i] = errors_of_sample(i * samples_.size() / count, quantisers, against);
    const std::lock_guard<std::mutex> lock(mutex);
    if (options_.progress) options_.progress(doing, ++done, count);
  });

  std::vector<ResultError> sums(quantisers.size() * results_.size());
  for (const std::vector<ResultError>& sample : by_sample) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += sample[i];
  }
  std::vector<ResultFigures> figures;
  for (const std::size_t of : of_trial) {
    figures.push_back(
        figures_of(std::span<const ResultError>(sums).subspan(of * results_.size(), results_.size())));
  }
  return figures;
}

std::size_t QuantisedTrials::affordable(double elements, std::size_t trials, std::size_t fewest,
                                        std::size_t most) const {
  constexpr double kElements = 3e9;
  const double each = std::max(1.0, elements) * static_cast<double>(trials + 1);
  const auto enough = static_cast<std::size_t>(std::min(kElements / each, static_cast<double>(most)));
  return std::min(samples_.size(), std::max(fewest, enough));
}

}  // namespace qprep
