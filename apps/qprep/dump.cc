#include "driver/dump.h"

#include <memory>

#include "verbs.h"

namespace qprep {

void add_dump(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  struct Flags {
    std::string model;
    bool infer = false;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App* verb = app.add_subcommand("dump", "Print a model as text, a line a value or node");
  verb->add_option("MODEL", flags->model, "The model to read")->required()->type_name("");
  verb->add_flag("--infer-shapes", flags->infer, "Show the types that ONNX's shape inference finds, too");
  add_verbosity(*verb, verbosity, false);
  verb->footer(R"(Examples:
  qprep dump model.onnx
  qprep dump --infer-shapes model.onnx | grep Conv
  diff <(qprep dump before.onnx) <(qprep dump after.onnx))");
  verb->callback([&chosen, flags] {
    chosen = [flags](Console& console, Diagnostics& diagnostics) {
      const std::string text = dump_model(flags->model, flags->infer, diagnostics);
      console.say(diagnostics.all());
      console.print(text);
      return kDone;
    };
  });
}

}  // namespace qprep
