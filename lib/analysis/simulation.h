#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quant/fake_quant_math.h"
#include "runtime/session.h"

namespace qprep {

/// How each Simulate node of a model quantises, by its number; nullopt: it hands its input on.
using Quantisers = std::vector<std::optional<QuantParams>>;

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

/// How far results are from those of the float model, as sums over samples.
struct ResultError {
  double noise = 0;   // of (result - float)^2
  double signal = 0;  // of (float - its mean in the sample)^2
};
/// Of one sample and result. Given: as many of both. An element that is not finite makes the noise infinite,
/// unless the float one is not either.
ResultError error_of(std::span<const float> result, std::span<const float> reference);

}  // namespace qprep
