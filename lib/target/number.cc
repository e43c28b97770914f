#include "target/number.h"

#include <fmt/format.h>
#include <limits>
#include <numeric>

namespace qprep {
namespace {

__extension__ using Wide = __int128;

constexpr Wide kLargest = std::numeric_limits<std::int64_t>::max();

/// The fraction in lowest terms; nullopt: its denominator takes more than 64 bits. Given: b is not zero.
std::optional<Number> reduced(Wide a, Wide b) {
  if (b < 0) {
    a = -a;
    b = -b;
  }
  Wide x = a < 0 ? -a : a;
  for (Wide y = b; y != 0;) {
    const Wide rest = x % y;
    x = y;
    y = rest;
  }
  a /= x;
  b /= x;
  if (b > kLargest) return std::nullopt;
  if (a > kLargest || a < -kLargest) return Number::beyond(a < 0);
  return Number::ratio(static_cast<std::int64_t>(a), static_cast<std::int64_t>(b));
}

}  // namespace

std::optional<Number> Number::ratio(std::int64_t a, std::int64_t b) {
  if (b == 0) return std::nullopt;
  const std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  if (a == lowest || b == lowest) return a == lowest && b == 1 ? Number(a) : reduced(a, b);
  const std::int64_t common = std::gcd(a, b) * (b < 0 ? -1 : 1);
  Number number;
  number.numerator_ = a / common;
  number.denominator_ = b / common;
  return number;
}

Number Number::beyond(bool negative) {
  Number number;
  number.beyond_ = negative ? -1 : 1;
  return number;
}

int Number::sign() const {
  if (beyond_ != 0) return beyond_;
  return numerator_ > 0 ? 1 : numerator_ < 0 ? -1 : 0;
}

std::string Number::to_text() const {
  if (beyond_ != 0) return "more than 64 bits hold";
  return denominator_ == 1 ? std::to_string(numerator_) : fmt::format("{}/{}", numerator_, denominator_);
}

std::optional<Number> add(const Number& a, const Number& b) {
  if (a.is_beyond() && b.is_beyond()) return a.sign() == b.sign() ? std::optional(a) : std::nullopt;
  if (a.is_beyond() || b.is_beyond()) {
    const Number& large = a.is_beyond() ? a : b;
    const Number& other = a.is_beyond() ? b : a;
    return other.sign() * large.sign() < 0 ? std::nullopt : std::optional(large);
  }
  const Wide common = Wide{a.denominator()} * b.denominator();
  const Wide left = Wide{a.numerator()} * b.denominator();
  const Wide right = Wide{b.numerator()} * a.denominator();
  Wide sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) return std::nullopt;
  return reduced(sum, common);
}

std::optional<Number> subtract(const Number& a, const Number& b) {
  const std::optional<Number> negative = multiply(b, -1);
  return negative ? add(a, *negative) : std::nullopt;
}

std::optional<Number> multiply(const Number& a, const Number& b) {
  if (a.sign() == 0 || b.sign() == 0) return Number(0);
  if (a.is_beyond() || b.is_beyond()) {
    const Number& other = a.is_beyond() ? b : a;
    // Times a fraction below one, it may be within again.
    if (!other.is_beyond() && !other.is_whole()) return std::nullopt;
    return Number::beyond(a.sign() * b.sign() < 0);
  }
  return reduced(Wide{a.numerator()} * b.numerator(), Wide{a.denominator()} * b.denominator());
}

std::optional<Number> divide(const Number& a, const Number& b) {
  if (b.sign() == 0 || b.is_beyond()) return std::nullopt;
  if (a.is_beyond()) {
    return b.is_whole() && (b.numerator() == 1 || b.numerator() == -1) ? multiply(a, b) : std::nullopt;
  }
  return reduced(Wide{a.numerator()} * b.denominator(), Wide{a.denominator()} * b.numerator());
}

std::optional<Number> remainder(const Number& a, const Number& b) {
  if (!a.is_whole() || !b.is_whole() || b.sign() == 0) return std::nullopt;
  const Wide rest = Wide{a.numerator()} % b.numerator();
  const bool other_sign = rest != 0 && (rest < 0) != (b.numerator() < 0);
  return Number(static_cast<std::int64_t>(other_sign ? rest + b.numerator() : rest));
}

std::optional<Number> align(const Number& a, const Number& b) {
  if (b.sign() <= 0) return std::nullopt;
  if (a.is_beyond()) return a;
  const std::optional<Number> rest = remainder(a, b);
  if (!rest) return std::nullopt;
  return rest->sign() == 0 ? std::optional(a) : add(a, *subtract(b, *rest));
}

std::optional<std::strong_ordering> compare(const Number& a, const Number& b) {
  if (a.is_beyond() || b.is_beyond()) {
    if (a.is_beyond() && b.is_beyond() && a.sign() == b.sign()) return std::nullopt;
    const int left = a.is_beyond() ? a.sign() : 0;
    const int right = b.is_beyond() ? b.sign() : 0;
    return left <=> right;
  }
  const Wide left = Wide{a.numerator()} * b.denominator();
  const Wide right = Wide{b.numerator()} * a.denominator();
  if (left == right) return std::strong_ordering::equal;
  return left < right ? std::strong_ordering::less : std::strong_ordering::greater;
}

}  // namespace qprep
