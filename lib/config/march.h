#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/fusion.h"
#include "config/quantise.h"
#include "target/capability.h"

/// A target, and what holds for it alone: configs/march/<name>.yaml, or a file of the user's own that extends
/// one.
namespace qprep {

struct March {
  std::string name;                               // "bayes", the name of its file
  std::string base;                               // the march that its file extends; empty: none
  std::string chips;                              // "J5, RDK Ultra"; "-" if none is known
  std::string source;                             // where its numbers come from
  bool provisional = false;                       // its numbers were concluded, not read
  std::vector<std::string> replace;               // names of config/replacements.h, each once
  FusionParts sequences;                          // that it fuses besides those of configs/fusion.yaml
  std::optional<std::vector<std::string>> tails;  // the only ones of configs/fusion.yaml that it fuses
  bool tail_relu_apart = false;         // a Relu behind the last layer is not fused, and runs on the CPU
  bool int16_addends = true;            // a layer that adds takes an addend in int16
  std::vector<std::string> same_scale;  // operators that read and make one scale, unless a setting says else
  Capabilities capabilities;            // no rows: nothing is known of its operators
  std::optional<Quantise> quantise;     // how its tools quantise; nullopt: as qprep does
};

/// All there are in the folder of configurations, by name.
std::vector<std::string> march_names(const std::filesystem::path& configs);

/// Whether the text names a file and no march of the folder: it ends with ".yaml".
bool is_march_file(std::string_view text);
/// The march's name: of a file, that without its folder and ending.
std::string march_name_of(const std::string& march);

/// `march`: a name, or the path of a file. Throws Fatal with every mistake of the file, or of one that it
/// extends. Given: there is such a march.
March read_march(const std::filesystem::path& configs, const std::string& march);

}  // namespace qprep
