#include "config/quantise.h"

#include <array>
#include <fmt/format.h>
#include <utility>

#include "config/quote.h"
#include "config/setting_spec.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::array<std::pair<std::string_view, Scheme::Range>, 3> kRanges = {
    {{"whole", Scheme::Range::kWhole},
     {"narrow", Scheme::Range::kNarrow},
     {"seven_bits", Scheme::Range::kSevenBits}}};

class Reader {
 public:
  explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void read_rule(YamlMap map, bool weights, TensorRule& rule) {
    Placed<Scheme> scheme = rule.scheme.value_or(Placed<Scheme>{Scheme{}, map.where()});
    bool says_scheme = false;
    const auto take = [&](const Where& where) {
      scheme.where = where;
      says_scheme = true;
    };
    read_bits(map, rule, scheme.value, take);
    if (const auto flag = map.boolean("signed")) {
      scheme.value.is_signed = flag->value;
      take(flag->where);
    }
    if (const auto flag = map.boolean("symmetric")) {
      scheme.value.symmetric = flag->value;
      take(flag->where);
    }
    if (const auto flag = map.boolean("power_of_two")) {
      scheme.value.power_of_two = flag->value;
      take(flag->where);
    }
    read_range(map, scheme.value, take);
    if (const auto number = number_in(map, "smallest_scale", 1.0)) {
      scheme.value.smallest_scale = number->value;
      take(number->where);
    }
    if (says_scheme) rule.scheme = scheme;
    if (const auto flag = map.boolean("per_channel")) rule.per_channel = flag;
    if (!weights) {
      if (const auto word = map.word("observer", {"min_max", "moving_average"})) rule.observer = word;
      if (const auto number = number_in(map, "averaging_constant", 1.0)) rule.averaging_constant = number;
    }
    map.finish();
  }

 private:
  template <typename Take>
  void read_bits(YamlMap& map, TensorRule& rule, Scheme& scheme, const Take& take) {
    const auto bits = map.integer("bits", 4, 16);
    if (!bits) return;
    if (bits->value != 4 && bits->value != 8 && bits->value != 16) {
      wrong(fmt::format("{} must be 4, 8 or 16, not {}", map.name_of("bits"), bits->value), bits->where);
      return;
    }
    rule.precision = {bits->value == 16 ? Precision::kInt16 : Precision::kInt8, bits->where};
    const bool had_four = scheme.range == Scheme::Range::kFourBits;
    if (bits->value == 4) scheme.range = Scheme::Range::kFourBits;
    if (bits->value != 4 && had_four) scheme.range = Scheme::Range::kWhole;
    if (bits->value == 4 || had_four) take(bits->where);
  }

  template <typename Take>
  void read_range(YamlMap& map, Scheme& scheme, const Take& take) {
    std::vector<std::string> words;
    for (const auto& [word, range] : kRanges) words.emplace_back(word);
    const auto word = map.word("range", words);
    if (!word) return;
    if (scheme.range == Scheme::Range::kFourBits) {
      wrong(fmt::format("{} speaks of 8 and 16 bits, not of 4", map.name_of("range")), word->where);
    }
    for (const auto& [each, range] : kRanges) {
      if (each == word->value) scheme.range = range;
    }
    take(word->where);
  }

  std::optional<Placed<float>> number_in(YamlMap& map, std::string_view key, double max) {
    const YamlNode* node = map.find(key);
    if (!node) return std::nullopt;
    const auto number = number_of(*node);
    if (number && *number >= 0 && *number <= max)
      return Placed<float>{static_cast<float>(*number), node->where};
    wrong(fmt::format("{} must be a number from 0 to {}, not {}", map.name_of(key), max, describe(*node)),
          node->where);
    return std::nullopt;
  }

  void wrong(std::string message, const Where& where) {
    diagnostics_.error(codes::kBadValue, std::move(message), where);
  }

  Diagnostics& diagnostics_;
};

class Settings {
 public:
  std::vector<Setting> take() { return std::move(all_); }

  void add(Slot slot, Says says, const Where& where, std::string what, std::string_view op = {}) {
    Setting setting;
    if (!op.empty())
      setting.selector = {.kind = Selector::Kind::kType, .text = std::string(op), .optional = true};
    setting.slot = slot;
    setting.says = std::move(says);
    setting.where = where;
    setting.what = std::move(what);
    setting.of_target = true;
    all_.push_back(std::move(setting));
  }

  void add(Slot slot, const TensorRule& rule, const std::string& what, std::string_view op = {}) {
    if (rule.precision) add(slot, rule.precision->value, rule.precision->where, what + ".bits", op);
    if (rule.scheme) add(slot, rule.scheme->value, rule.scheme->where, what, op);
    if (rule.per_channel)
      add(slot, PerChannel{rule.per_channel->value}, rule.per_channel->where, what + ".per_channel", op);
    if (rule.observer)
      add(slot, ObserverName{rule.observer->value}, rule.observer->where, what + ".observer", op);
    if (rule.averaging_constant)
      add(slot, AveragingConstant{rule.averaging_constant->value}, rule.averaging_constant->where,
          what + ".averaging_constant", op);
  }

 private:
  std::vector<Setting> all_;
};

}  // namespace

std::vector<Setting> Quantise::settings() const {
  Settings all;
  for (const ByOperator& each : operators) {
    all.add(Slot::kOutput, each.results, "quantise.operators." + each.op, each.op);
  }
  all.add(Slot::kOutput, activations, "quantise.activations");
  all.add(Slot::kWeight, weights, "quantise.weights");
  const Precision precision = activations.precision ? activations.precision->value : Precision::kInt8;
  if (outputs) {
    all.add(Slot::kHighPrecision, outputs->value ? precision : Precision::kFloat32, outputs->where,
            "quantise.outputs");
  }
  // Its tools know neither heads nor tails.
  all.add(Slot::kHead, precision, where, "quantise");
  all.add(Slot::kTail, precision, where, "quantise");
  return all.take();
}

Quantise read_quantise(YamlMap map, const Quantise* base, Diagnostics& diagnostics) {
  Quantise read = base ? *base : Quantise();
  read.where = map.where();
  Reader reader(diagnostics);
  if (map.has("activations")) reader.read_rule(map.map("activations"), false, read.activations);
  if (map.has("weights")) reader.read_rule(map.map("weights"), true, read.weights);
  if (map.has("operators")) {
    read.operators.clear();
    YamlMap operators = map.map("operators");
    for (const Placed<std::string>& op : operators.keys()) {
      TensorRule rule;
      if (read.activations.scheme) rule.scheme = read.activations.scheme;
      reader.read_rule(operators.map(op.value), false, rule);
      read.operators.push_back({op.value, std::move(rule)});
    }
    operators.finish();
  }
  if (const auto word = map.word("results", {"always", "where_read"})) {
    read.only_where_read = word->value == "where_read";
  }
  if (const auto word = map.word("outputs", {"quantised", "float"})) {
    read.outputs = {word->value == "quantised", word->where};
  }
  if (map.has("own_scale")) read.own_scale = map.texts("own_scale");
  if (map.has("not_yet")) read.not_yet = map.texts("not_yet");
  map.finish();
  return read;
}

}  // namespace qprep
