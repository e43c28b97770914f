#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/composites.h"

/// The language of configs/composites.yaml: patterns, and the phrases that they are made of.
namespace qprep {

/// What a word of a pattern stands for: an operator, or one that has several names.
struct CompositeWord {
  std::vector<CompositeOp> any_of;
  bool commutative = false;
};

/// A statement as it is written.
struct CompositeStatement {
  struct Operand {
    CompositeOperand::Kind kind = CompositeOperand::Kind::kData;  // kData: a name, of whatever it is
    std::string name = {};
    double number = 0;
  };

  std::string result;
  std::string word;
  std::vector<Operand> operands;
  bool optional = false;  // where it is missing, its result is its first operand
};

/// A word that stands for statements, in several ways; the last result of each is its own.
struct CompositePhrase {
  std::vector<std::string> of;  // its operands
  std::vector<std::vector<CompositeStatement>> any_of;
};

struct CompositeLanguage {
  std::map<std::string, CompositeWord, std::less<>> words;
  std::map<std::string, CompositePhrase, std::less<>> phrases;
};

/// Reads "{ d = Sub(x, const m)  y = Square(d)? }". Throws std::invalid_argument with a sentence.
std::vector<CompositeStatement> parse_composite(std::string_view text);

/// What the statements mean where the names `of` are data: every choice of phrases and of optional
/// statements. Throws std::invalid_argument with a sentence for unknown words and names, results that nothing
/// reads, and more than a few hundred choices.
std::vector<CompositePattern> expand_composite(const std::vector<CompositeStatement>& statements,
                                               const std::vector<std::string>& of,
                                               const CompositeLanguage& language);

}  // namespace qprep
