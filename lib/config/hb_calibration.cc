#include "config/hb_calibration.h"

#include <filesystem>
#include <utility>

#include "config/quote.h"

namespace qprep {
namespace {

constexpr std::string_view kGroup = "calibration_parameters";

/// What calibration_type default searches through, as the logs of hb_mapper 1.24 print it: max, max at the
/// percentile 0.99995 and kl, by the cosine similarity of the model's outputs.
MethodSearch search_of_default(const Where& where) {
  return {.observers = {{.observer = Observer::kMinMax},
                        {.observer = Observer::kPercentile, .percentile = 99.995},
                        {.observer = Observer::kKl, .bins = 1024}},
          .metric = ResultMetric::kCosineSimilarity,
          .similarity = 0.995,
          .per_channel = true,
          .where = where};
}

class Reader {
 public:
  Reader(const HbFile& file, const HmctCalibration& in_detail, const Findings& findings, Config& config)
      : file_(file), in_detail_(in_detail), findings_(findings), config_(config) {}

  void read() {
    read_per_channel();
    const HbValue* type = file_.find(kGroup, "calibration_type");
    const std::string method = type ? type->text : "";
    read_percentile(method);
    if (method == "load") config_.loads_scales = type->where;
    if (method == "skip" || !read_folders(method)) return without_data(method, type);
    config_.dialect = {Dialect::kQdq, {}};
    config_.form = {Form::kBoth, {}};
    read_method(method, type);
    config_.calibration->observer = observer_;
    apply(in_detail_, *config_.calibration);
  }

 private:
  /// Of the activations.
  void read_per_channel() {
    const HbValue* value = file_.find(kGroup, "per_channel");
    if (!value || !value->flag) return;
    const HbValue* type = file_.find(kGroup, "calibration_type");
    if (type && type->text == "default") {
      findings_.remarks.note(
          codes::kChosenMethod,
          "'calibration_parameters.per_channel' has no effect with 'calibration_type' default", value->where);
      return;
    }
    Setting setting;
    setting.says = PerChannel{true};
    setting.where = value->where;
    setting.what = "calibration_parameters.per_channel";
    config_.usual_aspects.push_back(std::move(setting));
  }

  void read_percentile(const std::string& method) {
    const HbValue* value = file_.find(kGroup, "max_percentile");
    if (!value) return;
    if (method != "max") {
      if (file_.gives(kGroup, "calibration_type") && method.empty()) return;
      return findings_.wrong(
          fmt::format("'calibration_parameters.max_percentile' is for 'calibration_type' max{}",
                      method.empty() ? "" : ", not " + method),
          value->where);
    }
    if (value->number >= 1) return;
    observer_ = {.observer = Observer::kPercentile, .percentile = 100.0 * value->number};
  }

  void read_method(const std::string& method, const HbValue* type) {
    if (method == "kl") observer_ = {.observer = Observer::kKl};
    if (method == "max" && observer_.observer != Observer::kPercentile)
      observer_ = {.observer = Observer::kMinMax};
    if (method == "load") {
      findings_.remarks.note(codes::kChosenMethod,
                             "'calibration_type' load: the scales that the model carries stay; tensors "
                             "without one of their own are calibrated, with auto",
                             type->where);
    }
    if (method == "mix") {
      observer_ = {.observer = Observer::kMix};
      findings_.remarks.note(
          codes::kChosenMethod,
          "what hb_mapper's 'calibration_type' mix does is not published: qprep takes, tensor by "
          "tensor, that of max, kl and the percentile 99.99 with the least mean square error",
          type->where);
    }
    if (!in_detail_.observers.empty()) return;
    if (method == "default") {
      config_.calibration->search = search_of_default(type->where);
      findings_.remarks.note(
          codes::kChosenMethod,
          "'calibration_type' default: as hb_mapper does, qprep takes of max, max at the percentile 0.99995 "
          "and kl, "
          "with one scale and, below a cosine similarity of 0.995, with a scale for each channel, the one "
          "with "
          "which results are nearest; the vendor's search with zero points is left out, since models that "
          "hb_mapper loads have none",
          type->where);
    } else if (method.empty()) {
      findings_.remarks.note(
          codes::kChosenMethod,
          "a file without 'calibration_type' leaves the method to the tool: qprep takes auto, which compares "
          "max, kl, mse and percentiles by the results of the quantised model",
          file_.where());
    }
  }

  /// Result: there are samples, or something is wrong with what the file says of them.
  bool read_folders(const std::string& method) {
    const HbValue* folders = file_.find(kGroup, "cal_data_dir");
    if (!folders) {
      const bool needed = file_.tool() == HbTool::kMapper && method != "load" && !method.empty();
      if (needed) {
        findings_.mistakes.error(codes::kMissingKey,
                                 fmt::format("'calibration_parameters.cal_data_dir' is missing: "
                                             "'calibration_type' {} needs samples",
                                             method),
                                 file_.find(kGroup, "calibration_type")->where);
      }
      return needed;
    }
    if (folders->parts.size() != config_.inputs.size()) {
      findings_.wrong(fmt::format("'calibration_parameters.cal_data_dir' names {} folders for {} inputs; one "
                                  "for each, separated by ';'",
                                  folders->parts.size(), config_.inputs.size()),
                      folders->where);
    }
    CalibrationConfig calibration;
    calibration.where = folders->where;
    for (std::size_t i = 0; i < folders->parts.size(); ++i) {
      const std::string folder = beside(config_.file, folders->parts[i]);
      calibration.raw.push_back({folder, holds_bytes(i, folder)});
    }
    if (!calibration.raw.empty()) calibration.data = calibration.raw.front().folder;
    config_.calibration = std::move(calibration);
    return true;
  }

  /// By cal_data_type; else by the folder's name, as hb_mapper does.
  bool holds_bytes(std::size_t i, const std::string& folder) const {
    const HbValue* type = file_.find(kGroup, "cal_data_type");
    if (type && !type->parts.empty()) return type->parts[i < type->parts.size() ? i : 0] == "uint8";
    return file_.tool() == HbTool::kMapper && !folder.ends_with("_f32") && !folder.ends_with("_f32/");
  }

  void without_data(const std::string& method, const HbValue* type) {
    config_.calibration.reset();
    if (in_detail_.where) {
      findings_.remarks.note(codes::kChosenMethod,
                             "without samples, what 'quant_config' says of calibration has no effect",
                             *in_detail_.where);
    }
    if (method == "load") {
      config_.dialect = {Dialect::kQdq, {}};
      config_.form = {Form::kBoth, type->where};
      return;
    }
    if (method == "skip") {
      findings_.remarks.note(
          codes::kChosenMethod,
          "'calibration_type' skip: only the QAT form is written, since integers need scales", type->where);
      return;
    }
    findings_.remarks.warning(codes::kChosenMethod,
                              "there is no 'calibration_parameters.cal_data_dir', so only the QAT form is "
                              "written, as with 'calibration_type' skip",
                              type ? type->where : file_.where());
  }

  const HbFile& file_;
  const HmctCalibration& in_detail_;
  const Findings& findings_;
  Config& config_;
  ObserverSpec observer_;
};

}  // namespace

void read_hb_calibration(const HbFile& file, const HmctCalibration& in_detail, const Findings& findings,
                         Config& config) {
  Reader(file, in_detail, findings, config).read();
}

std::string beside(const std::string& file, const std::string& path) {
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

}  // namespace qprep
