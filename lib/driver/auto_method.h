#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "analysis/simulation.h"
#include "driver/choose_ranges.h"
#include "onnx_io/onnx_file.h"
#include "report/calibrated.h"
#include "samples/samples.h"

/// `calibration.method: auto` with samples: one observer for all tensors, that with which the quantised
/// model's results are nearest to the float one's.
namespace qprep {

/// Those that are compared. Of equally good ones, the first is taken.
std::vector<ObserverSpec> auto_observers();

struct AutoCandidate {
  ObserverSpec observer;
  std::vector<ChosenRange> ranges;  // of the observed tensors
};

class AutoMethod {
 public:
  /// Loads the float model. Given: `file` is as it was when tensors were observed, and lives as long.
  /// `results`: tensors of its main graph, at least one.
  AutoMethod(OnnxFile& file, SampleSet samples, std::vector<std::string> results,
             const PrepareOptions& options);

  /// Runs some of the samples through the quantised model, once with each candidate's ranges. Given:
  /// FakeQuantize nodes are inserted, those of weights are calibrated, those of `observed` are not. Result:
  /// the candidates' errors, in their order; the model is as it was.
  ///
  /// The error is the mean over the results of sum (result - float)^2 / sum (float - mean)^2, over all
  /// elements of the samples; the sums are made in the samples' order, so threads change nothing. Of the
  /// samples, 8 to 64 are taken, fewer where they are large, evenly apart.
  std::vector<MethodTrial> compare(const std::vector<Observed>& observed, const Statistics& statistics,
                                   std::span<const AutoCandidate> candidates);

 private:
  std::vector<ResultError> errors_of_sample(std::size_t sample, const Simulation& quantised,
                                            std::span<const Quantisers> candidates) const;

  OnnxFile& file_;
  SampleSet samples_;
  std::vector<std::string> results_;
  const PrepareOptions& options_;
  std::unique_ptr<Simulation> float_;
};

/// The index of the least error; of equal ones, the first.
std::size_t best_of(std::span<const MethodTrial> trials);

}  // namespace qprep
