#include "config/row_classes.h"

#include <utility>

namespace qprep {
namespace {

/// The operator that the classes know and the row is like, whatever stands between; null: there is none.
const OpClasses::Row* class_behind(const Capability& row, const Capabilities& target,
                                   const OpClasses& classes) {
  for (const Capability* each = &row; !each->like.empty();) {
    const auto known = classes.rows.find(each->like);
    if (known != classes.rows.end()) return &known->second;
    const auto next = target.rows.find(each->like);
    if (next == target.rows.end() || &next->second == each) return nullptr;
    each = &next->second;
  }
  return nullptr;
}

OpClasses::Row active() {
  OpClasses::Row row;
  row.traits.op_class = OpClass::kActive;
  row.traits.all_inputs = true;
  row.traits.why = "computes new numbers, as the target's file says";
  return row;
}

}  // namespace

void add_classes_of_rows(const Capabilities& target, OpClasses& classes) {
  std::vector<std::pair<std::string, OpClasses::Row>> added;
  for (const auto& [op, row] : target.rows) {
    if (classes.rows.contains(op)) continue;
    const OpClasses::Row* known = class_behind(row, target, classes);
    added.emplace_back(op, known ? *known : active());
  }
  for (auto& [op, row] : added) classes.rows.emplace(op, std::move(row));
}

}  // namespace qprep
