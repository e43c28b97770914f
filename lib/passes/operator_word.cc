#include "passes/operator_word.h"

#include <cstddef>
#include <optional>

namespace qprep {
namespace {

constexpr std::string_view kDomain = "::";

/// The number of spatial axes that "Conv2d" ends with; nullopt: another word.
std::optional<std::size_t> axes_of(std::string_view word) {
  if (word.size() < 3 || word.back() != 'd') return std::nullopt;
  const char digit = word[word.size() - 2];
  if (digit < '1' || digit > '3') return std::nullopt;
  return static_cast<std::size_t>(digit - '0');
}

/// The rank of the data that the node reads; nullopt: unknown.
std::optional<std::size_t> rank_of(const Node& node) {
  for (const Value* input : node.inputs()) {
    if (const auto rank = input ? input->type().rank() : std::nullopt) return rank;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string_view> operator_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t comma = text.find(',');
    words.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return words;
    text.remove_prefix(comma + 1);
  }
}

std::string_view operator_of(std::string_view word) {
  if (const std::size_t domain = word.find(kDomain); domain != std::string_view::npos) {
    return word.substr(domain + kDomain.size());
  }
  return axes_of(word) ? word.substr(0, word.size() - 2) : word;
}

bool names_operator(std::string_view word, const Node& node) { return names_operator(word, node, node.op()); }

bool names_operator(std::string_view word, const Node& node, std::string_view op) {
  if (operator_of(word) != op) return word == op;
  if (const std::size_t domain = word.find(kDomain); domain != std::string_view::npos) {
    return word.substr(0, domain) == node.domain();
  }
  const auto axes = axes_of(word), rank = rank_of(node);
  return !axes || !rank || *rank == *axes + 2;
}

}  // namespace qprep
