#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/yaml_reader.h"
#include "plan/setting.h"

/// The `quantise` section of a target's file: how its tools quantise a model. docs/targets.md has its keys.
namespace qprep {

/// How tensors of a kind are quantised. What is absent is not said.
struct TensorRule {
  std::optional<Placed<Precision>> precision;
  std::optional<Placed<Scheme>> scheme;
  std::optional<Placed<bool>> per_channel;  // of weights
  std::optional<Placed<std::string>> observer;
  std::optional<Placed<float>> averaging_constant;
};

struct Quantise {
  TensorRule activations, weights;
  struct ByOperator {
    std::string op;
    TensorRule results;
  };
  std::vector<ByOperator> operators;  // what holds for the results of these
  bool only_where_read = false;       // a result is quantised only if a quantised operator reads it
  std::optional<Placed<bool>>
      outputs;  // what only outputs of the model take: quantised like the rest, or float
  std::vector<Placed<std::string>> own_scale;  // passive operators whose result has a scale of its own
  std::vector<Placed<std::string>> not_yet;    // sentences: what of it is not carried out
  Where where;

  /// The whole as settings, of which the first wins: below all that a configuration says.
  std::vector<Setting> settings() const;
};

/// Given: the section. `base`: what it extends; null: nothing. Mistakes go to `diagnostics`.
Quantise read_quantise(YamlMap map, const Quantise* base, Diagnostics& diagnostics);

}  // namespace qprep
