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
/// the integers as they are. See lower_fixed_point.h for when. Given: the weights still are float
/// constants behind QuantizeLinear.
class IntegerBias {
 public:
  IntegerBias(Model& model, const OpClasses& classes, Diagnostics& diagnostics)
      : model_(model), classes_(classes), diagnostics_(diagnostics) {}

  /// Result: a channel whose weights are so small beside its bias that the bias would not fit int32 has a
  /// larger s_w, with a note. False: the bias does not fit even so. The bias is as it was.
  bool raise_scales(Node& node);
  /// Result: the same, and if the node has a bias that may be integer, it reads it through a
  /// DequantizeLinear; if not, a note says why.
  void lower(Node& node);

  /// The float biases and the scales that were replaced; some may be unused now.
  const std::vector<Value*>& replaced() const { return replaced_; }

 private:
  struct Products;
  std::optional<Products> products_of(const Node& node, std::string& why) const;
  const Node* source_of_data(const Node& node) const;
  bool takes_channels_apart(const Node& node, const QdqParams& data) const;
  struct Candidate;
  std::optional<Candidate> candidate(const Node& node, std::string& why) const;
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
