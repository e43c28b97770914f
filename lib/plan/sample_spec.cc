#include "plan/sample_spec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace qprep {
namespace {

std::string to_text(const PixelSize& size) { return fmt::format("{}x{}", size.height, size.width); }

std::string to_text(const PictureResize& resize) {
  switch (resize.kind) {
    case PictureResize::Kind::kShortSide:
      return fmt::format("short side {}", resize.size.height);
    case PictureResize::Kind::kLetterbox:
      return fmt::format("letterbox {} with {}", to_text(resize.size), resize.fill);
    case PictureResize::Kind::kStretch:
      break;
  }
  return "resize " + to_text(resize.size);
}

}  // namespace

std::string_view to_text(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kNearest:
      return "nearest";
    case Interpolation::kBilinear:
      return "bilinear";
    case Interpolation::kBicubic:
      return "bicubic";
    case Interpolation::kArea:
      break;
  }
  return "area";
}

std::string_view to_text(SampleColour colour) {
  switch (colour) {
    case SampleColour::kRgb:
      return "rgb";
    case SampleColour::kBgr:
      return "bgr";
    case SampleColour::kGray:
      return "gray";
    case SampleColour::kYuv444:
      return "yuv444";
    case SampleColour::kNv12:
      break;
  }
  return "nv12";
}

std::string to_text(const PictureRecipe& recipe) {
  std::string text;
  const auto add = [&](const std::string& step) { text += (text.empty() ? "" : ", ") + step; };
  if (recipe.resize) {
    const bool smooth =
        recipe.interpolation == Interpolation::kBilinear || recipe.interpolation == Interpolation::kBicubic;
    add(fmt::format("{} ({}{})", to_text(*recipe.resize), to_text(recipe.interpolation),
                    smooth && recipe.antialias ? ", antialias" : ""));
  }
  if (recipe.crop) add("crop " + to_text(*recipe.crop));
  if (recipe.colour) add(std::string(to_text(*recipe.colour)));
  if (recipe.nhwc) add(*recipe.nhwc ? "NHWC" : "NCHW");
  if (!recipe.mean.empty()) add(fmt::format("mean {}", fmt::join(recipe.mean, " ")));
  if (!recipe.scale.empty()) add(fmt::format("scale {}", fmt::join(recipe.scale, " ")));
  return text;
}

}  // namespace qprep
