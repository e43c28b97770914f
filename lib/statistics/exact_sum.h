#pragma once

#include <cmath>
#include <cstdint>

namespace qprep {

/// A sum of real numbers that does not depend on the order: each is rounded to a multiple of 2^-60, and those
/// are added as integers of 128 bits. Sums up to 2^67 in magnitude are exact to 2^-61 for each number added;
/// an addend beyond 2^62 counts as 2^62.
class ExactSum {
  __extension__ using Units = __int128;
  __extension__ using UnsignedUnits = unsigned __int128;

 public:
  ExactSum() = default;
  ExactSum(std::int64_t high, std::uint64_t low)
      : units_((static_cast<Units>(high) << 64) | static_cast<Units>(low)) {}

  void add(double x) {
    const double bounded = std::fmin(std::fmax(x, -kLargest), kLargest);
    units_ += static_cast<Units>(std::nearbyint(bounded * kUnitsInOne));
  }
  /// Sums of a damaged file may be beyond 2^67; theirs is any number.
  void merge(const ExactSum& other) {
    units_ =
        static_cast<Units>(static_cast<UnsignedUnits>(units_) + static_cast<UnsignedUnits>(other.units_));
  }
  double value() const { return static_cast<double>(units_) / kUnitsInOne; }

  std::int64_t high() const { return static_cast<std::int64_t>(units_ >> 64); }
  std::uint64_t low() const { return static_cast<std::uint64_t>(units_); }

  friend bool operator==(const ExactSum&, const ExactSum&) = default;

 private:
  static constexpr double kUnitsInOne = 0x1p60;
  static constexpr double kLargest = 0x1p62;

  Units units_ = 0;
};

}  // namespace qprep
