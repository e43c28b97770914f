#include "analysis/probed_inference.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <utility>

#include "runtime/probe.h"
#include "support/diagnostics.h"

namespace qprep {
namespace {

/// Why a run of a stack failed. ONNX Runtime names the node that it comes to a halt at, if it runs at all;
/// what it says besides is of its own sources.
std::string reason_of(const Fatal& failure, std::size_t samples) {
  constexpr std::string_view kNode = "running ", kName = " node. Name:'";
  const std::string& message = failure.diagnostics().front().message;
  const std::size_t op = message.find(kNode), name = message.find(kName);
  if (op == message.npos || name == message.npos || name < op)
    return fmt::format("with {} at once, {}", samples, message);
  const std::string_view kind = std::string_view(message).substr(op + kNode.size(), name - op - kNode.size());
  std::string_view node = std::string_view(message).substr(name + kName.size());
  node = node.substr(0, node.find('\''));
  return fmt::format(
      "ONNX Runtime does not run {} with {} at once, so the model seems to fix their number",
      node.empty() ? fmt::format("a {} without a name", kind) : fmt::format("the {} '{}'", kind, node),
      samples);
}

bool have_same_sizes(const Feeds& a, const Feeds& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.dtype() == y.second.dtype() && x.second.dims() == y.second.dims();
  });
}

}  // namespace

ProbedInference::ProbedInference(const SerialisedModel& model, std::span<const Probed> tensors,
                                 const CalibrationOptions& options, ObservedTensors& observed)
    : tensors_(tensors), options_(options), observed_(observed), one_(load(model)) {}

ProbedInference::Loaded ProbedInference::load(const SerialisedModel& model) const {
  std::vector<std::string> names;
  for (const Probed& tensor : tensors_) {
    if (!tensor.inside) names.push_back(tensor.name);
  }
  const ProbedModel probed = append_probes(model.bytes, names);
  SessionOptions session;
  session.library = options_.library;
  session.probe = [&observed = observed_](std::size_t tensor, DType dtype, std::span<const std::int64_t> dims,
                                          std::span<const std::byte> elements) {
    observed.see(tensor, dtype, dims, elements);
  };
  // A run needs a result, and that of a probe is empty.
  std::vector<std::string> fetched;
  if (!probed.outputs.empty()) fetched = {probed.outputs.front()};
  return {Session({model.name, probed.bytes, model.data_folder}, session), std::move(fetched)};
}

void ProbedInference::run_sample(std::size_t i, const std::string& name, Sample sample,
                                 StackTrial* trial) const {
  ObservedTensors::begin({.sample = i, .trial = trial});
  std::vector<std::string> fetched = one_.fetched;
  const std::size_t first_state = fetched.size();
  if (!sample.later.empty()) {
    for (const auto& [output, input] : options_.state) fetched.push_back(output);
  }
  try {
    std::vector<Tensor> results = one_.session.run(sample.feeds, fetched);
    for (Feeds& feeds : sample.later) {
      for (std::size_t state = 0; state < options_.state.size(); ++state)
        feeds.emplace(options_.state[state].second, std::move(results[first_state + state]));
      results = one_.session.run(feeds, fetched);
    }
  } catch (const Fatal& failure) {
    Diagnostic named = failure.diagnostics().front();
    named.message = fmt::format("with the sample {} {}", name, named.message);
    throw Fatal({named});
  }
}

std::optional<std::string> ProbedInference::begin_stacks(std::span<const Sample> samples, StackTrial& trial,
                                                         const Batch& batch) {
  std::variant<Feeds, std::string> feeds = stacked(samples);
  if (const auto* reason = std::get_if<std::string>(&feeds)) return *reason;
  Feeds& first = std::get<Feeds>(feeds);
  try {
    Loaded model = load(batch.model);
    ObservedTensors::begin({.count = samples.size(), .trial = &trial, .only_trial = true});
    model.session.run(first, model.fetched);
    std::variant<StackTrial::Layout, StackTrial::Difference> verdict = trial.verdict();
    if (const auto* difference = std::get_if<StackTrial::Difference>(&verdict)) {
      return fmt::format("of {} at once, the tensor '{}' {}", samples.size(),
                         tensors_[difference->tensor].name, difference->what);
    }
    stacks_.emplace(Stacks{std::move(model), std::move(first), samples.size(),
                           std::get<StackTrial::Layout>(std::move(verdict))});
  } catch (const Fatal& failure) {
    return reason_of(failure, samples.size());
  }
  return std::nullopt;
}

bool ProbedInference::run_stack(std::size_t first, std::span<const Sample> samples) const {
  if (!stacks_ || samples.size() != stacks_->size) return false;
  const std::variant<Feeds, std::string> feeds = stacked(samples);
  const Feeds* fed = std::get_if<Feeds>(&feeds);
  if (!fed || !have_same_sizes(*fed, stacks_->first)) return false;
  bool fits = true;
  ObservedTensors::begin(
      {.sample = first, .count = samples.size(), .layout = &stacks_->layout, .fits = &fits});
  try {
    stacks_->model.session.run(*fed, stacks_->model.fetched);
  } catch (const Fatal& failure) {
    throw StackFailure(reason_of(failure, samples.size()));
  }
  if (!fits) throw StackFailure("the sizes of its tensors depend on the numbers in the samples");
  return true;
}

}  // namespace qprep
