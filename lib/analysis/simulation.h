#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plan/method_search.h"
#include "quant/fake_quant_math.h"
#include "quant/scale.h"
#include "runtime/session.h"

namespace qprep {

/// How a Simulate node quantises.
struct Quantiser {
  QuantRange range;
  std::vector<ScaleAndZero> scales;  // one, or one for each index of the axis
  std::size_t axis = 0;

  bool per_tensor() const { return scales.size() == 1; }
  friend bool operator==(const Quantiser& a, const Quantiser& b);
};
/// Of each Simulate node of a model, by its number; nullopt: it hands its input on.
using Quantisers = std::vector<std::optional<Quantiser>>;

/// What a model made of one step of a sample.
struct SimulatedStep {
  std::vector<std::vector<float>> results;  // the elements of each; of one that is no float32: none
  std::vector<Tensor> states;               // what the next step gets
};

/// Inference of a model whose FakeQuantize nodes are Simulate nodes, so that scales may change from run to
/// run without loading it again. run() may be called from many threads at once.
class Simulation {
 public:
  /// `results`: tensors of the main graph; `states`: outputs of the model. A model without Simulate nodes is
  /// as good as any other.
  Simulation(const SerialisedModel& model, std::span<const std::string> results,
             std::span<const std::string> states, const std::string& library);

  SimulatedStep run(const Feeds& feeds, const Quantisers& quantisers) const;

 private:
  std::size_t results_;
  std::vector<std::string> fetched_;  // one that makes it run, then the states
  Session session_;
};

/// How far a result is from the float model's, as sums over the elements of any number of samples.
struct ResultError {
  double noise = 0;                         // of (result - reference)^2
  double absolute = 0, largest = 0;         // of |result - reference|
  double product = 0;                       // of result * reference
  double result_squares = 0;                // of result^2
  double reference_squares = 0;             // of reference^2
  double compared = 0;                      // elements with a finite reference
  double sum = 0, squares = 0, finite = 0;  // of the float model's finite elements

  ResultError& operator+=(const ResultError& other);
  /// Of (float - its mean)^2, over all elements.
  double signal() const;
};
/// Of one result that cannot be held against the reference.
ResultError incomparable();
/// The mean over the results that have a finite element in the float model.
ResultFigures figures_of(std::span<const ResultError> results);
/// Of one sample and result. Given: as many of all three. An element that is not finite makes the noise
/// infinite, unless the reference is not either.
ResultError error_of(std::span<const float> result, std::span<const float> reference,
                     std::span<const float> of_float);

}  // namespace qprep
