#include "driver/explain.h"

#include <memory>

#include "driver/rules.h"
#include "progress_line.h"
#include "report/diagnostics_json.h"
#include "verbs.h"

namespace qprep {

void add_explain(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  const auto options = std::make_shared<ExplainOptions>();
  const auto model = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("explain", "Say which line of the configuration decided what");
  verb->add_option("MODEL", *model, "The model that would be prepared")->required()->type_name("");
  verb->add_option(
          "NAME", options->names,
          "Nodes, tensors, scopes or patterns to explain; without any, all settings and what they win")
      ->type_name("");
  verb->add_option("-c,--config", options->config, "The configuration")->type_name("FILE");
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(Examples:
  qprep explain model.onnx -c qprep.yaml
  qprep explain model.onnx -c qprep.yaml /head/cls/Conv
  qprep explain model.onnx -c qprep.yaml 'backbone.*.attn'
  qprep explain model.onnx -c qprep.yaml --json head.cls)");
  verb->callback([&chosen, options, model] {
    chosen = [options, model](Console& console, Diagnostics& diagnostics) {
      const Explanation explanation = [&] {
        ProgressLine progress(console);
        progress.update("explaining", 0, 0);
        options->model = *model;
        options->configs = find_configs();
        return explain(*options, diagnostics);
      }();
      console.say(diagnostics.all());
      if (console.verbosity().json) {
        nlohmann::ordered_json json = {{"ok", true}};
        json.update(to_json(explanation));
        json["diagnostics"] = to_json(diagnostics.all());
        console.print_json(json);
      } else {
        console.print(to_text(explanation));
      }
      return kDone;
    };
  });
}

}  // namespace qprep
