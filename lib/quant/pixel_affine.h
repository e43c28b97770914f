#pragma once

#include <cstddef>
#include <vector>

#include "plan/preprocessing.h"

namespace qprep {

/// y = matrix * x + offset, for the channels of each pixel.
struct PixelAffine {
  std::size_t channels = 0;
  std::vector<double> matrix;  // channels * channels, a row for each y
  std::vector<double> offset;

  static PixelAffine identity(std::size_t channels);
  /// No channel depends on another one.
  bool is_diagonal() const;
  bool is_identity() const;
};

/// First `inner`, then `outer`. Given: as many channels.
PixelAffine compose(const PixelAffine& outer, const PixelAffine& inner);

/// Of at most three channels. Given: the matrix can be inverted.
PixelAffine inverse(const PixelAffine& map);

/// From the input of the prepared model to what the network was trained on: with b = x + 128 for pictures
/// and b = x else, (colours(b) - mean) * scale. Yuv is that of BT.601:
///   full range   R = Y + 1.402 (V-128), G = Y - 0.344136 (U-128) - 0.714136 (V-128), B = Y + 1.772 (U-128)
///   video range  the same with 255/219 (Y-16) for Y and 255/224 (U-128), (V-128) for the others
/// Given: 1 or `channels` numbers in mean and scale, or none; pictures have 3 channels, gray ones 1.
PixelAffine preprocessing_of(const InputPreprocessing& input, std::size_t channels);

/// From a sample, which is as the pictures of the training were before mean and scale, to the input of the
/// prepared model.
PixelAffine sample_to_input(const InputPreprocessing& input, std::size_t channels);

}  // namespace qprep
