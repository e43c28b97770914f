#include "driver/sample_place.h"

#include <filesystem>
#include <fmt/format.h>
#include <string>

#include "config/quote.h"
#include "samples/sample_file.h"
#include "support/codes.h"
#include "support/near_file.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;

/// As the configuration would name it.
std::string as_written(const std::string& path, const Where& where) {
  const fs::path written = fs::path(path).lexically_relative(fs::path(where.file).parent_path());
  return escaped(written.empty() ? path : written.string());
}

/// What is wrong with a folder of samples; empty: nothing.
std::string why_no_folder(const std::string& folder, const CalibrationConfig& config) {
  std::error_code none;
  if (fs::is_directory(folder, none)) return "";
  const std::string subject = fmt::format("the folder of samples '{}' is ", escaped(folder));
  if (!fs::exists(folder, none)) return subject + "not there" + did_you_mean_file(folder);
  if (!config.raw.empty()) return subject + "a file";
  const bool is_sample = format_of(folder) != FileFormat::kNone;
  return fmt::format("{}a file; what names samples is a folder, a .txt list of files, or a list here{}",
                     subject,
                     is_sample ? fmt::format(": 'data: [{}]'", as_written(folder, config.where)) : "");
}

}  // namespace

bool names_files(const CalibrationConfig& config) {
  return !config.files.empty() || fs::path(config.data).extension() == ".txt";
}

SamplePlace place_of(const CalibrationConfig& config) {
  SamplePlace place{config.data, {}};
  const fs::path data = config.data;
  for (const Placed<std::string>& file : config.files) {
    place.files.push_back(
        {file.value, (data.parent_path() / file.value).lexically_normal().string(), file.where});
  }
  if (config.files.empty() && names_files(config)) place.files = read_list(config.data);
  return place;
}

std::vector<Diagnostic> missing_places(const CalibrationConfig& config) {
  std::vector<Diagnostic> missing;
  const auto add = [&](std::string why, const std::string& path) {
    if (why.empty()) return;
    const Where where = config.where.file.empty() ? Where{path, 0, 0} : config.where;
    missing.push_back({Severity::kError, codes::kFileAccess, std::move(why), where});
  };
  std::error_code none;
  if (!config.raw.empty()) {
    for (const RawSamples& samples : config.raw) add(why_no_folder(samples.folder, config), samples.folder);
  } else if (!names_files(config)) {
    add(why_no_folder(config.data, config), config.data);
  } else if (config.files.empty() && !fs::exists(config.data, none)) {
    add(fmt::format("the list of samples '{}' is not there{}", escaped(config.data),
                    did_you_mean_file(config.data)),
        config.data);
  }
  return missing;
}

}  // namespace qprep
