#include "analysis/calibrate.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <utility>

#include "analysis/probed_inference.h"
#include "analysis/sample_digest.h"
#include "support/codes.h"
#include "support/parallel.h"

namespace qprep {
namespace {

/// Enough to see what is wrong with a thousand samples.
constexpr std::size_t kMostFindings = 8;

/// For each run over the samples, the number of the tensor behind the last one that is looked at in it: as
/// many as the memory allows, and at least one.
std::vector<std::size_t> ends_of_runs(std::span<const Probed> tensors, std::size_t samples,
                                      const CalibrationOptions& options) {
  std::vector<std::size_t> ends;
  std::uint64_t taken = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t bytes =
        TensorObserver::most_bytes(samples, wanted_of(tensors[i], options.wanted), tensors[i].size);
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

/// Of how many samples a stack is: no more than half, as those of the first one run by themselves too; 1:
/// none.
std::size_t stack_size(const CalibrationOptions& options, std::size_t samples) {
  return options.batch ? std::max<std::size_t>(1, std::min(options.batch->size, samples / 2)) : 1;
}

/// All passes over the samples.
class Calibration {
 public:
  Calibration(const SerialisedModel& model, std::span<const Probed> tensors, const SampleSet& samples,
              const CalibrationOptions& options)
      : model_(model),
        tensors_(tensors),
        samples_(samples),
        options_(options),
        ends_(ends_of_runs(tensors, samples.size(), options)),
        findings_(samples.size()),
        facts_(samples.size()),
        observed_(tensors),
        inference_(model, tensors, options, observed_) {
    statistics_.histograms = options.wanted.histogram;
    statistics_.channels = options.wanted.channels;
    statistics_.samples.resize(samples.size());
  }

  /// StackFailure: as thrown by ProbedInference.
  Statistics run(Diagnostics& diagnostics) && {
    for (std::size_t run = 0; run < ends_.size(); ++run) {
      const std::size_t first = run == 0 ? 0 : ends_[run - 1];
      observed_.look_at(first, ends_[run], samples_.size(), options_.wanted);
      look_at_all_samples(run, diagnostics);
      for (std::size_t i = first; i < ends_[run]; ++i) {
        check_dtype(observed_.dtype(i).value_or(DType::kFloat32), tensors_[i].name, model_.name);
        statistics_.tensors.push_back(observed_.take(i));
        statistics_.tensors.back().name = tensors_[i].name;
      }
    }
    report(findings_, diagnostics);
    std::vector<Digest> digests;
    for (const SampleIdentity& sample : statistics_.samples) digests.push_back(sample.digest);
    judge_samples(facts_, digests, samples_.promises(), samples_.folder(), diagnostics);
    return std::move(statistics_);
  }

 private:
  void look_at_all_samples(std::size_t run, Diagnostics& diagnostics) {
    done_ = 0;
    std::size_t begin = 0;
    if (run == 0) {
      size_ = stack_size(options_, samples_.size());
      if (size_ > 1) begin = try_stacks(diagnostics);
    }
    const std::size_t left = samples_.size() - begin;
    parallel_for((left + size_ - 1) / size_, threads(), [&](std::size_t chunk) {
      const std::size_t first = begin + chunk * size_;
      const std::size_t last = std::min(first + size_, samples_.size());
      std::vector<Sample> loaded;
      for (std::size_t i = first; i < last; ++i) loaded.push_back(load(i, run));
      if (inference_.run_stack(first, loaded)) {
        progress(run, last - first);
        return;
      }
      for (std::size_t i = first; i < last; ++i) {
        inference_.run_sample(i, samples_.name(i), std::move(loaded[i - first]));
        progress(run, 1);
      }
    });
  }

  /// Result: so many samples were looked at, in any case.
  std::size_t try_stacks(Diagnostics& diagnostics) {
    std::vector<Sample> first(size_);
    StackTrial trial(tensors_.size(), size_);
    parallel_for(size_, threads(), [&](std::size_t i) {
      first[i] = load(i, 0);
      inference_.run_sample(i, samples_.name(i), first[i], &trial);
      progress(0, 1);
    });
    const std::size_t looked_at = size_;
    if (const auto reason = inference_.begin_stacks(first, trial, *options_.batch)) {
      warn_one_by_one(*reason, options_.batch->where, diagnostics);
      size_ = 1;
    }
    return looked_at;
  }

  Sample load(std::size_t i, std::size_t run) {
    Sample sample = samples_.load(i);
    const SampleIdentity identity{samples_.name(i), digest_of(sample)};
    if (run == 0) {
      findings_[i] = std::move(sample.findings);
      facts_[i] = std::move(sample.facts);
      statistics_.samples[i] = identity;
    } else if (statistics_.samples[i] != identity) {
      throw Fatal(codes::kBadSample, "it has changed while it was in use", {samples_.name(i)});
    }
    return sample;
  }

  void progress(std::size_t run, std::size_t samples) {
    const std::lock_guard<std::mutex> lock(mutex_);
    done_ += samples;
    if (options_.progress) options_.progress(run + 1, ends_.size(), done_, samples_.size());
  }

  std::size_t threads() const { return static_cast<std::size_t>(std::max(options_.threads, 0)); }

  const SerialisedModel& model_;
  std::span<const Probed> tensors_;
  const SampleSet& samples_;
  const CalibrationOptions& options_;
  std::vector<std::size_t> ends_;  // of the passes: the tensor behind the last one
  std::vector<std::vector<Diagnostic>> findings_;
  std::vector<SampleFacts> facts_;
  Statistics statistics_;
  ObservedTensors observed_;
  ProbedInference inference_;
  std::size_t size_ = 1;  // of a stack
  std::mutex mutex_;
  std::size_t done_ = 0;
};

}  // namespace

void warn_one_by_one(const std::string& reason, const Where& where, Diagnostics& diagnostics) {
  diagnostics.warning(codes::kNoEffect,
                      fmt::format("'calibration.batch' has no effect, samples run one by one: {}", reason),
                      where);
}

Statistics calibrate(const SerialisedModel& model, std::span<const Probed> tensors, const SampleSet& samples,
                     const CalibrationOptions& options, Diagnostics& diagnostics) {
  if (tensors.empty()) {
    Statistics nothing;
    nothing.histograms = options.wanted.histogram;
    nothing.channels = options.wanted.channels;
    return nothing;
  }
  try {
    return Calibration(model, tensors, samples, options).run(diagnostics);
  } catch (const StackFailure& failure) {
    warn_one_by_one(failure.what(), options.batch->where, diagnostics);
  }
  CalibrationOptions one_by_one = options;
  one_by_one.batch.reset();
  return Calibration(model, tensors, samples, one_by_one).run(diagnostics);
}

}  // namespace qprep
