#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "target/quantity.h"

/// What a target asks of a node, as text: "kernel in 1..7", "stride is 1 or 2 when feeds_shortcut_add".
/// docs/targets.md is the manual of the language.
namespace qprep {

struct ConstraintTree;

/// What is wrong with a constraint's text. at(): the byte where it begins.
class ConstraintMistake : public std::invalid_argument {
 public:
  ConstraintMistake(std::size_t at, const std::string& message) : std::invalid_argument(message), at_(at) {}
  std::size_t at() const { return at_; }

 private:
  std::size_t at_;
};

enum class Verdict { kHolds, kBroken, kUndecided };
/// "holds", "broken", "undecided".
std::string_view to_text(Verdict verdict);

struct Outcome {
  Verdict verdict = Verdict::kHolds;
  std::string sentence;      // why it does not hold, or what is unknown; empty: it holds
  std::string remedy;        // of a broken one: "use a kernel of 7 x 7 or smaller"; empty: none is known
  bool by_constant = false;  // broken: it reads a constant, and may read none
};

class Constraint {
 public:
  /// Throws ConstraintMistake.
  static Constraint parse(std::string_view text);

  const std::string& text() const { return text_; }
  /// The rule in words: "each kernel size is 1 to 7".
  std::string rule() const;
  /// `who`: as messages call the operator, "bernoulli2's Conv".
  Outcome check(const NodeView& node, std::string_view who) const;
  /// The rule is that the result is an output of the model.
  bool asks_for_model_output() const;

 private:
  std::string text_;
  std::shared_ptr<const ConstraintTree> tree_;
};

}  // namespace qprep
