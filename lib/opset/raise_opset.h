#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/newest_opset.h"
#include "support/diagnostics.h"

namespace qprep {

/// The lowest IR version that a model with this version of ONNX's operator set may state (ONNX's
/// Versioning.md).
std::int64_t ir_version_for_opset(std::int64_t opset);

/// Result: model.ir_version >= `version`. Where it passes from 3 or less to 4 or more, initializers that are
/// also inputs of their graph stop being inputs: under IR 3 they were constants, from IR 4 on a caller could
/// override them. A note says which.
void raise_ir_version(Model& model, std::int64_t version, Diagnostics& diagnostics);

/// A node that raising the operator set put in.
struct PutIn {
  std::string label, op;
  std::string made_for;  // the label of the node that it helps
};

/// Raises the version of ONNX's own operator set that `model` imports to `target`: every node of the default
/// domain, in bodies and model-local functions too, is rewritten to mean the same under `target`; the outputs
/// in ONNX Runtime stay equal bit for bit. Nodes of other domains pass untouched. The IR version rises as far
/// as `target` needs, see raise_ir_version.
///
/// Given: target <= kNewestOpset. target <= model.opset(): nothing to do. Types from shape inference (ranks,
///   above all) let more nodes be raised.
/// Result: model.opset() >= target. A model that imports no operator set of ONNX has no such nodes: it only
///   gets the import.
/// Throws Fatal(kOpsetRaise) with a diagnostic for every node that cannot be raised: which, why and what to
/// do. The model is then partly rewritten and must be thrown away.
/// `put_in`, if given: the nodes that the graph has more then are appended, in its order; not those of
/// functions.
void raise_opset(Model& model, std::int64_t target, Diagnostics& diagnostics,
                 std::vector<PutIn>* put_in = nullptr);

}  // namespace qprep
