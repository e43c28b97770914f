#pragma once

#include <optional>
#include <span>

#include "quant/scale.h"

namespace qprep {

/// The scale and zero point of numbers that loses least by: of the ranges [f min, f max] for f from 2^(1/64)
/// down to 1/4 in steps of 1/64 octave (of more than 4096 numbers 1/16), then an eighth of that around the
/// best, and of the least range that cuts nothing off, the one with the least sum of (x - Q(x))^2; of equal
/// ones the largest. nullopt: none has a scale. Given: the numbers are finite, and min and max are theirs.
std::optional<ScaleAndZero> least_error_scale(std::span<const float> numbers, float min, float max,
                                              const Scheme& scheme, QuantRange range);

}  // namespace qprep
