#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "analysis/simulation.h"
#include "driver/prepare.h"
#include "ir/graph.h"
#include "onnx_io/onnx_file.h"
#include "plan/plan.h"
#include "plan/sample_spec.h"
#include "quant/fake_quant.h"
#include "quant/scale.h"
#include "samples/samples.h"

namespace qprep {

/// How a tensor's FakeQuantize is simulated.
struct SimulatedAs {
  Range range;                              // what its integers cover
  std::vector<ChannelEnds> channels = {};   // of a FakeQuantize per channel: what those of each cover
  std::optional<QuantRange> integers = {};  // others than those that the FakeQuantize has
};
/// By tensor; those that are not in it stay float.
using SimulatedTensors = std::unordered_map<const Value*, SimulatedAs>;

/// The quantised model, run with scales from outside on some of the samples, and how far its results are from
/// the float model's.
class QuantisedTrials {
 public:
  /// Loads the float model. Given: `file` is as it was when tensors were observed, and lives as long.
  /// `results`: tensors of its main graph, at least one. `state`: of samples of several steps.
  QuantisedTrials(OnnxFile& file, SampleSet samples, std::vector<std::string> results,
                  std::vector<StateLink> state, const PrepareOptions& options);

  /// Loads the quantised model, instead of one that was loaded before. Given: FakeQuantize nodes are
  /// inserted, and those of weights are calibrated. Those that are not calibrated and read no constant can be
  /// simulated. The model is as it was.
  void load_quantised();

  /// What the results are held against.
  enum class Against {
    kFloat,            // the float model's
    kQuantisedWeights  // those of the quantised model when no tensor is simulated
  };

  /// Runs `count` of the samples, evenly apart, once with each of `trials` that quantises otherwise; of a
  /// sample of several steps the first 64, each with the states that the same model made. Result: how far
  /// they are from the reference, in their order, over all elements of the steps; noise and signal are those
  /// of ResultFigures, with the float model's signal whatever the reference. The sums are made in the
  /// samples' order, so threads change nothing. `doing`: for the line of progress.
  std::vector<ResultFigures> compare(std::span<const SimulatedTensors> trials, std::size_t count,
                                     Against against, std::string_view doing) const;
  /// The noise of these alone; infinite where no result can be compared.
  std::vector<double> errors(std::span<const SimulatedTensors> trials, std::size_t count, Against against,
                             std::string_view doing) const;

  /// How many samples can be run through `trials` models at a cost in proportion, between `fewest` and
  /// `most`, or all that there are. `elements`: that the observed tensors have in a sample.
  std::size_t affordable(double elements, std::size_t trials, std::size_t fewest, std::size_t most) const;
  const std::vector<std::string>& results() const { return results_; }

 private:
  Quantisers quantisers_of(const SimulatedTensors& tensors) const;
  std::unique_ptr<Simulation> simulation() const;
  /// What a model makes of a sample: the elements of each result, step after step.
  using Results = std::vector<std::vector<float>>;
  Results run(const Simulation& model, const Sample& sample, const Quantisers& quantisers) const;
  std::vector<ResultError> errors_of_sample(std::size_t sample, std::span<const Quantisers> trials,
                                            Against against) const;

  struct Simulated {
    const Value* data;
    FakeQuantAttrs attributes;
  };

  OnnxFile& file_;
  SampleSet samples_;
  std::vector<std::string> results_;
  std::vector<StateLink> state_;
  const PrepareOptions& options_;
  std::unique_ptr<Simulation> float_, quantised_;
  std::vector<Simulated> simulated_;  // by the number of the Simulate node
};

}  // namespace qprep
