#include <memory>

#include "driver/inspect_model.h"
#include "driver/rules.h"
#include "progress_line.h"
#include "report/diagnostics_json.h"
#include "verbs.h"

namespace qprep {

void add_inspect(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  const auto model = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("inspect", "Show what a model holds and what would be quantised");
  verb->add_option("MODEL", *model, "The model to read")->required()->type_name("");
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(Examples:
  qprep inspect model.onnx
  qprep inspect --json model.onnx)");
  verb->callback([&chosen, model] {
    chosen = [model](Console& console, Diagnostics& diagnostics) {
      const InspectResult result = [&] {
        ProgressLine progress(console);
        progress.update("inspecting", 0, 0);
        return inspect_model(*model, find_configs(), diagnostics);
      }();
      console.say(diagnostics.all());
      if (console.verbosity().json) {
        nlohmann::ordered_json json = {{"ok", true}};
        json.update(to_json(result));
        json["diagnostics"] = to_json(diagnostics.all());
        console.print_json(json);
      } else {
        console.print(to_text(result));
      }
      return kDone;
    };
  });
}

}  // namespace qprep
