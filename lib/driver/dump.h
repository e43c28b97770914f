#pragma once

#include <filesystem>
#include <string>

#include "support/diagnostics.h"

namespace qprep {

/// The model as text (ir/dump.h), as it stands in the file; with `infer`, with the types that shape inference
/// finds. Throws Fatal.
std::string dump_model(const std::filesystem::path& model, bool infer, Diagnostics& diagnostics);

}  // namespace qprep
