#pragma once

#include <vector>

#include "config/setter_entries.h"

namespace qprep {

/// `templates`: the list of the vendor's newer QconfigSetter, of which the last that speaks of a slot wins:
/// ModuleNameTemplate, ConvDtypeTemplate, MatmulDtypeTemplate, SensitivityTemplate, and whatever an entry of
/// qconfig_setter can be. Result: the settings in order of priority, the first wins, as everywhere.
std::vector<Setting> read_later_templates(const YamlNode& list, const UsualPrecision& usual,
                                          EntryReader& reader, Diagnostics& diagnostics);

}  // namespace qprep
