#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "config/op_classes.h"
#include "ir/graph.h"
#include "passes/qdq.h"
#include "support/diagnostics.h"

namespace qprep {

/// Makes biases of Conv, ConvTranspose and Gemm int32 of scale s_x * s_w, so that they add to the products of
/// the integers as they are. See lower_fixed_point.h for when. To be used while the weights still are float
/// constants behind QuantizeLinear: a channel whose weights are so small beside its bias that the bias would
/// not fit gets a larger s_w.
class IntegerBias {
 public:
  IntegerBias(Model& model, const OpClasses& classes, Diagnostics& diagnostics)
      : model_(model), classes_(classes), diagnostics_(diagnostics) {}

  /// Result: if the node has a bias that may be integer, it reads it through a DequantizeLinear.
  void lower(Node& node);

  /// The float biases that were replaced; some may be unused now.
  const std::vector<Value*>& replaced() const { return replaced_; }

 private:
  struct Products;
  std::optional<Products> products_of(const Node& node, std::string& why) const;
  const Node* source_of_data(const Node& node) const;
  bool takes_channels_apart(const Node& node, const QdqParams& data) const;
  void raise_scales(const Node& node, const std::vector<float>& bias, Products& products);
  Value& dequantized(const Value& bias, Node& before, std::vector<std::int32_t> integers,
                     std::vector<float> scales);

  Model& model_;
  const OpClasses& classes_;
  Diagnostics& diagnostics_;
  std::vector<Value*> replaced_;
  /// A bias that several nodes read with equal scales is stored once.
  std::map<std::tuple<const Value*, const Graph*, std::vector<float>>, Value*> made_;
};

}  // namespace qprep
