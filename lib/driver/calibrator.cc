#include "driver/calibrator.h"

#include <fmt/format.h>
#include <utility>

#include "driver/open_samples.h"
#include "support/codes.h"

namespace qprep {

Calibrator::Calibrator(OnnxFile& file, const Plan& plan, const Config& config,
                       const std::vector<PreparedInput>& inputs, const PrepareOptions& options,
                       Diagnostics& diagnostics)
    : file_(file),
      plan_(plan),
      config_(config),
      inputs_(inputs),
      options_(options),
      diagnostics_(diagnostics),
      observed_(tensors_to_observe(file.model, plan)) {}

void Calibrator::observe(const std::vector<std::string>& results) {
  const CalibrationConfig& calibration = *config_.calibration;
  const Wanted wanted = wanted_for(calibration);
  const bool from_file = !options_.statistics_from.empty();
  statistics_ =
      from_file ? fitting_statistics(options_.statistics_from, file_, observed_, calibration, inputs_, wanted)
                : run_calibration(file_, observed_, calibration, wanted, inputs_, options_, diagnostics_);
  ranges_ = choose_ranges(observed_, statistics_, plan_, calibration, calibration.observer, diagnostics_);
  check_samples_give_scales();
  if (calibration.observer.observer != Observer::kAuto || results.empty() || from_file) return;
  auto_method_.emplace(file_, open_samples(file_.model, calibration, inputs_, diagnostics_), results,
                       options_);
}

void Calibrator::observe_all() {
  statistics_ = run_calibration(file_, observed_, *config_.calibration, {.histogram = true, .channels = true},
                                inputs_, options_, diagnostics_);
}

/// Before anything is written: of what the model computes, one tensor must have a scale.
void Calibrator::check_samples_give_scales() const {
  const Observed* first = nullptr;
  std::string why;
  for (std::size_t i = 0; i < observed_.size(); ++i) {
    const Observed& tensor = observed_[i];
    if (constant_of(*tensor.value)) continue;
    const auto planned = plan_.values.find(tensor.value);
    const Precision precision =
        planned == plan_.values.end() ? Precision::kInt8 : planned->second.spec.precision;
    std::string because = no_scale_because(ranges_[i].taken.range, range_of(precision));
    if (because.empty()) return;
    if (!first) why = std::move(because);
    if (!first) first = &tensor;
  }
  if (!first) return;
  throw Fatal(codes::kNoScales,
              fmt::format("the samples give no tensor a scale; of '{}': {}", first->name, why),
              {config_.calibration->data});
}

void Calibrator::correct_biases() {
  if (!config_.calibration->corrects_biases()) return;
  corrected_ = qprep::correct_biases(*file_.model.graph, means_of(observed_, statistics_));
}

void Calibrator::search() {
  const CalibrationConfig& calibration = *config_.calibration;
  std::vector<AutoCandidate> candidates;
  for (const ObserverSpec& observer : auto_observers()) {
    // What is odd in the configuration was said before.
    Diagnostics said;
    candidates.push_back(
        {observer, choose_ranges(observed_, statistics_, plan_, calibration, observer, said)});
  }
  trials_ = auto_method_->compare(observed_, statistics_, candidates);
  ranges_ = std::move(candidates[best_of(trials_)].ranges);
  auto_method_.reset();
}

NumericRisks::SeenRanges Calibrator::seen_ranges() const {
  NumericRisks::SeenRanges seen;
  for (std::size_t i = 0; i < observed_.size(); ++i) {
    seen.own.emplace(observed_[i].value, ranges_[i].seen);
    seen.of_scales.emplace(observed_[i].value, ranges_[i].taken.range);
  }
  return seen;
}

FilledScales Calibrator::fill() { return fill_scales(file_.model, seen_ranges().of_scales, diagnostics_); }

Calibrated Calibrator::report(const FilledScales& filled) const {
  Calibrated all = calibrated_tensors(observed_, ranges_, filled, plan_);
  all.samples = statistics_.samples.size();
  all.layers = corrected_.layers;
  all.corrected = corrected_.corrected;
  all.trials = trials_;
  const bool is_auto = config_.calibration->observer.observer == Observer::kAuto;
  all.without_samples = is_auto && trials_.empty() && !options_.statistics_from.empty();
  return all;
}

}  // namespace qprep
