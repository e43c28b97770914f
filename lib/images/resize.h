#pragma once

#include "images/picture.h"

namespace qprep {

/// The picture in another size; docs/samples.md, "Resizing", has the formulas. Pixel x covers [x, x + 1], so
/// that its centre is at x + 0.5 (half-pixel centres), in both sizes. `antialias` is of kBilinear and
/// kBicubic alone: it makes the filter as wide as the pixels that become one. Given: both sizes are at least
/// 1x1.
Picture resized(const Picture& picture, PixelSize size, Interpolation interpolation, bool antialias);

}  // namespace qprep
