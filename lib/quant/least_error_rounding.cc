#include "quant/least_error_rounding.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace qprep {
namespace {

using Matrix = Eigen::MatrixXd;

/// The inputs by falling second moment; equal ones in their order.
std::vector<Eigen::Index> by_falling_moment(const Matrix& moments) {
  std::vector<Eigen::Index> order(static_cast<std::size_t>(moments.rows()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return moments(a, a) > moments(b, b); });
  return order;
}

/// Upper triangular U with Uᵀ U = H⁻¹. With J the reversal of rows, J H J = L Lᵀ gives U = J L⁻¹ J, and L⁻¹
/// is never more than a triangle.
Matrix root_of_inverse(const Matrix& h) {
  const Eigen::Index n = h.rows();
  const Eigen::LLT<Matrix> cholesky(h.reverse());
  Matrix inverse = Matrix::Identity(n, n);
  cholesky.matrixL().solveInPlace(inverse);
  return inverse.reverse();
}

}  // namespace

void InputMoments::add(std::span<const float> columns) {
  const auto n = static_cast<Eigen::Index>(inputs_);
  const auto count = static_cast<Eigen::Index>(columns.size()) / n;
  const Eigen::Map<const Eigen::MatrixXf> x(columns.data(), n, count);
  const Matrix exact = x.cast<double>();
  Eigen::Map<Matrix>(products_.data(), n, n).selfadjointView<Eigen::Lower>().rankUpdate(exact);
  Eigen::Map<Eigen::VectorXd>(sums_.data(), n) += exact.rowwise().sum();
  columns_ += static_cast<std::size_t>(count);
}

void InputMoments::merge(const InputMoments& other) {
  columns_ += other.columns_;
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
  for (std::size_t i = 0; i < products_.size(); ++i) products_[i] += other.products_[i];
}

double InputMoments::mean(std::span<const float> row) const {
  if (columns_ == 0) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < inputs_; ++i) sum += sums_[i] * static_cast<double>(row[i]);
  return sum / static_cast<double>(columns_);
}

double InputMoments::variance(std::span<const float> row) const {
  if (columns_ == 0) return 0;
  const auto n = static_cast<Eigen::Index>(inputs_);
  const Eigen::VectorXd w = Eigen::Map<const Eigen::VectorXf>(row.data(), n).cast<double>();
  const Eigen::VectorXd product =
      Eigen::Map<const Matrix>(products_.data(), n, n).selfadjointView<Eigen::Lower>() * w;
  const double average = mean(row);
  return product.dot(w) / static_cast<double>(columns_) - average * average;
}

bool round_to_least_error(std::span<float> rows, std::span<const float> scales, QuantRange range,
                          const InputMoments& moments) {
  const auto n = static_cast<Eigen::Index>(moments.inputs());
  const auto outputs = static_cast<Eigen::Index>(scales.size());
  const Eigen::Map<const Matrix> lower(moments.products().data(), n, n);
  Matrix h = lower.selfadjointView<Eigen::Lower>();
  const double mean = h.diagonal().mean();
  if (!(mean > 0) || !h.allFinite()) return false;
  h.diagonal().array() += 0.01 * mean;

  const std::vector<Eigen::Index> order = by_falling_moment(h);
  const Matrix u = root_of_inverse(h(order, order));
  const Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> given(rows.data(),
                                                                                                outputs, n);
  Matrix w = given(Eigen::all, order).cast<double>();
  const Eigen::VectorXd scale = Eigen::Map<const Eigen::VectorXf>(scales.data(), outputs).cast<double>();
  for (Eigen::Index i = 0; i < n; ++i) {
    Eigen::VectorXd error(outputs);
    for (Eigen::Index row = 0; row < outputs; ++row) {
      const double integer = std::clamp(std::nearbyint(w(row, i) / scale(row)),
                                        static_cast<double>(range.min), static_cast<double>(range.max));
      const double rounded = integer * scale(row);
      error(row) = (w(row, i) - rounded) / u(i, i);
      rows[static_cast<std::size_t>(row * n + order[static_cast<std::size_t>(i)])] =
          static_cast<float>(rounded);
    }
    const Eigen::Index rest = n - i - 1;
    w.rightCols(rest).noalias() -= error * u.row(i).tail(rest);
  }
  return true;
}

}  // namespace qprep
