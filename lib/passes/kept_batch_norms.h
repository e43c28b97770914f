#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"

/// Batch norms that stay for training (`bn: with_bn`). Everything is decided, calibrated and lowered on the
/// folded model; where a model for training is written, each layer of Model::kept_batch_norms stands as
///
///     factor = scale / sqrt(variance + epsilon)
///     y = BatchNormalization(layer(x, FakeQuantize(weight * factor) / factor, bias), scale, bias, mean,
///                            variance)
///
/// which is the float model where FakeQuantize hands on what it reads: weight * factor / factor is the weight
/// but for the rounding of two operations. y bears the name that the layer's result has in the folded model.
namespace qprep {

/// What put_in_batch_norms changed for one batch norm, to be undone.
struct BatchNormPutIn {
  Node* layer = nullptr;
  Node* norm = nullptr;
  bool was_add = false;  // the node of the norm is the Add of its shift in the folded model
  std::string result;    // what the norm's result is called there
  Value* weight = nullptr;
  Tensor folded_weight;
  Node* quantiser = nullptr;       // FakeQuantize; null: the weight stays float
  std::vector<Node*> factor = {};  // new nodes, in the order of the graph

  /// A constant of the folded model that has other numbers now, or that is gone (value null).
  struct Constant {
    Node* node = nullptr;
    std::size_t input = 0;
    Value* value = nullptr;
    std::string name;
    Tensor folded;
  };
  std::vector<Constant> constants = {};
};

struct BatchNormsPutIn {
  std::vector<BatchNormPutIn> norms;
  std::vector<Value*> new_initializers;
  std::vector<std::pair<Graph*, std::vector<std::string>>> order;  // of the initializers, before
};

/// Result: kept batch norms stand in the graph as above; a layer whose weight has no FakeQuantize has its own
/// weight. One that later rewrites changed beyond that stays folded.
BatchNormsPutIn put_in_batch_norms(Model& model);
/// Given: the model is as put_in_batch_norms left it. Result: it is as it was before.
void take_out_batch_norms(Model& model, const BatchNormsPutIn& put_in);

/// A batch norm as put_in_batch_norms wrote it, found in a model.
struct WrittenBatchNorm {
  Node* layer = nullptr;
  Node* quantiser = nullptr;  // FakeQuantize
  Node* product = nullptr;    // weight * factor
  Value* weight = nullptr;    // a constant
};
/// nullopt: the node is no such one.
std::optional<WrittenBatchNorm> written_batch_norm(Node& norm);

}  // namespace qprep
