#pragma once

#include <vector>

#include "config/yaml_reader.h"
#include "plan/setting.h"

namespace qprep {

/// The settings that `quantizers` makes: a list of quantizers as PyTorch's export mode composes them; the
/// first that speaks of a slot of a node wins, and what none of them speaks of stays float. In each,
/// module_name comes before module_type, that before operators, and that before global. Mistakes in
/// `diagnostics`; what prepare cannot carry out yet in `not_yet`.
std::vector<Setting> read_quantizers(YamlMap& file, Diagnostics& diagnostics, Diagnostics& not_yet);

}  // namespace qprep
