#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "analysis/calibrate.h"
#include "analysis/sample_stack.h"
#include "runtime/session.h"
#include "statistics/tensor_observer.h"

namespace qprep {

/// What a thread's next run of the model is of.
struct Run {
  std::size_t sample = 0;  // the first one
  std::size_t count = 1;
  const StackTrial::Layout* layout = nullptr;  // of more than one
  StackTrial* trial = nullptr;                 // also sees it
  bool only_trial = false;                     // nobody else does
  bool* fits = nullptr;                        // the layout; set to false where it does not
};

/// The probed tensors, filled by all threads; in each pass over the samples, some of them.
class ObservedTensors {
 public:
  explicit ObservedTensors(std::span<const Probed> tensors)
      : tensors_(tensors), observers_(tensors.size()), dtypes_(tensors.size()) {}

  /// Those from `first` to before `last` are looked at from now on.
  void look_at(std::size_t first, std::size_t last, std::size_t samples, Wanted wanted) {
    for (std::size_t i = first; i < last; ++i)
      observers_[i] =
          std::make_unique<TensorObserver>(samples, wanted_of(tensors_[i], wanted), tensors_[i].channel_axis);
  }

  /// What this thread's next run computes: ONNX Runtime calls probes on the thread that runs.
  static void begin(const Run& run) { run_of_this_thread() = run; }

  void see(std::size_t tensor, DType dtype, std::span<const std::int64_t> dims,
           std::span<const std::byte> elements) {
    dtypes_[tensor].store(static_cast<int>(dtype), std::memory_order_relaxed);
    if (dtype != DType::kFloat32) return;
    // ONNX Runtime aligns its buffers for vectors.
    const std::span<const float> floats(reinterpret_cast<const float*>(elements.data()),
                                        elements.size() / sizeof(float));
    const Run& run = run_of_this_thread();
    if (run.only_trial) {
      run.trial->see_all(tensor, dims, floats);
      return;
    }
    if (run.trial) run.trial->see_one(tensor, run.sample, dims, floats);
    if (!observers_[tensor]) return;
    if (run.layout) {
      see_stack(tensor, dims, floats, run);
    } else {
      observers_[tensor]->see(run.sample, floats, dims, counter_of_this_thread());
    }
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
  void see_stack(std::size_t tensor, std::span<const std::int64_t> dims, std::span<const float> elements,
                 const Run& run) {
    thread_local std::vector<float> room;
    const std::optional<StackedTensor>& layout = (*run.layout)[tensor];
    if (!layout || stacked_tensor(layout->dims, dims, run.count) != layout) {
      *run.fits = false;
      return;
    }
    for (std::size_t k = 0; k < run.count; ++k) {
      observers_[tensor]->see(run.sample + k, sample_of_stack(elements, *layout, k, run.count, room),
                              layout->dims, counter_of_this_thread());
    }
  }

  static Run& run_of_this_thread() {
    thread_local Run run;
    return run;
  }
  static ElementCounter& counter_of_this_thread() {
    thread_local ElementCounter counter;
    return counter;
  }

  std::span<const Probed> tensors_;
  std::vector<std::unique_ptr<TensorObserver>> observers_;  // null: not in this pass
  std::vector<std::atomic<int>> dtypes_;
};

/// Samples that ran together could not; what it says is why.
class StackFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs of a model with probes, by samples.
class ProbedInference {
 public:
  /// Given: `observed` and `options` outlive it.
  ProbedInference(const SerialisedModel& model, std::span<const Probed> tensors,
                  const CalibrationOptions& options, ObservedTensors& observed);

  /// Sample number `i` by itself, each step after the other. May be called from many threads at once.
  void run_sample(std::size_t i, const std::string& name, Sample sample, StackTrial* trial = nullptr) const;

  /// Runs these samples, the first ones, together. Given: `trial` saw each of them by itself. Result: why
  /// samples are not run together; nullopt: run_stack does it from now on.
  std::optional<std::string> begin_stacks(std::span<const Sample> samples, StackTrial& trial,
                                          const Batch& batch);

  /// These samples, from number `first` on, at once. Result: false, and nothing was run, unless begin_stacks
  /// found that as many samples of these sizes may. StackFailure: one of the tensors has another size than
  /// it had then, or ONNX Runtime refuses. May be called from many threads at once.
  bool run_stack(std::size_t first, std::span<const Sample> samples) const;

 private:
  struct Loaded {
    Session session;
    std::vector<std::string> fetched;  // what a run shall give; none: all outputs
  };
  Loaded load(const SerialisedModel& model) const;

  std::span<const Probed> tensors_;
  const CalibrationOptions& options_;
  ObservedTensors& observed_;
  Loaded one_;
  struct Stacks {
    Loaded model;
    Feeds first;  // what was fed to it first
    std::size_t size = 0;
    StackTrial::Layout layout;
  };
  std::optional<Stacks> stacks_;
};

}  // namespace qprep
