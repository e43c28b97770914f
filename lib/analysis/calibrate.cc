#include "analysis/calibrate.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <utility>

#include "analysis/sample_digest.h"
#include "runtime/probe.h"
#include "support/codes.h"
#include "support/parallel.h"

namespace qprep {
namespace {

/// Enough to see what is wrong with a thousand samples.
constexpr std::size_t kMostFindings = 8;

/// The probed tensors, filled by all threads.
class Observed {
 public:
  Observed(std::span<const Probed> tensors, std::size_t samples, Wanted wanted) : dtypes_(tensors.size()) {
    for (const Probed& tensor : tensors) {
      observers_.push_back(std::make_unique<TensorObserver>(samples, wanted, tensor.channel_axis));
    }
  }

  /// What this thread's next runs compute is that sample's: ONNX Runtime calls probes on the thread that
  /// runs.
  static void begin_sample(std::size_t sample) { sample_of_this_thread() = sample; }

  void see(std::size_t tensor, DType dtype, std::span<const std::int64_t> dims,
           std::span<const std::byte> elements) {
    dtypes_[tensor].store(static_cast<int>(dtype), std::memory_order_relaxed);
    if (dtype != DType::kFloat32) return;
    // ONNX Runtime aligns its buffers for vectors.
    const std::span<const float> floats(reinterpret_cast<const float*>(elements.data()),
                                        elements.size() / sizeof(float));
    observers_[tensor]->see(sample_of_this_thread(), floats, dims, counter_of_this_thread());
  }

  TensorStatistics take(std::size_t tensor) { return observers_[tensor]->take(counter_of_this_thread()); }
  /// nullopt: it was never computed.
  std::optional<DType> dtype(std::size_t tensor) const {
    const auto dtype = static_cast<DType>(dtypes_[tensor].load());
    return dtype == DType::kUndefined ? std::nullopt : std::optional(dtype);
  }

 private:
  static std::size_t& sample_of_this_thread() {
    thread_local std::size_t sample = 0;
    return sample;
  }
  static ElementCounter& counter_of_this_thread() {
    thread_local ElementCounter counter;
    return counter;
  }

  std::vector<std::unique_ptr<TensorObserver>> observers_;
  std::vector<std::atomic<int>> dtypes_;
};

Session probed_session(const SerialisedModel& model, std::span<const Probed> tensors,
                       const CalibrationOptions& options, Observed& observed,
                       std::vector<std::string>& fetched) {
  std::vector<std::string> names;
  for (const Probed& tensor : tensors) {
    if (!tensor.inside) names.push_back(tensor.name);
  }
  const ProbedModel probed = append_probes(model.bytes, names);
  if (!probed.outputs.empty()) fetched = {probed.outputs.front()};
  SessionOptions session;
  session.library = options.library;
  session.probe = [&observed](std::size_t tensor, DType dtype, std::span<const std::int64_t> dims,
                              std::span<const std::byte> elements) {
    observed.see(tensor, dtype, dims, elements);
  };
  return Session({model.name, probed.bytes, model.data_folder}, session);
}

/// Runs the model for each step. `fetched`: outputs that a run shall give besides states; none: all.
void run_steps(const Session& session, Sample sample,
               std::span<const std::pair<std::string, std::string>> state, std::vector<std::string> fetched) {
  const std::size_t first_state = fetched.size();
  if (!sample.later.empty()) {
    for (const auto& [output, input] : state) fetched.push_back(output);
  }
  std::vector<Tensor> results = session.run(sample.feeds, fetched);
  for (std::size_t step = 0; step < sample.later.size(); ++step) {
    Feeds& feeds = sample.later[step];
    for (std::size_t i = 0; i < state.size(); ++i)
      feeds.emplace(state[i].second, std::move(results[first_state + i]));
    results = session.run(feeds, fetched);
  }
}

void report(const std::vector<std::vector<Diagnostic>>& by_sample, Diagnostics& diagnostics) {
  std::size_t count = 0;
  for (const std::vector<Diagnostic>& findings : by_sample) {
    for (const Diagnostic& finding : findings) {
      if (++count <= kMostFindings) diagnostics.add(finding);
    }
  }
  if (count > kMostFindings) {
    diagnostics.warning(codes::kBadSample,
                        fmt::format("{} more sample files are like this", count - kMostFindings));
  }
}

}  // namespace

Statistics calibrate(const SerialisedModel& model, std::span<const Probed> tensors, const SampleSet& samples,
                     const CalibrationOptions& options, Diagnostics& diagnostics) {
  Statistics statistics;
  statistics.histograms = options.wanted.histogram;
  statistics.channels = options.wanted.channels;
  if (tensors.empty()) return statistics;
  Observed observed(tensors, samples.size(), options.wanted);
  // One probe's output: a run needs a result, and this one is empty. Without one, all outputs of the model.
  std::vector<std::string> fetched;
  const Session session = probed_session(model, tensors, options, observed, fetched);

  std::mutex mutex;
  std::size_t done = 0;
  std::vector<std::vector<Diagnostic>> findings(samples.size());
  std::vector<SampleFacts> facts(samples.size());
  statistics.samples.resize(samples.size());
  parallel_for(samples.size(), static_cast<std::size_t>(std::max(options.threads, 0)), [&](std::size_t i) {
    Sample sample = samples.load(i);
    findings[i] = std::move(sample.findings);
    facts[i] = std::move(sample.facts);
    statistics.samples[i] = {samples.name(i), digest_of(sample)};
    Observed::begin_sample(i);
    try {
      run_steps(session, std::move(sample), options.state, fetched);
    } catch (const Fatal& failure) {
      Diagnostic named = failure.diagnostics().front();
      named.message = fmt::format("with the sample {} {}", samples.name(i), named.message);
      throw Fatal({named});
    }
    const std::lock_guard<std::mutex> lock(mutex);
    ++done;
    if (options.progress) options.progress(done, samples.size());
  });

  report(findings, diagnostics);
  std::vector<Digest> digests;
  for (const SampleIdentity& sample : statistics.samples) digests.push_back(sample.digest);
  judge_samples(facts, digests, samples.promises(), samples.folder(), diagnostics);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const DType dtype = observed.dtype(i).value_or(DType::kFloat32);
    if (dtype != DType::kFloat32) {
      throw Fatal(
          codes::kRuntimeFailure,
          fmt::format("the tensor '{}' is {}; only float32 is calibrated", tensors[i].name, to_text(dtype)),
          {model.name});
    }
    statistics.tensors.push_back(observed.take(i));
    statistics.tensors.back().name = tensors[i].name;
  }
  return statistics;
}

}  // namespace qprep
