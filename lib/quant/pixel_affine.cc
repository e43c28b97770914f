#include "quant/pixel_affine.h"

#include <algorithm>
#include <stdexcept>

namespace qprep {
namespace {

/// Bytes are stored as int8 in the target's memory.
constexpr double kByteOffset = 128;

/// What the value is in each channel: one for all, or one for each.
double of_channel(const std::vector<double>& values, std::size_t channel, double otherwise) {
  if (values.empty()) return otherwise;
  return values.size() == 1 ? values.front() : values.at(channel);
}

PixelAffine shift(std::size_t channels, double by) {
  PixelAffine map = PixelAffine::identity(channels);
  std::fill(map.offset.begin(), map.offset.end(), by);
  return map;
}

/// From bytes of these colours to those of RGB.
PixelAffine to_rgb(Colour colour, bool video_range) {
  PixelAffine map = PixelAffine::identity(3);
  if (colour == Colour::kBgr) map.matrix = {0, 0, 1, 0, 1, 0, 1, 0, 0};
  if (colour != Colour::kYuv444) return map;
  const double y = video_range ? 255.0 / 219.0 : 1.0;
  const double c = video_range ? 255.0 / 224.0 : 1.0;
  const double black = video_range ? 16.0 : 0.0;
  map.matrix = {y, 0, 1.402 * c, y, -0.344136 * c, -0.714136 * c, y, 1.772 * c, 0};
  for (std::size_t row = 0; row < 3; ++row) {
    const double* weights = map.matrix.data() + 3 * row;
    map.offset[row] = -black * weights[0] - 128 * (weights[1] + weights[2]);
  }
  return map;
}

/// From bytes as they are fed to bytes as in training.
PixelAffine colours_of(const InputPreprocessing& input, std::size_t channels) {
  if (input.trained == input.fed || channels != 3) return PixelAffine::identity(channels);
  return compose(inverse(to_rgb(input.trained, input.video_range)), to_rgb(input.fed, input.video_range));
}

}  // namespace

PixelAffine PixelAffine::identity(std::size_t channels) {
  PixelAffine map{channels, std::vector<double>(channels * channels), std::vector<double>(channels)};
  for (std::size_t i = 0; i < channels; ++i) map.matrix[i * channels + i] = 1;
  return map;
}

bool PixelAffine::is_diagonal() const {
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    if (i / channels != i % channels && matrix[i] != 0) return false;
  }
  return true;
}

bool PixelAffine::is_identity() const {
  const PixelAffine same = identity(channels);
  return matrix == same.matrix && offset == same.offset;
}

PixelAffine compose(const PixelAffine& outer, const PixelAffine& inner) {
  const std::size_t n = outer.channels;
  PixelAffine both{n, std::vector<double>(n * n), outer.offset};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      both.offset[i] += outer.matrix[i * n + k] * inner.offset[k];
      for (std::size_t j = 0; j < n; ++j) {
        both.matrix[i * n + j] += outer.matrix[i * n + k] * inner.matrix[k * n + j];
      }
    }
  }
  return both;
}

PixelAffine inverse(const PixelAffine& map) {
  const std::size_t n = map.channels;
  PixelAffine result = PixelAffine::identity(n);
  if (map.is_diagonal()) {
    for (std::size_t i = 0; i < n; ++i) result.matrix[i * n + i] = 1 / map.matrix[i * n + i];
  } else if (n == 3) {
    const auto m = [&](std::size_t i, std::size_t j) { return map.matrix[(i % 3) * 3 + j % 3]; };
    const auto cofactor = [&](std::size_t i, std::size_t j) {
      return m(i + 1, j + 1) * m(i + 2, j + 2) - m(i + 1, j + 2) * m(i + 2, j + 1);
    };
    const double determinant = m(0, 0) * cofactor(0, 0) + m(0, 1) * cofactor(0, 1) + m(0, 2) * cofactor(0, 2);
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) result.matrix[j * 3 + i] = cofactor(i, j) / determinant;
    }
  } else {
    throw std::logic_error("inverse: more than three channels that depend on each other");
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) result.offset[i] -= result.matrix[i * n + j] * map.offset[j];
  }
  return result;
}

PixelAffine preprocessing_of(const InputPreprocessing& input, std::size_t channels) {
  PixelAffine normalise = PixelAffine::identity(channels);
  for (std::size_t i = 0; i < channels; ++i) {
    const double scale = of_channel(input.scale, i, 1);
    normalise.matrix[i * channels + i] = scale;
    normalise.offset[i] = 0 - of_channel(input.mean, i, 0) * scale;
  }
  if (!input.is_picture()) return normalise;
  return compose(normalise, compose(colours_of(input, channels), shift(channels, kByteOffset)));
}

PixelAffine sample_to_input(const InputPreprocessing& input, std::size_t channels) {
  if (!input.is_picture()) return PixelAffine::identity(channels);
  return compose(shift(channels, -kByteOffset), inverse(colours_of(input, channels)));
}

}  // namespace qprep
