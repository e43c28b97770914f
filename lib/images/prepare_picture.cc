#include "images/prepare_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "images/resize.h"

namespace qprep {
namespace {

std::string text_of(const PixelSize& size) { return fmt::format("{}x{}", size.height, size.width); }

std::int64_t halves_to_even(double x) { return static_cast<std::int64_t>(std::nearbyint(x)); }

/// The size that a picture is resized to.
PixelSize resized_size(const PixelSize& size, const PictureResize& resize) {
  if (resize.kind == PictureResize::Kind::kStretch) return resize.size;
  const auto height = static_cast<double>(size.height), width = static_cast<double>(size.width);
  if (resize.kind == PictureResize::Kind::kLetterbox) {
    const double ratio = std::min(static_cast<double>(resize.size.height) / height,
                                  static_cast<double>(resize.size.width) / width);
    return {std::max(std::int64_t{1}, halves_to_even(height * ratio)),
            std::max(std::int64_t{1}, halves_to_even(width * ratio))};
  }
  const std::int64_t side = resize.size.height;
  if (size.height < size.width) return {side, side * size.width / size.height};
  return {side * size.height / size.width, side};
}

/// Where the picture begins in the middle of another one.
PixelSize margins(const PixelSize& size, const PictureResize& resize) {
  return {(resize.size.height - size.height) / 2, (resize.size.width - size.width) / 2};
}

/// The part of that size that begins there; `fill` where `picture` has nothing.
Picture placed(const Picture& picture, PixelSize size, PixelSize begin, std::uint8_t fill) {
  Picture result{size, picture.channels, {}};
  result.pixels.assign(static_cast<std::size_t>(size.height * size.width * picture.channels), fill);
  for (std::int64_t y = 0; y < size.height; ++y) {
    const std::int64_t row = y + begin.height;
    if (row < 0 || row >= picture.size.height) continue;
    const std::int64_t first = std::max(std::int64_t{0}, -begin.width);
    const std::int64_t end = std::min(size.width, picture.size.width - begin.width);
    if (first >= end) continue;
    const auto* from =
        picture.pixels.data() + (row * picture.size.width + first + begin.width) * picture.channels;
    std::copy_n(from, (end - first) * picture.channels,
                result.pixels.data() + (y * size.width + first) * picture.channels);
  }
  return result;
}

Picture letterboxed(const Picture& picture, const PictureResize& resize) {
  const PixelSize margin = margins(picture.size, resize);
  return placed(picture, resize.size, {-margin.height, -margin.width}, resize.fill);
}

/// Where torchvision's CenterCrop begins.
PixelSize crop_begin(const PixelSize& size, const PixelSize& crop) {
  return {halves_to_even(static_cast<double>(size.height - crop.height) / 2),
          halves_to_even(static_cast<double>(size.width - crop.width) / 2)};
}

std::uint8_t byte_of(double x) {
  return static_cast<std::uint8_t>(std::clamp(std::floor(x + 0.5), 0.0, 255.0));
}

/// Pillow's convert("L").
Picture to_gray(const Picture& rgb) {
  Picture gray{rgb.size, 1, {}};
  gray.pixels.reserve(rgb.pixels.size() / 3);
  for (std::size_t i = 0; i + 2 < rgb.pixels.size(); i += 3) {
    const unsigned sum =
        rgb.pixels[i] * 19595U + rgb.pixels[i + 1] * 38470U + rgb.pixels[i + 2] * 7471U + 0x8000U;
    gray.pixels.push_back(static_cast<std::uint8_t>(sum >> 16));
  }
  return gray;
}

/// BT.601 of full range, as docs/config_hb_mapper.md has it. `shared`: U and V of 2x2 pixels are their mean.
void to_yuv(Picture& picture, bool shared) {
  const auto height = static_cast<std::size_t>(picture.size.height);
  const auto width = static_cast<std::size_t>(picture.size.width);
  const std::size_t block = shared ? 2 : 1;
  for (std::size_t y = 0; y < height; y += block) {
    for (std::size_t x = 0; x < width; x += block) {
      double u = 0, v = 0;
      std::array<std::uint8_t*, 4> pixels{};
      std::array<double, 4> luma{};
      for (std::size_t i = 0; i < block * block; ++i) {
        pixels[i] = picture.pixels.data() + ((y + i / block) * width + x + i % block) * 3;
        const double r = pixels[i][0], g = pixels[i][1], b = pixels[i][2];
        luma[i] = 0.299 * r + 0.587 * g + 0.114 * b;
        u += (b - luma[i]) / 1.772;
        v += (r - luma[i]) / 1.402;
      }
      const auto count = static_cast<double>(block * block);
      for (std::size_t i = 0; i < block * block; ++i) {
        pixels[i][0] = byte_of(luma[i]);
        pixels[i][1] = byte_of(128 + u / count);
        pixels[i][2] = byte_of(128 + v / count);
      }
    }
  }
}

void convert(Picture& rgb, SampleColour colour) {
  switch (colour) {
    case SampleColour::kRgb:
      return;
    case SampleColour::kBgr:
      for (std::size_t i = 0; i + 2 < rgb.pixels.size(); i += 3) std::swap(rgb.pixels[i], rgb.pixels[i + 2]);
      return;
    case SampleColour::kGray:
      rgb = to_gray(rgb);
      return;
    case SampleColour::kYuv444:
      return to_yuv(rgb, false);
    case SampleColour::kNv12:
      return to_yuv(rgb, true);
  }
}

/// One of a list that has one for all or one for each.
double of_channel(const std::vector<double>& numbers, std::size_t channel, double none) {
  return numbers.empty() ? none : numbers.size() == 1 ? numbers.front() : numbers.at(channel);
}

template <typename T, typename Number>
std::vector<T> arranged(const Picture& picture, bool nhwc, const Number& number) {
  const auto channels = static_cast<std::size_t>(picture.channels);
  const std::size_t pixels = picture.pixels.size() / channels;
  std::vector<T> values(picture.pixels.size());
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < pixels; ++i)
      values[nhwc ? i * channels + c : c * pixels + i] = number(c, picture.pixels[i * channels + c]);
  }
  return values;
}

bool may_be_channels(std::int64_t size) { return size == 1 || size == 3 || size == 4; }

/// Of an array of bytes: its axes of height, width and channels (-1: none).
struct Axes {
  std::size_t height = 0, width = 0;
  std::optional<std::size_t> channels;
};

std::optional<Axes> axes_of(const Dims& dims) {
  const std::size_t rank = dims.size();
  if (rank == 2) return Axes{0, 1, std::nullopt};
  if (rank == 4 && dims[0] != 1) return std::nullopt;
  if (rank != 3 && rank != 4) return std::nullopt;
  const std::size_t first = rank - 3;
  if (may_be_channels(dims[first + 2])) return Axes{first, first + 1, first + 2};
  if (may_be_channels(dims[first])) return Axes{first + 1, first + 2, first};
  return std::nullopt;
}

}  // namespace

std::int64_t PictureTarget::height() const { return dims[dims.size() - (nhwc ? 3 : 2)]; }
std::int64_t PictureTarget::width() const { return dims[dims.size() - (nhwc ? 2 : 1)]; }

Dims PictureTarget::dims_for(PixelSize size) const {
  Dims all = nhwc ? Dims{size.height, size.width, channels()} : Dims{channels(), size.height, size.width};
  if (dims.size() == 4) all.insert(all.begin(), 1);
  return all;
}

std::string find_target(const Type& input, const PictureRecipe& recipe, PictureTarget& target) {
  const std::string takes = to_text(input);
  if (input.kind != Type::Kind::kTensor || !input.shape) return "the model does not say its sizes";
  if (input.dtype != DType::kFloat32 && input.dtype != DType::kUInt8 && input.dtype != DType::kInt8)
    return fmt::format("pictures become float32, uint8 or int8, and it takes {}", takes);
  if (recipe.dtype && *recipe.dtype != input.dtype)
    return fmt::format("its 'dtype' is {}, and the model takes {}", to_text(*recipe.dtype), takes);
  if (input.dtype == DType::kUInt8 && (!recipe.mean.empty() || !recipe.scale.empty()))
    return fmt::format("'mean', 'scale' and 'std' make no bytes, and the model takes {}", takes);
  target.dtype = input.dtype;
  target.dims.clear();
  for (const Dim& dim : *input.shape) target.dims.push_back(dim.known() ? dim.size : -1);
  const std::size_t rank = target.dims.size();
  if (rank != 3 && rank != 4)
    return fmt::format("a picture has three axes, and a batch of them four; it takes {}", takes);
  if (rank == 4 && target.dims[0] != -1 && target.dims[0] != 1)
    return fmt::format("a picture is one sample, and the model takes {} at once", target.dims[0]);

  const std::int64_t first = target.dims[rank - 3], last = target.dims[rank - 1];
  const auto fits = [](std::int64_t size) { return size == 1 || size == 3; };
  target.nhwc = recipe.nhwc ? *recipe.nhwc : !fits(first) && (fits(last) || first != -1);
  const std::int64_t channels = target.nhwc ? last : first;
  target.colour = recipe.colour.value_or(channels == 1 ? SampleColour::kGray : SampleColour::kRgb);
  if (channels != -1 && channels != target.channels()) {
    return fmt::format("{} pictures have {} channel{}, and the model takes {}, which is {} channel{} in {}",
                       to_text(target.colour), target.channels(), target.channels() == 1 ? "" : "s", takes,
                       channels, channels == 1 ? "" : "s", target.nhwc ? "NHWC" : "NCHW");
  }
  for (const auto* numbers : {&recipe.mean, &recipe.scale}) {
    if (numbers->size() > 1 && static_cast<std::int64_t>(numbers->size()) != target.channels())
      return fmt::format("'{}' has {} numbers, and {} pictures have {} channel{}",
                         numbers == &recipe.mean ? "mean" : "scale' or 'std", numbers->size(),
                         to_text(target.colour), target.channels(), target.channels() == 1 ? "" : "s");
  }
  return {};
}

std::string size_after(PixelSize& size, const PictureRecipe& recipe, const PictureTarget& target) {
  const PixelSize original = size;
  if (recipe.resize) {
    size = recipe.resize->kind == PictureResize::Kind::kLetterbox ? recipe.resize->size
                                                                  : resized_size(size, *recipe.resize);
  }
  if (recipe.crop) {
    if (recipe.crop->height > size.height || recipe.crop->width > size.width) {
      return fmt::format("it is {}{}, too small to crop {} from it", text_of(original),
                         size == original ? "" : ", resized " + text_of(size), text_of(*recipe.crop));
    }
    size = *recipe.crop;
  }
  const bool fits = (target.height() == -1 || target.height() == size.height) &&
                    (target.width() == -1 || target.width() == size.width);
  if (!fits) {
    return fmt::format("it is {}{}, and the model takes {}x{}{}", text_of(original),
                       size == original ? "" : ", prepared " + text_of(size),
                       target.height() == -1 ? "?" : std::to_string(target.height()),
                       target.width() == -1 ? "?" : std::to_string(target.width()),
                       recipe.resize || recipe.crop ? "" : "; say how with 'resize' in calibration.inputs");
  }
  if (target.colour == SampleColour::kNv12 && (size.height % 2 != 0 || size.width % 2 != 0))
    return fmt::format("it is prepared {}, and nv12 needs even sizes", text_of(size));
  return {};
}

Tensor prepare_picture(Picture picture, const PictureRecipe& recipe, const PictureTarget& target) {
  if (recipe.resize) {
    picture =
        resized(picture, resized_size(picture.size, *recipe.resize), recipe.interpolation, recipe.antialias);
    if (recipe.resize->kind == PictureResize::Kind::kLetterbox)
      picture = letterboxed(picture, *recipe.resize);
  }
  if (recipe.crop) picture = placed(picture, *recipe.crop, crop_begin(picture.size, *recipe.crop), 0);
  convert(picture, target.colour);

  Dims dims = target.dims_for(picture.size);
  if (target.dtype == DType::kUInt8) {
    return Tensor::of(
        target.dtype, std::move(dims),
        arranged<std::uint8_t>(picture, target.nhwc, [](std::size_t, std::uint8_t x) { return x; }));
  }
  const auto number = [&](std::size_t c, std::uint8_t x) {
    return (static_cast<double>(x) - of_channel(recipe.mean, c, 0)) * of_channel(recipe.scale, c, 1);
  };
  if (target.dtype == DType::kInt8) {
    return Tensor::of(
        target.dtype, std::move(dims),
        arranged<std::int8_t>(picture, target.nhwc, [&](std::size_t c, std::uint8_t x) {
          return static_cast<std::int8_t>(std::clamp(std::nearbyint(number(c, x)), -128.0, 127.0));
        }));
  }
  return Tensor::floats(std::move(dims),
                        arranged<float>(picture, target.nhwc, [&](std::size_t c, std::uint8_t x) {
                          return static_cast<float>(number(c, x));
                        }));
}

std::optional<PixelSize> picture_size_of(const Dims& dims) {
  const std::optional<Axes> axes = axes_of(dims);
  if (!axes || dims[axes->height] == 0 || dims[axes->width] == 0) return std::nullopt;
  return PixelSize{dims[axes->height], dims[axes->width]};
}

std::optional<Picture> picture_of(const Tensor& bytes) {
  const Dims& dims = bytes.dims();
  const std::optional<Axes> axes = axes_of(dims);
  const std::optional<PixelSize> size = picture_size_of(dims);
  if (!size) return std::nullopt;
  const std::int64_t channels = axes->channels ? dims[*axes->channels] : 1;
  const bool last = !axes->channels || *axes->channels > axes->width;
  const std::int64_t pixels = size->height * size->width;
  Picture picture{*size, 3, {}};
  picture.pixels.reserve(static_cast<std::size_t>(pixels * 3));
  for (std::int64_t i = 0; i < pixels; ++i) {
    for (std::int64_t c = 0; c < 3; ++c) {
      const std::int64_t from = channels == 1 ? 0 : c;
      picture.pixels.push_back(bytes.at<std::uint8_t>(last ? i * channels + from : from * pixels + i));
    }
  }
  return picture;
}

}  // namespace qprep
