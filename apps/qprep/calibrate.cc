#include <charconv>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>

#include "driver/prepare.h"
#include "driver/rules.h"
#include "prepare_summary.h"
#include "prepare_with_progress.h"
#include "thread_count.h"
#include "verbs.h"

namespace qprep {
namespace {

struct CalibrateFlags {
  PrepareOptions options;
  std::string model, file, shard;
  bool resume = false;
};

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// Of "2/7"; nullopt: these are no two numbers.
std::optional<std::pair<std::size_t, std::size_t>> shard_of(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto shard = whole_number(text.substr(0, slash)), shards = whole_number(text.substr(slash + 1));
  if (!shard || !shards) return std::nullopt;
  return std::pair(*shard, *shards);
}

std::string check_shard(const std::string& text) {
  const auto shard = shard_of(text);
  if (!shard) return fmt::format("'{}' is no shard I/N, such as 1/7, the first of seven", text);
  const auto [number, all] = *shard;
  if (all == 0 || number == 0)
    return fmt::format("'{}' is no shard: they are counted from 1, so of seven they are 1/7 to 7/7", text);
  if (number > all)
    return fmt::format("there is no shard {} of {}: there are only {}, {}/{} the last", number, all, all, all,
                       all);
  return {};
}

int run_calibrate(const CalibrateFlags& flags, Console& console, Diagnostics& diagnostics) {
  PrepareOptions options = flags.options;
  options.model = flags.model;
  options.configs = find_configs();
  options.picture = false;
  StatisticsOptions& statistics = options.statistics.emplace();
  statistics.file = flags.file;
  statistics.resume = flags.resume;
  if (const auto shard = shard_of(flags.shard)) {
    statistics.shard = shard->first;
    statistics.shards = shard->second;
  }
  PrepareResult result = prepare_with_progress(std::move(options), console, diagnostics);
  console.say(diagnostics.all());
  const OutputFile& file = result.files.front();
  if (console.verbosity().json) {
    console.print_json({{"ok", true},
                        {"model", result.model},
                        {"samples", result.samples},
                        {"parts", result.parts},
                        {"parts_found", result.parts_found},
                        {"file", file.path.string()},
                        {"bytes", file.bytes},
                        {"seconds", result.seconds}});
  } else if (!console.verbosity().quiet) {
    const std::string found =
        result.parts_found > 0
            ? fmt::format("{} of {} parts were there from a run before, ", result.parts_found, result.parts)
            : "";
    console.print(fmt::format("{}: {} samples, {}{} written ({} bytes), {:.2f} s\n", result.model,
                              result.samples, found, file.path.string(), file.bytes, result.seconds));
  }
  return kDone;
}

}  // namespace

void add_calibrate(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  const auto flags = std::make_shared<CalibrateFlags>();
  PrepareOptions& options = flags->options;
  CLI::App* verb = app.add_subcommand("calibrate", "Collect statistics of samples, for prepare --stats");
  verb->add_option("MODEL", flags->model, "The float ONNX model that prepare will get")->type_name("");
  verb->add_option("-c,--config", options.config,
                   "The configuration: what is quantised, and calibration.data")
      ->type_name("FILE")
      ->required();
  verb->add_option("-o,--output", flags->file, "The file to write")->type_name("FILE.qcal")->required();
  CLI::Option* shard =
      verb->add_option("--shard", flags->shard, "Look at the i-th of n parts of the samples only")
          ->type_name("I/N")
          ->check(check_shard);
  verb->add_flag("--resume", flags->resume,
                 "Keep each eighth in a file, and go on where a run was interrupted")
      ->excludes(shard);
  verb->add_option("--onnxruntime", options.runtime, "ONNX Runtime's library, or the folder that holds it")
      ->type_name("PATH");
  add_threads(*verb, options.threads);
  add_verbosity(*verb, verbosity, true);
  verb->footer(
      R"(The file holds the range of each tensor in each sample, a histogram, and means by channel: whatever the
methods of calibration ask, so scales follow without the samples. Shards merge into what one run would have written,
byte for byte. With --resume, a run that was interrupted leaves FILE.qcal.1of8 and so on, which the same call takes up
and, once all are there, makes FILE.qcal of.

Examples:
  qprep calibrate model.onnx -c qprep.yaml -o model.qcal
  qprep prepare model.onnx -c qprep.yaml --stats model.qcal -o out
  qprep calibrate model.onnx -c qprep.yaml --resume -o model.qcal
  qprep calibrate model.onnx -c qprep.yaml --shard 3/8 -o part3.qcal
  qprep stats merge part*.qcal -o model.qcal)");
  verb->callback([&chosen, flags] {
    chosen = [flags](Console& console, Diagnostics& diagnostics) {
      return run_calibrate(*flags, console, diagnostics);
    };
  });
}

}  // namespace qprep
