#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "driver/prepare.h"
#include "support/diagnostics.h"

namespace qprep {

/// What `prepare` tells of itself at the end, for people.
std::string to_text(const PrepareResult& result, const Diagnostics& diagnostics, bool times);
nlohmann::ordered_json to_json(const PrepareResult& result, const Diagnostics& diagnostics);

}  // namespace qprep
