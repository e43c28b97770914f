#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "ir/tensor.h"

/// What the numbers of a tensor are like, for messages and tables.
namespace qprep {

/// Of the finite elements of something; min > max: there are none.
struct Spread {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double sum = 0;
  std::int64_t count = 0;

  void add(double x);
  void merge(const Spread& other);
  bool seen() const { return count > 0; }
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
  /// The largest absolute value; 0 if nothing was seen.
  double magnitude() const;
};

struct TensorFacts {
  DType dtype = DType::kUndefined;
  Dims dims;
  Spread all;
  std::vector<Spread> channels;  // along `channel_axis`, where there are 2 to 4 of them; else empty
  std::int64_t not_finite = 0;   // NaN and infinite elements
  bool whole = false;            // floats that are all whole numbers from 0 to 255

  /// Of another tensor of the same input, too: dtype and sizes stay.
  void merge(const TensorFacts& other);
  /// They are bytes of a picture that is not black.
  bool pixels() const { return whole && all.max > 32; }
};

/// `channel_axis`: of a picture; nullopt: none. Complex numbers and strings have dtype and dims only.
TensorFacts facts_of(const Tensor& tensor, std::optional<std::size_t> channel_axis);

/// The axis along which a tensor of these sizes has the colours of a picture: of four axes, number 1 or the
/// last one with 1, 3 or 4 (also 2, for axis 1) channels; nullopt: none.
std::optional<std::size_t> colour_axis(const Dims& dims);

}  // namespace qprep
