#include "driver/fix_sizes.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_set>

#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

/// How the configuration can call an axis whose size is open.
std::vector<std::string> names_of(const Value& input, std::size_t axis) {
  std::vector<std::string> names = {fmt::format("{}[{}]", input.name(), axis)};
  const std::string& symbol = (*input.type().shape)[axis].symbol;
  if (!symbol.empty()) names.insert(names.begin(), symbol);
  return names;
}

}  // namespace

void fix_sizes(Model& model, const std::vector<Placed<OpenSize>>& sizes, bool may_miss,
               Diagnostics& diagnostics) {
  std::vector<std::string> open;
  std::unordered_set<std::string> found;
  for (Value* input : model.graph->inputs()) {
    Type type = input->type();
    for (std::size_t axis = 0; type.shape && axis < type.shape->size(); ++axis) {
      if ((*type.shape)[axis].known()) continue;
      for (const std::string& name : names_of(*input, axis)) {
        open.push_back(name);
        for (const Placed<OpenSize>& each : sizes) {
          if (each.value.axis != name) continue;
          (*type.shape)[axis] = {each.value.size, ""};
          found.insert(name);
        }
      }
    }
    input->set_type(std::move(type));
  }
  bool failed = false;
  for (const Placed<OpenSize>& each : sizes) {
    if (found.contains(each.value.axis)) continue;
    failed = !may_miss;
    diagnostics.add({may_miss ? Severity::kWarning : Severity::kError, codes::kNoMatch,
                     fmt::format("no input has an axis '{}' whose size is open{}; {}", each.value.axis,
                                 did_you_mean(each.value.axis, open),
                                 open.empty() ? "all sizes are fixed" : "there are " + join(open, ", ")),
                     each.where});
  }
  if (failed) diagnostics.throw_if_error();
}

}  // namespace qprep
