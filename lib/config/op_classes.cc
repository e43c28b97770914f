#include "config/op_classes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "config/yaml_reader.h"
#include "ir/operator_name.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::array<std::pair<std::string_view, OpClass>, 6> kClasses = {{{"gemm_like", OpClass::kGemmLike},
                                                                           {"active", OpClass::kActive},
                                                                           {"passive", OpClass::kPassive},
                                                                           {"quantised", OpClass::kQuantised},
                                                                           {"integer", OpClass::kInteger},
                                                                           {"float", OpClass::kFloat}}};

constexpr std::array<std::pair<std::string_view, ChannelRule>, 5> kRules = {
    {{"none", ChannelRule::kNone},
     {"first", ChannelRule::kFirst},
     {"transposed", ChannelRule::kTransposed},
     {"last", ChannelRule::kLast},
     {"gemm", ChannelRule::kGemm}}};

constexpr std::int64_t kMaxInput = 64;

template <typename Enum, std::size_t N>
std::vector<std::string> words_of(const std::array<std::pair<std::string_view, Enum>, N>& table) {
  std::vector<std::string> words;
  for (const auto& [word, value] : table) words.emplace_back(word);
  return words;
}

template <typename Enum, std::size_t N>
std::optional<Enum> word_in(YamlMap& map, std::string_view key,
                            const std::array<std::pair<std::string_view, Enum>, N>& table) {
  const auto found = map.word(key, words_of(table));
  if (!found) return std::nullopt;
  for (const auto& [word, value] : table) {
    if (word == found->value) return value;
  }
  return std::nullopt;
}

std::optional<std::int64_t> number_of(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar || node.quoted) return std::nullopt;
  std::int64_t number = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

class Reader {
 public:
  explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  OpClasses read(const YamlNode& root) {
    OpClasses classes;
    YamlMap map(root, "", diagnostics_);
    for (const auto& [word, op_class] : kClasses) {
      if (!map.has(word)) continue;
      YamlMap section = map.map(word);
      for (const Placed<std::string>& key : section.keys()) {
        OpClasses::Row row = read_row(section.map(key.value), op_class, key);
        if (!classes.rows.emplace(key.value, std::move(row)).second) {
          diagnostics_.error(codes::kDuplicateKey,
                             fmt::format("operator '{}' stands in two classes", key.value), key.where);
        }
      }
    }
    map.finish();
    return classes;
  }

 private:
  OpClasses::Row read_row(YamlMap map, OpClass op_class, const Placed<std::string>& key) {
    OpClasses::Row row;
    row.traits.op_class = op_class;
    row.traits.data = {0};
    read_traits(map, row.traits);
    if (row.traits.why.empty()) {
      diagnostics_.error(codes::kBadValue, fmt::format("operator '{}' has no 'why'", key.value), key.where);
    }
    for (YamlMap& each : map.maps("when")) row.cases.push_back(read_case(each, row.traits));
    map.finish();
    return row;
  }

  OpClasses::Case read_case(YamlMap& map, const OpTraits& base) {
    OpClasses::Case found{{}, base};
    if (const auto op_class = word_in(map, "class", kClasses)) found.traits.op_class = *op_class;
    read_traits(map, found.traits);
    for (YamlMap& condition : map.maps("if")) found.conditions.push_back(read_condition(condition));
    if (found.conditions.empty()) {
      diagnostics_.error(codes::kBadValue, fmt::format("'{}' has no 'if'", map.path()), map.where());
    }
    map.finish();
    return found;
  }

  void read_traits(YamlMap& map, OpTraits& traits) {
    read_data(map, traits);
    for (const auto& [key, target] : {std::pair{"weight", &traits.weight}, std::pair{"bias", &traits.bias},
                                      std::pair{"nonzero", &traits.nonzero}}) {
      if (const auto input = map.integer(key, 0, kMaxInput)) *target = static_cast<std::size_t>(input->value);
    }
    for (const auto& [key, target] :
         {std::pair{"bounded", &traits.bounded}, std::pair{"scales", &traits.scales},
          std::pair{"prepares", &traits.prepares}, std::pair{"reduces", &traits.reduces},
          std::pair{"dynamic", &traits.dynamic}, std::pair{"metadata", &traits.metadata},
          std::pair{"all_outputs", &traits.all_outputs},
          std::pair{"channels_apart", &traits.channels_apart}}) {
      if (const auto flag = map.boolean(key)) *target = flag->value;
    }
    if (const auto rule = word_in(map, "channels", kRules)) traits.channels = *rule;
    if (const auto why = map.text("why")) traits.why = why->value;
  }

  void read_data(YamlMap& map, OpTraits& traits) {
    const YamlNode* node = map.find("data");
    if (!node) return;
    traits.data.clear();
    traits.all_inputs = node->kind == YamlNode::Kind::kScalar && node->text == "all";
    if (traits.all_inputs) return;
    bool sound = node->kind == YamlNode::Kind::kList;
    for (const auto& item : node->items) {
      const auto input = number_of(*item);
      sound = sound && input && *input >= 0 && *input <= kMaxInput;
      if (sound) traits.data.push_back(static_cast<std::size_t>(*input));
    }
    sound = sound && std::is_sorted(traits.data.begin(), traits.data.end());
    if (sound) return;
    diagnostics_.error(
        codes::kBadValue,
        fmt::format("{} must be 'all' or an ascending list of input numbers", map.name_of("data")),
        node->where);
  }

  OpCondition read_condition(YamlMap& map) {
    OpCondition condition;
    if (const auto attribute = map.text("attribute")) {
      condition.attribute = attribute->value;
      if (const YamlNode* values = map.find("in")) {
        for (const auto& item : values->items) condition.values.push_back(value_of(*item));
      }
      if (const YamlNode* otherwise = map.find("default")) condition.otherwise = value_of(*otherwise);
    } else if (const auto input = map.integer("input", 0, kMaxInput)) {
      condition.kind = OpCondition::Kind::kInputZero;
      condition.input = static_cast<std::size_t>(input->value);
      map.word("is", {"zero"});
    } else {
      diagnostics_.error(codes::kBadValue,
                         fmt::format("'{}' asks for nothing; it needs 'attribute' or 'input'", map.path()),
                         map.where());
    }
    map.finish();
    return condition;
  }

  static OpCondition::Value value_of(const YamlNode& node) {
    if (const auto number = number_of(node)) return *number;
    return node.text;
  }

  Diagnostics& diagnostics_;
};

/// The attribute as a condition compares it; nullopt for kinds that no condition names.
std::optional<OpCondition::Value> comparable(const Node& node, const OpCondition& condition) {
  if (!node.attribute(condition.attribute)) return condition.otherwise;
  if (const auto* number = node.get<std::int64_t>(condition.attribute)) return *number;
  if (const auto* text = node.get<std::string>(condition.attribute)) return *text;
  // A float equals the whole number that the file says: Pad's value 0.
  if (const auto* real = node.get<float>(condition.attribute)) {
    const auto whole = static_cast<std::int64_t>(std::clamp(*real, -1e9F, 1e9F));
    if (static_cast<float>(whole) == *real) return whole;
  }
  return std::nullopt;
}

bool holds(const OpCondition& condition, const Node& node) {
  switch (condition.kind) {
    case OpCondition::Kind::kAttribute: {
      const auto value = comparable(node, condition);
      return value &&
             std::find(condition.values.begin(), condition.values.end(), *value) != condition.values.end();
    }
    case OpCondition::Kind::kInputZero: {
      const Value* value = node.input(condition.input);
      return !value || is_zero_constant(*value);
    }
  }
  return false;
}

const OpTraits& unknown_operator() {
  static const OpTraits traits = [] {
    OpTraits unknown;
    unknown.all_inputs = true;
    unknown.why = "is an operator that qprep does not know: a row of the target's file can say what it is";
    return unknown;
  }();
  return traits;
}

}  // namespace

std::string_view to_text(OpClass op_class) {
  for (const auto& [word, value] : kClasses) {
    if (value == op_class) return word;
  }
  return "?";
}

bool OpTraits::is_data(std::size_t input) const {
  return all_inputs || std::binary_search(data.begin(), data.end(), input);
}

const OpTraits& OpClasses::of(const Node& node) const {
  const auto at = rows.find(operator_name(node));
  if (at == rows.end()) return unknown_operator();
  for (const Case& each : at->second.cases) {
    const bool all = std::all_of(each.conditions.begin(), each.conditions.end(),
                                 [&](const OpCondition& condition) { return holds(condition, node); });
    if (all) return each.traits;
  }
  return at->second.traits;
}

OpClasses read_op_classes(const std::string& file) {
  Diagnostics diagnostics;
  OpClasses classes = Reader(diagnostics).read(*read_yaml(file, diagnostics));
  diagnostics.throw_if_error();
  return classes;
}

bool is_zero_constant(const Value& value) {
  const Tensor* tensor = constant_of(value);
  if (!tensor || tensor->dtype() == DType::kString) return false;
  if (tensor->dtype() != DType::kFloat32) {
    return std::all_of(tensor->bytes().begin(), tensor->bytes().end(),
                       [](std::byte byte) { return byte == std::byte{0}; });
  }
  for (std::int64_t i = 0; i < tensor->size(); ++i) {
    if (tensor->at<float>(i) != 0) return false;
  }
  return true;
}

}  // namespace qprep
