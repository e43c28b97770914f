#include "config/foreign_words.h"

#include <charconv>

#include "config/config_folder.h"
#include "plan/observer.h"

namespace qprep {
namespace {

WordMap<PredefinedQconfig> read_qconfigs(YamlMap map) {
  WordMap<PredefinedQconfig> qconfigs;
  for (const auto& name : map.keys()) {
    YamlMap each = map.map(name.value);
    PredefinedQconfig qconfig;
    for (const auto& [key, precision] :
         {std::pair{"activation", &qconfig.activation}, std::pair{"weight", &qconfig.weight}}) {
      if (const auto word = each.word(key, precision_words())) *precision = *precision_from(word->value);
    }
    if (const auto not_yet = each.text("not_yet")) qconfig.not_yet = not_yet->value;
    each.finish();
    qconfigs.emplace(name.value, std::move(qconfig));
  }
  return qconfigs;
}

WordMap<ObserverWord> read_observers(YamlMap map) {
  std::vector<std::string> known = observers_with_method();
  known.insert(known.end(), {"min_max", "moving_average"});
  WordMap<ObserverWord> observers;
  for (const auto& name : map.keys()) {
    YamlMap each = map.map(name.value);
    ObserverWord observer;
    if (const auto is = each.word("is", known)) observer.name = is->value;
    if (const auto per = each.word("per", {"tensor", "channel"}))
      observer.per_channel = per->value == "channel";
    if (const auto constant = each.text("averaging_constant")) {
      double value = 0;
      std::from_chars(constant->value.data(), constant->value.data() + constant->value.size(), value);
      observer.averaging_constant = value;
    }
    each.finish();
    observers.emplace(name.value, std::move(observer));
  }
  return observers;
}

WordMap<bool> read_fake_quants(YamlMap map) {
  WordMap<bool> fake_quants;
  for (const auto& name : map.keys()) {
    YamlMap each = map.map(name.value);
    fake_quants.emplace(name.value, each.word("is", {"fake_quant"}).has_value());
    each.finish();
  }
  return fake_quants;
}

WordMap<std::shared_ptr<const YamlNode>> read_configs(const YamlNode& root) {
  WordMap<std::shared_ptr<const YamlNode>> configs;
  for (const YamlNode::Entry& entry : root.entries) {
    if (entry.key != "quantization_configs") continue;
    for (const YamlNode::Entry& config : entry.value->entries) configs.emplace(config.key, config.value);
  }
  return configs;
}

ForeignWords read_words() {
  Diagnostics diagnostics;
  const auto root = read_yaml((find_configs() / "qconfigs.yaml").string(), diagnostics);
  YamlMap map(*root, "", diagnostics);
  ForeignWords words;
  words.qconfigs = read_qconfigs(map.map("qconfigs"));
  words.observers = read_observers(map.map("observers"));
  words.mqbench_observers = read_observers(map.map("mqbench_observers"));
  words.fake_quants = read_fake_quants(map.map("fake_quants"));
  words.mqbench_fake_quants = read_fake_quants(map.map("mqbench_fake_quants"));
  YamlMap backends = map.map("mqbench_backends");
  for (const auto& backend : backends.keys()) {
    const auto march = backends.text(backend.value);
    words.mqbench_backends.emplace_back(backend.value, march && march->value != "-" ? march->value : "");
  }
  backends.finish();
  map.map("quantization_configs");
  words.quantization_configs = read_configs(*root);
  map.finish();
  diagnostics.throw_if_error();
  return words;
}

}  // namespace

const ForeignWords& foreign_words() {
  static const ForeignWords words = read_words();
  return words;
}

}  // namespace qprep
