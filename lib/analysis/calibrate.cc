#include "analysis/calibrate.h"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>
#include <vector>

#include "runtime/probe.h"
#include "support/codes.h"
#include "support/parallel.h"

namespace qprep {
namespace {

/// Enough to see what is wrong with a thousand samples.
constexpr std::size_t kMostFindings = 8;

/// The ranges of the probed tensors, filled by all threads.
class Observed {
 public:
  explicit Observed(std::size_t tensors) : ranges_(tensors), dtypes_(tensors, DType::kUndefined) {}

  void see(std::size_t tensor, DType dtype, std::span<const std::byte> elements) {
    Range range;
    // ONNX Runtime aligns its buffers for vectors.
    if (dtype == DType::kFloat32) {
      range =
          range_of_data({reinterpret_cast<const float*>(elements.data()), elements.size() / sizeof(float)});
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    dtypes_[tensor] = dtype;
    ranges_[tensor].merge(range);
  }

  const Range& range(std::size_t tensor) const { return ranges_[tensor]; }
  DType dtype(std::size_t tensor) const { return dtypes_[tensor]; }

 private:
  std::mutex mutex_;
  std::vector<Range> ranges_;
  std::vector<DType> dtypes_;
};

Session probed_session(const SerialisedModel& model, std::span<const std::string> tensors,
                       const CalibrationOptions& options, Observed& observed,
                       std::vector<std::string>& fetched) {
  const ProbedModel probed = append_probes(model.bytes, tensors);
  if (!probed.outputs.empty()) fetched = {probed.outputs.front()};
  SessionOptions session;
  session.library = options.library;
  session.probe = [&observed](std::size_t tensor, DType dtype, std::span<const std::byte> elements) {
    observed.see(tensor, dtype, elements);
  };
  return Session({model.name, probed.bytes, model.data_folder}, session);
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

std::vector<Range> observe(const SerialisedModel& model, std::span<const std::string> tensors,
                           std::size_t inside, const SampleSet& samples, const CalibrationOptions& options,
                           Diagnostics& diagnostics) {
  if (tensors.empty() && inside == 0) return {};
  Observed observed(tensors.size() + inside);
  // One probe's output: a run needs a result, and this one is empty. Without one, all outputs of the model.
  std::vector<std::string> fetched;
  const Session session = probed_session(model, tensors, options, observed, fetched);

  std::mutex mutex;
  std::size_t done = 0;
  std::vector<std::vector<Diagnostic>> findings(samples.size());
  parallel_for(samples.size(), static_cast<std::size_t>(std::max(options.threads, 0)), [&](std::size_t i) {
    Sample sample = samples.load(i);
    findings[i] = std::move(sample.findings);
    try {
      session.run(sample.feeds, fetched);
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
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < tensors.size() + inside; ++i) {
    const DType dtype = observed.dtype(i);
    if (dtype != DType::kFloat32 && dtype != DType::kUndefined) {
      throw Fatal(codes::kRuntimeFailure,
                  fmt::format("the tensor '{}' is {}; only float32 is calibrated",
                              i < tensors.size() ? tensors[i] : "of a body", to_text(dtype)),
                  {model.name});
    }
    ranges.push_back(observed.range(i));
  }
  return ranges;
}

Ranges calibrate(const SerialisedModel& model, std::span<const std::string> tensors, const SampleSet& samples,
                 const CalibrationOptions& options, Diagnostics& diagnostics) {
  const std::vector<Range> observed = observe(model, tensors, 0, samples, options, diagnostics);
  Ranges ranges;
  for (std::size_t i = 0; i < observed.size(); ++i) ranges[tensors[i]] = observed[i];
  return ranges;
}

}  // namespace qprep
