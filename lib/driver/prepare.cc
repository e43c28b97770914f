#include "driver/prepare.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <future>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "config/config.h"
#include "driver/auto_method.h"
#include "driver/calibration.h"
#include "driver/calibrator.h"
#include "driver/configured_model.h"
#include "driver/confirm_remedies.h"
#include "driver/count_plan.h"
#include "driver/fix_sizes.h"
#include "driver/newer_opset.h"
#include "driver/opset_bound.h"
#include "driver/output_folder.h"
#include "driver/own_keys.h"
#include "driver/pass_watch.h"
#include "driver/read_model.h"
#include "driver/results_to_compare.h"
#include "driver/rewrite_model.h"
#include "driver/rules.h"
#include "driver/runtime_warnings.h"
#include "driver/segments_picture.h"
#include "driver/sensitivity_advice.h"
#include "driver/small_segments.h"
#include "driver/statistics_in_parts.h"
#include "driver/whole_on_bpu.h"
#include "ir/name_of.h"
#include "ir/walk.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "opset/raise_opset.h"
#include "passes/channel_scales.h"
#include "passes/fill_scales.h"
#include "passes/kept_batch_norms.h"
#include "passes/lower_fixed_point.h"
#include "passes/lower_qdq.h"
#include "passes/modernise.h"
#include "passes/pipeline.h"
#include "plan/listed.h"
#include "quant/fake_quant.h"
#include "report/changelog.h"
#include "report/devices.h"
#include "report/report.h"
#include "statistics/statistics_file.h"
#include "support/atomic_file.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::string_view kRaise = "raise-opset";
constexpr std::string_view kRaiseForModern = "raise-opset-for-modern";
constexpr std::string_view kModernise = "modernise";
constexpr std::string_view kRaiseForQdq = "raise-opset-for-qdq";
constexpr std::string_view kFillScales = "fill-scales";
constexpr std::string_view kFillConstants = "fill-constants";
constexpr std::string_view kRoundWeights = "round-weights";
constexpr std::string_view kCorrectBiases = "correct-biases";
constexpr std::string_view kLowerQdq = "lower-qdq";
constexpr std::string_view kLowerFixedPoint = "lower-fixed-point";

/// Where `calibration.search.per_channel` asks for a second run with scales for channels: which of them it
/// is.
struct ChannelSearch {
  bool per_channel = false;
  bool compares_only = false;            // nothing is written
  std::vector<MethodTrial> others = {};  // of the run before
};

/// One run. Each step returns false where the user wants it to stop.
class Preparation {
 public:
  Preparation(const PrepareOptions& options, Diagnostics& diagnostics, ChannelSearch channels)
      : options_(options),
        diagnostics_(diagnostics),
        channels_(std::move(channels)),
        watch_(options.dump_after, options.stop_after) {}

  PrepareResult run() {
    read();
    const bool whole = rewrite() && decide();
    if (whole && options_.statistics) {
      collect_statistics();
    } else if (whole && calibrate() && act()) {
      lower();
    }
    if (prefers_channels_) return {};
    finish();
    return std::move(result_);
  }
  /// run() found that results are nearer with scales for channels, and wrote nothing but the form for
  /// training.
  bool prefers_channels() const { return prefers_channels_; }
  /// The methods; empty: none was compared, or no tensor can have a scale for each channel.
  std::vector<MethodTrial> trials_with_channels() {
    read();
    if (!rewrite() || !decide() || !has_channel_scales(plan_) || !calibrate() || !act()) return {};
    return calibrator_->trials();
  }
  const std::optional<Calibrator>& calibrator() const { return calibrator_; }

 private:
  void read();
  void check_samples_are_named() const;
  bool rewrite() {
    Env env = rules_.env_for(config_, diagnostics_);
    return rewrite_model(file_, plan_, env, watch_.observer());
  }
  bool decide();
  bool calibrate();
  void collect_statistics();
  void keep(const Statistics& statistics, const std::filesystem::path& file);
  bool act();
  void compare_methods();
  void compare_with_channels();
  bool modernise_composites();
  bool lower();
  bool lower_to_vendor();
  void finish();

  bool run_kind(PassKind kind, const PassObserver& observer, Diagnostics& diagnostics) {
    Env env = rules_.env_for(config_, diagnostics);
    return run_passes(model(), plan_, pipeline(kind), env, observer);
  }
  bool raise(std::string_view step, std::int64_t opset, std::vector<PutIn>* put_in = nullptr);
  void check_scales_are_there() const;
  void begin_check_result();
  void report_uncalibrated(const FilledScales& filled);
  void note_change(const Value& value, const std::string& name, const std::string& because);
  void write_model(std::string_view suffix);
  void write_for_training(std::string_view suffix);
  void write_report();
  void say(std::string_view doing) const {
    if (options_.progress) options_.progress(doing, 0, 0);
  }

  std::string prefix() const { return config_.prefix ? config_.prefix->value : model_file_.stem().string(); }
  std::string sensitivity_file() const { return prefix() + "_sensitivity.csv"; }
  /// Relative to its folder.
  std::filesystem::path as_configuration_names(const std::filesystem::path& file) const {
    const auto normal = [](const std::filesystem::path& path) {
      return std::filesystem::absolute(path).lexically_normal();
    };
    return normal(file).lexically_proximate(normal(options_.config).parent_path());
  }
  Model& model() { return file_.model; }
  const Model& model() const { return file_.model; }
  bool wants_qat() const { return config_.form.value != Form::kFixedPoint; }
  bool wants_fixed_point() const { return config_.form.value != Form::kQat; }

  const PrepareOptions& options_;
  Diagnostics& diagnostics_;
  ChannelSearch channels_;
  bool prefers_channels_ = false;
  PassWatch watch_;
  Config config_;
  Rules rules_;
  std::filesystem::path model_file_, out_;
  OnnxFile file_;
  std::vector<PreparedInput> inputs_;  // those with a preprocessing
  Plan plan_;
  Report report_;
  std::optional<NumericRisks> risks_;  // where samples will tell more of them
  std::vector<Change> changes_;
  std::future<CheckResult> check_result_;  // made while the model is rewritten; reads the report
  bool had_scales_ = false;                // the input model states scales of activations
  std::optional<SegmentsPicture> picture_;
  std::optional<OutputFolder> folder_;
  std::optional<Calibrator> calibrator_;
  PrepareResult result_;
};

void Preparation::read() {
  if (options_.statistics) check_target(options_.statistics->file);
  if (!options_.config.empty()) config_ = read_config(options_.config);
  for (const Diagnostic& remark : config_.remarks) diagnostics_.add(remark);
  if (!options_.statistics_from.empty() && !config_.calibration) config_.calibration.emplace();
  if (channels_.per_channel) ask_for_channels(config_);
  check_samples_are_named();
  if (!config_.not_yet.empty()) throw Fatal(config_.not_yet);
  model_file_ = model_file(config_, options_.model);
  out_ = !options_.folder.empty() ? options_.folder
         : config_.folder         ? std::filesystem::path(config_.folder->value)
                                  : ".";
  rules_ = Rules::read(options_.configs, config_);
  rules_.remark_on_march(config_, diagnostics_);

  say("reading");
  watch_.timed("read", [&] { file_ = read_model(model_file_, diagnostics_); });
  fix_sizes(model(), config_.dims, false, diagnostics_);
  watch_.timed("infer-shapes", [&] { infer_shapes(file_, diagnostics_); });
  inputs_ = configure_model(config_, file_, rules_.op_classes, diagnostics_);
  result_.model = model_file_.filename().string();
  result_.bytes_read = size_as_read(file_);
  if (!config_.march.where.file.empty()) result_.march = march_name_of(config_.march.value);
  result_.opset_before = result_.opset_after = model().opset();
  had_scales_ = carries_scales(model());
}

void Preparation::check_samples_are_named() const {
  if (config_.calibration && !config_.calibration->data.empty()) return;
  if (options_.statistics) {
    throw Fatal(codes::kMissingKey, "statistics are of samples: name their folder as 'calibration.data'",
                {options_.config});
  }
  if (config_.calibration && options_.statistics_from.empty()) {
    throw Fatal(
        codes::kMissingKey,
        "'calibration' has no 'data': name the folder of samples, give statistics of them with --stats, or "
        "leave 'calibration' out",
        config_.calibration->where);
  }
}

/// The deciding passes see the graph that the acting ones change: where an inserted operator needs a newer
/// operator set, they run once to find that out, and once more on the raised graph.
bool Preparation::decide() {
  say("deciding");
  check_method(config_, model(), rules_.op_classes, diagnostics_);
  diagnostics_.throw_if_error();
  if (model().opset() < kFakeQuantizeOpset) {
    Diagnostics trial;
    run_kind(PassKind::kDecide, {}, trial);
    if (needs_newer_opset(config_, model(), plan_)) {
      if (!raise(kRaise, kFakeQuantizeOpset)) return false;
      infer_shapes(file_, trial);
    }
    plan_ = Plan{};
  }
  move_small_segments(config_, rules_, model());
  const bool whole = run_kind(PassKind::kDecide, watch_.observer(), diagnostics_);
  if (whole) check_wanted_devices(config_, model(), plan_, diagnostics_);
  if (whole) check_whole_on_bpu(config_, model(), plan_, diagnostics_);
  diagnostics_.throw_if_error();
  if (!whole) return false;
  check_scales_are_there();
  confirm_remedies(model_file_, options_.config, options_.configs, {}, model(), plan_);
  say_in_own_keys(config_, plan_);
  // Before threads make the report: where Graphviz' memory lies decides the order in which it writes.
  const bool draws =
      options_.picture && options_.stop_after.empty() && !options_.statistics && !channels_.compares_only;
  if (draws && !result_.march.empty())
    watch_.timed("draw-segments", [&] { picture_.emplace(model(), plan_, result_.model, result_.march); });
  report_ = build_report(model(), plan_, result_.model, result_.march, {}, rules_.table());
  say_in_own_keys(config_, report_.sizes_remedy);
  report_.seeks_blocks = !config_.fusing.eager;
  if (config_.calibration) risks_.emplace(model(), plan_, rules_.table());
  changes_ = changes_of(model(), plan_);
  if (!config_.calibration) begin_check_result();
  count_plan(plan_, report_, rules_.composites, result_);
  result_.decided = true;
  return true;
}

/// Given: nothing changes the report's nodes any more.
void Preparation::begin_check_result() {
  if (!options_.stop_after.empty()) return;
  check_result_ = std::async(std::launch::async, [this] { return check_result_of_plan(report_); });
}

bool Preparation::raise(std::string_view step, std::int64_t opset, std::vector<PutIn>* put_in) {
  if (model().opset() >= opset) return true;
  return watch_.step(step, model(), [&] { raise_to(opset, model(), diagnostics_, put_in); });
}

void Preparation::check_scales_are_there() const {
  const bool needs = config_.loads_scales || (wants_fixed_point() && !config_.calibration);
  if (!needs || had_scales_) return;
  const std::vector<Observed> waiting = tensors_to_observe(model(), plan_);
  if (std::all_of(waiting.begin(), waiting.end(),
                  [](const Observed& tensor) { return constant_of(*tensor.value) != nullptr; })) {
    return;
  }
  if (config_.loads_scales) {
    throw Fatal(codes::kNoScales,
                fmt::format("'calibration_type' load keeps the scales that the model carries, and {} carries "
                            "none; max, kl, mix and default find them with the samples of 'cal_data_dir'",
                            result_.model),
                *config_.loads_scales);
  }
  throw Fatal(
      codes::kNoScales,
      fmt::format("output.form '{}' needs scales, and {} carries none; give calibration.data a folder of "
                  "samples, or set activations.dtype to float",
                  to_text(config_.form.value), result_.model),
      config_.form.where);
}

bool Preparation::calibrate() {
  if (!options_.stop_after.empty() && find_pass(options_.stop_after) != nullptr) return true;
  if (!channels_.compares_only) folder_.emplace(out_);
  if (!config_.calibration) return true;
  calibrator_.emplace(file_, plan_, config_, inputs_, options_, diagnostics_);
  say("calibrating");
  watch_.timed("calibrate", [&] {
    const bool keeps =
        config_.calibration->keep && options_.statistics_from.empty() && !channels_.compares_only;
    const std::filesystem::path kept = out_ / (prefix() + ".qcal");
    if (keeps) check_target(kept);
    calibrator_->observe(results_to_compare(model(), report_, config_.calibration->state));
    result_.samples = calibrator_->statistics().samples.size();
    if (keeps) keep(calibrator_->statistics(), kept);
  });
  return true;
}

/// Instead of everything else that would be written.
void Preparation::collect_statistics() {
  calibrator_.emplace(file_, plan_, config_, inputs_, options_, diagnostics_);
  say("calibrating");
  watch_.timed("calibrate", [&] {
    calibrator_->observe_all();
    result_.samples = calibrator_->statistics().samples.size();
    keep(calibrator_->statistics(), options_.statistics->file);
    result_.parts = calibrator_->parts();
    result_.parts_found = calibrator_->parts_found();
    if (options_.statistics->resume) remove_parts(options_.statistics->file, result_.samples);
  });
}

void Preparation::keep(const Statistics& statistics, const std::filesystem::path& file) {
  write_statistics(statistics, file);
  result_.files.push_back({file, std::filesystem::file_size(file)});
}

/// Where composite operators become ONNX's own, after everything was decided and inserted: that changes
/// nothing of it.
bool Preparation::modernise_composites() {
  if (config_.rewrite.value == CompositeForm::kKeep) return true;
  Env env = rules_.env(diagnostics_, {});
  const OpsetBound bound = opset_bound(config_, rules_, model(), model_file_);
  std::vector<PutIn> put_in;
  if (!raise(kRaiseForModern, opset_for_modern(model(), env, bound.newest), &put_in)) return false;
  return watch_.step(kModernise, model(), [&] {
    std::unordered_map<std::string_view, const std::vector<std::string>*> folded;
    for (const ReportNode& node : report_.nodes) {
      if (!node.absorbed.empty()) folded.emplace(node.name, &node.absorbed);
    }
    for (Modernised& each : modernise(model(), env, bound)) {
      ReportRewritten row{each.name, each.op, each.composite, each.nodes};
      for (const std::string& node : each.nodes) {
        const auto at = folded.find(node);
        if (at != folded.end()) row.folded.insert(row.folded.end(), at->second->begin(), at->second->end());
      }
      report_.rewritten.push_back(std::move(row));
    }
    std::unordered_set<std::string_view> there;
    for (const Node* node : nodes_with_bodies(*model().graph)) there.insert(node->label());
    for (PutIn& each : put_in) {
      if (there.contains(each.label)) {
        report_.put_in.push_back({std::move(each.label), std::move(each.op), std::move(each.made_for)});
      }
    }
  });
}

bool Preparation::act() {
  if (!run_kind(PassKind::kAct, watch_.observer(), diagnostics_)) return false;
  if (!modernise_composites()) return false;
  if (wants_qat() && !channels_.compares_only) write_for_training("qat");
  if (!config_.calibration) return true;
  if (!watch_.step(kFillConstants, model(), [&] { calibrator_->fill_constants(); })) return false;
  if (!watch_.step(kRoundWeights, model(), [&] { calibrator_->round_weights_as_asked(); })) return false;
  if (!watch_.step(kCorrectBiases, model(), [&] { calibrator_->correct_biases(); })) return false;
  if (calibrator_->tries()) {
    compare_methods();
    if (channels_.compares_only) return true;
    compare_with_channels();
    if (prefers_channels_) return false;
    say("measuring sensitivity");
    watch_.timed("measure-sensitivity", [&] { calibrator_->measure_sensitivity(); });
  }
  FilledScales filled;
  if (!watch_.step(kFillScales, model(), [&] { filled = calibrator_->fill(); })) return false;
  result_.calibrated = filled.calibrated;
  result_.uncalibrated = filled.left_float.size();
  const NumericRisks::SeenRanges seen = calibrator_->seen_ranges();
  report_.risks = risks_->found(&seen);
  report_.calibrated = result_.calibration = calibrator_->report(filled);
  report_.sensitivity = result_.sensitivity = calibrator_->sensitivity();
  if (report_.sensitivity.any()) {
    report_.sensitivity_advice =
        advice_of(report_.sensitivity, config_, report_.nodes,
                  as_configuration_names(out_ / sensitivity_file()).generic_string());
  }
  report_uncalibrated(filled);
  begin_check_result();
  return true;
}

void Preparation::compare_methods() {
  say("comparing methods");
  watch_.timed("compare-methods", [&] { calibrator_->compare_methods(); });
  if (!calibrator_->rounds_weights_for_results()) return;
  watch_.timed("round-weights-for-results", [&] { calibrator_->round_weights_for_results(); });
  watch_.timed("compare-methods-again", [&] { calibrator_->compare_methods(); });
}

/// With scales for channels, where the configuration asks for that and the results are not near enough.
void Preparation::compare_with_channels() {
  if (!channels_.others.empty()) return calibrator_->add_trials(channels_.others);
  const std::optional<MethodSearch>& search = config_.calibration->search;
  const bool searches = search && search->per_channel && calibrator_->compared();
  if (!searches || has_channel_scales(plan_) || calibrator_->reaches_similarity()) return;
  watch_.timed("compare-with-channels", [&] {
    Diagnostics unheard;
    Preparation other(options_, unheard, {.per_channel = true, .compares_only = true});
    const std::vector<MethodTrial> there = other.trials_with_channels();
    if (there.empty()) {
      diagnostics_.note(
          codes::kNoEffect,
          "'calibration.search.per_channel' changes nothing: no tensor can have a scale for each channel",
          search->where);
      return;
    }
    prefers_channels_ = there[best_of(there, search->metric)].figures.distance(search->metric) <
                        calibrator_->best_trial().figures.distance(search->metric);
    calibrator_->add_trials(there);
  });
}

/// A tensor that was to be quantised stays float since it has no scale.
void Preparation::note_change(const Value& value, const std::string& name, const std::string& because) {
  const auto planned = plan_.values.find(&value);
  if (planned == plan_.values.end()) return;
  changes_.push_back({value.producer() ? value.producer()->label() : name, "output", name,
                      std::string(to_text(planned->second.spec)), "float32", because,
                      planned->second.because.text});
}

void Preparation::report_uncalibrated(const FilledScales& filled) {
  std::unordered_map<const Value*, std::string> names;
  for (const Observed& tensor : calibrator_->observed()) names.emplace(tensor.value, tensor.name);
  std::unordered_map<const Value*, const std::string*> reasons;
  std::map<std::string, std::string, std::less<>> because;
  for (const auto& [value, why] : filled.left_float) {
    reasons.emplace(value, &why);
    if (const auto planned = plan_.values.find(value); planned != plan_.values.end())
      uncount(result_, planned->second);
    const auto name = names.find(value);
    if (name == names.end()) continue;
    because.emplace(name->second, why);
    note_change(*value, name->second, why);
  }
  for (const auto& [value, root] : plan_.same_as) {
    if (const auto why = reasons.find(root); why != reasons.end())
      because.emplace(value->name(), *why->second);
  }
  leave_float(report_, because);
}

/// The calibrated form alone: the vendor's tools make integers of it.
bool Preparation::lower_to_vendor() {
  if (!raise(kRaiseForQdq, kHorizonOpset)) return false;
  if (!watch_.step(kLowerQdq, model(), [&] { lower_to_horizon(model(), diagnostics_); })) return false;
  diagnostics_.throw_if_error();
  write_model("calibrated");
  return true;
}

/// The forms after the QAT form, each made from the one before.
bool Preparation::lower() {
  const bool has_calibrated_form = wants_qat() && (config_.calibration || had_scales_);
  const bool as_function = config_.dialect.value == Dialect::kFunction;
  if (has_calibrated_form && as_function) write_for_training("calibrated");
  if (!wants_fixed_point() && (as_function || !has_calibrated_form)) return true;

  say("lowering");
  if (config_.dialect.value == Dialect::kHorizon && has_calibrated_form) return lower_to_vendor();
  if (!raise(kRaiseForQdq, opset_for_qdq(model()))) return false;
  if (!watch_.step(kLowerQdq, model(), [&] { lower_qdq(model(), diagnostics_); })) return false;
  diagnostics_.throw_if_error();
  const auto misfits = raise_scales_for_biases(model(), rules_.op_classes, diagnostics_);
  warn_of_runtime(model(), plan_, misfits, result_.model, diagnostics_);
  if (has_calibrated_form && !as_function) write_model("calibrated");
  if (!wants_fixed_point()) return true;

  if (!watch_.step(kLowerFixedPoint, model(),
                   [&] { lower_fixed_point(model(), rules_.op_classes, diagnostics_); }))
    return false;
  write_model("fixed");
  return true;
}

void Preparation::write_model(std::string_view suffix) {
  if (!options_.stop_after.empty()) return;
  const std::filesystem::path path = (out_ / fmt::format("{}_{}.onnx", prefix(), suffix)).lexically_normal();
  say("writing");
  watch_.timed(fmt::format("write-{}", suffix), [&] {
    const Written written = write_onnx(
        file_, path, {.durable = options_.durable, .allow_overwrite_input = options_.overwrite_input});
    for (const std::filesystem::path& file : written.files) {
      result_.files.push_back({file, std::filesystem::file_size(file)});
    }
  });
  result_.opset_after = model().opset();
}

/// With the batch norms that the configuration keeps.
void Preparation::write_for_training(std::string_view suffix) {
  if (!options_.stop_after.empty()) return;
  BatchNormsPutIn put_in = put_in_batch_norms(model());
  write_model(suffix);
  take_out_batch_norms(model(), std::move(put_in));
}

void Preparation::write_report() {
  report_.diagnostics = diagnostics_.all();
  const auto write = [&](const std::string& name, const std::string& text) {
    const std::filesystem::path path = (out_ / name).lexically_normal();
    write_file_atomically(path, text, options_.durable);
    result_.files.push_back({path, text.size()});
  };
  watch_.timed("report", [&] {
    CheckResult result = check_result_.get();
    complete(result, report_);
    write("model_check_result.txt", result.text);
    write("model_check_result.json", result.json);
    write(prefix() + "_qconfig_changelog.txt", changelog_text(changes_));
    if (report_.sensitivity.any()) write(sensitivity_file(), to_csv(report_.sensitivity));
    if (!result_.march.empty()) write("deploy_device.txt", deploy_devices(report_));
  });
  if (!picture_) return;
  say("drawing");
  watch_.timed("write-segments", [&] {
    // What it has to say depends on the machine, so it is no part of the check result.
    for (std::filesystem::path& file : picture_->write(out_, prefix(), options_.durable, diagnostics_)) {
      const std::uintmax_t bytes = std::filesystem::file_size(file);
      result_.files.push_back({std::move(file), bytes});
    }
  });
}

void Preparation::finish() {
  const auto says_so = [](const Diagnostic& each) { return each.code == codes::kNothingQuantised; };
  if (result_.decided && plan_.values.empty() && plan_.carried.empty() &&
      std::none_of(diagnostics_.all().begin(), diagnostics_.all().end(), says_so)) {
    diagnostics_.warning(codes::kNothingQuantised,
                         "nothing is quantised; the check result says why, node by node");
  }
  for (const std::string& pass : watch_.missed()) {
    if (pass == options_.stop_after) {
      throw Fatal(codes::kPassNotRun, fmt::format("pass {} does not run with this configuration, so nothing "
                                                  "can stop after it",
                                                  pass));
    }
    diagnostics_.warning(codes::kPassNotRun,
                         fmt::format("pass {} does not run with this configuration", pass));
  }
  diagnostics_.throw_if_error();
  result_.stopped_after = options_.stop_after;
  if (options_.stop_after.empty() && !options_.statistics) write_report();
  result_.dump = watch_.dump();
  result_.passes = watch_.times();
}

}  // namespace

std::vector<std::string> pass_names() {
  std::vector<std::string> names;
  const auto add = [&](PassKind kind) {
    for (const Pass& pass : pipeline(kind)) names.emplace_back(pass.name);
  };
  add(PassKind::kRewrite);
  names.emplace_back(kRaise);
  add(PassKind::kDecide);
  add(PassKind::kAct);
  for (const auto name : {kRaiseForModern, kModernise, kFillConstants, kRoundWeights, kCorrectBiases,
                          kFillScales, kRaiseForQdq, kLowerQdq, kLowerFixedPoint})
    names.emplace_back(name);
  return names;
}

PrepareResult prepare(const PrepareOptions& options, Diagnostics& diagnostics) {
  const auto start = std::chrono::steady_clock::now();
  const Diagnostics before = diagnostics;
  auto preparation = std::make_shared<Preparation>(options, diagnostics, ChannelSearch{});
  PrepareResult result = preparation->run();
  if (preparation->prefers_channels()) {
    ChannelSearch channels{.per_channel = true, .others = preparation->calibrator()->trials()};
    preparation.reset();
    diagnostics = before;
    preparation = std::make_shared<Preparation>(options, diagnostics, std::move(channels));
    result = preparation->run();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.work = preparation;
  return result;
}

}  // namespace qprep
