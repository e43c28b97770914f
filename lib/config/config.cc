#include "config/config.h"

#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <utility>

#include "config/calibration_config.h"
#include "config/config_folder.h"
#include "config/hb_config.h"
#include "config/march.h"
#include "config/march_hint.h"
#include "config/mqbench.h"
#include "config/qconfig_setter.h"
#include "config/quote.h"
#include "config/recognise.h"
#include "config/replacements.h"
#include "config/ways.h"
#include "ir/newest_opset.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

const std::vector<std::string> kMethods = {"jit_strip", "jit", "symbolic", "eager"};

constexpr std::array<std::pair<std::string_view, Dialect>, 3> kDialects = {
    {{"function", Dialect::kFunction}, {"qdq", Dialect::kQdq}, {"horizon", Dialect::kHorizon}}};
constexpr std::array<std::pair<std::string_view, Form>, 3> kForms = {
    {{"qat", Form::kQat}, {"fixed_point", Form::kFixedPoint}, {"both", Form::kBoth}}};

constexpr std::array<std::pair<std::string_view, CompositeForm>, 2> kCompositeForms = {
    {{"keep", CompositeForm::kKeep}, {"modern", CompositeForm::kModern}}};

/// Reads one of the table's words into `target`; leaves it where the key is absent or wrong.
template <typename Enum, std::size_t N>
void read_word(YamlMap& map, std::string_view key,
               const std::array<std::pair<std::string_view, Enum>, N>& table, Placed<Enum>& target) {
  std::vector<std::string> words;
  for (const auto& [word, value] : table) words.emplace_back(word);
  const auto found = map.word(key, words);
  if (!found) return;
  for (const auto& [word, value] : table) {
    if (found->value == word) target = {value, found->where};
  }
}

template <typename Enum, std::size_t N>
std::string_view word_of(Enum wanted, const std::array<std::pair<std::string_view, Enum>, N>& table) {
  for (const auto& [word, value] : table) {
    if (value == wanted) return word;
  }
  return "?";
}

/// The word none, or a list of names.
std::optional<std::vector<std::string>> read_replace(YamlMap& map, Diagnostics& diagnostics) {
  const YamlNode* value = map.find("replace");
  if (!value) return std::nullopt;
  if (value->kind == YamlNode::Kind::kScalar) {
    if (value->text != "none") {
      diagnostics.error(codes::kBadValue,
                        fmt::format("'replace' must be none or a list of replacements, not {}{}",
                                    describe(*value), did_you_mean_to_replace(value->text)),
                        value->where);
    }
    return std::vector<std::string>();
  }
  return read_replacements(map, "replace", diagnostics);
}

void read_stubs(YamlMap map, Config& config, Diagnostics& diagnostics) {
  config.stubs = {map.texts("inputs"), map.texts("outputs")};
  map.finish();
  const bool any = !config.stubs.inputs.empty() || !config.stubs.outputs.empty();
  if (!any || config.method.value == "jit_strip") return;
  diagnostics.error(codes::kBadValue,
                    fmt::format("'stubs' are the borders of what jit_strip quantises; method '{}' quantises "
                                "the whole graph",
                                config.method.value),
                    map.where());
}

/// Given: the rest of `hybrid` is read elsewhere, and what is wrong with it said.
void read_hybrid(YamlMap& map, Config& config) {
  Diagnostics said_elsewhere;
  const YamlNode* node = map.find("hybrid");
  if (!node) return;
  YamlMap hybrid(*node, "hybrid", said_elsewhere);
  config.hybrid = hybrid.boolean("enabled");
  config.min_segment = hybrid.integer("min_segment", 1, kLargestMinSegment);
}

void read_dims(YamlMap map, Config& config) {
  for (const Placed<std::string>& key : map.keys()) {
    const auto size = map.integer(key.value, 1, std::numeric_limits<std::int32_t>::max());
    if (size) config.dims.push_back({{key.value, size->value}, key.where});
  }
  map.finish();
}

void read_output(YamlMap output, Config& config, Diagnostics& diagnostics) {
  config.prefix = output.text("prefix");
  if (config.prefix && config.prefix->value.find('/') != std::string::npos) {
    diagnostics.error(
        codes::kBadValue,
        "'output.prefix' is the beginning of file names and has no '/'; the folder is the command's -o",
        config.prefix->where);
  }
  if (config.prefix && config.prefix->value.find('\n') != std::string::npos) {
    diagnostics.error(codes::kBadValue,
                      "'output.prefix' is the beginning of file names and has no line breaks",
                      config.prefix->where);
  }
  constexpr std::size_t kLongestPrefix = 200;
  if (config.prefix && config.prefix->value.size() > kLongestPrefix) {
    diagnostics.error(
        codes::kBadValue,
        fmt::format("'output.prefix' is the beginning of file names and has at most {} bytes, not {}",
                    kLongestPrefix, config.prefix->value.size()),
        config.prefix->where);
  }
  read_word(output, "dialect", kDialects, config.dialect);
  read_word(output, "form", kForms, config.form);
  if (config.dialect.value == Dialect::kHorizon && config.form.value == Form::kBoth) {
    diagnostics.error(
        codes::kBadValue,
        "'output.dialect' horizon contradicts 'form: both': the vendor's tools make integers of the "
        "calibrated model; use 'form: qat'",
        config.dialect.where);
  }
  if (output.has("dialect") && config.form.value == Form::kFixedPoint &&
      config.dialect.value != Dialect::kQdq) {
    diagnostics.warning(
        codes::kNoEffect,
        "'output.dialect' has no effect: it says how a calibrated model is written, and 'form: "
        "fixed_point' writes none",
        config.dialect.where);
  }
  output.finish();
}

void read_rewrite(YamlMap& map, Config& config, Diagnostics& diagnostics) {
  read_word(map, "rewrite", kCompositeForms, config.rewrite);
  config.newest_opset = map.integer("newest_opset", 1, kNewestOpset);
  if (!config.newest_opset || config.rewrite.value == CompositeForm::kModern) return;
  diagnostics.warning(codes::kNoEffect,
                      "'newest_opset' has no effect: it bounds what 'rewrite: modern' may raise the operator "
                      "set to",
                      config.newest_opset->where);
}

/// A march by name, or by the path of a file, which is relative to this one.
std::optional<Placed<std::string>> march_in(YamlMap& map, const std::string& file, Diagnostics& diagnostics) {
  const YamlNode* node = map.find("march");
  if (!node || node->kind != YamlNode::Kind::kScalar || !is_march_file(node->text)) {
    const std::vector<std::string> names = march_names(find_configs());
    if (!node || node->kind != YamlNode::Kind::kScalar || node->text.empty() ||
        std::ranges::find(names, node->text) != names.end()) {
      return map.word("march", names);
    }
    diagnostics.error(codes::kBadValue,
                      fmt::format("'march' must be one of {}, not {}{}{}", join(names, ", "),
                                  quote(node->text), did_you_mean(node->text, names),
                                  hint_at_march_file(node->text, std::filesystem::path(file).parent_path())),
                      node->where);
    return std::nullopt;
  }
  const std::filesystem::path path = std::filesystem::path(file).parent_path() / node->text;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    diagnostics.error(codes::kBadValue, fmt::format("'march': there is no file {}", quote(path.string())),
                      node->where);
    return std::nullopt;
  }
  return Placed<std::string>{path.lexically_normal().string(), node->where};
}

/// "activations.per_channel" of the value at this place. Given: map.finish() was called, since it asks for
/// every key.
std::string key_of_value(YamlMap& map, const Where& where) {
  for (const Placed<std::string>& key : map.keys()) {
    if (map.find(key.value)->where == where) return fmt::format("{}.{}", map.path(), key.value);
  }
  return map.path();
}

/// What holds where nobody names a node: the precision, and what else is said of it.
void read_usual(YamlMap map, Slot slot, SpecReader& spec, Placed<Precision>& target,
                std::vector<Setting>& aspects) {
  if (const YamlNode* word = map.find("dtype")) {
    const auto precision = spec.dtype(*word, map.name_of("dtype"));
    if (precision) target = {*precision, word->where};
  }
  std::vector<Placed<Says>> all = spec.aspects(map, slot == Slot::kWeight);
  map.finish();
  for (Placed<Says>& said : all) {
    Setting setting;
    setting.slot = slot;
    setting.says = std::move(said.value);
    setting.where = said.where;
    setting.what = key_of_value(map, setting.where);
    aspects.push_back(std::move(setting));
  }
}

Config own_config(const YamlNode& root, const std::string& file, Diagnostics& diagnostics) {
  Config config;
  config.file = file;
  YamlMap map(root, "", diagnostics);
  map.integer("version", 1, 1);
  if (const auto march = map.has("march") ? march_in(map, file, diagnostics) : march_of_backend(map))
    config.march = *march;
  if (const auto method = map.word("method", kMethods)) config.method = *method;
  config.fusing = read_fusing(map, config.method, diagnostics);
  config.replace = read_replace(map, diagnostics);
  read_dims(map.map("dims"), config);
  read_hybrid(map, config);
  read_stubs(map.map("stubs"), config, diagnostics);
  read_output(map.map("output"), config, diagnostics);
  read_rewrite(map, config, diagnostics);
  if (map.has("calibration")) {
    config.calibration = read_calibration(*map.find("calibration"), config.file, diagnostics);
  }
  Diagnostics not_yet;
  const UsualPrecision nothing_usual;
  SpecReader spec(nothing_usual, diagnostics, not_yet);
  read_usual(map.map("weights"), Slot::kWeight, spec, config.weights, config.usual_aspects);
  read_usual(map.map("activations"), Slot::kOutput, spec, config.activations, config.usual_aspects);
  const UsualPrecision usual = {config.activations, config.weights};
  config.setters = read_qconfig_setter(map, usual, diagnostics, not_yet);
  const std::vector<Setting> others = read_other_ways(map, diagnostics, not_yet);
  config.setters.insert(config.setters.end(), others.begin(), others.end());
  config.precision_key = precision_key(map);
  config.not_yet = not_yet.all();
  map.finish();
  return config;
}

Config config_from(const YamlNode& root, const std::string& file, Diagnostics said) {
  Diagnostics diagnostics = is_hb_file(root) ? repeated_alike_are_warnings(root, said) : std::move(said);
  Config config = is_hb_file(root)     ? read_hb_config(root, file, diagnostics)
                  : is_hmct_file(root) ? read_hmct_config(root, file, diagnostics)
                                       : own_config(root, file, diagnostics);
  diagnostics.throw_if_error();
  config.remarks.insert(config.remarks.begin(), diagnostics.all().begin(), diagnostics.all().end());
  return config;
}

/// More mistakes than anybody mends at once are counted.
[[noreturn]] void refuse(const Fatal& failure) {
  constexpr std::size_t kMostMistakes = 100;
  std::vector<Diagnostic> all = failure.diagnostics();
  if (all.size() > kMostMistakes) {
    const std::size_t left_out = all.size() - kMostMistakes;
    all.resize(kMostMistakes);
    all.push_back({Severity::kError,
                   codes::kBadValue,
                   fmt::format("and {} more mistakes", left_out),
                   {all.back().where.file, 0, 0}});
  }
  throw Fatal(std::move(all));
}

}  // namespace

std::string_view to_text(Dialect dialect) { return word_of(dialect, kDialects); }
std::string_view to_text(Form form) { return word_of(form, kForms); }

Config read_config(const std::string& file) try {
  Diagnostics diagnostics;
  const auto root = read_yaml(file, diagnostics);
  return config_from(*root, file, std::move(diagnostics));
} catch (const Fatal& failure) {
  refuse(failure);
}

Config parse_config(std::string_view text, const std::string& file) try {
  Diagnostics diagnostics;
  const auto root = parse_yaml(text, file, diagnostics);
  return config_from(*root, file, std::move(diagnostics));
} catch (const Fatal& failure) {
  refuse(failure);
}

void ask_for_channels(Config& config) {
  Setting setting;
  setting.says = PerChannel{true};
  setting.where = config.calibration->search->where;
  setting.what = "calibration.search.per_channel";
  config.usual_aspects.push_back(std::move(setting));
}

std::vector<Setting> settings(const Config& config) {
  std::vector<Setting> all;
  const auto strip_at = [&](const std::vector<Placed<std::string>>& stubs, const std::string& key,
                            std::vector<std::string> Selector::*side) {
    for (const Placed<std::string>& stub : stubs) {
      Setting setting = setting_for_all(Slot::kNode, Precision::kFloat32, stub.where, key);
      setting.selector.kind = Selector::Kind::kOutside;
      setting.selector.text = stub.value;
      (setting.selector.*side).push_back(stub.value);
      all.push_back(std::move(setting));
    }
  };
  strip_at(config.stubs.inputs, "stubs.inputs", &Selector::from);
  strip_at(config.stubs.outputs, "stubs.outputs", &Selector::to);
  all.insert(all.end(), config.setters.begin(), config.setters.end());
  const auto add = [&](Slot slot, const Placed<Precision>& dtype, std::string key, std::string otherwise) {
    const bool is_default = dtype.where.file.empty();
    all.push_back(
        setting_for_all(slot, dtype.value, dtype.where, is_default ? std::move(otherwise) : std::move(key)));
  };
  all.insert(all.end(), config.usual_aspects.begin(), config.usual_aspects.end());
  const bool strip = config.method.value == "jit_strip";
  add(Slot::kOutput, config.activations, "activations.dtype", "int8 activations");
  add(Slot::kWeight, config.weights, "weights.dtype", "int8 weights");
  const auto end = [&](Slot slot, const std::vector<Placed<std::string>>& stubs) {
    const bool by_rule = strip && stubs.empty();
    const Where& where = stubs.empty() ? config.method.where : stubs.front().where;
    add(slot, {by_rule ? Precision::kFloat32 : Precision::kInt8, where}, stubs.empty() ? "method" : "stubs",
        "method jit_strip");
  };
  // Files of other tools say themselves what is done to the inputs.
  if (config.written_for.empty()) end(Slot::kHead, config.stubs.inputs);
  end(Slot::kTail, config.stubs.outputs);
  return all;
}

}  // namespace qprep
