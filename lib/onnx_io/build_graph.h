#pragma once

#include <vector>

#include "onnx_io/build_tensor.h"
#include "onnx_io/file_record.h"

namespace qprep {

/// Makes the messages of graphs and functions from the IR, on top of the records they were read from.
class GraphBuilder {
 public:
  /// `record`: null for a model that was built in memory. New payloads are appended to `payloads`.
  GraphBuilder(const Model& model, const FileRecord* record, std::vector<Payload>& payloads);

  /// Given for both: `proto` is empty.
  void build(const Graph& graph, onnx::GraphProto& proto);
  void build(const Function& function, onnx::FunctionProto& proto);

 private:
  void build(const Node& node, onnx::NodeProto& proto);
  void build_attributes(const Node& node, const onnx::NodeProto* record, onnx::NodeProto& proto);
  void build_initializers(const Graph& graph, onnx::GraphProto& proto);

  const Model& model_;
  const FileRecord* record_;
  TensorBuilder tensors_;
};

}  // namespace qprep
