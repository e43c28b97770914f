#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/fusion.h"
#include "target/capability.h"

/// configs/march/<name>.yaml: a target that configurations can name, and what holds for it alone.
namespace qprep {

struct March {
  std::string name;                  // "bayes", the name of its file
  std::string chips;                 // "J5, RDK Ultra"; "-" if none is known
  std::string source;                // where its numbers come from
  bool provisional = false;          // its numbers were concluded, not read
  std::vector<std::string> replace;  // names of config/replacements.h, each once
  FusionParts sequences;             // that it fuses besides those of configs/fusion.yaml
  bool tail_relu_apart = false;      // a Relu behind the last layer is not fused, and runs on the CPU
  bool int16_addends = true;         // a layer that adds takes an addend in int16
  Capabilities capabilities;         // no rows: nothing is known of its operators
};

/// All there are in the folder of configurations, by name.
std::vector<std::string> march_names(const std::filesystem::path& configs);

/// Throws Fatal with every mistake of the file. Given: there is such a march.
March read_march(const std::filesystem::path& configs, const std::string& name);

}  // namespace qprep
