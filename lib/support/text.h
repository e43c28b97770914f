#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qprep {

/// "a, b, c" for the separator ", ".
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other
/// (Damerau-Levenshtein, optimal string alignment); `limit` + 1 if it takes more than `limit`.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

/// The candidate that the word was probably meant to be: at most one edit for every three of its letters (at
/// least one), upper and lower case alike, the first of equals; else the only one that begins with the word,
/// if it has three letters. nullopt if there is none.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// " (did you mean 'format'?)", or nothing if no candidate is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// The text with its control characters (but for line ends and tabs) as \xNN, so that names out of a damaged
/// or hostile file cannot cut a message short or command a terminal.
std::string printable(std::string_view text);

/// What errno's number means: "No such file or directory".
std::string error_text(int number);

}  // namespace qprep
