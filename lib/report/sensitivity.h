#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace qprep {

/// What the results of the quantised model lose where one tensor alone, with those that share its scale, is
/// quantised. Errors are mean over the results of sum (result - reference)^2 / sum (float - mean)^2.
struct TensorCost {
  std::string tensor;
  std::string op;         // the operator that makes it; "input": the model's
  std::string dtype;      // "qint8"
  double error = 0;       // of the tensors with this scale together
  std::size_t group = 0;  // tensors of one scale have the same number
};

/// What activations of 8 bits cost a calibrated model, tensor by tensor, and what 16 bits or float for the
/// most costly ones bring.
struct Sensitivity {
  /// The first `tensors` of the table have 16 bits, or stay float.
  struct Step {
    std::size_t tensors = 0;
    double with_int16 = 0, with_float = 0;  // errors
  };
  std::size_t samples = 0, results = 0;  // that were compared
  std::vector<TensorCost> tensors;       // the most costly first
  std::vector<Step> steps;               // from none to all of them
  /// Tensors that a table raised before, in its order: they stand first in the new one, and count in `topk`.
  std::vector<std::string> raised;
  bool raised_to_float = false;

  bool any() const { return !tensors.empty(); }
  /// The first step with which those are 95 % of what the tensors cost, each by itself.
  const Step& most() const;
  /// How many rows of the table are worth it, those that were raised before among them.
  std::size_t worth_raising() const { return raised.size() + most().tensors; }
  /// 16 bits for all of them lose more than four times what no quantised activation does.
  bool wants_float() const {
    return raised_to_float || steps.back().with_int16 > 4 * steps.back().with_float;
  }
  /// What is advised, 16 bits or float for those of most(), leaves less than what is lost now (by 2 %, 0.1
  /// dB).
  bool brings_more() const {
    return 1.02 * (wants_float() ? most().with_float : most().with_int16) < steps.front().with_int16;
  }
  /// Float for all of them leaves more than half of what is lost.
  bool weights_lose_most() const { return 2 * steps.back().with_float > steps.front().with_int16; }
};

/// How the configuration has the most costly tensors in int16, or in float.
struct SensitivityAdvice {
  std::string table;       // the file of to_csv, as the configuration can name it
  std::string where = {};  // ", as the first entry of 'qconfig_setter'"; empty: at the file's own level
  std::vector<std::string> lines = {};  // to be written there
};

std::string to_text(const Sensitivity& sensitivity, const SensitivityAdvice& advice);
/// "results at 5.6 dB over 16 samples; 18.2 dB with 6 of 34 tensors in float". Given: any().
std::string to_line(const Sensitivity& sensitivity);
/// A table that `sensitive_op` reads.
std::string to_csv(const Sensitivity& sensitivity);
nlohmann::ordered_json to_json(const Sensitivity& sensitivity);

}  // namespace qprep
