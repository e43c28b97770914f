#pragma once

#include <string>
#include <vector>

#include "config/setting_spec.h"

namespace qprep {

/// The keys of `sensitive_op`: a table, how many of its rows, and what becomes of them. What the map of a
/// template that is like it says holds where the user's says nothing.
struct SensitiveOpKeys {
  const YamlNode& user;
  const YamlNode* of_template = nullptr;  // null: the user wrote `sensitive_op`
  std::string name;                       // as the user wrote it: "sensitive_op"
};

/// The first rows of the table count, whatever they are about (topk, or ceil(rows * ratio)); of those, the
/// ones of the wanted type and dtype become settings, at their lines in the table. A table none of whose rows
/// does is a warning in `diagnostics`.
void read_sensitive_op(const SensitiveOpKeys& keys, const UsualPrecision& usual, SpecReader& spec,
                       Diagnostics& diagnostics, std::vector<Setting>& settings);

}  // namespace qprep
