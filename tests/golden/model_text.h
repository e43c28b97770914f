#pragma once

#include <string>

#include "onnx_io/onnx_file.h"

namespace qprep::golden {

/// The model that `text` describes in ONNX's text syntax, its shapes inferred.
///
/// The syntax takes `<float[4,3] w>`, a declaration without data, for a mere type. Here such a name, if
/// nothing else defines it, is an initializer with numbers that follow from its name and position: evenly
/// spread over
/// [-1, 1), or over what its line `w 0.5 2` in `fill` says. Only float and double can be filled.
/// Throws std::runtime_error that says where the text is wrong.
OnnxFile model_from_text(const std::string& text, const std::string& fill, Diagnostics& diagnostics);

}  // namespace qprep::golden
