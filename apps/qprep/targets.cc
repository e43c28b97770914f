#include "driver/targets.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "config/march.h"
#include "driver/rules.h"
#include "driver/target_rows.h"
#include "driver/target_words.h"
#include "march_names.h"
#include "report/diagnostics_json.h"
#include "report/page.h"
#include "report/table.h"
#include "verbs.h"

namespace qprep {
namespace {

std::vector<March> all_marches() {
  const std::filesystem::path configs = find_configs();
  std::vector<March> all;
  for (const std::string& name : march_names(configs)) all.push_back(read_march(configs, name));
  return all;
}

/// What its file says.
std::string kind_of(const March& march) {
  if (march.quantise) return march.provisional ? "how it quantises, provisional" : "how it quantises";
  if (march.capabilities.rows.empty()) return "a name: nothing is known of what it runs";
  return march.provisional ? "what it runs where, provisional" : "what it runs where";
}

int list_targets(const Console& console) {
  const std::vector<March> all = all_marches();
  if (console.verbosity().json) {
    nlohmann::ordered_json targets = nlohmann::ordered_json::array();
    for (const March& march : all) {
      targets.push_back({{"march", march.name},
                         {"products", march.chips},
                         {"kind", kind_of(march)},
                         {"provisional", march.provisional},
                         {"source", march.source}});
    }
    console.print_json({{"ok", true}, {"targets", targets}});
    return kDone;
  }
  Table table;
  table.headers = {"march", "products", "what its file is"};
  for (const March& march : all) table.rows.push_back({march.name, march.chips, kind_of(march)});
  console.print(to_simple(table));
  return kDone;
}

int show_target(const std::string& march, const std::vector<std::string>& operators, const Console& console) {
  const TargetSupport support = target_support(march, find_configs(), operators);
  if (!console.verbosity().json) {
    console.print(to_text(support));
    return kDone;
  }
  nlohmann::ordered_json json = {{"ok", true}};
  json.update(to_json(support));
  console.print_json(json);
  return kDone;
}

int compare_targets(const std::string& before, const std::string& after, const Console& console) {
  const March a = read_march(find_configs(), before);
  const March b = read_march(find_configs(), after);
  if (!console.verbosity().json) {
    console.print(difference_text(a, b));
    return kDone;
  }
  nlohmann::ordered_json json = {{"ok", true}};
  json.update(difference_json(a, b));
  console.print_json(json);
  return kDone;
}

/// "60 rows, 213 limits".
std::string contents_of(const March& march) {
  std::size_t limits = 0;
  for (const auto& [op, row] : march.capabilities.rows) limits += row.limits.size();
  return fmt::format("{}, {}{}", counted(march.capabilities.rows.size(), "row", "rows"),
                     counted(limits, "limit", "limits"),
                     march.base.empty() ? "" : fmt::format(", extends {}", march.base));
}

int check_targets(const std::vector<std::string>& files, const Console& console) {
  nlohmann::ordered_json checked = nlohmann::ordered_json::array();
  bool all_fine = true;
  for (const std::string& file : files) {
    std::vector<Diagnostic> mistakes;
    std::string contents;
    try {
      contents = contents_of(read_march(find_configs(), file));
    } catch (const Fatal& wrong) {
      mistakes = wrong.diagnostics();
    }
    for (Diagnostic& each : doubtful_words(find_configs(), file)) {
      each.severity = Severity::kError;
      mistakes.push_back(std::move(each));
    }
    std::ranges::stable_sort(mistakes, {}, [](const Diagnostic& each) {
      return std::tuple(each.where.file, each.where.line, each.where.column);
    });
    all_fine = all_fine && mistakes.empty();
    console.say(mistakes);
    checked.push_back({{"file", file}, {"ok", mistakes.empty()}, {"diagnostics", to_json(mistakes)}});
    if (console.verbosity().json || console.verbosity().quiet) continue;
    console.print(mistakes.empty() ? fmt::format("{}: ok ({})\n", file, contents)
                                   : fmt::format("{}: {} {}\n", file, mistakes.size(),
                                                 mistakes.size() == 1 ? "mistake" : "mistakes"));
  }
  if (console.verbosity().json) console.print_json({{"ok", all_fine}, {"files", checked}});
  return all_fine ? kDone : kFailed;
}

void add_targets_diff(CLI::App& targets, Verbosity& verbosity, Verb& chosen) {
  const auto names = std::make_shared<std::array<std::string, 2>>();
  CLI::App* diff = targets.add_subcommand("diff", "Show what one target can that another cannot");
  diff->group("Verbs");
  for (const auto& [name, i] : {std::pair("A", 0), {"B", 1}}) {
    diff->add_option(name, (*names)[static_cast<std::size_t>(i)], "A target, or a file of one")
        ->required()
        ->type_name("")
        ->check(check_march);
  }
  add_verbosity(*diff, verbosity, true);
  diff->footer(R"(Examples:
  qprep targets diff bernoulli2 bayes
  qprep targets diff bayes own.yaml)");
  diff->callback([&chosen, names] {
    chosen = [names](Console& console, Diagnostics&) {
      return compare_targets((*names)[0], (*names)[1], console);
    };
  });
}

void add_targets_check(CLI::App& targets, Verbosity& verbosity, Verb& chosen) {
  const auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* check = targets.add_subcommand("check", "Say everything that is wrong with files of targets");
  check->group("Verbs");
  check->add_option("FILE", *files, "Files of targets, ending in .yaml")
      ->required()
      ->type_name("")
      ->check(check_march);
  add_verbosity(*check, verbosity, true);
  check->footer(R"(Examples:
  qprep targets check own.yaml)");
  check->callback([&chosen, files] {
    chosen = [files](Console& console, Diagnostics&) { return check_targets(*files, console); };
  });
}

}  // namespace

void add_targets(CLI::App& app, Verbosity& verbosity, Verb& chosen) {
  CLI::App* targets = app.add_subcommand("targets", "Say what a target supports");
  targets->get_formatter()->label("SUBCOMMAND", "VERB");
  targets->footer(R"(Examples:
  qprep targets list
  qprep targets show bayes)");

  CLI::App* list = targets->add_subcommand("list", "List the targets");
  list->group("Verbs");
  add_verbosity(*list, verbosity, true);
  list->footer(R"(Examples:
  qprep targets list
  qprep targets list --json)");
  list->callback(
      [&chosen] { chosen = [](Console& console, Diagnostics&) { return list_targets(console); }; });

  const auto march = std::make_shared<std::string>();
  const auto operators = std::make_shared<std::vector<std::string>>();
  CLI::App* show = targets->add_subcommand(
      "show", "Show what a target runs where, in which precisions and within which limits");
  show->group("Verbs");
  show->add_option("MARCH", *march, "The target, or a file of one")
      ->required()
      ->type_name("")
      ->check(check_march);
  show->add_option("OPERATOR", *operators, "Only these operators")->type_name("");
  add_verbosity(*show, verbosity, true);
  show->footer(R"(Examples:
  qprep targets show bayes
  qprep targets show bayes Conv Softmax
  qprep targets show bayes-e --json | jq '.rows[] | select(.runs == "manual")')");
  show->callback([&chosen, march, operators] {
    chosen = [march, operators](Console& console, Diagnostics&) {
      return show_target(*march, *operators, console);
    };
  });
  add_targets_diff(*targets, verbosity, chosen);
  add_targets_check(*targets, verbosity, chosen);
}

}  // namespace qprep
