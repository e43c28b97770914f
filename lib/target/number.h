#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace qprep {

/// An exact fraction of 64-bit integers. What lies beyond them keeps its sign only, so that a comparison with
/// any fraction is still right.
class Number {
 public:
  Number(std::int64_t value = 0) : numerator_(value) {}
  /// nullopt: b is zero.
  static std::optional<Number> ratio(std::int64_t a, std::int64_t b);
  static Number beyond(bool negative);

  bool is_beyond() const { return beyond_ != 0; }
  bool is_whole() const { return beyond_ == 0 && denominator_ == 1; }
  /// Given: not is_beyond().
  std::int64_t numerator() const { return numerator_; }
  std::int64_t denominator() const { return denominator_; }
  int sign() const;

  /// "12", "3/2", "more than 64 bits hold".
  std::string to_text() const;

 private:
  std::int64_t numerator_ = 0;
  std::int64_t denominator_ = 1;  // positive; the two have no common divisor
  int beyond_ = 0;                // -1, +1: below or above all 64-bit integers
};

/// nullopt: nothing can be said (a division by zero, the difference of two that are beyond 64 bits).
std::optional<Number> add(const Number& a, const Number& b);
std::optional<Number> subtract(const Number& a, const Number& b);
std::optional<Number> multiply(const Number& a, const Number& b);
std::optional<Number> divide(const Number& a, const Number& b);
/// a - b * floor(a / b), of whole numbers.
std::optional<Number> remainder(const Number& a, const Number& b);
/// The least multiple of b that is not below a, of whole numbers, b positive.
std::optional<Number> align(const Number& a, const Number& b);
std::optional<std::strong_ordering> compare(const Number& a, const Number& b);

}  // namespace qprep
