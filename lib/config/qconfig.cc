#include "config/qconfig.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "config/foreign_words.h"
#include "config/quote.h"
#include "config/tensor_spec.h"
#include "plan/observer.h"

namespace qprep {
namespace {

struct Part {
  std::string_view name;
  Slot slot;
  SpecOf of;
};
constexpr Part kActivation{"activation", Slot::kOutput, SpecOf::kActivation};
constexpr Part kWeight{"weight", Slot::kWeight, SpecOf::kWeight};

class QconfigReader {
 public:
  QconfigReader(const std::string& what, const Reading& reading) : what_(what), reading_(reading) {}

  void read_word(const YamlNode& node);
  void read_map(const YamlNode& node);

  Qconfig qconfig;

 private:
  std::string name_of(std::string_view key) const { return fmt::format("{} {}", what_, key); }
  void say(const Part& part, Says says, const Where& where) {
    qconfig.said.push_back({part.slot, std::move(says), where, std::string(part.name)});
  }
  void read_part(const YamlNode* node, const Part& part, std::string_view key);
  void read_fake_quant(const YamlNode* node, const Part& part, std::string_view key);
  void read_observer(const YamlNode* node, const Part& part, std::string_view key);

  const std::string& what_;
  const Reading& reading_;
};

void QconfigReader::read_word(const YamlNode& node) {
  const ForeignWords& words = foreign_words();
  // horizon_plugin_pytorch.quantization.qconfig.default_...: the module does not matter.
  const std::string name = node.text.substr(node.text.rfind('.') + 1);
  if (const auto at = words.qconfigs.find(name); at != words.qconfigs.end()) {
    say(kActivation, at->second.activation, node.where);
    say(kWeight, at->second.weight, node.where);
    if (!at->second.not_yet.empty()) {
      reading_.later(fmt::format("{} of {}: {}", quote(name), what_, at->second.not_yet), node.where);
    }
    return;
  }
  if (is_dtype(node.text)) {
    const auto precision = read_dtype(node, what_, reading_);
    if (precision == Precision::kFloat32) qconfig.skip = true;
    if (precision && !qconfig.skip) say(kActivation, *precision, node.where);
    return;
  }
  const std::vector<std::string> allowed = {"null", "qint8", "qint16", "float"};
  std::vector<std::string> near = words_of(words.qconfigs);
  near.insert(near.end(), allowed.begin(), allowed.end());
  reading_.wrong_word(what_, node, allowed,
                      ", a map of activation and weight, or a predefined qconfig of configs/qconfigs.yaml",
                      near);
}

void QconfigReader::read_part(const YamlNode* node, const Part& part, std::string_view key) {
  if (!node) return;
  for (const auto& [says, where] : read_tensor_spec(*node, part.of, name_of(key), reading_)) {
    say(part, says, where);
  }
}

/// None for a kind of FakeQuantize: the tensor is not quantised.
void QconfigReader::read_fake_quant(const YamlNode* node, const Part& part, std::string_view key) {
  if (!node) return;
  if (is_none(*node)) return say(part, Precision::kFloat32, node->where);
  const ForeignWords& words = foreign_words();
  const auto kind = torch_word(*node, name_of(key), words_of(words.fake_quants), reading_);
  if (kind && !words.fake_quants.at(*kind)) {
    reading_.later(fmt::format("{} of {}", quote(*kind), name_of(key)), node->where);
  }
}

void QconfigReader::read_observer(const YamlNode* node, const Part& part, std::string_view key) {
  if (!node || is_none(*node)) return;
  const ForeignWords& words = foreign_words();
  const auto name = observer_word(*node, name_of(key), reading_);
  if (!name) return;
  const ObserverWord& observer = words.observers.at(*name);
  const bool of_weight = part.slot == Slot::kWeight;
  if (!observer.name || (of_weight && !is_observer_of_weights(*observer.name))) {
    reading_.later(fmt::format("{} of {}", quote(*name), name_of(key)), node->where);
  } else if (!of_weight || method_of_observer(*observer.name)) {
    say(part, ObserverName{*observer.name}, node->where);
  }
}

void QconfigReader::read_map(const YamlNode& node) {
  YamlMap map(node, as_path(what_), reading_.diagnostics);
  read_part(map.find("activation"), kActivation, "activation");
  read_part(map.find("weight"), kWeight, "weight");
  for (const auto& [key, part] :
       {std::pair{std::string_view("dtype"), kActivation}, {std::string_view("weight_dtype"), kWeight}}) {
    const YamlNode* dtype = map.find(key);
    const auto precision = dtype ? read_dtype(*dtype, name_of(key), reading_) : std::nullopt;
    if (precision) say(part, *precision, dtype->where);
  }
  for (const Part& part : {kActivation, kWeight}) {
    const std::string name(part.name);
    read_fake_quant(map.find(name + "_fake_quant"), part, name + "_fake_quant");
    read_observer(map.find(name + "_observer"), part, name + "_observer");
    const YamlNode* arguments = map.find(name + "_qkwargs");
    if (arguments && !is_none(*arguments)) read_part(arguments, part, name + "_qkwargs");
  }
  map.finish();
}

}  // namespace

Qconfig read_qconfig(const YamlNode& node, const std::string& what, const Reading& reading) {
  QconfigReader reader(what, reading);
  reader.qconfig.where = node.where;
  if (is_none(node)) {
    reader.qconfig.skip = true;
  } else if (node.kind == YamlNode::Kind::kScalar) {
    reader.read_word(node);
  } else {
    reader.read_map(node);
  }
  return std::move(reader.qconfig);
}

void append_settings(const Selector& selector, const Qconfig& qconfig, const std::string& what,
                     std::vector<Setting>& settings) {
  const auto add = [&](Slot slot, const Says& says, const Where& where, const std::string& name) {
    Setting setting;
    setting.selector = selector;
    setting.slot = slot;
    setting.says = says;
    setting.where = where;
    setting.what = name;
    settings.push_back(std::move(setting));
  };
  if (!qconfig.skip) {
    for (const Said& said : qconfig.said) {
      add(said.slot, said.says, said.where, fmt::format("{} {}", what, said.key));
    }
  } else if (selector.kind == Selector::Kind::kAll) {
    append_float(qconfig.where, what, settings);
  } else {
    add(Slot::kNode, Precision::kFloat32, qconfig.where, what);
  }
}

std::vector<Setting> inputs_of(const std::vector<Setting>& settings) {
  std::vector<Setting> inputs;
  for (const Setting& setting : settings) {
    if (setting.slot != Slot::kOutput || !setting.names_nodes() || !setting.says_precision() ||
        setting.precision() == Precision::kFloat32) {
      continue;
    }
    inputs.push_back(setting);
    inputs.back().slot = Slot::kInput;
  }
  return inputs;
}

void append_float(const Where& where, const std::string& what, std::vector<Setting>& settings) {
  for (const Slot slot : {Slot::kOutput, Slot::kWeight}) {
    const auto speaks = [slot](const Setting& setting) {
      return setting.slot == slot && !setting.names_nodes() && setting.says_precision();
    };
    if (std::any_of(settings.begin(), settings.end(), speaks)) continue;
    settings.push_back(setting_for_all(slot, Precision::kFloat32, where, what));
    settings.back().implied = true;
  }
}

}  // namespace qprep
