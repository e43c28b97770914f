#pragma once

#include <optional>
#include <string>
#include <string_view>

/// The words of a pattern's text: "{ c = ConvLike(x, const w)  y = Act(c) }". What they may say is said where
/// they are read: config/fusion.h, config/composites.h.
namespace qprep {

/// A cursor over the text. What it throws is std::invalid_argument with a sentence.
class PatternText {
 public:
  explicit PatternText(std::string_view text) : rest_(text) {}

  /// Whether the token came next; it is behind the cursor then.
  bool accept(std::string_view token);
  /// Throws unless the token comes next.
  void expect(std::string_view token);
  /// Letters, digits and underscores. Throws that `what` is missing where there are none.
  std::string name(std::string_view what);
  /// A decimal number, if one comes next.
  std::optional<double> number();
  /// Throws if anything follows.
  void finish();
  bool at_end();
  std::string_view rest() const { return rest_; }

 private:
  void skip_spaces();

  std::string_view rest_;
};

/// The text as a decimal number, and nothing else.
std::optional<double> number_of(std::string_view text);

}  // namespace qprep
