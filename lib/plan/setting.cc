#include "plan/setting.h"

#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace qprep {

std::string_view to_text(Slot slot) {
  switch (slot) {
    case Slot::kNode:
      return "node";
    case Slot::kInput:
      return "input";
    case Slot::kWeight:
      return "weight";
    case Slot::kOutput:
      return "output";
    case Slot::kTail:
      return "tail";
    case Slot::kHighPrecision:
      return "high_precision_output";
    case Slot::kHead:
      return "head";
  }
  return "?";
}

std::string to_text(const Says& says) {
  struct Text {
    std::string operator()(Precision precision) const { return std::string(to_text(precision)); }
    std::string operator()(const ObserverName& observer) const { return "observer " + observer.name; }
    std::string operator()(const AveragingConstant& constant) const {
      return fmt::format("averaging_constant {}", constant.value);
    }
    std::string operator()(const FixedScale& fixed) const {
      return fixed.threshold > 0 ? fmt::format("threshold {}", fixed.threshold)
                                 : fmt::format("scale {}", fixed.scale);
    }
    std::string operator()(const PerChannel& per_channel) const {
      return per_channel.value ? "per channel" : "per tensor";
    }
    std::string operator()(const SharedScale& shared) const {
      return shared.value ? "one scale for all calls" : "a scale for each call";
    }
    std::string operator()(const SameScale& same) const {
      return same.value ? "the same scale as what it reads" : "a scale of its own";
    }
    std::string operator()(const Scheme& scheme) const {
      std::string text = to_text(scheme);
      return text.empty() ? "symmetric" : text;
    }
    std::string operator()(const PowerOfTwo& rounded) const {
      return rounded.value ? "scale a power of two" : "any scale";
    }
  };
  return std::visit(Text{}, says);
}

std::string said_by(const Setting& setting) {
  const bool quantises_tail = (setting.slot == Slot::kTail || setting.slot == Slot::kHead) &&
                              setting.says_precision() && setting.precision() != Precision::kFloat32;
  return quantises_tail ? "like the rest" : to_text(setting.says);
}

Setting setting_for_all(Slot slot, Precision precision, Where where, std::string what) {
  Setting setting;
  setting.slot = slot;
  setting.says = precision;
  setting.where = std::move(where);
  setting.what = std::move(what);
  return setting;
}

std::string to_text(const Setting& setting) {
  if (setting.where.file.empty()) return fmt::format("default: {}", setting.what);
  Where where = setting.where;
  where.file = std::filesystem::path(where.file).filename().string();
  return fmt::format("{} {}", to_text(where), setting.what);
}

}  // namespace qprep
