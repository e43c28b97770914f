#include "target/constraint_cursor.h"

#include <cctype>
#include <charconv>
#include <fmt/format.h>

namespace qprep {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::size_t ConstraintCursor::at() {
  while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  return at_;
}

std::string ConstraintCursor::peek() {
  std::size_t end = at();
  const auto is_inner_dot = [&] {
    return text_[end] == '.' && end + 1 < text_.size() && is_letter(text_[end + 1]);
  };
  while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]) || is_inner_dot())) ++end;
  if (end == at_ && end < text_.size()) ++end;
  const auto continues = [&] { return (static_cast<unsigned char>(text_[end]) & 0xC0U) == 0x80U; };
  while (end > at_ && end < text_.size() && continues()) ++end;  // the rest of a character in UTF-8
  return std::string(text_.substr(at_, end - at_));
}

bool ConstraintCursor::accept(std::string_view sign) {
  if (!text_.substr(at()).starts_with(sign)) return false;
  at_ += sign.size();
  return true;
}

bool ConstraintCursor::accept_word(std::string_view word) {
  if (peek() != word) return false;
  at_ += word.size();
  return true;
}

void ConstraintCursor::expect(std::string_view sign) {
  if (accept(sign)) return;
  fail(at_, at_end() ? fmt::format("'{}' is missing at the end", sign)
                     : fmt::format("'{}' is missing before '{}'", sign, peek()));
}

std::string ConstraintCursor::word(std::string_view what) {
  const std::string found = peek();
  if (found.empty()) fail(at_, fmt::format("{} is missing at the end", what));
  if (!is_letter(found.front())) fail(at_, fmt::format("{} is missing before '{}'", what, found));
  at_ += found.size();
  return found;
}

std::int64_t ConstraintCursor::integer() {
  std::int64_t value = 0;
  const char* begin = text_.data() + at();
  const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  if (error == std::errc::result_out_of_range) fail(at_, "a number takes at most 64 bits");
  if (error != std::errc()) {
    fail(at_, at_end() ? std::string("a number is missing at the end")
                       : fmt::format("a number is missing before '{}'", peek()));
  }
  at_ += static_cast<std::size_t>(stop - begin);
  return value;
}

}  // namespace qprep
