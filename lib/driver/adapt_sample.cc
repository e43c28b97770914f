#include "driver/adapt_sample.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "quant/pixel_affine.h"

namespace qprep {
namespace {

/// Where an element of a picture lies in a layout.
struct Layout {
  std::size_t channels, pixels;  // of one member of the batch
  bool nhwc;

  std::size_t at(std::size_t channel, std::size_t pixel) const {
    return nhwc ? pixel * channels + channel : channel * pixels + pixel;
  }
};

}  // namespace

Tensor adapt_sample(const Tensor& sample, const InputPreprocessing& input) {
  if (!input.is_picture() && input.trained_nhwc == input.fed_nhwc) return sample;
  const Dims& dims = sample.dims();
  const std::size_t channel_axis = input.trained_nhwc ? 3 : 1;
  const auto size = [&](std::size_t axis) { return static_cast<std::size_t>(dims.at(axis)); };
  const std::size_t channels = size(channel_axis);
  const std::size_t height = size(input.trained_nhwc ? 1 : 2), width = size(input.trained_nhwc ? 2 : 3);
  const Layout from{channels, height * width, input.trained_nhwc};
  const Layout to{channels, height * width, input.fed_nhwc};
  const PixelAffine affine = sample_to_input(input, channels);
  const bool by_channel = affine.is_diagonal();

  const std::vector<float> old = sample.to_vector<float>();
  std::vector<float> adapted(old.size());
  const std::size_t picture = channels * from.pixels;
  for (std::size_t begin = 0; begin + picture <= old.size() && picture > 0; begin += picture) {
    for (std::size_t pixel = 0; pixel < from.pixels; ++pixel) {
      for (std::size_t y = 0; y < channels; ++y) {
        double sum = affine.offset[y];
        for (std::size_t x = by_channel ? y : 0; x < (by_channel ? y + 1 : channels); ++x) {
          sum += affine.matrix[y * channels + x] * static_cast<double>(old[begin + from.at(x, pixel)]);
        }
        adapted[begin + to.at(y, pixel)] = static_cast<float>(sum);
      }
    }
  }
  const auto tall = static_cast<std::int64_t>(height), wide = static_cast<std::int64_t>(width);
  Dims fed = input.fed_nhwc ? Dims{dims[0], tall, wide, dims[channel_axis]}
                            : Dims{dims[0], dims[channel_axis], tall, wide};
  return Tensor::floats(std::move(fed), std::move(adapted));
}

}  // namespace qprep
