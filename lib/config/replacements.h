#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_reader.h"

/// The replacements of operators that a march or a configuration can ask for; the pass replace-operators
/// makes them. docs/replacements.md is their manual.
namespace qprep {

struct Replacement {
  std::string_view name;   // "gemm-to-conv"
  std::string_view what;   // one line: what becomes what
  std::string_view exact;  // how far the result is the same in float
};

/// In the order in which they are tried.
std::span<const Replacement> replacements();

/// " (did you mean [gemm-to-conv]?)", or " (did you mean 'none'?)": of what stands where none or a list
/// should; nothing if neither is near.
std::string did_you_mean_to_replace(std::string_view word);

/// The list of names that the key holds, each once; mistakes are in `diagnostics`. Empty for an absent key.
std::vector<std::string> read_replacements(YamlMap& map, std::string_view key, Diagnostics& diagnostics);

}  // namespace qprep
