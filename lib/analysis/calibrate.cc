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

/// The probed tensors, filled by all threads; in each run, some of them.
class Observed {
 public:
  explicit Observed(std::span<const Probed> tensors)
      : tensors_(tensors), observers_(tensors.size()), dtypes_(tensors.size()) {}

  /// Those from `first` to before `last` are looked at from now on.
  void look_at(std::size_t first, std::size_t last, std::size_t samples, Wanted wanted) {
    for (std::size_t i = first; i < last; ++i)
      observers_[i] = std::make_unique<TensorObserver>(samples, wanted, tensors_[i].channel_axis);
  }

  /// What this thread's next runs compute is that sample's: ONNX Runtime calls probes on the thread that
  /// runs.
  static void begin_sample(std::size_t sample) { sample_of_this_thread() = sample; }

  void see(std::size_t tensor, DType dtype, std::span<const std::int64_t> dims,
           std::span<const std::byte> elements) {
    dtypes_[tensor].store(static_cast<int>(dtype), std::memory_order_relaxed);
    if (dtype != DType::kFloat32 || !observers_[tensor]) return;
    // ONNX Runtime aligns its buffers for vectors.
    const std::span<const float> floats(reinterpret_cast<const float*>(elements.data()),
                                        elements.size() / sizeof(float));
    observers_[tensor]->see(sample_of_this_thread(), floats, dims, counter_of_this_thread());
  }

  /// Result: it is looked at no more.
  TensorStatistics take(std::size_t tensor) {
    TensorStatistics taken = observers_[tensor]->take(counter_of_this_thread());
    observers_[tensor].reset();
    return taken;
  }
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

  std::span<const Probed> tensors_;
  std::vector<std::unique_ptr<TensorObserver>> observers_;  // null: not in this run
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

/// For each run over the samples, the number of the tensor behind the last one that is looked at in it: as
/// many as the memory allows, and at least one.
std::vector<std::size_t> ends_of_runs(std::span<const Probed> tensors, std::size_t samples,
                                      const CalibrationOptions& options) {
  std::vector<std::size_t> ends;
  std::uint64_t taken = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t bytes = TensorObserver::most_bytes(samples, options.wanted, tensors[i].size);
    if (options.memory && taken > 0 && taken + bytes > *options.memory) {
      ends.push_back(i);
      taken = 0;
    }
    taken += bytes;
  }
  ends.push_back(tensors.size());
  return ends;
}

void check_dtype(DType dtype, const std::string& tensor, const std::string& model) {
  if (dtype == DType::kFloat32) return;
  throw Fatal(codes::kRuntimeFailure,
              fmt::format("the tensor '{}' is {}; only float32 is calibrated", tensor, to_text(dtype)),
              {model});
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
  Observed observed(tensors);
  // One probe's output: a run needs a result, and this one is empty. Without one, all outputs of the model.
  std::vector<std::string> fetched;
  const Session session = probed_session(model, tensors, options, observed, fetched);

  std::vector<std::vector<Diagnostic>> findings(samples.size());
  std::vector<SampleFacts> facts(samples.size());
  statistics.samples.resize(samples.size());
  const std::vector<std::size_t> ends = ends_of_runs(tensors, samples.size(), options);
  for (std::size_t run = 0; run < ends.size(); ++run) {
    const std::size_t first = run == 0 ? 0 : ends[run - 1];
    observed.look_at(first, ends[run], samples.size(), options.wanted);
    std::mutex mutex;
    std::size_t done = 0;
    parallel_for(samples.size(), static_cast<std::size_t>(std::max(options.threads, 0)), [&](std::size_t i) {
      Sample sample = samples.load(i);
      const SampleIdentity identity{samples.name(i), digest_of(sample)};
      if (run == 0) {
        findings[i] = std::move(sample.findings);
        facts[i] = std::move(sample.facts);
        statistics.samples[i] = identity;
      } else if (statistics.samples[i] != identity) {
        throw Fatal(codes::kBadSample, "it has changed while it was in use", {samples.name(i)});
      }
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
      if (options.progress) options.progress(run + 1, ends.size(), done, samples.size());
    });
    for (std::size_t i = first; i < ends[run]; ++i) {
      check_dtype(observed.dtype(i).value_or(DType::kFloat32), tensors[i].name, model.name);
      statistics.tensors.push_back(observed.take(i));
      statistics.tensors.back().name = tensors[i].name;
    }
  }

  report(findings, diagnostics);
  std::vector<Digest> digests;
  for (const SampleIdentity& sample : statistics.samples) digests.push_back(sample.digest);
  judge_samples(facts, digests, samples.promises(), samples.folder(), diagnostics);
  return statistics;
}

}  // namespace qprep
