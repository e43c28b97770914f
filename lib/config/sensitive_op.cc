#include "config/sensitive_op.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <optional>

#include "config/quote.h"
#include "config/sensitivity.h"
#include "support/codes.h"

namespace qprep {
namespace {

const std::vector<std::string> kDtypes = {"qint8", "qint16", "float", "int8", "int16"};

/// Exactly one of topk and ratio.
std::optional<std::size_t> rows_to_take(YamlMap& map, const std::string& name, std::size_t rows,
                                        SpecReader& spec, Diagnostics& diagnostics) {
  const auto topk = map.integer("topk", 1, 1'000'000);
  const YamlNode* ratio = map.find("ratio");
  if (map.has("topk") == map.has("ratio")) {
    spec.wrong(
        fmt::format("'{}' takes either 'topk' (how many rows) or 'ratio' (which part of the rows)", name),
        map.where());
    return std::nullopt;
  }
  if (topk) {
    const auto wanted = static_cast<std::size_t>(topk->value);
    if (wanted > rows && rows > 0 && diagnostics.count(Severity::kError) == 0) {
      diagnostics.warning(
          codes::kNoEffect,
          fmt::format("'{}.topk' is {}, but the table has only {}: all are taken", name, wanted, rows),
          topk->where);
    }
    return std::min(rows, wanted);
  }
  if (!ratio) return std::nullopt;
  const auto part = number_of(*ratio);
  if (!part || !(*part > 0 && *part <= 1)) {
    spec.wrong(
        fmt::format("'{}.ratio' must be a number above 0 and not above 1, not {}", name, describe(*ratio)),
        ratio->where);
    return std::nullopt;
  }
  return static_cast<std::size_t>(std::ceil(static_cast<double>(rows) * *part));
}

struct Choice {
  std::string type = "activation";
  Precision from = Precision::kInt8;
  Precision to = Precision::kInt16;
  std::vector<Placed<Says>> also = {};
};

void read_choice(YamlMap& map, SpecReader& spec, Choice& choice) {
  if (const auto type = map.word("type", {"activation", "weight", "both"})) choice.type = type->value;
  if (const auto to = map.word("dtype", kDtypes)) choice.to = precision_from(to->value).value();
  if (const auto from = map.word("from", kDtypes)) choice.from = precision_from(from->value).value();
  if (map.has("averaging_constant")) choice.also = spec.aspects(map, true);
}

}  // namespace

void read_sensitive_op(const SensitiveOpKeys& keys, const UsualPrecision& usual, SpecReader& spec,
                       Diagnostics& diagnostics, std::vector<Setting>& settings) {
  Choice choice;
  if (keys.of_template) {
    YamlMap of_template(*keys.of_template, keys.name, diagnostics);
    read_choice(of_template, spec, choice);
  }
  YamlMap map(keys.user, keys.name, diagnostics);
  if (keys.user.kind != YamlNode::Kind::kMap) return;
  read_choice(map, spec, choice);
  const auto table = map.text("table");
  std::vector<SensitivityRow> rows;
  if (table) {
    const std::filesystem::path folder = std::filesystem::path(keys.user.where.file).parent_path();
    rows = read_sensitivity_table((folder / table->value).lexically_normal(), table->where, diagnostics);
  } else if (!map.has("table")) {
    spec.wrong(fmt::format("'{}' has no 'table'; name the file of the sensitivity table", keys.name),
               map.where());
  }
  const auto count = rows_to_take(map, keys.name, rows.size(), spec, diagnostics);
  map.finish();
  if (!count || rows.empty()) return;
  if (choice.to == choice.from) {
    diagnostics.warning(codes::kNoEffect,
                        fmt::format("'{}' changes nothing: rows of dtype {} ('from') become {} ('dtype')",
                                    keys.name, to_text(choice.from), to_text(choice.to)),
                        map.where());
  }
  rows.resize(*count);

  const std::size_t before = settings.size();
  for (const SensitivityRow& row : rows) {
    const bool activation = row.type == "activation";
    const Precision now =
        precision_from(row.dtype).value_or(activation ? usual.activations.value : usual.weights.value);
    if ((choice.type != "both" && choice.type != row.type) || now != choice.from) continue;
    Setting setting;
    setting.selector.kind = Selector::Kind::kExact;
    setting.selector.text = row.op;
    setting.slot = activation ? Slot::kOutput : Slot::kWeight;
    setting.where = row.where;
    setting.of_table = true;
    setting.what = fmt::format("{} {} {}", keys.name, quote(row.op), row.type);
    setting.says = choice.to;
    settings.push_back(setting);
    for (const Placed<Says>& said : choice.also) {
      setting.says = said.value;
      settings.push_back(setting);
    }
  }
  if (settings.size() > before) return;
  diagnostics.warning(
      codes::kNeverWins,
      fmt::format("'{}' chooses nothing: of the first {} rows of the table, none is {}{} with dtype {}",
                  keys.name, rows.size(), choice.type == "both" ? "activation or weight" : choice.type,
                  choice.type == "both" ? "," : "", to_text(choice.from)),
      map.where());
}

}  // namespace qprep
