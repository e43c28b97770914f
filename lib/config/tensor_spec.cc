#include "config/tensor_spec.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "config/foreign_words.h"
#include "config/quote.h"
#include "plan/observer.h"

namespace qprep {
namespace {

constexpr std::string_view kTorch = "torch.";
const std::vector<std::string> kDtypes = {"qint8", "qint16", "float", "int8", "int16", "float32"};
const std::vector<std::string> kLaterDtypes = {"quint8", "uint8", "qint4",   "int4", "quint4x2",
                                               "qint32", "int32", "float16", "half", "bfloat16"};
const std::vector<std::string> kSchemes = {"per_tensor_symmetric", "per_channel_symmetric",
                                           "per_tensor_affine", "per_channel_affine",
                                           "per_channel_affine_float_qparams"};
const std::vector<std::string> kKinds = {"QuantizationSpec", "FixedQParamsQuantizationSpec", "FixedQParams",
                                         "SharedQuantizationSpec", "DerivedQuantizationSpec"};
/// The smallest scale there is: that of qprep, and of PyTorch's observers unless they are told another.
constexpr double kSmallestScale = 0x1p-23;

bool holds(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view without_torch(std::string_view word) {
  if (word.starts_with(kTorch)) word.remove_prefix(kTorch.size());
  return word;
}

class TensorSpecReader {
 public:
  TensorSpecReader(const YamlNode& node, SpecOf of, const std::string& what, const Reading& reading)
      : map_(node, what.substr(what.rfind(' ') + 1), reading.diagnostics),
        of_(of),
        what_(what),
        reading_(reading) {}

  std::vector<Placed<Says>> read();

 private:
  void say(Says says, const Where& where) { says_.push_back({std::move(says), where}); }
  void later(std::string_view key, const YamlNode& node) const {
    const std::string value = node.kind == YamlNode::Kind::kScalar ? " " + quote(node.text) : "";
    reading_.later(fmt::format("{}{} of {}", key, value, what_), node.where);
  }
  std::optional<double> number(std::string_view key, double min, double max);
  void read_precision();
  void read_scheme();
  void read_range();
  void read_axis();
  void read_observer(std::string_view key);
  void read_fake_quant();
  void read_observer_numbers();
  void read_flags();
  void read_fixed();
  void read_kind();

  YamlMap map_;
  SpecOf of_;
  const std::string& what_;
  const Reading& reading_;
  std::optional<Precision> precision_;
  std::optional<bool> per_channel_;
  std::vector<Placed<Says>> says_;
};

std::vector<Placed<Says>> TensorSpecReader::read() {
  read_precision();
  read_scheme();
  read_range();
  read_axis();
  for (const char* key : {"observer", "observer_or_fake_quant_ctr"}) read_observer(key);
  read_fake_quant();
  read_observer_numbers();
  read_flags();
  read_fixed();
  read_kind();
  map_.finish();
  return std::move(says_);
}

std::optional<double> TensorSpecReader::number(std::string_view key, double min, double max) {
  const YamlNode* node = map_.find(key);
  if (!node || is_none(*node)) return std::nullopt;
  const auto value = number_in(*node);
  if (value && *value >= min && *value <= max) return value;
  reading_.wrong(fmt::format("{} of {} must be a number from {} to {}{}", key, what_, min, max,
                             node->kind == YamlNode::Kind::kScalar ? ", not " + quote(node->text) : ""),
                 node->where);
  return std::nullopt;
}

void TensorSpecReader::read_precision() {
  const YamlNode* node = map_.find("dtype");
  if (!node) return;
  const bool accumulator = of_ == SpecOf::kBias && node->kind == YamlNode::Kind::kScalar &&
                           (without_torch(node->text) == "int32" || without_torch(node->text) == "qint32");
  if (accumulator) return;
  precision_ = read_dtype(*node, what_, reading_);
  if (!precision_) return;
  if (of_ == SpecOf::kBias) {
    if (*precision_ != Precision::kFloat32) later("dtype", *node);
    return;
  }
  say(*precision_, node->where);
}

/// Scales are symmetric: the zero point is 0.
void TensorSpecReader::read_scheme() {
  const YamlNode* node = map_.find("qscheme");
  if (!node || is_none(*node)) return;
  const auto scheme = torch_word(*node, fmt::format("qscheme of {}", what_), kSchemes, reading_);
  if (!scheme) return;
  per_channel_ = scheme->starts_with("per_channel");
  if (!scheme->ends_with("_symmetric")) return later("qscheme", *node);
  if (of_ == SpecOf::kWeight) return say(PerChannel{*per_channel_}, node->where);
  if (!*per_channel_) return;
  if (of_ == SpecOf::kBias) return later("qscheme", *node);
  say(PerChannel{true}, node->where);
}

void TensorSpecReader::read_range() {
  constexpr double kFar = 1e10;
  const YamlNode* low = map_.find("quant_min");
  const YamlNode* high = map_.find("quant_max");
  const auto min = number("quant_min", -kFar, kFar), max = number("quant_max", -kFar, kFar);
  if (min && max && *min >= *max) {
    return reading_.wrong(
        fmt::format("quant_min of {} must be below quant_max, but {} is not below {}", what_, *min, *max),
        low->where);
  }
  if (of_ == SpecOf::kBias) return;
  QuantRange range = range_of(precision_.value_or(Precision::kInt8));
  const QuantRange wide = range_of(Precision::kInt16);
  if (!precision_ && (min.value_or(wide.min) == wide.min && max.value_or(wide.max) == wide.max)) range = wide;
  if (min && *min != range.min) later("quant_min", *low);
  if (max && *max != range.max) later("quant_max", *high);
}

/// A weight's channels are counted where its operator has them; 0 is how PyTorch says that of its layers.
/// Those of an activation are axis 1.
void TensorSpecReader::read_axis() {
  const YamlNode* node = map_.find("ch_axis");
  const auto axis = number("ch_axis", -1, 64);
  if (!axis) return;
  if (*axis != std::floor(*axis)) {
    return reading_.wrong(fmt::format("ch_axis of {} must be a whole number", what_), node->where);
  }
  if (of_ == SpecOf::kWeight && per_channel_.value_or(true) && *axis > 0) later("ch_axis", *node);
  if (of_ == SpecOf::kActivation && per_channel_.value_or(false) && *axis != 1) later("ch_axis", *node);
}

void TensorSpecReader::read_observer(std::string_view key) {
  const YamlNode* node = map_.find(key);
  if (!node || is_none(*node)) return;
  const auto name = observer_word(*node, fmt::format("{} of {}", key, what_), reading_);
  if (!name) return;
  const ObserverWord& observer = foreign_words().observers.at(*name);
  if (observer.per_channel && per_channel_ && *observer.per_channel != *per_channel_) {
    const auto one = [](bool per_channel) { return per_channel ? "for each channel" : "for the tensor"; };
    return reading_.wrong(fmt::format("{} of {} gives one scale {}, and the qscheme asks for one {}",
                                      quote(*name), what_, one(*observer.per_channel), one(*per_channel_)),
                          node->where);
  }
  const bool activation = of_ == SpecOf::kActivation;
  if (!observer.name || !(activation || is_observer_of_weights(*observer.name))) return later(key, *node);
  if (activation || method_of_observer(*observer.name)) say(ObserverName{*observer.name}, node->where);
  if (activation && observer.per_channel.value_or(false) && !per_channel_) say(PerChannel{true}, node->where);
  if (of_ == SpecOf::kWeight && observer.per_channel && !per_channel_) {
    say(PerChannel{*observer.per_channel}, node->where);
  }
}

void TensorSpecReader::read_fake_quant() {
  const YamlNode* node = map_.find("fake_quant");
  if (!node || is_none(*node)) return;
  const auto& kinds = foreign_words().fake_quants;
  const auto kind = torch_word(*node, fmt::format("fake_quant of {}", what_), words_of(kinds), reading_);
  if (kind && !kinds.at(*kind)) later("fake_quant", *node);
}

/// The numbers that observers take.
void TensorSpecReader::read_observer_numbers() {
  const YamlNode* given = map_.find("averaging_constant");
  const auto constant = number("averaging_constant", 0, 1);
  if (constant && of_ == SpecOf::kActivation) {
    say(AveragingConstant{static_cast<float>(*constant)}, given->where);
  } else if (constant) {
    later("averaging_constant", *given);
  }
  const YamlNode* eps = map_.find("eps");
  if (const auto smallest = number("eps", 0, 1);
      smallest && std::abs(*smallest - kSmallestScale) > kSmallestScale * 1e-6) {
    later("eps", *eps);
  }
}

/// What changes nothing where it is false.
void TensorSpecReader::read_flags() {
  for (const std::string_view key : {"is_dynamic", "reduce_range", "use_grad_scaling", "is_sync_quantize"}) {
    const YamlNode* node = map_.find(key);
    if (!node || is_none(*node)) continue;
    const auto truth =
        torch_word(*node, fmt::format("{} of {}", key, what_), {"true", "false", "True", "False"}, reading_);
    if (truth && (*truth == "true" || *truth == "True")) later(key, *node);
  }
}

/// A scale that the user gives, as FixedQParams.
void TensorSpecReader::read_fixed() {
  const YamlNode* given = map_.find("scale");
  if (const auto scale = number("scale", 0, 1e30)) {
    if (*scale <= 0) {
      reading_.wrong(fmt::format("scale of {} must be above 0", what_), given->where);
    } else if (of_ == SpecOf::kActivation) {
      FixedScale fixed;
      fixed.scale = *scale;
      say(fixed, given->where);
    } else {
      later("scale", *given);
    }
  }
  const YamlNode* zero = map_.find("zero_point");
  if (const auto point = number("zero_point", -65536, 65536); point && *point != 0)
    later("zero_point", *zero);
}

void TensorSpecReader::read_kind() {
  const YamlNode* node = map_.find("kind");
  const YamlNode* shared = map_.find("edge_or_node");
  const YamlNode* derived = map_.find("derived_from");
  std::string kind = shared ? "SharedQuantizationSpec" : derived ? "DerivedQuantizationSpec" : "";
  if (node) {
    const auto word = torch_word(*node, fmt::format("kind of {}", what_), kKinds, reading_);
    if (!word) return;
    kind = *word;
  }
  const YamlNode* place = node ? node : shared ? shared : derived;
  if (!place) return;
  if (kind.starts_with("FixedQParams") && !map_.has("scale")) {
    reading_.wrong(fmt::format("{} of {} has no 'scale'", quote(kind), what_), place->where);
  }
  // The scale of a bias comes from its input and weight anyway, in the fixed-point form.
  if (kind == "DerivedQuantizationSpec" && of_ == SpecOf::kBias) return;
  if (kind == "SharedQuantizationSpec" || kind == "DerivedQuantizationSpec") {
    reading_.later(fmt::format("{} of {}", quote(kind), what_), place->where);
  }
}

}  // namespace

std::optional<std::string> observer_word(const YamlNode& node, const std::string& what,
                                         const Reading& reading) {
  const auto& observers = foreign_words().observers;
  const std::string word(node.kind == YamlNode::Kind::kScalar ? without_torch(node.text) : "");
  const std::string name = word.substr(word.rfind('.') + 1);
  if (observers.contains(name)) return name;
  std::vector<std::string> carried_out;
  for (const auto& [known, observer] : observers) {
    if (observer.name) carried_out.push_back(known);
  }
  reading.wrong_word(what, node, carried_out, ", or one of configs/qconfigs.yaml that is not carried out yet",
                     words_of(observers));
  return std::nullopt;
}

bool is_dtype(const std::string& word) {
  const std::string_view bare = without_torch(word);
  return holds(kDtypes, bare) || holds(kLaterDtypes, bare);
}

std::optional<Precision> read_dtype(const YamlNode& node, const std::string& what, const Reading& reading) {
  if (node.kind == YamlNode::Kind::kScalar) {
    const std::string_view word = without_torch(node.text);
    if (holds(kDtypes, word)) return precision_from(word);
    if (holds(kLaterDtypes, word)) {
      reading.later(fmt::format("{} for {}", quote(node.text), what), node.where);
      return std::nullopt;
    }
  }
  reading.wrong_word(fmt::format("the dtype of {}", what), node, kDtypes);
  return std::nullopt;
}

std::vector<Placed<Says>> read_tensor_spec(const YamlNode& node, SpecOf of, const std::string& what,
                                           const Reading& reading) {
  if (is_none(node)) {
    if (of == SpecOf::kBias) return {};
    return {{Precision::kFloat32, node.where}};
  }
  if (node.kind == YamlNode::Kind::kMap) return TensorSpecReader(node, of, what, reading).read();
  if (of == SpecOf::kBias && (without_torch(node.text) == "int32" || without_torch(node.text) == "qint32")) {
    return {};
  }
  const auto precision = read_dtype(node, what, reading);
  if (!precision || of == SpecOf::kBias) return {};
  return {{*precision, node.where}};
}

}  // namespace qprep
