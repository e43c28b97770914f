#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "config_verbs.h"
#include "driver/init_config.h"
#include "driver/rules.h"
#include "driver/show_config.h"
#include "report/diagnostics_json.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

/// A result that is text: as it is, or with --json as a string of that name.
int print_text(const std::string& text, const char* name, Console& console, const Diagnostics& diagnostics) {
  console.say(diagnostics.all());
  if (console.verbosity().json) {
    console.print_json({{"ok", true}, {name, text}, {"diagnostics", to_json(diagnostics.all())}});
  } else {
    console.print(text);
  }
  return kDone;
}

int show(const ShowOptions& options, Console& console, Diagnostics& diagnostics) {
  const ShownConfig shown = show_config(options, diagnostics);
  if (!console.verbosity().json) return print_text(to_text(shown), "", console, diagnostics);
  console.say(diagnostics.all());
  nlohmann::ordered_json json = {{"ok", true}};
  json.update(to_json(shown));
  json["diagnostics"] = to_json(diagnostics.all());
  console.print_json(json);
  return kDone;
}

}  // namespace

void add_config_show(CLI::App& config, Verbosity& verbosity, Verb& chosen) {
  const auto options = std::make_shared<ShowOptions>();
  const auto model = std::make_shared<std::string>();
  CLI::App* verb =
      config.add_subcommand("show", "Print a configuration with its defaults and where each value stands");
  verb->add_option("FILE", options->config, "The configuration")->required()->type_name("");
  verb->add_option("-m,--model", *model, "Name what each selector matches in this model")->type_name("MODEL");
  verb->group("Verbs");
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(What it prints is a configuration again, which does the same.

Examples:
  qprep config show qprep.yaml
  qprep config show qprep.yaml -m model.onnx
  qprep config show qprep.yaml --json | jq .settings)");
  verb->callback([&chosen, options, model] {
    chosen = [options, model](Console& console, Diagnostics& diagnostics) {
      if (!model->empty()) options->model = *model;
      options->configs = find_configs();
      return show(*options, console, diagnostics);
    };
  });
}

void add_config_init(CLI::App& config, Verbosity& verbosity, Verb& chosen) {
  const auto options = std::make_shared<InitOptions>();
  const auto model = std::make_shared<std::string>();
  CLI::App* verb = config.add_subcommand("init", "Print a configuration to start from, with comments");
  verb->add_option("MODEL", *model, "Use names of this model in the examples")->type_name("");
  verb->add_option("--march", options->march, "The target")->type_name("MARCH");
  verb->group("Verbs");
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(Examples:
  qprep config init > qprep.yaml
  qprep config init model.onnx --march nash-e > qprep.yaml)");
  verb->callback([&chosen, options, model] {
    chosen = [options, model](Console& console, Diagnostics& diagnostics) {
      if (!model->empty()) options->model = *model;
      options->configs = find_configs();
      return print_text(init_config(*options, diagnostics), "config", console, diagnostics);
    };
  });
}

void add_config_schema(CLI::App& config, Verbosity& verbosity, Verb& chosen) {
  CLI::App* verb = config.add_subcommand("schema", "Print the JSON Schema of configurations, for editors");
  verb->group("Verbs");
  add_verbosity(*verb, verbosity, false);
  verb->footer(R"(An editor with a YAML language server uses it where a configuration begins with
  # yaml-language-server: $schema=qprep.schema.json

Examples:
  qprep config schema > qprep.schema.json)");
  verb->callback([&chosen] {
    chosen = [](Console& console, Diagnostics&) {
      const auto file = MappedFile::open(find_configs() / "schema.json");
      const auto bytes = file->bytes();
      console.print({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      return kDone;
    };
  });
}

void add_config(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  CLI::App* config = app.add_subcommand("config", "Check, show and start configurations");
  config->get_formatter()->label("SUBCOMMAND", "VERB");
  add_config_check(*config, verbosity, chosen);
  add_config_show(*config, verbosity, chosen);
  add_config_init(*config, verbosity, chosen);
  add_config_schema(*config, verbosity, chosen);
  config->footer(R"(Examples:
  qprep config check qprep.yaml
  qprep config show qprep.yaml -m model.onnx
  qprep config init model.onnx > qprep.yaml
  qprep config schema > qprep.schema.json)");
}

}  // namespace qprep
