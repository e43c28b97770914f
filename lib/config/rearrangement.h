#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace qprep {

/// How a tensor's elements are moved, in the notation of einops: "n (c R S) h w -> n c (h R) (w S)". Each
/// axis is a product of factors, the outermost first; a factor that stands on the right only is repeated.
/// Upper case: more than 1.
struct Rearrangement {
  struct Factor {
    std::string name;
    bool more_than_one = false;
    bool repeated = false;
  };
  /// Of each axis its factors, as indices into `factors`.
  using Axes = std::vector<std::vector<std::size_t>>;

  std::string name = {};  // "PixelShuffle"
  std::vector<Factor> factors = {};
  Axes from = {}, to = {};
};

/// Throws std::invalid_argument with a sentence.
Rearrangement parse_rearrangement(std::string_view text);

}  // namespace qprep
