#include "plan/setting.h"

#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace qprep {

std::string_view to_text(Slot slot) {
  switch (slot) {
    case Slot::kNode:
      return "node";
    case Slot::kOutput:
      return "output";
    case Slot::kWeight:
      return "weight";
    case Slot::kTail:
      return "tail";
  }
  return "?";
}

Setting setting_for_all(Slot slot, Precision precision, Where where, std::string what) {
  Setting setting;
  setting.slot = slot;
  setting.precision = precision;
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
