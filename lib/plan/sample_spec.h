#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/tensor.h"
#include "support/diagnostics.h"

/// What a configuration says of the samples of one input. docs/samples.md, "Pictures", has the formulas.
namespace qprep {

enum class Interpolation { kNearest, kBilinear, kBicubic, kArea };
/// What the channels of a picture become. kNv12: as kYuv444, with U and V the same for each 2x2 pixels.
enum class SampleColour { kRgb, kBgr, kGray, kYuv444, kNv12 };

std::string_view to_text(Interpolation interpolation);
std::string_view to_text(SampleColour colour);

struct PixelSize {
  std::int64_t height = 0, width = 0;

  friend bool operator==(const PixelSize&, const PixelSize&) = default;
};

struct PictureResize {
  enum class Kind { kStretch, kShortSide, kLetterbox };
  Kind kind = Kind::kStretch;
  PixelSize size;           // kShortSide: both are what the shorter side gets
  std::uint8_t fill = 114;  // kLetterbox: of what stays free, in every channel
};

/// How a picture becomes a tensor, in the order of the members.
struct PictureRecipe {
  std::optional<PictureResize> resize;
  Interpolation interpolation = Interpolation::kBilinear;
  bool antialias = true;
  std::optional<PixelSize> crop;       // from the middle
  std::optional<SampleColour> colour;  // nullopt: gray for an input of one channel, else rgb
  std::optional<bool> nhwc;            // nullopt: as the input's shape says
  std::vector<double> mean, scale;     // for each channel, or one for all; empty: none
  std::optional<DType> dtype;          // of the input; nullopt: whatever it takes
};

/// Files that hold nothing but numbers.
struct RawNumbers {
  std::optional<DType> dtype;  // nullopt: that of the input
  std::optional<Dims> shape;   // nullopt: that of the input, of which one size may be open
  Where where = {};            // of 'raw'
};

struct SampleSpec {
  std::string input;
  Where where;
  std::optional<PictureRecipe> picture;  // nullopt: nothing is said of pictures
  RawNumbers raw;
};

/// An output of a recurrent model that is the input of the next step.
struct StateLink {
  std::string output, input;
  Where where;
};

/// "short side 256 (bilinear, antialias), crop 224x224, rgb, mean 123.675 116.28 103.53, scale 0.0171";
/// empty: nothing is done.
std::string to_text(const PictureRecipe& recipe);

}  // namespace qprep
