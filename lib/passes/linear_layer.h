#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// A Conv, ConvTranspose, Gemm or MatMul whose weight (input 1) is constant float32: a weight of
/// [rows, columns, taps], where rows are channels of the output (Conv, Gemm with transB) or of the input.
class LinearLayer {
 public:
  /// Result: the layer that `node` is, or why it is none: a clause that follows "it stays, since ".
  static std::variant<LinearLayer, std::string> of(Node& node);
  /// The same with this weight instead of the one that the node reads.
  static std::variant<LinearLayer, std::string> of(Node& node, const Tensor& weight);

  Node& node() const { return *node_; }
  std::int64_t outputs() const { return rows_are_outputs_ ? rows_ : columns_ * groups_; }
  std::int64_t inputs() const { return rows_are_outputs_ ? columns_ * groups_ : rows_; }
  /// What its output has if it can be followed by a batch norm: the rank of a convolution's data, 2 of
  /// others.
  std::size_t output_rank() const { return output_rank_; }
  bool is_convolution() const { return node_->is("Conv") || node_->is("ConvTranspose"); }
  bool has_bias() const { return !node_->is("MatMul"); }
  /// True if the output has no place that sees less than the whole weight: a Conv that does not pad, a
  /// matrix.
  bool sees_whole_weight() const;

  /// The bias as it acts (beta of a Gemm multiplied in), one for each output; zeros if there is none.
  /// nullopt: it is no constant float32 per channel. Given: has_bias().
  std::optional<std::vector<double>> bias() const;

  /// The weight, each element times factor[its output channel] or factor[its input channel]; computed where
  /// it is read.
  Tensor weight_times_outputs(const std::vector<double>& factor) const;
  Tensor weight_times_inputs(const std::vector<double>& factor) const;
  /// For each output: the sum over the weights that lead to it of weight * value[input channel]; times alpha
  /// of a Gemm. What the layer makes of an input that is `value` everywhere. `shares`: a factor for each tap
  /// of a convolution's kernel (tap_shares); empty: 1.
  std::vector<double> response_to(const std::vector<double>& value,
                                  const std::vector<double>& shares = {}) const;

 private:
  explicit LinearLayer(Node& node) : node_(&node) {}
  std::int64_t output_of(std::int64_t row, std::int64_t column) const;
  std::int64_t input_of(std::int64_t row, std::int64_t column) const;
  template <typename Visit>
  void for_each_weight(Visit visit) const;
  enum class Channels { kOutputs, kInputs };
  Tensor weight_times(const std::vector<double>& factor, Channels channels) const;

  Node* node_;
  Tensor weight_;
  std::int64_t rows_ = 0, columns_ = 0, taps_ = 1, groups_ = 1;
  bool rows_are_outputs_ = true;
  std::size_t output_rank_ = 2;
};

}  // namespace qprep
