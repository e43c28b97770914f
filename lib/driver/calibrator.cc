#include "driver/calibrator.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>
#include <utility>

#include "driver/auto_method.h"
#include "driver/measure_sensitivity.h"
#include "driver/open_samples.h"
#include "driver/statistics_in_parts.h"
#include "passes/channel_scales.h"
#include "report/page.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

bool are_alike(const std::vector<ChosenRange>& a, const std::vector<ChosenRange>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ChosenRange& x, const ChosenRange& y) {
    return x.taken.range == y.taken.range && x.taken.by == y.taken.by;
  });
}

/// "percentile 99.99"; of several "each tensor's own". Given: some.
std::string words_of_methods(const std::vector<ChosenRange>& ranges) {
  const bool one = std::all_of(ranges.begin(), ranges.end(), [&](const ChosenRange& each) {
    return each.taken.by == ranges.front().taken.by;
  });
  return one ? to_text(ranges.front().taken.by) : "each tensor's own";
}

std::string decibels(double noise) {
  return std::isfinite(noise) ? fmt::format("{:.1f} dB", -10.0 * std::log10(noise)) : "not finite";
}

}  // namespace

Calibrator::Calibrator(OnnxFile& file, const Plan& plan, const Config& config,
                       const std::vector<PreparedInput>& inputs, const PrepareOptions& options,
                       Diagnostics& diagnostics)
    : file_(file),
      plan_(plan),
      config_(config),
      inputs_(inputs),
      options_(options),
      diagnostics_(diagnostics),
      observed_(tensors_to_observe(file.model, plan)),
      search_(search_of(config.calibration->search)),
      named_(methods_by_name(file.model, plan, observed_, *config.calibration, diagnostics)) {
  diagnostics.throw_if_error();
}

void Calibrator::observe(const std::vector<std::string>& results) {
  const CalibrationConfig& calibration = *config_.calibration;
  Wanted wanted = wanted_for(calibration, observed_, plan_);
  const bool from_file = !options_.statistics_from.empty();
  // What is kept of a file is what it has.
  if (from_file) wanted.channels_of_samples = averages_channels(calibration, observed_);
  statistics_ =
      from_file ? fitting_statistics(options_.statistics_from, file_, observed_, calibration, inputs_, wanted)
                : run_calibration(file_, observed_, calibration, wanted, inputs_, options_, diagnostics_);
  ranges_ = choose_ranges(observed_, statistics_, plan_, calibration, named_,
                          is_auto() ? observer_without_samples() : calibration.observer);
  check_samples_give_scales();
  warn_of_what_is_cut_off();
  if (from_file) {
    remark_on_statistics_alone();
    return;
  }
  const bool measures = calibration.sensitivity && calibration.sensitivity->value;
  const bool tries = !results.empty() && (is_auto() || measures || calibration.compares());
  if (!tries && !(calibration.weight_rounding && calibration.weight_rounding->value)) return;
  Diagnostics said;  // when they were run
  samples_ = open_samples(file_.model, calibration, inputs_, said);
  if (tries) trials_.emplace(file_, *samples_, results, calibration.state, options_);
}

/// What the configuration asks for and only samples can give.
void Calibrator::remark_on_statistics_alone() const {
  const CalibrationConfig& calibration = *config_.calibration;
  if (!statistics_.shards.all()) {
    diagnostics_.warning(
        codes::kBadStatistics,
        fmt::format("these are statistics of {} only ({}): scales know nothing of the other "
                    "samples; merge all shards with qprep stats merge",
                    to_text(statistics_.shards), counted(statistics_.samples.size(), "sample", "samples")),
        {options_.statistics_from});
  }
  if (is_auto()) {
    diagnostics_.note(
        codes::kChosenMethod,
        fmt::format("method auto has statistics without samples to compare methods with, and takes {}",
                    to_text(observer_without_samples())),
        calibration.where);
  }
  const auto remark = [this](std::string_view key, const Where& where) {
    diagnostics_.warning(
        codes::kNoEffect,
        fmt::format("'calibration.{}' runs samples, of which --stats has only the statistics", key), where);
  };
  if (calibration.sensitivity && calibration.sensitivity->value)
    remark("sensitivity", calibration.sensitivity->where);
  if (calibration.weight_rounding && calibration.weight_rounding->value)
    remark("weight_rounding", calibration.weight_rounding->where);
  if (calibration.search) remark("search", calibration.search->where);
}

void Calibrator::observe_all() {
  const Wanted wanted{.histogram = true, .channels = true, .channels_of_samples = true};
  const CalibrationConfig& calibration = *config_.calibration;
  if (!options_.statistics->resume) {
    statistics_ = run_calibration(file_, observed_, calibration, wanted, inputs_, options_, diagnostics_);
    return;
  }
  Diagnostics of_samples;  // said by the parts
  const SampleSet samples = open_samples(file_.model, calibration, inputs_, of_samples);
  std::size_t seen = 0;  // samples of finished parts
  std::set<std::string> said;
  const auto collect = [&](std::size_t part, std::size_t parts) {
    PrepareOptions options = options_;
    options.statistics->shard = part;
    options.statistics->shards = parts;
    if (options_.progress) {
      options.progress = [&](std::string_view doing, std::size_t done, std::size_t) {
        options_.progress(doing, seen + done, samples.size());
      };
    }
    Diagnostics of_part;
    Statistics collected = run_calibration(file_, observed_, calibration, wanted, inputs_, options, of_part);
    seen += collected.samples.size();
    for (const Diagnostic& each : of_part.all()) {
      if (said.insert(each.message).second) diagnostics_.add(each);
    }
    return collected;
  };
  const auto read = [&](const std::filesystem::path& file) {
    Statistics found = fitting_statistics(file.string(), file_, observed_, calibration, inputs_, wanted);
    seen += found.samples.size();
    return found;
  };
  StatisticsOfParts made =
      statistics_in_parts(options_.statistics->file, samples, {collect, read}, diagnostics_);
  statistics_ = std::move(made.statistics);
  parts_ = made.parts;
  parts_found_ = made.found;
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
    std::string because = no_scale_because(ranges_[i].taken.range, range_of(precision), ranges_[i].seen);
    if (because.empty()) return;
    if (!first) why = std::move(because);
    if (!first) first = &tensor;
  }
  if (!first) return;
  throw Fatal(codes::kNoScales,
              fmt::format("the samples give no tensor a scale; of '{}': {}", first->name, why),
              {config_.calibration->data});
}

/// Ends that a configuration gives (clip, pact) and that are far from what samples gave.
void Calibrator::warn_of_what_is_cut_off() const {
  constexpr float kLittle = 0.25F;
  std::vector<std::size_t> cut;
  for (std::size_t i = 0; i < observed_.size(); ++i) {
    const ObservedRange& taken = ranges_[i].taken;
    const bool has_given_ends = taken.by.observer == Observer::kClip || taken.by.observer == Observer::kPact;
    if (has_given_ends && taken.range.magnitude() < kLittle * ranges_[i].seen.magnitude()) cut.push_back(i);
  }
  if (cut.empty()) return;
  const auto& [seen, taken, channels] = ranges_[cut.front()];
  diagnostics_.warning(
      codes::kOddRange,
      fmt::format("{} covers {} to {} of the range {} to {} of tensor '{}'{}", to_text(taken.by),
                  taken.range.min, taken.range.max, seen.min, seen.max, observed_[cut.front()].name,
                  cut.size() > 1 ? fmt::format(", and less than a quarter of {} more", cut.size() - 1) : ""),
      config_.calibration->where);
}

void Calibrator::fill_constants() {
  constants_ = fill_scales(file_.model, seen_ranges().of_scales, diagnostics_, FillWhich::kConstants);
}

void Calibrator::round_weights_as_asked() {
  const auto& wanted = config_.calibration->weight_rounding;
  if (samples_ && wanted && wanted->value) round_weights();
}

void Calibrator::round_weights() {
  const CalibrationConfig& asked = *config_.calibration;
  const std::optional<std::uint64_t> memory =
      asked.memory ? std::optional(asked.memory->value) : std::nullopt;
  rounded_ = qprep::round_weights(file_, *samples_, asked.state, memory, options_);
}

bool Calibrator::rounds_weights_for_results() const {
  if (!is_auto() || !compared() || config_.calibration->weight_rounding) return false;
  return weights_alone_ >= kWeightsMatter * best_trial().figures.noise;
}

void Calibrator::round_weights_for_results() {
  if (!biases_stay_) corrected_.exchange();
  corrected_.forget();
  biases_stay_ = false;
  round_weights();
  correct_biases();
}

void Calibrator::correct_biases() {
  if (!config_.calibration->corrects_biases()) return;
  corrected_ = qprep::correct_biases(*file_.model.graph, means_of(observed_, statistics_), rounded_.shifts);
}

double Calibrator::elements_of_a_sample() const {
  double elements = 0;
  for (const TensorStatistics& tensor : statistics_.tensors)
    elements += static_cast<double>(tensor.range().finite);
  return elements / static_cast<double>(statistics_.samples.size());
}

/// As many as comparing observers can run; of one method, enough for a figure.
std::size_t Calibrator::compared_samples() const {
  constexpr std::size_t kOfOne = 16;
  return is_auto() ? trials_->affordable(elements_of_a_sample(), search_.observers.size(), 8, 64)
                   : trials_->affordable(elements_of_a_sample(), 1, 8, kOfOne);
}

SimulatedTensors Calibrator::simulated(const std::vector<ChosenRange>& ranges) const {
  SimulatedTensors all;
  for (std::size_t i = 0; i < observed_.size(); ++i)
    all.emplace(observed_[i].value, SimulatedAs{ranges[i].taken.range, ranges[i].channels});
  return all;
}

void Calibrator::compare_methods() {
  trials_->load_quantised();
  if (!is_auto()) {
    if (config_.calibration->compares()) compare_chosen();
    return;
  }
  compare_observers();
  if (compared() && may_leave_biases()) compare_biases();
}

MethodTrial Calibrator::trial(std::string method, const ResultFigures& figures) const {
  return {.method = std::move(method),
          .figures = figures,
          .samples = compared_samples(),
          .per_channel = has_channel_scales(plan_)};
}

/// What method auto takes where it cannot compare.
ObserverSpec Calibrator::observer_without_samples() const {
  const bool has_mse = std::ranges::find(search_.observers, Observer::kMse, &ObserverSpec::observer) !=
                       search_.observers.end();
  return has_mse ? ObserverSpec{.observer = Observer::kMse} : search_.observers.front();
}

void Calibrator::compare_observers() {
  std::vector<std::vector<ChosenRange>> ranges;
  std::vector<SimulatedTensors> candidates;
  for (const ObserverSpec& observer : search_.observers) {
    ranges.push_back(choose_ranges(observed_, statistics_, plan_, *config_.calibration, named_, observer));
    candidates.push_back(simulated(ranges.back()));
  }
  candidates.emplace_back();
  const std::vector<ResultFigures> figures =
      trials_->compare(candidates, compared_samples(), QuantisedTrials::Against::kFloat, "comparing methods");
  weights_alone_ = figures.back().noise;
  methods_.clear();
  results_ = trials_->results();
  const std::string instead = to_text(observer_without_samples());
  if (!can_compare(figures.front(), fmt::format("methods cannot be compared, and {} is taken", instead)))
    return;
  if (std::all_of(ranges.begin() + 1, ranges.end(),
                  [&](const auto& each) { return are_alike(each, ranges.front()); })) {
    methods_.push_back(trial(words_of_chosen(ranges.front()), figures.front()));
    ranges_ = std::move(ranges.front());
    return;
  }
  for (std::size_t i = 0; i < search_.observers.size(); ++i)
    methods_.push_back(trial(to_text(search_.observers[i]), figures[i]));
  ranges_ = std::move(ranges[best_of(methods_, search_.metric)]);
}

/// Of these ranges, which are those of one method unless tensors have their own.
std::string Calibrator::words_of_chosen(const std::vector<ChosenRange>& ranges) const {
  if (ranges.empty()) return carries_scales(file_.model) ? "the scales that the model has" : "weights alone";
  const ObserverSpec& usual = config_.calibration->observer;
  if (!is_auto() && !have_own_methods(observed_, plan_, named_)) return to_text(usual);
  return words_of_methods(ranges);
}

void Calibrator::compare_chosen() {
  const std::vector<SimulatedTensors> candidates = {simulated(ranges_)};
  const ResultFigures figures =
      trials_->compare(candidates, compared_samples(), QuantisedTrials::Against::kFloat, "comparing results")
          .front();
  results_ = trials_->results();
  if (can_compare(figures, "there is nothing to compare"))
    methods_ = {trial(words_of_chosen(ranges_), figures)};
}

bool Calibrator::can_compare(const ResultFigures& figures, std::string_view so) const {
  if (figures.results > 0) return true;
  diagnostics_.warning(codes::kBadSample,
                       fmt::format("the float model's results ('{}') have no finite element, so {}",
                                   join(results_, "', '"), so),
                       {config_.calibration->data});
  return false;
}

const MethodTrial& Calibrator::best_trial() const { return methods_[best_of(methods_, search_.metric)]; }

bool Calibrator::may_leave_biases() const {
  return !config_.calibration->bias_correction && !corrected_.changes.empty();
}

/// With the best observer.
void Calibrator::compare_biases() {
  corrected_.exchange();
  trials_->load_quantised();
  const std::vector<SimulatedTensors> candidates = {simulated(ranges_), {}};
  const std::vector<ResultFigures> figures =
      trials_->compare(candidates, compared_samples(), QuantisedTrials::Against::kFloat, "comparing biases");
  MethodTrial trial = best_trial();
  trial.corrects_biases = false;
  biases_stay_ = figures.front().distance(search_.metric) < trial.figures.distance(search_.metric);
  trial.figures = figures.front();
  methods_.push_back(std::move(trial));
  if (biases_stay_) {
    weights_alone_ = figures.back().noise;
  } else {
    corrected_.exchange();
    trials_->load_quantised();
  }
}

bool Calibrator::reaches_similarity() const {
  return compared() && search_.similarity && best_trial().figures.cosine >= *search_.similarity;
}

/// Methods were compared whose ranges are the same for every tensor.
void Calibrator::remark_on_idle_search() const {
  const auto& search = config_.calibration->search;
  const auto rows = std::ranges::count(methods_, true, &MethodTrial::corrects_biases);
  if (!search || search_.observers.size() < 2 || rows != 1) return;
  diagnostics_.warning(
      codes::kNoEffect,
      "'calibration.search' decides nothing: the configuration or the model gives every tensor "
      "its method",
      search->where);
}

void Calibrator::remark_on_similarity() const {
  if (!compared() || reaches_similarity()) return;
  const ResultFigures& best = best_trial().figures;
  if (!search_.similarity && best.noise < kFarOff) return;
  const std::string what =
      search_.similarity
          ? fmt::format(
                "no method makes results as near to the float model's as a cosine similarity of {}; {} "
                "comes nearest with {:.6f}",
                *search_.similarity, best_trial().method, best.cosine)
          : fmt::format(
                "the quantised model's results are far from the float model's: cosine similarity {:.6f}, "
                "signal to error {}",
                best.cosine, decibels(best.noise));
  diagnostics_.warning(
      codes::kLowSimilarity,
      what + (sensitivity_.any() ? "; the check result says which tensors cost the most"
              : could_measure()  ? "; 'calibration.sensitivity: true' finds the tensors that cost the most"
                                 : ""),
      is_auto() ? search_.where : config_.calibration->where);
}

bool Calibrator::is_far() const {
  return compared() &&
         (best_trial().figures.noise >= kWorthMeasuring || (search_.similarity && !reaches_similarity()));
}

/// The user would have to ask for it, and has not said that he does not want it.
bool Calibrator::could_measure() const {
  return is_far() && !is_auto() && config_.written_for.empty() && !config_.calibration->sensitivity;
}

void Calibrator::measure_sensitivity() {
  const auto& wanted = config_.calibration->sensitivity;
  const bool asks_itself = is_auto() || !config_.written_for.empty();
  const bool measures = (wanted ? wanted->value : asks_itself && is_far()) && (!is_auto() || compared());
  if (measures) {
    const std::vector<ChosenRange> wide =
        choose_ranges(observed_, statistics_, plan_, *config_.calibration, named_,
                      config_.calibration->observer, Precision::kInt16);
    sensitivity_ =
        qprep::measure_sensitivity(*trials_, observed_, ranges_, wide, plan_, elements_of_a_sample());
    for (const Setting& setting : config_.setters) {
      if (!setting.of_table || setting.slot != Slot::kOutput || !setting.says_precision()) continue;
      sensitivity_.raised.push_back(setting.selector.text);
      sensitivity_.raised_to_float = setting.precision() == Precision::kFloat32;
    }
    if (!sensitivity_.any() && wanted) {
      diagnostics_.note(codes::kNoEffect,
                        "'calibration.sensitivity' measures activations of 8 bits, of which there are none",
                        wanted->where);
    }
  }
  remark_on_idle_search();
  remark_on_similarity();
  trials_.reset();
}

NumericRisks::SeenRanges Calibrator::seen_ranges() const {
  NumericRisks::SeenRanges seen;
  for (std::size_t i = 0; i < observed_.size(); ++i) {
    seen.own.emplace(observed_[i].value, ranges_[i].seen);
    seen.of_scales.emplace(observed_[i].value, ranges_[i].taken.range);
    if (!ranges_[i].channels.empty()) seen.of_channels.emplace(observed_[i].value, ranges_[i].channels);
  }
  return seen;
}

/// Of constants, those that stay float; the count is that of what samples calibrated.
FilledScales Calibrator::fill() {
  biases_stay_ ? corrected_.forget() : corrected_.settle(diagnostics_);
  const NumericRisks::SeenRanges seen = seen_ranges();
  FilledScales filled =
      fill_scales(file_.model, seen.of_scales, diagnostics_, FillWhich::kOthers, seen.of_channels, seen.own);
  filled.left_float.insert(filled.left_float.begin(), constants_.left_float.begin(),
                           constants_.left_float.end());
  return filled;
}

Calibrated Calibrator::report(const FilledScales& filled) const {
  Calibrated all = calibrated_tensors(observed_, ranges_, filled, plan_);
  all.samples = statistics_.samples.size();
  all.layers = corrected_.layers;
  for (const std::string& layer : corrected_.corrected) {
    if (biases_stay_) {
      all.not_corrected.push_back(
          {layer, "results are nearer to the float model's with biases as they were"});
    } else {
      all.corrected.push_back(layer);
    }
  }
  for (const auto& [layer, because] : corrected_.left_alone) all.not_corrected.push_back({layer, because});
  all.rounded = rounded_.layers;
  all.trials = methods_;
  all.trials.insert(all.trials.end(), others_.begin(), others_.end());
  all.metric = search_.metric;
  all.searched = is_auto();
  all.could_measure = could_measure();
  all.in_integers = config_.dialect.value == Dialect::kQdq || config_.form.value != Form::kQat;
  all.results = results_;
  if (is_auto() && !options_.statistics_from.empty())
    all.without_samples = to_text(observer_without_samples());
  return all;
}

}  // namespace qprep
