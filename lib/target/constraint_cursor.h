#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "target/constraint.h"

namespace qprep {

/// A cursor over the words, numbers and signs of a constraint. Blanks before them are skipped.
class ConstraintCursor {
 public:
  explicit ConstraintCursor(std::string_view text) : text_(text) {}

  [[noreturn]] static void fail(std::size_t at, const std::string& message) {
    throw ConstraintMistake(at, message);
  }

  /// Where the next word begins.
  std::size_t at();
  void go_to(std::size_t at) { at_ = at; }
  /// Whether nothing follows but blanks.
  bool at_end() { return at() == text_.size(); }
  /// The byte at the cursor, blanks not skipped; 0 at the end.
  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_byte() { ++at_; }

  /// The word, number or sign that comes next, without taking it; a word may have dots in it.
  std::string peek();
  /// Takes the sign, or the whole word, if it comes next.
  bool accept(std::string_view sign);
  bool accept_word(std::string_view word);
  /// Throws that it is missing.
  void expect(std::string_view sign);
  std::string word(std::string_view what);
  std::int64_t integer();

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

bool is_letter(char c);
bool is_digit(char c);

}  // namespace qprep
