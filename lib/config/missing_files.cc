#include "config/missing_files.h"

#include <filesystem>
#include <fmt/format.h>

#include "config/quote.h"
#include "support/codes.h"

namespace qprep {
namespace {

bool is_missing(const std::string& path) {
  std::error_code none;
  return !std::filesystem::exists(path, none);
}

}  // namespace

std::vector<Diagnostic> missing_files(const Config& config) {
  Diagnostics diagnostics;
  if (config.model && is_missing(config.model->value)) {
    diagnostics.warning(codes::kFileAccess,
                        fmt::format("the model '{}' is not there", escaped(config.model->value)),
                        config.model->where);
  }
  if (!config.calibration) {
    if (config.form.value != Form::kQat && config.written_for.empty()) {
      diagnostics.warning(
          codes::kNoScales,
          "without samples ('calibration.data') only a model that carries scales becomes fixed point",
          config.form.where);
    }
    return diagnostics.all();
  }
  const CalibrationConfig& calibration = *config.calibration;
  std::vector<std::string> folders;
  for (const RawSamples& samples : calibration.raw) folders.push_back(samples.folder);
  if (folders.empty() && !calibration.data.empty()) folders.push_back(calibration.data);
  if (folders.empty()) {
    diagnostics.warning(codes::kNoScales,
                        "'calibration' has no 'data', so prepare needs statistics (--stats)",
                        calibration.where);
  }
  for (const std::string& folder : folders) {
    std::error_code none;
    if (std::filesystem::is_directory(folder, none) || !calibration.files.empty()) continue;
    if (folder.ends_with(".txt") && !is_missing(folder)) continue;
    diagnostics.warning(codes::kFileAccess,
                        fmt::format("the folder of samples '{}' is {}", escaped(folder),
                                    is_missing(folder) ? "not there" : "a file"),
                        calibration.where);
  }
  for (const Placed<std::string>& listed : calibration.files) {
    if (!is_missing((std::filesystem::path(config.file).parent_path() / listed.value).string())) continue;
    diagnostics.warning(codes::kFileAccess,
                        fmt::format("the sample '{}' is not there", escaped(listed.value)), listed.where);
  }
  return diagnostics.all();
}

}  // namespace qprep
