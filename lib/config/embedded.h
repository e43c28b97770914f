#pragma once

#include <string_view>

/// Files of configs/words as they were when the program was built, so that a configuration can be checked
/// without finding them.
namespace qprep::embedded {

extern const std::string_view kTorchNames;  // torch_names.yaml
extern const std::string_view kQconfigs;    // qconfigs.yaml

}  // namespace qprep::embedded
