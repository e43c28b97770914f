#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "support/diagnostics.h"

namespace qprep {

/// {"severity", "code", "message", "file", "line", "column"}, the place only where there is one.
nlohmann::ordered_json to_json(const Diagnostic& diagnostic);
/// An array of them.
nlohmann::ordered_json to_json(std::span<const Diagnostic> diagnostics);

}  // namespace qprep
