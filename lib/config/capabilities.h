#pragma once

#include "config/yaml_reader.h"
#include "support/diagnostics.h"
#include "target/capability.h"

/// The keys `every`, `groups` and `operators` of a march; docs/targets.md describes them.
namespace qprep {

/// Result: the rows of the march, in place of those of `base`, whose keys a row that stands in both takes
/// over where it says nothing itself. Mistakes go to `diagnostics`. `source`: of rows that name none;
/// empty: none that is known.
Capabilities read_capabilities(YamlMap& march, const Capabilities& base, const std::string& source,
                               Diagnostics& diagnostics);

}  // namespace qprep
