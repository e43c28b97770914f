#include "images/resize.h"

#include <algorithm>
#include <cmath>

namespace qprep {
namespace {

/// What one pixel of the result is made of, along one axis: weights of neighbours from `first` on.
struct Taps {
  std::int64_t first = 0;
  std::vector<double> weights;
};

/// Keys' cubic with this parameter; 0 beyond 2.
double cubic(double x, double a) {
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double triangle(double x) { return std::max(0.0, 1 - std::fabs(x)); }

/// Pillow's ImagingResample, weights of 22 bits behind the point included.
Taps antialiased(std::int64_t at, double scale, std::int64_t size, bool is_cubic) {
  constexpr double kPoint = 1 << 22;
  const double width = std::max(scale, 1.0), support = (is_cubic ? 2.0 : 1.0) * width;
  const double centre = (static_cast<double>(at) + 0.5) * scale;
  const auto first = static_cast<std::int64_t>(std::max(0.0, centre - support + 0.5));
  const std::int64_t end = std::min(size, static_cast<std::int64_t>(centre + support + 0.5));
  Taps taps{first, {}};
  double sum = 0;
  for (std::int64_t i = first; i < end; ++i) {
    const double x = (static_cast<double>(i) - centre + 0.5) / width;
    taps.weights.push_back(is_cubic ? cubic(x, -0.5) : triangle(x));
    sum += taps.weights.back();
  }
  for (double& weight : taps.weights) weight = std::round(weight / sum * kPoint) / kPoint;
  return taps;
}

/// OpenCV's INTER_LINEAR and INTER_CUBIC: two or four neighbours, those beyond an edge are the edge.
Taps neighbours(std::int64_t at, double scale, std::int64_t size, bool is_cubic) {
  const double centre = (static_cast<double>(at) + 0.5) * scale - 0.5;
  const auto base = static_cast<std::int64_t>(std::floor(centre));
  const std::int64_t from = base - (is_cubic ? 1 : 0), to = base + (is_cubic ? 2 : 1);
  Taps taps{std::clamp(from, std::int64_t{0}, size - 1), {}};
  taps.weights.resize(static_cast<std::size_t>(std::clamp(to, std::int64_t{0}, size - 1) - taps.first + 1));
  for (std::int64_t i = from; i <= to; ++i) {
    const double x = static_cast<double>(i) - centre;
    taps.weights[static_cast<std::size_t>(std::clamp(i, std::int64_t{0}, size - 1) - taps.first)] +=
        is_cubic ? cubic(x, -0.75) : triangle(x);
  }
  return taps;
}

/// How much of each pixel lies under one of the result.
Taps overlap(std::int64_t at, double scale, std::int64_t size) {
  const double low = static_cast<double>(at) * scale, high = static_cast<double>(at + 1) * scale;
  Taps taps{static_cast<std::int64_t>(low), {}};
  for (std::int64_t i = taps.first; i < size && static_cast<double>(i) < high; ++i) {
    const double part = std::min(high, static_cast<double>(i + 1)) - std::max(low, static_cast<double>(i));
    taps.weights.push_back(part / scale);
  }
  return taps;
}

/// The pixel under the centre; of two that meet there the one behind.
std::int64_t nearest(std::int64_t at, std::int64_t size, std::int64_t target) {
  return (2 * at + 1) * size / (2 * target);
}

std::vector<Taps> taps_of(std::int64_t size, std::int64_t target, Interpolation interpolation,
                          bool antialias) {
  const double scale = static_cast<double>(size) / static_cast<double>(target);
  const bool is_cubic = interpolation == Interpolation::kBicubic;
  std::vector<Taps> all;
  for (std::int64_t i = 0; i < target; ++i) {
    if (interpolation == Interpolation::kNearest) {
      all.push_back({nearest(i, size, target), {1}});
    } else if (interpolation == Interpolation::kArea) {
      all.push_back(overlap(i, scale, size));
    } else {
      all.push_back(antialias ? antialiased(i, scale, size, is_cubic) : neighbours(i, scale, size, is_cubic));
    }
  }
  return all;
}

double rounded(double x) { return std::clamp(std::floor(x + 0.5), 0.0, 255.0); }

}  // namespace

Picture resized(const Picture& picture, PixelSize size, Interpolation interpolation, bool antialias) {
  if (size == picture.size) return picture;
  const bool filters =
      antialias && (interpolation == Interpolation::kBilinear || interpolation == Interpolation::kBicubic);
  const std::vector<Taps> across = taps_of(picture.size.width, size.width, interpolation, antialias);
  const std::vector<Taps> down = taps_of(picture.size.height, size.height, interpolation, antialias);
  const auto channels = static_cast<std::size_t>(picture.channels);
  const auto rows = static_cast<std::size_t>(picture.size.height);
  const auto old_row = static_cast<std::size_t>(picture.size.width) * channels;
  const std::size_t new_row = across.size() * channels;

  // Pillow rounds to bytes between the two passes.
  std::vector<float> between(rows * new_row);
  for (std::size_t y = 0; y < rows; ++y) {
    for (std::size_t x = 0; x < across.size(); ++x) {
      const auto first = y * old_row + static_cast<std::size_t>(across[x].first) * channels;
      for (std::size_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (std::size_t i = 0; i < across[x].weights.size(); ++i)
          sum += across[x].weights[i] * picture.pixels[first + i * channels + c];
        between[y * new_row + x * channels + c] = static_cast<float>(filters ? rounded(sum) : sum);
      }
    }
  }
  Picture result{size, picture.channels, {}};
  result.pixels.resize(down.size() * new_row);
  std::vector<double> sums(new_row);
  for (std::size_t y = 0; y < down.size(); ++y) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (std::size_t i = 0; i < down[y].weights.size(); ++i) {
      const float* row = between.data() + (static_cast<std::size_t>(down[y].first) + i) * new_row;
      for (std::size_t x = 0; x < new_row; ++x) sums[x] += down[y].weights[i] * static_cast<double>(row[x]);
    }
    for (std::size_t x = 0; x < new_row; ++x)
      result.pixels[y * new_row + x] = static_cast<std::uint8_t>(rounded(sums[x]));
  }
  return result;
}

}  // namespace qprep
