#pragma once

#include <filesystem>

#include "onnx_io/onnx_file.h"
#include "support/diagnostics.h"

namespace qprep {

/// A model to decide on: read_onnx, and the vendor's quantisers in it as ours (passes/read_horizon.h).
OnnxFile read_model(const std::filesystem::path& file, Diagnostics& diagnostics);

}  // namespace qprep
