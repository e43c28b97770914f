#pragma once

#include "ir/graph.h"
#include "onnx_io/parsed_model.h"

namespace qprep {

using OpsetImports = google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>;

/// A list of imports as the IR has it: "ai.onnx" is "", a later entry wins, and an empty list (IR 1 and 2
/// need none) is version 1 of ONNX's operators.
Opsets read_opset_imports(const OpsetImports& imports);

/// Result: the record's entries, with the versions that the IR has now; without those it dropped, and with
/// what it added at the end. `record`: null if no file has the list.
void build_opset_imports(const Opsets& opsets, const OpsetImports* record, OpsetImports& imports);

}  // namespace qprep
