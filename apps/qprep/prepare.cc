#include "driver/prepare.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <utility>

#include "driver/rules.h"
#include "prepare_summary.h"
#include "prepare_with_progress.h"
#include "support/text.h"
#include "thread_count.h"
#include "verbs.h"

namespace qprep {
namespace {

struct PrepareFlags {
  PrepareOptions options;
  std::string model, folder;
  bool times = false;
};

/// An unset variable of a script.
std::string check_not_empty(const std::string& text) { return text.empty() ? "the name is empty" : ""; }

/// Refuses a name that is no pass, with the nearest one.
std::string check_pass(const std::string& name) {
  const std::vector<std::string> names = pass_names();
  if (std::find(names.begin(), names.end(), name) != names.end()) return {};
  return fmt::format("no pass is named '{}'{}; there are {}", name, did_you_mean(name, names),
                     join(names, ", "));
}

int run_prepare(const PrepareFlags& flags, Console& console, Diagnostics& diagnostics) {
  PrepareOptions options = flags.options;
  options.model = flags.model;
  options.folder = flags.folder;
  options.configs = find_configs();
  PrepareResult result = prepare_with_progress(std::move(options), console, diagnostics);
  console.say(diagnostics.all());
  const Verbosity& verbosity = console.verbosity();
  if (!result.dump.empty()) {
    console.print(result.dump);
    console.hint(to_text(result, diagnostics, flags.times));
  } else if (verbosity.json) {
    console.print_json(to_json(result, diagnostics));
  } else if (!verbosity.quiet) {
    console.print(to_text(result, diagnostics, flags.times));
  }
  // Freeing a large graph takes as long as reading it, and the process is about to end. volatile: the pointer
  // is really stored, so that LeakSanitizer sees that the graph is not lost.
  [[maybe_unused]] static std::shared_ptr<void>* volatile kept =
      new std::shared_ptr<void>(std::move(result.work));
  return kDone;
}

}  // namespace

void add_prepare(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  const auto flags = std::make_shared<PrepareFlags>();
  PrepareOptions& options = flags->options;
  CLI::App* verb =
      app.add_subcommand("prepare", "Quantise a float model: QAT, calibrated and fixed-point forms");
  verb->add_option("MODEL", flags->model,
                   "The float ONNX model; with a configuration of hb_mapper, by default its onnx_model")
      ->type_name("")
      ->check(check_not_empty);
  verb->add_option("-c,--config", options.config, "The configuration; without it, every key has its default")
      ->type_name("FILE");
  verb->add_option("-o,--output", flags->folder,
                   "The folder to write into, made if absent (default: this one, or the configuration's)")
      ->type_name("DIR")
      ->check(check_not_empty);
  verb->add_flag("--durable", options.durable, "Return only when the disk has the files (fsync)");
  verb->add_flag("--overwrite-input", options.overwrite_input, "Let an output be the same file as MODEL");
  verb->add_option("--dump-after", options.dump_after, "Print the model as text after this pass")
      ->type_name("PASS")
      ->check(check_pass);
  verb->add_option("--stop-after", options.stop_after, "Stop after this pass and write nothing")
      ->type_name("PASS")
      ->check(check_pass);
  verb->add_flag("--time-passes", flags->times, "Show what each pass took");
  verb->add_flag_callback(
      "--no-picture", [flags] { flags->options.picture = false; }, "Draw no picture of the segments");
  verb->add_option("--stats", options.statistics_from,
                   "Take scales from statistics that qprep calibrate wrote; no sample is read")
      ->type_name("FILE.qcal")
      ->check(check_not_empty);
  verb->add_option("--onnxruntime", options.runtime, "ONNX Runtime's library, or the folder that holds it")
      ->type_name("PATH");
  add_threads(*verb, options.threads);
  add_verbosity(*verb, verbosity, true);
  verb->get_option("--dump-after")->excludes(verb->get_option("--json"));
  verb->footer(fmt::format(R"(Written into the folder:
  PREFIX_qat.onnx          FakeQuantize, for training          (output.form qat or both)
  PREFIX_calibrated.onnx   the same with scales from samples   (with calibration.data)
  PREFIX_fixed.onnx        integers, for inference             (output.form fixed_point or both)
  model_check_result.txt   what was decided for each node, and why; .json: for programs
  PREFIX_qconfig_changelog.txt
                           every dtype that is not what the configuration asks for, and why
  deploy_device.txt        which device runs each node         (with a march)
  PREFIX_segments.svg      a picture of what runs where; .dot: for Graphviz (with a march)

Passes: {}

Examples:
  qprep prepare model.onnx
  qprep prepare model.onnx -c qprep.yaml -o out
  qprep prepare -c hb_mapper.yaml
  qprep prepare model.onnx --dump-after apply-templates --stop-after apply-templates
  qprep prepare model.onnx -c qprep.yaml -o out --json | jq .files)",
                           join(pass_names(), ", ")));
  verb->callback([&chosen, flags] {
    if (flags->model.empty() && flags->options.config.empty()) throw CLI::RequiredError("MODEL");
    chosen = [flags](Console& console, Diagnostics& diagnostics) {
      return run_prepare(*flags, console, diagnostics);
    };
  });
}

}  // namespace qprep
