#include "config/templates.h"

#include "support/diagnostics.h"

namespace qprep {

Templates Templates::read(const std::string& file) {
  Diagnostics diagnostics;
  Templates templates;
  templates.root_ = read_yaml(file, diagnostics);
  YamlMap(*templates.root_, "", diagnostics);
  diagnostics.throw_if_error();
  return templates;
}

const YamlNode* Templates::find(std::string_view name) const {
  name = without_suffix(name);
  for (const YamlNode::Entry& entry : root_->entries) {
    if (entry.key == name) return entry.value.get();
  }
  return nullptr;
}

std::vector<std::string> Templates::names() const {
  std::vector<std::string> names;
  for (const YamlNode::Entry& entry : root_->entries) names.push_back(entry.key);
  return names;
}

std::string_view Templates::without_suffix(std::string_view name) {
  constexpr std::string_view kSuffix = "_qconfig_setter";
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  return name;
}

}  // namespace qprep
