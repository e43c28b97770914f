#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "onnx_io/parsed_model.h"

namespace qprep {

/// What the reader keeps of a file for the writer. The OriginIds of nodes, graphs and functions count into
/// `nodes`, `graphs` and `functions`; those of initializers into `initializers`.
class FileRecord {
 public:
  struct Initializer {
    const onnx::TensorProto* dense = nullptr;  // exactly one of the two
    const onnx::SparseTensorProto* sparse = nullptr;
    Tensor as_read;  // while the IR still has it, the record's data are the initializer's
  };

  std::shared_ptr<const ParsedModel> parsed;
  std::vector<const onnx::NodeProto*> nodes;
  std::vector<const onnx::GraphProto*> graphs;
  std::vector<const onnx::FunctionProto*> functions;
  std::vector<Initializer> initializers;
};

}  // namespace qprep
