#include "config/mqbench.h"

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>

#include "config/foreign_words.h"
#include "config/qconfig.h"
#include "config/quote.h"
#include "config/reading.h"
#include "plan/observer.h"

namespace qprep {
namespace {

constexpr std::string_view kWrapper = "prepare_custom_config_dict";

/// Weights or activations, with the letter that their keys begin with.
struct Side {
  std::string letter;
  Slot slot;
};

/// Empty: no file has its rules yet.
std::string march_of(std::string_view backend) {
  for (const auto& [name, march] : foreign_words().mqbench_backends) {
    if (name == backend) return march;
  }
  return "";
}

class MqbenchReader {
 public:
  explicit MqbenchReader(const Reading& reading) : reading_(reading) {}

  void read(YamlMap& map);
  /// What holds for all nodes comes last.
  void finish();

  std::vector<Setting> settings;

 private:
  void read_qconfig(YamlMap map);
  void read_side(YamlMap& map, const Side& side);
  void read_scheme(YamlMap scheme, const Side& side);
  void read_quantizer(YamlMap map);
  void read_nodes(YamlMap& map, const std::string& key, bool by_type, bool quantise);
  void read_fuse(YamlMap map);

  void say(Slot slot, Says says, const Where& where, const std::string& what) {
    Setting setting;
    setting.slot = slot;
    setting.says = std::move(says);
    setting.where = where;
    setting.what = what;
    global_.push_back(std::move(setting));
  }

  static std::string narrow_with_four(const YamlMap& scheme) {
    return scheme.name_of("symmetric_range") + " of 4 bits";
  }

  const Reading& reading_;
  std::vector<Setting> global_;
  Placed<Precision> activation_{Precision::kInt8, {}};  // line 0: nothing says it
};

void MqbenchReader::read(YamlMap& map) {
  std::vector<std::string> backends;
  for (const auto& [backend, march] : foreign_words().mqbench_backends) backends.push_back(backend);
  if (const auto backend = map.word("backend", backends); backend && march_of(backend->value).empty()) {
    reading_.later(
        fmt::format("'backend' {}, whose rules say where FakeQuantize stands,", quote(backend->value)),
        backend->where);
  }
  if (map.has("extra_qconfig_dict")) read_qconfig(map.map("extra_qconfig_dict"));
  if (map.has("extra_quantizer_dict")) read_quantizer(map.map("extra_quantizer_dict"));
  if (map.has("extra_fuse_dict")) read_fuse(map.map("extra_fuse_dict"));
  // What a Python program keeps of its model, and how it is traced: a model file has neither.
  map.find("preserve_attr");
  if (map.path().empty()) return;
  for (const char* key : {"concrete_args", "leaf_module"}) map.find(key);
}

void MqbenchReader::finish() { settings.insert(settings.end(), global_.begin(), global_.end()); }

void MqbenchReader::read_qconfig(YamlMap map) {
  read_side(map, {"w", Slot::kWeight});
  read_side(map, {"a", Slot::kOutput});
  map.finish();
}

void MqbenchReader::read_side(YamlMap& map, const Side& side) {
  const ForeignWords& words = foreign_words();
  const std::string scheme = side.letter + "_qscheme";
  if (map.has(scheme)) read_scheme(map.map(scheme), side);
  const std::string observed = side.letter + "_observer";
  if (const auto name = map.word(observed, words_of(words.mqbench_observers))) {
    const ObserverWord& observer = words.mqbench_observers.at(name->value);
    const bool of_weight = side.slot == Slot::kWeight;
    if (!observer.name || (of_weight && !is_observer_of_weights(*observer.name))) {
      reading_.later(fmt::format("{} {}", map.name_of(observed), quote(name->value)), name->where);
    } else if (!of_weight || method_of_observer(*observer.name)) {
      const std::string what = fmt::format("extra_qconfig_dict.{}", observed);
      say(side.slot, ObserverName{*observer.name}, name->where, what);
      if (const auto constant = observer.averaging_constant) {
        say(side.slot, AveragingConstant{static_cast<float>(*constant)}, name->where, what);
      }
    }
  }
  const std::string kind = side.letter + "_fakequantize";
  if (const auto name = map.word(kind, words_of(words.mqbench_fake_quants));
      name && !words.mqbench_fake_quants.at(name->value)) {
    reading_.later(fmt::format("{} {}", map.name_of(kind), quote(name->value)), name->where);
  }
  const std::string parameters = side.letter + "_fakeq_params";
  const YamlNode* given = map.find(parameters);
  if (given && given->kind == YamlNode::Kind::kMap && !given->entries.empty()) {
    reading_.later(map.name_of(parameters), given->where);
  } else if (given && given->kind != YamlNode::Kind::kMap && !is_none(*given)) {
    reading_.wrong(fmt::format("{} must be a map of keys and values", map.name_of(parameters)), given->where);
  }
}

/// What it does not say is as in MQBench: 8 bits, symmetric, per tensor, any scale.
void MqbenchReader::read_scheme(YamlMap scheme, const Side& side) {
  constexpr std::int64_t kMostBits = 32;
  const auto bit = scheme.integer("bit", 2, kMostBits);
  const auto symmetry = scheme.boolean("symmetry");
  const auto per_channel = scheme.boolean("per_channel");
  const auto power_of_two = scheme.boolean("pot_scale");
  const auto narrow = scheme.boolean("symmetric_range");
  scheme.finish();
  const bool four = bit && bit->value == 4;
  if (bit && !four && bit->value != 8 && bit->value != 16) {
    reading_.later(fmt::format("{} {}", scheme.name_of("bit"), bit->value), bit->where);
  }
  if (four && narrow && narrow->value) reading_.later(narrow_with_four(scheme), narrow->where);
  // Integers without a sign belong to scales with a zero point there.
  Scheme integers;
  integers.symmetric = integers.is_signed = !symmetry || symmetry->value;
  integers.power_of_two = power_of_two && power_of_two->value;
  if (narrow && narrow->value) integers.range = Scheme::Range::kNarrow;
  if (four) integers.range = Scheme::Range::kFourBits;
  const Precision precision = bit && bit->value == 16 ? Precision::kInt16 : Precision::kInt8;
  const Where place = bit ? bit->where : scheme.where();
  say(side.slot, precision, place, bit ? scheme.path() + ".bit" : scheme.path());
  if (integers != Scheme()) say(side.slot, integers, scheme.where(), scheme.path());
  if (side.slot == Slot::kOutput) {
    activation_ = {precision, place};
    if (per_channel && per_channel->value) {
      say(side.slot, PerChannel{true}, per_channel->where, scheme.path() + ".per_channel");
    }
    return;
  }
  say(side.slot, PerChannel{per_channel && per_channel->value},
      per_channel ? per_channel->where : scheme.where(), scheme.path() + ".per_channel");
}

/// additional_node_name overrides what is excluded; of the rest, what is excluded counts more.
void MqbenchReader::read_quantizer(YamlMap map) {
  read_nodes(map, "additional_node_name", false, true);
  read_nodes(map, "exclude_node_name", false, false);
  read_nodes(map, "exclude_module_name", false, false);
  read_nodes(map, "exclude_function_type", true, false);
  read_nodes(map, "additional_module_type", true, true);
  read_nodes(map, "additional_function_type", true, true);
  map.finish();
}

void MqbenchReader::read_nodes(YamlMap& map, const std::string& key, bool by_type, bool quantise) {
  for (const auto& word : map.texts(key)) {
    const auto selector = by_type ? type_selector(word.value, word.where, reading_)
                                  : name_selector(word.value, word.where, reading_);
    if (!selector) continue;
    Setting setting;
    setting.selector = *selector;
    setting.slot = quantise ? Slot::kOutput : Slot::kNode;
    setting.says = quantise ? activation_.value : Precision::kFloat32;
    setting.where = word.where;
    setting.what = fmt::format("extra_quantizer_dict.{} {}", key, quote(word.value));
    if (quantise && activation_.where.line > 0) {
      setting.what += fmt::format(" as a_qscheme in line {}", activation_.where.line);
      setting.repeats_at = activation_.where;
    }
    settings.push_back(std::move(setting));
  }
}

/// What runs as one kernel is said in configs/fusion.yaml, and in `patterns`, which read_fusing reads.
void MqbenchReader::read_fuse(YamlMap map) {
  for (const char* key :
       {"additional_fuser_method_mapping", "additional_fusion_pattern", "additional_qat_module_mapping"}) {
    const YamlNode* node = map.find(key);
    if (!node || is_none(*node) || (node->entries.empty() && node->items.empty() && node->text.empty()))
      continue;
    reading_.later(map.name_of(key), node->where);
  }
  map.find("patterns");
  map.finish();
}

}  // namespace

std::optional<Placed<std::string>> march_of_backend(YamlMap& file) {
  const YamlNode* backend = file.find("backend");
  Diagnostics said_elsewhere;
  const YamlNode* wrapper = file.find(kWrapper);
  if (!backend && wrapper) backend = YamlMap(*wrapper, "", said_elsewhere).find("backend");
  if (!backend || backend->kind != YamlNode::Kind::kScalar) return std::nullopt;
  const std::string march = march_of(backend->text);
  return march.empty() ? std::nullopt : std::optional(Placed<std::string>{march, backend->where});
}

std::vector<Setting> read_mqbench(YamlMap& file, Diagnostics& diagnostics, Diagnostics& not_yet) {
  const Reading reading{diagnostics, not_yet};
  MqbenchReader reader(reading);
  if (file.has(kWrapper)) {
    YamlMap wrapper = file.map(kWrapper);
    reader.read(wrapper);
    wrapper.finish();
  }
  reader.read(file);
  reader.finish();
  return std::move(reader.settings);
}

}  // namespace qprep
