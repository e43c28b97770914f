#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "driver/statistics.h"
#include "report/diagnostics_json.h"
#include "report/page.h"
#include "statistics/statistics_file.h"
#include "support/codes.h"
#include "support/diagnostics.h"
#include "verbs.h"

namespace qprep {
namespace {

void check_is_no_input(const std::string& target, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    std::error_code none;
    if (!std::filesystem::equivalent(file, target, none)) continue;
    throw Fatal(codes::kOverwritesInput, "the result would take the place of what is merged", {target});
  }
}

int merge_files(const std::vector<std::string>& files, const std::string& target, const Console& console,
                Diagnostics& diagnostics) {
  check_target(target);
  check_is_no_input(target, files);
  const Statistics all = merge_statistics({files.begin(), files.end()}, diagnostics);
  console.say(diagnostics.all());
  write_statistics(all, target);
  const std::uintmax_t bytes = std::filesystem::file_size(target);
  if (console.verbosity().json) {
    console.print_json({{"ok", true},
                        {"samples", all.samples.size()},
                        {"all_shards", all.shards.all()},
                        {"tensors", all.tensors.size()},
                        {"file", target},
                        {"bytes", bytes},
                        {"diagnostics", to_json(diagnostics.all())}});
  } else if (!console.verbosity().quiet) {
    const std::string part = all.shards.all() ? "" : fmt::format(" (only {})", to_text(all.shards));
    console.print(fmt::format("{}: {}{}, {}; {} written ({} bytes)\n", counted(files.size(), "file", "files"),
                              counted(all.samples.size(), "sample", "samples"), part,
                              counted(all.tensors.size(), "tensor", "tensors"), target, bytes));
  }
  return kDone;
}

int show(const std::string& file, const std::string& tensor, const Console& console) {
  const Statistics statistics = read_statistics(file);
  if (!console.verbosity().json) {
    console.print(tensor.empty() ? to_text(statistics) : tensor_text(statistics, tensor, file));
    return kDone;
  }
  nlohmann::ordered_json json = {{"ok", true}};
  json.update(tensor.empty() ? to_json(statistics) : tensor_json(statistics, tensor, file));
  console.print_json(json);
  return kDone;
}

void add_merge(CLI::App& stats, Verbosity& verbosity, Verb& chosen) {
  struct Flags {
    std::vector<std::string> files;
    std::string target;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = stats.add_subcommand("merge", "Make one file of several, of different samples");
  verb->group("Verbs");
  verb->add_option("FILE", flags->files, "Files that qprep calibrate wrote, of one model")
      ->type_name("")
      ->required();
  verb->add_option("-o,--output", flags->target, "The file to write")->type_name("FILE.qcal")->required();
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(Examples:
  qprep stats merge part1.qcal part2.qcal part3.qcal -o model.qcal)");
  verb->callback([&chosen, flags] {
    chosen = [flags](Console& console, Diagnostics& diagnostics) {
      return merge_files(flags->files, flags->target, console, diagnostics);
    };
  });
}

void add_show(CLI::App& stats, Verbosity& verbosity, Verb& chosen) {
  struct Flags {
    std::string file, tensor;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = stats.add_subcommand("show", "Show what was observed, of all tensors or of one");
  verb->group("Verbs");
  verb->add_option("FILE", flags->file, "A file that qprep calibrate wrote")->type_name("")->required();
  verb->add_option("TENSOR", flags->tensor, "A tensor's name: its percentiles, a plot, each sample's range")
      ->type_name("");
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(Examples:
  qprep stats show model.qcal
  qprep stats show model.qcal conv1_out
  qprep stats show model.qcal conv1_out --json | jq .magnitude_percentiles)");
  verb->callback([&chosen, flags] {
    chosen = [flags](Console& console, Diagnostics&) { return show(flags->file, flags->tensor, console); };
  });
}

}  // namespace

void add_stats(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  CLI::App* stats = app.add_subcommand("stats", "Show and merge statistics that calibrate collected");
  add_merge(*stats, verbosity, chosen);
  add_show(*stats, verbosity, chosen);
}

}  // namespace qprep
