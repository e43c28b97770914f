#pragma once

#include <optional>
#include <string>

#include "images/picture.h"
#include "ir/graph.h"
#include "ir/tensor.h"

/// From a picture to what a model takes. docs/samples.md, "Pictures", has the formulas.
namespace qprep {

/// How a model's input holds a picture.
struct PictureTarget {
  Dims dims;  // of the input; -1: open
  DType dtype = DType::kUndefined;
  bool nhwc = false;
  SampleColour colour = SampleColour::kRgb;

  std::int64_t channels() const { return colour == SampleColour::kGray ? 1 : 3; }
  /// -1: open.
  std::int64_t height() const;
  std::int64_t width() const;
  /// The sizes of the tensor for a picture of this size: the batch axis is 1.
  Dims dims_for(PixelSize size) const;
};

/// Why a picture cannot be made what the input takes, as a sentence; empty: it can, and `target` is how.
std::string find_target(const Type& input, const PictureRecipe& recipe, PictureTarget& target);

/// The size of a picture after resizing and cropping. Result: why that does not go, or is not what the input
/// takes; empty: `size` is the new one.
std::string size_after(PixelSize& size, const PictureRecipe& recipe, const PictureTarget& target);

/// Given: size_after had nothing to say. The picture has three channels, RGB.
Tensor prepare_picture(Picture picture, const PictureRecipe& recipe, const PictureTarget& target);

/// An array of bytes as a picture in RGB: [H,W], [H,W,C] or [C,H,W] with 1, 3 or 4 channels, or one of these
/// with a leading 1. nullopt: it is none of them.
std::optional<Picture> picture_of(const Tensor& bytes);
/// The size of such an array by its sizes alone.
std::optional<PixelSize> picture_size_of(const Dims& dims);

}  // namespace qprep
