#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// The largest sum that an int32 accumulator holds.
inline constexpr std::int64_t kLargestAccumulator = (std::int64_t{1} << 31) - 1;

/// A layer on the BPU whose products could sum up to more than an int32 accumulator holds.
struct AccumulatorRisk {
  std::string node;
  std::string formats;        // of data and weight: "qint16*qint8"
  std::int64_t products = 0;  // K: how many are summed up for one output
  double worst = 0;           // K |data| |weight| with the largest integers of both formats
  /// The same with the weights as they are: the largest of all output channels. nullopt: their scales do not
  /// follow output channels.
  std::optional<double> bound;
};

/// The layers whose `bound`, or else `worst`, exceeds kLargestAccumulator, in graph order. Weights are read
/// of layers alone whose formats and K make that possible.
std::vector<AccumulatorRisk> accumulator_risks(const Model& model, const Plan& plan);

nlohmann::ordered_json to_json(const AccumulatorRisk& risk);

}  // namespace qprep
