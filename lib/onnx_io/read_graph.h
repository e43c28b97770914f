#pragma once

#include <string>

#include "onnx_io/file_record.h"
#include "support/diagnostics.h"

namespace qprep {

/// Result: the IR of the parsed message, its records in `record`. Given: record.parsed is there, with its
/// external data mapped. Fatal (corrupt-model), naming node and value, if a name is defined twice or not at
/// all, nodes form a cycle, or a tensor's data do not fit it. Nodes that are not in topological order are
/// brought into it, with a note (node-order).
Model read_model(FileRecord& record, const std::string& file, Diagnostics& diagnostics);

}  // namespace qprep
