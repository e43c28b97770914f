#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/config_folder.h"
#include "config/march.h"
#include "config_verbs.h"
#include "driver/missing_files.h"
#include "report/diagnostics_json.h"
#include "support/codes.h"

namespace qprep {
namespace {

/// What is wrong with one configuration, what it says that prepare cannot carry out yet (warnings), and what
/// there is to remark.
std::vector<Diagnostic> findings_in(const std::string& file) {
  try {
    const Config config = read_config(file);
    if (is_march_file(config.march.value)) read_march(find_configs(), config.march.value);
    std::vector<Diagnostic> findings = config.not_yet;
    for (Diagnostic& finding : findings) finding.severity = Severity::kWarning;
    findings.insert(findings.end(), config.remarks.begin(), config.remarks.end());
    const std::vector<Diagnostic> missing = missing_files(config);
    findings.insert(findings.end(), missing.begin(), missing.end());
    return findings;
  } catch (const Fatal& wrong) {
    return wrong.diagnostics();
  }
}

/// " (kept for the compiler: debug: False)", or nothing.
std::string kept_in(const std::vector<Diagnostic>& findings) {
  for (const Diagnostic& finding : findings) {
    if (finding.code == codes::kKeptKey) return fmt::format(" ({})", finding.message);
  }
  return "";
}

bool is_error(const Diagnostic& diagnostic) { return diagnostic.severity == Severity::kError; }

int check_configs(const std::vector<std::string>& files, Console& console) {
  nlohmann::ordered_json checked = nlohmann::ordered_json::array();
  bool all_fine = true;
  for (const std::string& file : files) {
    const std::vector<Diagnostic> findings = findings_in(file);
    const auto errors = std::count_if(findings.begin(), findings.end(), is_error);
    all_fine = all_fine && errors == 0;
    console.say(findings);
    checked.push_back({{"file", file}, {"ok", errors == 0}, {"diagnostics", to_json(findings)}});
    if (console.verbosity().json || console.verbosity().quiet) continue;
    console.print(errors == 0
                      ? fmt::format("{}: ok{}\n", file, kept_in(findings))
                      : fmt::format("{}: {} {}\n", file, errors, errors == 1 ? "mistake" : "mistakes"));
  }
  if (console.verbosity().json) console.print_json({{"ok", all_fine}, {"files", checked}});
  return all_fine ? kDone : kFailed;
}

}  // namespace

void add_config_check(CLI::App& config, Verbosity& verbosity, Verb& chosen) {
  const auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* check = config.add_subcommand("check", "Say everything that is wrong with configurations");
  check->add_option("FILE", *files, "Configurations")->required()->type_name("");
  check->group("Verbs");
  add_verbosity(*check, verbosity, true);
  check->footer(R"(Examples:
  qprep config check qprep.yaml
  qprep config check --json configs/*.yaml)");
  check->callback([&chosen, files] {
    chosen = [files](Console& console, Diagnostics&) { return check_configs(*files, console); };
  });
}

}  // namespace qprep
