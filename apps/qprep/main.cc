#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drawing/drawing_process.h"
#include "report/diagnostics_json.h"
#include "support/atomic_file.h"
#include "support/text.h"
#include "verbs.h"

namespace qprep {
namespace {

/// The verb that the command line names ("config check": the inner one), or the program itself.
const CLI::App& named_verb(const CLI::App& app) {
  const auto verbs = app.get_subcommands();
  return verbs.empty() ? app : named_verb(*verbs.front());
}

/// "qprep config check".
std::string command_of(const CLI::App& verb) {
  return verb.get_parent() == nullptr ? "qprep" : command_of(*verb.get_parent()) + " " + verb.get_name();
}

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

int wrong_usage(const CLI::App& verb, const std::string& message) {
  fmt::print(stderr, "error: {}\nTry '{} --help'.\n", message, command_of(verb));
  return kWrongUsage;
}

/// Says what the first word is that nobody understood, with the nearest one that exists; empty if all were.
std::string unknown_word(const CLI::App& app, const CLI::App& verb) {
  std::vector<std::string> words = app.remaining(true);
  if (words.empty()) return {};
  const std::string word = words.front().substr(0, words.front().find('='));
  if (word.starts_with("-")) {
    return fmt::format("unknown option '{}'{}", word, did_you_mean(word, flag_names(verb)));
  }
  std::vector<std::string> verbs;
  for (const CLI::App* each : verb.get_subcommands({})) verbs.push_back(each->get_name());
  if (verbs.empty()) return fmt::format("one argument too many: '{}'", word);
  return fmt::format("unknown verb '{}'{}; there are {}", word, did_you_mean(word, verbs), join(verbs, ", "));
}

/// The exit status if the command line ends the program, -1 if `chosen` shall run.
int parse(CLI::App& app, int argc, char** argv, const Verb& chosen) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    return app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    const CLI::App& verb = named_verb(app);
    const std::string unknown = unknown_word(app, verb);
    return wrong_usage(verb, unknown.empty() ? error.what() : unknown);
  }
  const CLI::App& verb = named_verb(app);
  if (const std::string unknown = unknown_word(app, verb); !unknown.empty())
    return wrong_usage(verb, unknown);
  if (!chosen) {
    fmt::print(stderr, "{}", verb.help(verb.get_parent() ? command_of(*verb.get_parent()) : ""));
    return kWrongUsage;
  }
  return -1;
}

/// What was said before a failure, then the failure; nothing twice.
std::vector<Diagnostic> all_of(const Diagnostics& before, const Fatal& failure) {
  std::set<std::pair<std::string, std::string>> in_failure;
  for (const Diagnostic& each : failure.diagnostics()) in_failure.emplace(to_text(each.where), each.message);
  std::vector<Diagnostic> all;
  for (const Diagnostic& each : before.all()) {
    if (!in_failure.contains({to_text(each.where), each.message})) all.push_back(each);
  }
  all.insert(all.end(), failure.diagnostics().begin(), failure.diagnostics().end());
  return all;
}

/// unknown_word() says more about them than the parser would.
void allow_extras(CLI::App& app) {
  app.allow_extras();
  for (CLI::App* verb : app.get_subcommands({})) allow_extras(*verb);
}

int run(const Verb& verb, const Verbosity& verbosity) {
  Console console(verbosity);
  Diagnostics diagnostics;
  try {
    try {
      return verb(console, diagnostics);
    } catch (const Fatal& failure) {
      const std::vector<Diagnostic> all = all_of(diagnostics, failure);
      console.say(all);
      if (verbosity.json) console.print_json({{"ok", false}, {"diagnostics", to_json(all)}});
    }
  } catch (const Fatal& no_output) {
    console.say(no_output.diagnostics());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "error: not enough memory\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {} (this is a mistake in qprep)\n", error.what());
  }
  return kFailed;
}

/// Ends the program. What statics hold is left to the kernel, which takes it back at once.
[[noreturn]] void leave(int status) {
  if constexpr (!QPREP_FREES_AT_EXIT) {
    std::fflush(nullptr);
    std::_Exit(status);
  }
  std::exit(status);
}

}  // namespace

void add_verbosity(CLI::App& verb, Verbosity& verbosity, bool with_json) {
  CLI::Option* quiet = verb.add_flag("-q,--quiet", verbosity.quiet, "Say nothing but errors");
  verb.add_flag("-v,--verbose", verbosity.verbose, "Say notes too")->excludes(quiet);
  if (with_json) verb.add_flag("--json", verbosity.json, "Print the result as JSON");
}

}  // namespace qprep

int main(int argc, char** argv) {
  using namespace qprep;
  if (argc == 2 && std::string_view(argv[1]) == kDrawArgument) return draw_standard_input();
  DrawingProcess::draw_with("/proc/self/exe");
  remove_temporaries_on_signals();

  CLI::App app("Turns a float ONNX model into a quantised one.", "qprep");
  Verbosity verbosity;
  Verb chosen;
  add_prepare(app, verbosity, chosen);
  add_calibrate(app, verbosity, chosen);
  add_stats(app, verbosity, chosen);
  add_samples(app, verbosity, chosen);
  add_check(app, verbosity, chosen);
  add_inspect(app, verbosity, chosen);
  add_explain(app, verbosity, chosen);
  add_config(app, verbosity, chosen);
  add_targets(app, verbosity, chosen);
  add_dump(app, verbosity, chosen);
  add_copy(app, verbosity, chosen);
  app.set_version_flag("--version", "qprep " QPREP_VERSION);
  app.get_formatter()->label("SUBCOMMAND", "VERB");
  app.get_formatter()->label("REQUIRED", "");
  allow_extras(app);
  for (CLI::App* verb : app.get_subcommands({})) verb->group("Verbs");
  app.footer(R"(Examples:
  qprep prepare model.onnx -c qprep.yaml -o out
  qprep check model.onnx --march bayes
  qprep inspect model.onnx
  qprep explain model.onnx -c qprep.yaml head.cls
  qprep VERB --help

Exit status: 0 done, 1 failed, 2 wrong usage.)");

  const int status = parse(app, argc, argv, chosen);
  leave(status >= 0 ? status : run(chosen, verbosity));
}
