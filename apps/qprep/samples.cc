#include <memory>

#include "driver/rules.h"
#include "driver/show_samples.h"
#include "progress_line.h"
#include "report/diagnostics_json.h"
#include "thread_count.h"
#include "verbs.h"

namespace qprep {
namespace {

int show(SamplesOptions options, Console& console, Diagnostics& diagnostics) {
  options.configs = find_configs();
  const ShownSamples shown = [&] {
    ProgressLine progress(console);
    options.progress = [&](std::string_view doing, std::size_t done, std::size_t total) {
      progress.update(doing, done, total);
    };
    return show_samples(options, diagnostics);
  }();
  console.say(diagnostics.all());
  if (console.verbosity().json) {
    nlohmann::ordered_json json = {{"ok", true}};
    json.update(to_json(shown));
    json["diagnostics"] = to_json(diagnostics.all());
    console.print_json(json);
  } else {
    console.print(to_text(shown));
  }
  return kDone;
}

}  // namespace

void add_samples(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  CLI::App* samples = app.add_subcommand("samples", "Show what calibration feeds to a model");
  struct Flags {
    SamplesOptions options;
    std::string model, save;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = samples->add_subcommand("show", "Show what the model would be fed, without running it");
  verb->group("Verbs");
  verb->add_option("MODEL", flags->model, "The float ONNX model; may be left out where CONFIG names it")
      ->type_name("");
  verb->add_option("-c,--config", flags->options.config,
                   "The configuration: which samples, and what is done to them")
      ->type_name("FILE")
      ->required();
  verb->add_option("--save", flags->save,
                   "Write what the model would be fed as .npy files, a folder for each input")
      ->type_name("DIR");
  add_threads(*verb, flags->options.threads);
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(Examples:
  qprep samples show model.onnx -c qprep.yaml
  qprep samples show model.onnx -c qprep.yaml --json
  qprep samples show model.onnx -c qprep.yaml --save fed)");
  verb->callback([&chosen, flags] {
    chosen = [flags](Console& console, Diagnostics& diagnostics) {
      SamplesOptions options = flags->options;
      options.model = flags->model;
      options.save = flags->save;
      return show(options, console, diagnostics);
    };
  });
}

}  // namespace qprep
