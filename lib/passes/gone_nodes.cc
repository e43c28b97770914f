#include "passes/gone_nodes.h"

#include <fmt/format.h>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ir/held.h"
#include "ir/walk.h"

namespace qprep {
namespace {

constexpr std::string_view kFolded = "was folded into '";

/// A clause of folded_into, with what may follow it.
struct Folded {
  std::string heir;
  std::string rest;  // "; the models for training have it as it was"

  static std::optional<Folded> read(const std::string& because) {
    if (!because.starts_with(kFolded)) return std::nullopt;
    std::size_t end = because.rfind("'; ");
    if (end == because.npos) end = because.size() - 1;
    return Folded{because.substr(kFolded.size(), end - kFolded.size()), because.substr(end + 1)};
  }
};

class Settling {
 public:
  explicit Settling(const Model& model) {
    for (const Node* node : nodes_with_bodies(*model.graph)) {
      there_.insert(node->label());
      // What a replacement put in, the file does not have.
      const std::string& heir = node->made_for().empty() ? node->label() : node->made_for();
      for (const std::string& label : node->absorbed()) heirs_.emplace(label, heir);
    }
    for (const GoneNode& each : model.gone) gone_.insert_or_assign(each.label, &each);
  }

  std::string because(const GoneNode& node) const {
    if (there_.contains(node.label)) return node.because;  // as another operator
    const auto folded = Folded::read(node.because);
    if (folded ? there_.contains(folded->heir) : node.because != kUnread) return node.because;
    const std::string rest = folded ? folded->rest : "";
    if (const auto heir = heirs_.find(node.label); heir != heirs_.end()) {
      return folded_into(heir->second) + rest;
    }
    const GoneNode* last = folded ? end_of(folded->heir) : nullptr;
    return last ? fmt::format("{}, which {}{}", folded_into(last->label), last->because, rest) : node.because;
  }

 private:
  /// The node that took up, maybe over others, what was folded into this one; null: it is not known.
  const GoneNode* end_of(std::string heir) const {
    for (std::size_t steps = 0; steps < gone_.size(); ++steps) {
      const auto at = gone_.find(heir);
      if (at == gone_.end()) return nullptr;
      const auto folded = Folded::read(at->second->because);
      if (!folded) return at->second;
      heir = folded->heir;
    }
    return nullptr;
  }

  std::unordered_set<std::string_view> there_;
  std::unordered_map<std::string_view, std::string_view> heirs_;  // by what they absorbed
  std::unordered_map<std::string_view, const GoneNode*> gone_;
};

}  // namespace

std::string folded_into(std::string_view label) { return fmt::format("{}{}'", kFolded, label); }

std::string hands_on(std::string_view read) {
  return fmt::format("hands on what it reads, '{}', and{}", read, kLeftOut);
}

void settle_gone(Model& model) {
  if (model.gone.empty()) return;
  std::vector<std::string> settled;
  const Settling settling(model);
  for (const GoneNode& node : model.gone) settled.push_back(settling.because(node));
  for (std::size_t i = 0; i < settled.size(); ++i) model.gone[i].because = std::move(settled[i]);
}

}  // namespace qprep
