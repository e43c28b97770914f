#include "driver/explain.h"

#include <memory>

#include "driver/explain_diff.h"
#include "driver/rules.h"
#include "progress_line.h"
#include "report/diagnostics_json.h"
#include "verbs.h"

namespace qprep {
namespace {

int show_difference(const std::string& model, const std::vector<std::string>& configs, Console& console,
                    Diagnostics& diagnostics) {
  const std::vector<PlanDifference> differences = [&] {
    ProgressLine progress(console);
    progress.update("explaining", 0, 0);
    return explain_diff({model, configs[0], configs[1], find_configs()}, diagnostics);
  }();
  console.say(diagnostics.all());
  if (console.verbosity().json) {
    console.print_json(
        {{"ok", true}, {"differences", to_json(differences)}, {"diagnostics", to_json(diagnostics.all())}});
  } else {
    console.print(to_text(differences));
  }
  return kDone;
}

}  // namespace

void add_explain(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  const auto options = std::make_shared<ExplainOptions>();
  const auto model = std::make_shared<std::string>();
  const auto diff = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = app.add_subcommand("explain", "Say which line of the configuration decided what");
  verb->add_option("MODEL", *model, "The model that would be prepared")->required()->type_name("");
  verb->add_option(
          "NAME", options->names,
          "Nodes, tensors, scopes or patterns to explain; without any, all settings and what they win")
      ->type_name("");
  verb->add_option("-c,--config", options->config, "The configuration")->type_name("FILE");
  verb->add_option("--diff", *diff, "Show what changes from configuration A to configuration B")
      ->type_name("A B")
      ->expected(2)
      ->excludes("--config")
      ->excludes("NAME");
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(Examples:
  qprep explain model.onnx -c qprep.yaml
  qprep explain model.onnx -c qprep.yaml /head/cls/Conv
  qprep explain model.onnx -c qprep.yaml 'backbone.*.attn'
  qprep explain model.onnx -c qprep.yaml --json head.cls
  qprep explain model.onnx --diff old.yaml new.yaml)");
  verb->callback([&chosen, options, model, diff] {
    chosen = [options, model, diff](Console& console, Diagnostics& diagnostics) {
      if (!diff->empty()) return show_difference(*model, *diff, console, diagnostics);
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
