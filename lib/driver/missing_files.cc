#include "driver/missing_files.h"

#include <filesystem>
#include <fmt/format.h>

#include "config/quote.h"
#include "driver/sample_place.h"
#include "samples/find_samples.h"
#include "support/codes.h"
#include "support/near_file.h"

namespace qprep {
namespace {

bool is_missing(const std::string& path) {
  std::error_code none;
  return !std::filesystem::exists(path, none);
}

/// "not there (did you mean 'samples'?)".
std::string not_there(const std::string& path) { return "not there" + did_you_mean_file(path); }

void look_for_listed(const std::vector<ListedFile>& files, Diagnostics& diagnostics) {
  std::vector<Diagnostic> missing;
  for (const ListedFile& listed : files) {
    if (!is_missing(listed.path)) continue;
    // The name that is meant is looked for where it is told.
    const std::string what = missing.size() < kMostFindings ? not_there(listed.path) : "";
    missing.push_back({Severity::kWarning, codes::kFileAccess,
                       fmt::format("the sample '{}' is {}", escaped(listed.name), what), listed.where});
  }
  add_some(missing, diagnostics);
}

void look_for_samples(const CalibrationConfig& calibration, Diagnostics& diagnostics) {
  if (calibration.raw.empty() && calibration.data.empty()) {
    diagnostics.warning(codes::kNoScales,
                        "'calibration' has no 'data', so prepare needs statistics (--stats)",
                        calibration.where);
    return;
  }
  const std::vector<Diagnostic> missing = missing_places(calibration);
  for (Diagnostic each : missing) {
    each.severity = Severity::kWarning;
    diagnostics.add(std::move(each));
  }
  if (!missing.empty() || !calibration.raw.empty() || !names_files(calibration)) return;
  try {
    look_for_listed(place_of(calibration).files, diagnostics);
  } catch (const Fatal& unreadable) {
    for (const Diagnostic& each : unreadable.diagnostics()) diagnostics.add(each);
  }
}

}  // namespace

std::vector<Diagnostic> missing_files(const Config& config) {
  Diagnostics diagnostics;
  if (config.model && is_missing(config.model->value)) {
    diagnostics.warning(
        codes::kFileAccess,
        fmt::format("the model '{}' is {}", escaped(config.model->value), not_there(config.model->value)),
        config.model->where);
  }
  if (config.calibration) {
    look_for_samples(*config.calibration, diagnostics);
  } else if (config.form.value != Form::kQat && config.written_for.empty()) {
    diagnostics.warning(
        codes::kNoScales,
        "without samples ('calibration.data') only a model that carries scales becomes fixed point",
        config.form.where);
  }
  return diagnostics.all();
}

}  // namespace qprep
