#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "quant/scale.h"
#include "runtime/samples.h"
#include "runtime/session.h"
#include "support/diagnostics.h"

namespace qprep {

struct CalibrationOptions {
  int threads = 0;      // samples that are inferred at once; 0 = as many as the machine has
  std::string library;  // see Library::get
  std::function<void(std::size_t done, std::size_t total)>
      progress;  // never called twice at once; may be empty
};

/// Runs the model over all samples and returns the range of each named tensor.
///
/// Given: `model` is any serialised model of which `tensors` are names in the main graph (outputs of nodes,
/// graph inputs, initializers); it need not output them. The simplest is the QAT form itself: FakeQuantize
/// that only observes hands x on bit for bit, so the model is the float model, and `tensors` are the first
/// inputs of its activation FakeQuantize nodes. The ranges' keys are these names.
///
/// Memory does not depend on the number of samples: each thread holds one sample and one inference, and a
/// tensor is looked at where ONNX Runtime made it, as soon as it is made. The result does not depend on the
/// order of samples or on threads: operators run single-threaded, and ranges merge by min and max.
///
/// Diagnostics: what SampleSet::load found in the files. What is odd in a range (never varies, NaN, never
/// computed) is fill_scales' to say.
Ranges calibrate(const SerialisedModel& model, std::span<const std::string> tensors, const SampleSet& samples,
                 const CalibrationOptions& options, Diagnostics& diagnostics);

/// The same, in the order of `tensors`, and then those of `inside` more tensors: of bodies, in which the
/// model has Probe nodes already, whose numbers go on behind those of `tensors`. A body runs as often as its
/// model runs it, or never.
std::vector<Range> observe(const SerialisedModel& model, std::span<const std::string> tensors,
                           std::size_t inside, const SampleSet& samples, const CalibrationOptions& options,
                           Diagnostics& diagnostics);

}  // namespace qprep
