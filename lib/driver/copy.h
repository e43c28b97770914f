#pragma once

#include <filesystem>

#include "onnx_io/onnx_file.h"
#include "support/diagnostics.h"

namespace qprep {

/// Reads the model at `from` and writes it to `to`, external data beside it. Throws Fatal.
Written copy_model(const std::filesystem::path& from, const std::filesystem::path& to,
                   const WriteOptions& options, Diagnostics& diagnostics);

}  // namespace qprep
