#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_reader.h"

namespace qprep {

/// configs/templates.yaml: the templates that a configuration can name. The file explains its keys.
class Templates {
 public:
  /// Throws Fatal with every mistake of the file.
  static Templates read(const std::string& file);

  /// What the template says: a list of entries, or a map with `like`; null: there is none of this name. The
  /// vendor's suffix _qconfig_setter is left out of account.
  const YamlNode* find(std::string_view name) const;
  /// In the order of the file.
  std::vector<std::string> names() const;

  /// "default_qat" for "default_qat_qconfig_setter".
  static std::string_view without_suffix(std::string_view name);

 private:
  std::shared_ptr<const YamlNode> root_;
};

}  // namespace qprep
