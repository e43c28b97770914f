#include "quant/least_error_scale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "quant/fake_quant_math.h"

namespace qprep {
namespace {

/// Sum of (x - Q(x))^2.
double error_with(std::span<const float> numbers, const ScaleAndZero& to, QuantRange range) {
  constexpr std::size_t kPiece = 1024;
  const QuantParams params{to.scale, to.zero_point, range};
  std::array<float, kPiece> quantised;
  double sum = 0;
  for (std::size_t at = 0; at < numbers.size(); at += kPiece) {
    const std::span<const float> piece = numbers.subspan(at, std::min(kPiece, numbers.size() - at));
    const std::span<float> there = std::span(quantised).first(piece.size());
    fake_quantize(piece, there, params);
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const double off = static_cast<double>(piece[i]) - static_cast<double>(there[i]);
      sum += off * off;
    }
  }
  return sum;
}

class Search {
 public:
  Search(std::span<const float> numbers, float min, float max, const Scheme& scheme, QuantRange range)
      : numbers_(numbers), min_(min), max_(max), scheme_(scheme), range_(range) {}

  std::optional<ScaleAndZero> run() {
    constexpr std::size_t kFew = 4096;  // the error of few numbers is no smooth function of the scale
    const int coarse = kOctave / (numbers_.size() <= kFew ? 64 : 16), fine = coarse / 8;
    for (int step = kFirst; step <= 2 * kOctave; step += coarse) try_step(step);
    const int around = best_step_;
    for (int step = std::max(kFirst, around - coarse + fine); step < around + coarse; step += fine)
      try_step(step);
    try_whole();
    return best_;
  }

 private:
  static constexpr int kOctave = 512;             // steps
  static constexpr int kFirst = -(kOctave / 64);  // a little wider than the numbers

  void try_step(int step) {
    const auto factor = static_cast<float>(std::exp2(-static_cast<double>(step) / kOctave));
    if (consider(weight_scale_for(factor * min_, factor * max_, scheme_, range_))) best_step_ = step;
  }

  /// max|x| as the largest integer: half a step above where the formula of the scale has it.
  void try_whole() {
    if (!scheme_.symmetric || !scheme_.is_signed || scheme_.power_of_two) return;
    const double least =
        std::max(static_cast<double>(max_) / range_.max, static_cast<double>(min_) / range_.min);
    const auto scale = static_cast<float>(least);
    if (scale >= std::max(std::numeric_limits<float>::min(), scheme_.smallest_scale))
      consider(ScaleAndZero{scale, 0});
  }

  /// Result: it is the best so far.
  bool consider(const std::optional<ScaleAndZero>& to) {
    if (!to || (best_ && best_->scale == to->scale && best_->zero_point == to->zero_point)) return false;
    const double error = error_with(numbers_, *to, range_);
    const bool is_better = !best_ || error < error_ || (error == error_ && to->scale > best_->scale);
    if (!is_better) return false;
    best_ = to;
    error_ = error;
    return true;
  }

  std::span<const float> numbers_;
  float min_, max_;
  const Scheme& scheme_;
  QuantRange range_;
  std::optional<ScaleAndZero> best_;
  double error_ = 0;
  int best_step_ = 0;
};

}  // namespace

std::optional<ScaleAndZero> least_error_scale(std::span<const float> numbers, float min, float max,
                                              const Scheme& scheme, QuantRange range) {
  return Search(numbers, min, max, scheme, range).run();
}

}  // namespace qprep
