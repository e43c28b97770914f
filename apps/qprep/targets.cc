#include "driver/targets.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "config/march.h"
#include "driver/rules.h"
#include "march_names.h"
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

int list_targets(const Console& console) {
  const std::vector<March> all = all_marches();
  if (console.verbosity().json) {
    nlohmann::ordered_json targets = nlohmann::ordered_json::array();
    for (const March& march : all) targets.push_back({{"march", march.name}, {"products", march.chips}});
    console.print_json({{"ok", true}, {"targets", targets}});
    return kDone;
  }
  Table table;
  table.headers = {"march", "products"};
  for (const March& march : all) table.rows.push_back({march.name, march.chips});
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
  CLI::App* show = targets->add_subcommand("show", "Show which operators have which precisions on a target");
  show->group("Verbs");
  show->add_option("MARCH", *march, "The target")->required()->type_name("")->check(check_march);
  show->add_option("OPERATOR", *operators, "Only these operators")->type_name("");
  add_verbosity(*show, verbosity, true);
  show->footer(R"(Examples:
  qprep targets show bayes
  qprep targets show bayes Conv Softmax
  qprep targets show nash-e --json | jq '.operators[] | select(.class == "gemm_like")')");
  show->callback([&chosen, march, operators] {
    chosen = [march, operators](Console& console, Diagnostics&) {
      return show_target(*march, *operators, console);
    };
  });
}

}  // namespace qprep
