#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <memory>
#include <set>

#include "driver/check_model.h"
#include "driver/rules.h"
#include "march_names.h"
#include "report/diagnostics_json.h"
#include "support/codes.h"
#include "verbs.h"

namespace qprep {
namespace {

struct CheckFlags {
  CheckOptions options;
  std::vector<std::string> models, more_models, sizes;
  std::string folder;
};

/// "N=1": empty if it is one, else what is wrong.
std::string check_size(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  std::int64_t size = 0;
  const char* begin = text.data() + std::min(equals, text.size() - 1) + 1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, size);
  const bool sound =
      equals != std::string::npos && equals > 0 && error == std::errc() && stop == end && size > 0;
  return sound ? "" : fmt::format("'{}' is not NAME=SIZE with a size of 1 or more", text);
}

std::vector<Placed<OpenSize>> dims_of(const std::vector<std::string>& words) {
  std::vector<Placed<OpenSize>> dims;
  for (const std::string& word : words) {
    const std::size_t equals = word.rfind('=');
    const OpenSize size = {word.substr(0, equals), std::stoll(word.substr(equals + 1))};
    for (const Placed<OpenSize>& other : dims) {
      if (other.value.axis != size.axis || other.value.size == size.size) continue;
      throw Fatal(codes::kBadValue,
                  fmt::format("'{}' has two sizes, {} and {}", size.axis, other.value.size, size.size),
                  {"--dim"});
    }
    dims.push_back({size, {"--dim"}});
  }
  return dims;
}

/// Where the files of one of several models go: a folder of its own, with its file's name.
std::vector<std::filesystem::path> folders_of(const CheckFlags& flags) {
  std::vector<std::filesystem::path> folders;
  std::set<std::filesystem::path> taken;
  for (const std::string& model : flags.models) {
    const std::filesystem::path folder = flags.folder.empty() ? std::filesystem::path()
                                         : flags.models.size() == 1
                                             ? std::filesystem::path(flags.folder)
                                             : flags.folder / std::filesystem::path(model).stem();
    if (!folder.empty() && !taken.insert(folder).second) {
      throw Fatal(codes::kOverwritesInput,
                  "two of the models have the same name, and would have the same folder", {model});
    }
    folders.push_back(folder);
  }
  return folders;
}

/// Result: its result as JSON; the exit status goes into `status`.
nlohmann::ordered_json run_one(const std::string& model, const CheckOptions& options, Console& console,
                               int& status) {
  const Verbosity& verbosity = console.verbosity();
  Diagnostics diagnostics;
  nlohmann::ordered_json json = {{"ok", false}, {"model", model}};
  try {
    static CheckedModel checked;  // until the next one: the last is never freed, see leave()
    checked = check_model(model, options, diagnostics);
    console.say(diagnostics.all());
    if (!verbosity.json && !verbosity.quiet) console.print(to_text(checked));
    json["ok"] = checked.refused.empty();
    if (verbosity.json) json.update(to_json(checked));
    json["model"] = model;
  } catch (const Fatal& failure) {
    // What was said before it ended may be among what it ended with.
    for (const Diagnostic& each : failure.diagnostics()) {
      const bool was_said = std::ranges::any_of(diagnostics.all(), [&](const Diagnostic& said) {
        return said.message == each.message && said.where == each.where;
      });
      if (!was_said) diagnostics.add(each);
    }
    console.say(diagnostics.all());
  }
  json["diagnostics"] = to_json(diagnostics.all());
  if (!json["ok"]) status = kFailed;
  return json;
}

int run_check(CheckFlags flags, Console& console) {
  flags.models.insert(flags.models.end(), flags.more_models.begin(), flags.more_models.end());
  flags.options.overrides.dims = dims_of(flags.sizes);
  flags.options.overrides.dims_may_miss = flags.models.size() > 1;
  flags.options.configs = find_configs();
  const std::vector<std::filesystem::path> folders = folders_of(flags);
  int status = kDone;
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < flags.models.size(); ++i) {
    flags.options.folder = folders[i];
    if (i > 0 && !console.verbosity().json && !console.verbosity().quiet) console.print("\n");
    all.push_back(run_one(flags.models[i], flags.options, console, status));
  }
  if (console.verbosity().json) console.print_json({{"ok", status == kDone}, {"models", all}});
  return status;
}

}  // namespace

void add_check(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  const auto flags = std::make_shared<CheckFlags>();
  CheckOptions& options = flags->options;
  CLI::App* verb = app.add_subcommand("check", "Say what runs where on a target, and why, without any data");
  verb->add_option("MODEL", flags->models, "The models to check")->type_name("");
  verb->add_option("-m,--model", flags->more_models, "Another model")->type_name("MODEL");
  verb->add_option("--march", options.overrides.march, "The target, whatever the configuration says")
      ->type_name("MARCH")
      ->check(check_march);
  verb->add_option("-c,--config", options.config, "The configuration; without it, every key has its default")
      ->type_name("FILE");
  verb->add_option(
          "-o,--output", flags->folder,
          "Write model_check_result.txt and .json, deploy_device.txt and PREFIX_segments.svg and .dot "
          "here")
      ->type_name("DIR");
  verb->add_flag_callback(
      "--no-picture", [flags] { flags->options.picture = false; }, "Draw no picture of the segments");
  verb->add_flag("--no-fallback", options.no_fallback, "Fail where anything computes on the CPU");
  verb->add_option("--allow", options.allowed, "Nodes that may, by name, scope, pattern or operator")
      ->type_name("WORD")
      ->needs(verb->get_option("--no-fallback"));
  verb->add_option("--dim", flags->sizes,
                   "A size that the model leaves open: of a named axis, or of 'input[0]'")
      ->type_name("NAME=SIZE")
      ->check(check_size);
  add_verbosity(*verb, verbosity, true);
  verb->footer(R"(Examples:
  qprep check model.onnx --march bayes
  qprep check model.onnx -c qprep.yaml -o out
  qprep check *.onnx --march bayes-e --no-fallback --allow Softmax --allow 'head.*'
  qprep check model.onnx --march bernoulli2 --dim batch=1 --json | jq .models[0].nodes)");
  verb->callback([&chosen, flags] {
    if (flags->models.empty() && flags->more_models.empty()) throw CLI::RequiredError("MODEL");
    chosen = [flags](Console& console, Diagnostics&) { return run_check(*flags, console); };
  });
}

}  // namespace qprep
