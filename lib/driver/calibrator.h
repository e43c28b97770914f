#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "driver/auto_method.h"
#include "driver/calibration.h"
#include "driver/choose_ranges.h"
#include "passes/correct_biases.h"
#include "passes/fill_scales.h"
#include "report/calibrated.h"
#include "report/numeric_risk.h"

namespace qprep {

/// The calibration of one run of prepare: what samples, or statistics of them, make of the scales and biases.
/// Called in the order of the members.
class Calibrator {
 public:
  /// All live as long as it does. Given: config.calibration.
  Calibrator(OnnxFile& file, const Plan& plan, const Config& config, const std::vector<PreparedInput>& inputs,
             const PrepareOptions& options, Diagnostics& diagnostics);

  /// Runs the samples, or reads the statistics that options.statistics_from names. Given: the plan is
  /// decided, and nothing is inserted yet. `results`: the tensors by which method auto judges. Fatal
  /// (no-scales): no tensor of what the model computes has a range.
  void observe(const std::vector<std::string>& results);
  /// The same of options.statistics alone: for a file, not for scales.
  void observe_all();
  const Statistics& statistics() const { return statistics_; }

  /// Given: FakeQuantize nodes are inserted.
  void correct_biases();
  /// Where the method is auto and there are samples.
  bool searches() const { return auto_method_.has_value(); }
  void search();
  FilledScales fill();

  NumericRisks::SeenRanges seen_ranges() const;
  Calibrated report(const FilledScales& filled) const;
  const std::vector<Observed>& observed() const { return observed_; }

 private:
  void check_samples_give_scales() const;

  OnnxFile& file_;
  const Plan& plan_;
  const Config& config_;
  const std::vector<PreparedInput>& inputs_;
  const PrepareOptions& options_;
  Diagnostics& diagnostics_;
  std::vector<Observed> observed_;
  Statistics statistics_;
  std::vector<ChosenRange> ranges_;  // of observed_
  CorrectedBiases corrected_;
  std::optional<AutoMethod> auto_method_;
  std::vector<MethodTrial> trials_;
};

}  // namespace qprep
