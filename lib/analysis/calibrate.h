#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/session.h"
#include "samples/samples.h"
#include "statistics/tensor_observer.h"
#include "statistics/tensor_statistics.h"
#include "support/diagnostics.h"

namespace qprep {

/// A tensor to look at.
struct Probed {
  std::string name;                  // in the statistics
  std::int64_t channel_axis = 1;     // from the front or, negative, from the back
  bool channels_of_samples = false;  // may be kept, where they are wanted
  /// In a body: the model has a Probe node on it, whose number is its place among all that are probed.
  bool inside = false;
  TensorObserver::Size size = {};  // in a sample
};

/// What is kept of that tensor.
inline Wanted wanted_of(const Probed& tensor, Wanted wanted) {
  wanted.channels_of_samples = wanted.channels_of_samples && tensor.channels_of_samples;
  return wanted;
}

/// Samples that are inferred at once.
struct Batch {
  std::size_t size = 1;
  /// The model with inputs of any size along the first axis. What it computes of one sample by itself is
  /// what the other one does.
  SerialisedModel model;
  Where where;  // in the configuration
};

struct CalibrationOptions {
  int threads = 0;      // samples that are inferred at once; 0 = as many as the machine has
  std::string library;  // see Library::get
  Wanted wanted;        // besides ranges
  /// Bytes that what is kept of tensors may take while samples run; nullopt: any number. Where it is not
  /// enough for all, they run once for some tensors and again for the next ones. Changes no result.
  std::optional<std::uint64_t> memory;
  /// Changes no result: where it would, samples are inferred one by one, with a warning that says why.
  std::optional<Batch> batch;
  /// Outputs of the model, each of which is that input in the next step of a sample.
  std::vector<std::pair<std::string, std::string>> state;
  /// Of run number `run` of `runs` over the samples, from 1 on. Never called twice at once; may be empty.
  std::function<void(std::size_t run, std::size_t runs, std::size_t done, std::size_t total)> progress;
};

/// Warns that samples are inferred one by one although `where` asks for more, and why: "the samples have
/// several steps".
void warn_one_by_one(const std::string& reason, const Where& where, Diagnostics& diagnostics);

/// Runs the model over all samples. Result: samples and tensors of the statistics, the latter in the order of
/// `tensors`; what the model is, is the caller's to say.
///
/// Given: `model` is any serialised model; those of `tensors` that are not inside bodies are names of its
/// main graph (outputs of nodes, graph inputs, initializers), and come first. It need not output them. The
/// simplest is the QAT form itself: FakeQuantize that only observes hands x on bit for bit, so the model is
/// the float model.
///
/// A sample of several steps is as many runs, one after the other, and one sample in the statistics.
///
/// Memory does not depend on the number of samples, but for 32 bytes of each tensor: each thread holds one
/// sample and one inference, and a tensor is looked at where ONNX Runtime made it, as soon as it is made. The
/// result does not depend on the order of samples, on threads or on the number of runs: operators run
/// single-threaded, with the same probes in all runs, and statistics merge exactly. Nor does it depend on the
/// batch: the first samples are run each by itself and then all at once, and only where every tensor has the
/// same bits are the next ones of these sizes run so.
///
/// Diagnostics: what SampleSet::load found in the files, and judge_samples in all of them. What is odd in a
/// range (never varies, NaN, never computed) is fill_scales' to say. Fatal (runtime-failure): a tensor is no
/// float32.
Statistics calibrate(const SerialisedModel& model, std::span<const Probed> tensors, const SampleSet& samples,
                     const CalibrationOptions& options, Diagnostics& diagnostics);

}  // namespace qprep
