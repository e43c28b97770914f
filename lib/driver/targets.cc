#include "driver/targets.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <tuple>

#include "config/march.h"
#include "config/op_classes.h"
#include "config/row_classes.h"
#include "driver/target_rows.h"
#include "plan/plan.h"
#include "report/table.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::array kClasses = {OpClass::kGemmLike,  OpClass::kActive,  OpClass::kPassive,
                                 OpClass::kQuantised, OpClass::kInteger, OpClass::kFloat};

/// What holds for all operators of a class.
std::string_view summary_of(OpClass op_class) {
  switch (op_class) {
    case OpClass::kGemmLike:
      return "multiply and accumulate; a weight has one scale for each output channel";
    case OpClass::kActive:
      return "compute new numbers, which get a scale";
    case OpClass::kPassive:
      return "hand elements on: their result has the precision and the scale of their data";
    case OpClass::kQuantised:
      return "carry scales of their own; settings leave them alone";
    case OpClass::kInteger:
      return "shapes, indices, conditions and logic; not quantised";
    case OpClass::kFloat:
      return "stay float, on the CPU";
  }
  return "";
}

std::string text_of(const OpCondition& condition) {
  if (condition.kind == OpCondition::Kind::kInputZero) {
    return fmt::format("input {} is zero or absent", condition.input);
  }
  const auto text = [](const OpCondition::Value& value) {
    const auto* number = std::get_if<std::int64_t>(&value);
    return number ? std::to_string(*number) : std::get<std::string>(value);
  };
  std::vector<std::string> values;
  for (const OpCondition::Value& value : condition.values) values.push_back(text(value));
  return fmt::format("{} is {}", condition.attribute, join(values, " or "));
}

OperatorSupport support_of(const std::string& op, const OpTraits& traits, std::string when) {
  OperatorSupport support;
  support.op = op;
  support.op_class = to_text(traits.op_class);
  support.when = std::move(when);
  support.why = traits.why;
  const bool computes = traits.op_class == OpClass::kGemmLike || traits.op_class == OpClass::kActive;
  if (!computes && traits.op_class != OpClass::kPassive) return support;
  support.data = traits.all_inputs ? "all" : fmt::format("{}", fmt::join(traits.data, ", "));
  if (!computes) return support;
  const std::vector<std::string> any = {"qint8", "qint16", "float32"};
  support.inputs = support.output = any;
  if (traits.op_class == OpClass::kGemmLike && traits.weight) support.weight = any;
  return support;
}

void check_known(const OpClasses& classes, const March& march, const std::vector<std::string>& only) {
  std::vector<std::string> known;
  for (const auto& [op, row] : classes.rows) known.push_back(op);
  for (const auto& [op, row] : march.capabilities.rows) known.push_back(op);
  std::sort(known.begin(), known.end());
  std::vector<Diagnostic> unknown;
  for (const std::string& op : only) {
    if (std::ranges::binary_search(known, op)) continue;
    unknown.push_back({Severity::kError,
                       codes::kBadValue,
                       fmt::format("nothing is known of an operator '{}'{}; it would stay float", op,
                                   did_you_mean(op, known)),
                       {}});
  }
  if (!unknown.empty()) throw Fatal(unknown);
}

std::size_t place_of(const std::string& op_class) {
  const auto at =
      std::find_if(kClasses.begin(), kClasses.end(), [&](OpClass each) { return to_text(each) == op_class; });
  return static_cast<std::size_t>(at - kClasses.begin());
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

void append_class(std::string& text, OpClass op_class, const std::vector<const OperatorSupport*>& operators) {
  if (operators.empty()) return;
  text += fmt::format("\n{}: {}\n\n", to_text(op_class), summary_of(op_class));
  const bool computes = op_class == OpClass::kGemmLike || op_class == OpClass::kActive;
  Table table;
  table.headers = {"operator", "when"};
  if (computes || op_class == OpClass::kPassive) table.headers.emplace_back("data inputs");
  if (computes) table.headers.insert(table.headers.end(), {"inputs", "output"});
  if (op_class == OpClass::kGemmLike) table.headers.emplace_back("weight");
  table.headers.emplace_back("because it");
  for (const OperatorSupport* each : operators) {
    std::vector<std::string> row = {each->op, or_dash(each->when)};
    if (computes || op_class == OpClass::kPassive) row.push_back(or_dash(each->data));
    if (computes) row.insert(row.end(), {join(each->inputs, " "), join(each->output, " ")});
    if (op_class == OpClass::kGemmLike) row.push_back(or_dash(join(each->weight, " ")));
    row.push_back(each->why);
    table.rows.push_back(std::move(row));
  }
  append_simple(text, table);
}

}  // namespace

TargetSupport target_support(const std::string& march, const std::filesystem::path& configs,
                             const std::vector<std::string>& only) {
  OpClasses classes = read_op_classes((configs / "op_classes.yaml").string());
  TargetSupport support;
  support.march = read_march(configs, march);
  add_classes_of_rows(support.march.capabilities, classes);
  support.only = only;
  check_known(classes, support.march, only);
  for (const auto& [op, row] : classes.rows) {
    if (!only.empty() && std::find(only.begin(), only.end(), op) == only.end()) continue;
    support.operators.push_back(support_of(op, row.traits, ""));
    for (const OpClasses::Case& each : row.cases) {
      std::vector<std::string> conditions;
      for (const OpCondition& condition : each.conditions) conditions.push_back(text_of(condition));
      support.operators.push_back(support_of(op, each.traits, join(conditions, ", ")));
    }
  }
  std::stable_sort(support.operators.begin(), support.operators.end(),
                   [](const OperatorSupport& a, const OperatorSupport& b) {
                     return std::tuple(place_of(a.op_class), a.op) < std::tuple(place_of(b.op_class), b.op);
                   });
  return support;
}

std::string to_text(const TargetSupport& support) {
  std::string text = fmt::format("{} ({})\n", support.march.name, support.march.chips);
  text += about(support.march);
  text += rows_text(support.march, support.only);
  if (support.operators.empty()) return text;
  text += "\nWhat a configuration can ask of them, on every target alike:\n";
  for (const OpClass op_class : kClasses) {
    std::vector<const OperatorSupport*> operators;
    for (const OperatorSupport& each : support.operators) {
      if (each.op_class == to_text(op_class)) operators.push_back(&each);
    }
    append_class(text, op_class, operators);
  }
  return text;
}

nlohmann::ordered_json to_json(const TargetSupport& support) {
  nlohmann::ordered_json operators = nlohmann::ordered_json::array();
  for (const OperatorSupport& each : support.operators) {
    nlohmann::ordered_json json = {{"operator", each.op}, {"class", each.op_class}};
    if (!each.when.empty()) json["when"] = each.when;
    if (!each.data.empty()) json["data"] = each.data;
    json["precisions"] = {{"inputs", each.inputs}, {"weight", each.weight}, {"output", each.output}};
    json["why"] = each.why;
    operators.push_back(std::move(json));
  }
  const nlohmann::ordered_json quantise = ways_json(how_it_quantises(support.march));
  return {{"march", support.march.name},
          {"products", support.march.chips},
          {"source", support.march.source},
          {"provisional", support.march.provisional},
          {"quantise", quantise},
          {"rewrites", ways_json(how_it_rewrites(support.march))},
          {"rows", rows_json(support.march, support.only)},
          {"operators", operators}};
}

}  // namespace qprep
