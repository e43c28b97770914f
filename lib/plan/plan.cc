#include "plan/plan.h"

#include <algorithm>
#include <fmt/format.h>

namespace qprep {

std::string_view to_text(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return "float32";
    case Precision::kInt8:
      return "qint8";
    case Precision::kInt16:
      return "qint16";
    case Precision::kInt32:
      return "qint32";
  }
  return "float32";
}

std::optional<Precision> precision_from(std::string_view word) {
  if (word == "qint8" || word == "int8") return Precision::kInt8;
  if (word == "qint16" || word == "int16") return Precision::kInt16;
  if (word == "float" || word == "float32") return Precision::kFloat32;
  return std::nullopt;
}

std::vector<std::string> precision_words() { return {"qint8", "qint16", "float"}; }

QuantRange range_of(Precision precision) {
  return precision == Precision::kInt16 ? QuantRange{-32768, 32767} : QuantRange{-128, 127};
}

QuantRange range_of(const QuantSpec& spec) {
  const Scheme& scheme = spec.scheme;
  int bits = spec.precision == Precision::kInt16 ? 16 : 8;
  if (scheme.range == Scheme::Range::kSevenBits) --bits;
  if (scheme.range == Scheme::Range::kFourBits) bits = 4;
  const std::int32_t values = std::int32_t{1} << bits;
  if (!scheme.is_signed) return {0, values - 1};
  const std::int32_t max = values / 2 - 1;
  return {scheme.range == Scheme::Range::kNarrow ? -max : -max - 1, max};
}

std::string_view to_text(const QuantSpec& spec) {
  const bool four = spec.scheme.range == Scheme::Range::kFourBits && spec.precision == Precision::kInt8;
  if (four) return spec.scheme.is_signed ? "qint4" : "quint4";
  if (spec.scheme.is_signed) return to_text(spec.precision);
  return spec.precision == Precision::kInt16 ? "quint16" : "quint8";
}

std::optional<QuantSpec> spec_from(std::string_view word) {
  for (const Precision precision : {Precision::kInt8, Precision::kInt16}) {
    for (const Scheme::Range range : {Scheme::Range::kWhole, Scheme::Range::kFourBits}) {
      for (const bool is_signed : {true, false}) {
        QuantSpec spec;
        spec.precision = precision;
        spec.scheme.range = range;
        spec.scheme.is_signed = is_signed;
        if (to_text(spec) == word) return spec;
      }
    }
  }
  return std::nullopt;
}

std::string to_text(const Scheme& scheme) {
  std::string text;
  const auto say = [&text](std::string_view words) {
    if (!text.empty()) text += ", ";
    text += words;
  };
  if (!scheme.is_signed) say("unsigned");
  if (!scheme.symmetric) say("asymmetric");
  if (scheme.range == Scheme::Range::kNarrow) say("without the smallest integer");
  if (scheme.range == Scheme::Range::kSevenBits) say("7 bits");
  if (scheme.range == Scheme::Range::kFourBits) say("4 bits");
  if (scheme.power_of_two) say("scale a power of two");
  if (scheme.smallest_scale > 0) say(fmt::format("scale at least {}", scheme.smallest_scale));
  return text;
}

std::string_view to_text(Device device) { return device == Device::kBpu ? "BPU" : "CPU"; }

bool NodePlan::reads_quantised(std::size_t input) const {
  return std::binary_search(quantised_inputs.begin(), quantised_inputs.end(), input);
}

const NodePlan* Plan::of(const Node& node) const {
  const auto at = nodes.find(&node);
  return at == nodes.end() ? nullptr : &at->second;
}

const Unit* Plan::unit_of(const Node& node) const {
  const NodePlan* entry = of(node);
  return entry && entry->unit >= 0 ? &units[static_cast<std::size_t>(entry->unit)] : nullptr;
}

const Reason* Plan::reason_of(const Value& value) const {
  if (const auto decided = values.find(&value); decided != values.end()) return &decided->second.because;
  const auto left = not_quantised.find(&value);
  return left == not_quantised.end() ? nullptr : &left->second;
}

const Value* Plan::weight_read_by(const Node& node) const {
  for (const Value* input : node.inputs()) {
    const Decision* decision = input ? decision_of(*input) : nullptr;
    if (decision && decision->role == Role::kWeight) return input;
  }
  return nullptr;
}

const Decision* Plan::carried_for(const Value& value) const {
  if (carried.empty()) return nullptr;
  if (const auto made = carried.find(&value); made != carried.end()) return &made->second;
  for (const Use& use : value.uses()) {
    if (use.input != 0 || use.node->output_count() == 0) continue;
    if (const auto quantised = carried.find(&use.node->output(0)); quantised != carried.end()) {
      return &quantised->second;
    }
  }
  return nullptr;
}

const Decision* Plan::decision_of(const Value& value) const {
  const auto repeated = same_as.find(&value);
  const auto at = values.find(repeated == same_as.end() ? &value : repeated->second);
  return at == values.end() ? nullptr : &at->second;
}

}  // namespace qprep
