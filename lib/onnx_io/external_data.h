#pragma once

#include <filesystem>
#include <string>

#include "onnx_io/parsed_model.h"

namespace qprep {

/// Result: every tensor of the model whose data are external has them mapped, as a payload with a placeholder
/// in raw_data. They are looked for in `folder` only: Fatal (external-data), naming tensor and location, for
/// a path that is absolute, has "..", or leaves the folder by a link; for anything but a regular file; and
/// for an offset or length that is no number, lies beyond the file, or does not fit the tensor's dims. `name`
/// is what the message calls the model.
void map_external_data(ParsedModel& parsed, const std::filesystem::path& folder, const std::string& name);

/// Result: the tensor says that its data are `length` bytes at `offset` of `location`. What its old entries
/// said besides (but for a checksum of the old file) stays. raw_data is gone.
void point_to_external_data(onnx::TensorProto& tensor, const std::string& location, std::uint64_t offset,
                            std::uint64_t length);

}  // namespace qprep
