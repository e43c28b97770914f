#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plan/plan.h"

/// Rounding of weights with regard to what a layer reads: not each weight w is to be nearest to its integer,
/// but what the layer makes of its inputs nearest to what it made of them before.
namespace qprep {

/// Moments of a layer's inputs: the sums over columns x of x and of x xᵀ.
class InputMoments {
 public:
  explicit InputMoments(std::size_t inputs)
      : inputs_(inputs), sums_(inputs, 0.0), products_(inputs * inputs, 0.0) {}
  /// Of any number of columns, one after the other. Given: columns.size() is a multiple of inputs().
  void add(std::span<const float> columns);

  void merge(const InputMoments& other);

  std::size_t inputs() const { return inputs_; }
  std::size_t columns() const { return columns_; }
  /// inputs x inputs; the lower triangle alone.
  std::span<const double> products() const { return products_; }
  /// The mean over the columns of what a row of weights makes of them; 0 without columns.
  double mean(std::span<const float> row) const;
  /// Its variance.
  double variance(std::span<const float> row) const;

 private:
  std::size_t inputs_, columns_ = 0;
  std::vector<double> sums_, products_;
};

/// Rounds rows of weights, one for each output, to multiples of the row's scale. Column by column, in the
/// order of falling moments, w is rounded to its nearest integer, and what that loses is made up for by the
/// columns that are still to be rounded:
///
///   e = (w_i - Q(w_i)) / U_ii,  w_j -= e U_ij for j > i,  with Uᵀ U = (H + 0.01 mean(diag H) I)⁻¹, H the
///   moments
///
/// (Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers",
/// 2022, algorithm 1, after Hassibi and Stork, "Optimal Brain Surgeon", 1993). Given: rows.size() ==
/// scales.size() * moments.inputs(); scales are > 0 and symmetric. Moments that are all 0 or not finite say
/// nothing: the rows are left as they are. Result: whether they were rounded.
bool round_to_least_error(std::span<float> rows, std::span<const float> scales, QuantRange range,
                          const InputMoments& moments);

}  // namespace qprep
