#include "ir/name_of.h"

#include <algorithm>
#include <fmt/format.h>

namespace qprep {
namespace {

bool is_made_reshape(const Node* node) { return node && node->is("Reshape") && !node->made_for().empty(); }

}  // namespace

std::string name_of(const Node& node) {
  const std::string name = fmt::format("{} '{}'", node.op(), node.label());
  return node.made_for().empty() ? name : fmt::format("{} made for '{}'", name, node.made_for());
}

std::string name_of(const Value& value) {
  if (!value.is_made() || !value.producer()) return fmt::format("'{}'", value.name());
  return fmt::format("'{}' of {}", value.name(), name_of(*value.producer()));
}

const Value& users_value(const Value& value) {
  if (!value.is_made()) return value;
  if (is_made_reshape(value.producer())) return users_value(*value.producer()->input(0));
  const auto behind =
      std::ranges::find_if(value.uses(), [](const Use& use) { return is_made_reshape(use.node); });
  if (behind == value.uses().end() || behind->node->output(0).is_made()) return value;
  return behind->node->output(0);
}

}  // namespace qprep
