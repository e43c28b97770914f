#pragma once

#include <string>

#include "config/qconfig.h"
#include "config/reading.h"

namespace qprep {

/// Reads a QuantizationConfig of a quantizer: null (float), a name of quantization_configs in
/// configs/qconfigs.yaml, or a map of `input_activation`, `output_activation`, `weight`, `bias` and
/// `from`, the name of one that says the rest. `what` names it in messages.
Qconfig read_quantization_config(const YamlNode& node, const std::string& what, const Reading& reading);

}  // namespace qprep
