#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml_reader.h"
#include "plan/observer.h"

namespace qprep {

/// Of `calibration.method`.
std::vector<std::string> method_words(bool with_auto);
/// " (did you mean 'min_max', as ...?)": the method that other tools call so, or the nearest of qprep's
/// words; nothing if none is near.
std::string did_you_mean_method(std::string_view word, bool with_auto);

/// `method` and its numbers; nothing else of the map. nullopt: `method` is absent or wrong. `has_usual`: it
/// may be absent, and auto is meant then. `why_not_auto`: what is wrong with method auto here; empty:
/// nothing. Mistakes in `diagnostics`, numbers that the method has no use for among them.
std::optional<ObserverSpec> read_method(YamlMap& map, bool has_usual, std::string_view why_not_auto,
                                        Diagnostics& diagnostics);

}  // namespace qprep
