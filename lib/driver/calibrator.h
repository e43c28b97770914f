#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "driver/calibration.h"
#include "driver/choose_ranges.h"
#include "driver/quantised_trials.h"
#include "driver/weight_rounding.h"
#include "passes/correct_biases.h"
#include "passes/fill_scales.h"
#include "plan/method_search.h"
#include "report/calibrated.h"
#include "report/numeric_risk.h"
#include "report/sensitivity.h"

namespace qprep {

/// The part that weights have in the error of the results from which on they are rounded with regard to what
/// layers read: at most 0.5 dB can be won below it.
inline constexpr double kWeightsMatter = 0.1;
/// An error of the results (26 dB) from which on accuracy may suffer.
inline constexpr double kWorthMeasuring = 0.0025;
/// And one (10 dB) that few tasks bear.
inline constexpr double kFarOff = 0.1;

/// The calibration of one run of prepare: what samples, or statistics of them, make of the scales and biases.
/// Called in the order of the members.
class Calibrator {
 public:
  /// All live as long as it does. Given: config.calibration; the plan is decided, and nothing is inserted
  /// yet. Diagnostics and Fatal: what methods_by_name says of the configuration.
  Calibrator(OnnxFile& file, const Plan& plan, const Config& config, const std::vector<PreparedInput>& inputs,
             const PrepareOptions& options, Diagnostics& diagnostics);

  /// Runs the samples, or reads the statistics that options.statistics_from names. Given: the plan is
  /// decided, and nothing is inserted yet. `results`: the tensors by which method auto judges. Fatal
  /// (no-scales): no tensor of what the model computes has a range.
  void observe(const std::vector<std::string>& results);
  /// The same of options.statistics alone: for a file, not for scales.
  void observe_all();
  const Statistics& statistics() const { return statistics_; }
  /// Where it goes on after an interruption, in so many parts; of these, those that were there.
  std::size_t parts() const { return parts_; }
  std::size_t parts_found() const { return parts_found_; }

  /// Given: FakeQuantize nodes are inserted.
  void fill_constants();
  /// Where the configuration asks for it, whatever they cost.
  void round_weights_as_asked();
  void correct_biases();
  /// There are samples, and they are to tell which method is best, how near results are, or which tensors
  /// cost most.
  bool tries() const { return trials_.has_value(); }
  /// Method auto takes the best method, and biases as they were where results are nearer with them; of any
  /// other, finds out how near its results are. Given: FakeQuantize nodes are inserted.
  void compare_methods();
  /// Results of the method, or of several, were compared with the float model's.
  bool compared() const { return !methods_.empty(); }
  /// The nearest. Given: compared().
  const MethodTrial& best_trial() const;
  /// It has the cosine similarity that the search asks for, if it does.
  bool reaches_similarity() const;
  const std::vector<MethodTrial>& trials() const { return methods_; }
  /// Of another run of the search: only for the report.
  void add_trials(const std::vector<MethodTrial>& trials) {
    others_.insert(others_.end(), trials.begin(), trials.end());
  }
  /// Method auto is to round weights, if they are what the results lose most by.
  bool rounds_weights_for_results() const;
  /// Given: that. Biases are corrected anew, and methods are to be compared again.
  void round_weights_for_results();
  /// Where the configuration asks for it; where it says nothing, if results are as far off as
  /// kWorthMeasuring and method auto was to choose, or another tool's file, which has no word for it, chose.
  /// Given: the same.
  void measure_sensitivity();
  const Sensitivity& sensitivity() const { return sensitivity_; }
  FilledScales fill();

  NumericRisks::SeenRanges seen_ranges() const;
  Calibrated report(const FilledScales& filled) const;
  const std::vector<Observed>& observed() const { return observed_; }

 private:
  void check_samples_give_scales() const;
  void warn_of_what_is_cut_off() const;
  void remark_on_statistics_alone() const;
  bool is_auto() const { return config_.calibration->observer.observer == Observer::kAuto; }
  void round_weights();
  double elements_of_a_sample() const;
  std::size_t compared_samples() const;
  SimulatedTensors simulated(const std::vector<ChosenRange>& ranges) const;
  MethodTrial trial(std::string method, const ResultFigures& figures) const;
  ObserverSpec observer_without_samples() const;
  void compare_observers();
  void compare_chosen();
  std::string words_of_chosen(const std::vector<ChosenRange>& ranges) const;
  bool can_compare(const ResultFigures& figures, std::string_view so) const;
  bool is_far() const;
  bool could_measure() const;
  void remark_on_idle_search() const;
  void remark_on_similarity() const;
  bool may_leave_biases() const;
  void compare_biases();

  OnnxFile& file_;
  const Plan& plan_;
  const Config& config_;
  const std::vector<PreparedInput>& inputs_;
  const PrepareOptions& options_;
  Diagnostics& diagnostics_;
  std::vector<Observed> observed_;
  MethodSearch search_;  // of method auto
  TensorMethods named_;  // of observed_
  Statistics statistics_;
  std::size_t parts_ = 0, parts_found_ = 0;
  std::vector<ChosenRange> ranges_;   // of observed_
  std::optional<SampleSet> samples_;  // where more than statistics is wanted of them
  FilledScales constants_;
  RoundedWeights rounded_;
  CorrectedBiases corrected_;
  bool biases_stay_ = false;  // as they were, though they could be corrected
  std::optional<QuantisedTrials> trials_;
  std::vector<std::string> results_;  // that were compared
  std::vector<MethodTrial> methods_, others_;
  double weights_alone_ = 0;  // the error of the results where activations stay float
  Sensitivity sensitivity_;
};

}  // namespace qprep
