#include "support/without_names.h"

#include <cctype>
#include <cstddef>

namespace qprep {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// The next mark that begins (ends) a quotation: an apostrophe has letters on both sides.
std::size_t opening(std::string_view text, std::size_t from) {
  const std::size_t at = text.find('\'', from);
  return at == text.npos || at == 0 || !is_word(text[at - 1]) ? at : opening(text, at + 1);
}
std::size_t closing(std::string_view text, std::size_t from) {
  const std::size_t at = text.find('\'', from);
  return at == text.npos || at + 1 == text.size() || !is_word(text[at + 1]) ? at : closing(text, at + 1);
}

}  // namespace

std::string without_names(std::string_view sentence) {
  std::string text;
  for (std::size_t at = 0;;) {
    const std::size_t open = opening(sentence, at);
    const std::size_t close = open == sentence.npos ? open : closing(sentence, open + 1);
    if (close == sentence.npos) return text.append(sentence.substr(at));
    text.append(sentence.substr(at, open - at)).append("'...'");
    at = close + 1;
  }
}

}  // namespace qprep
