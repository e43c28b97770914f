#include "config/pattern_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <stdexcept>

namespace qprep {
namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

void PatternText::skip_spaces() {
  while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
}

bool PatternText::accept(std::string_view token) {
  skip_spaces();
  if (!rest_.starts_with(token)) return false;
  rest_.remove_prefix(token.size());
  return true;
}

void PatternText::expect(std::string_view token) {
  if (accept(token)) return;
  throw std::invalid_argument(fmt::format("'{}' is missing before '{}'", token, rest_.substr(0, 20)));
}

std::string PatternText::name(std::string_view what) {
  skip_spaces();
  const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_name);
  if (end == rest_.begin()) {
    throw std::invalid_argument(fmt::format("{} is missing before '{}'", what, rest_.substr(0, 20)));
  }
  std::string found(rest_.begin(), end);
  rest_.remove_prefix(found.size());
  return found;
}

std::optional<double> PatternText::number() {
  skip_spaces();
  const std::size_t sign = rest_.starts_with('-') ? 1 : 0;
  if (rest_.size() <= sign || !is_digit(rest_[sign])) return std::nullopt;
  double value = 0;
  const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  if (error != std::errc()) return std::nullopt;
  rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
  return value;
}

bool PatternText::at_end() {
  skip_spaces();
  return rest_.empty();
}

void PatternText::finish() {
  skip_spaces();
  if (rest_.empty()) return;
  throw std::invalid_argument(fmt::format("nothing may follow the '}}', but '{}' does", rest_));
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace qprep
