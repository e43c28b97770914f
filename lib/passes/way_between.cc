#include "passes/way_between.h"

#include <deque>
#include <fmt/format.h>
#include <unordered_map>
#include <vector>

#include "passes/data_flow.h"
#include "support/text.h"

namespace qprep {

std::string what_stands_between(const Node& from, const Node& to) {
  std::unordered_map<const Node*, const Node*> reached_from = {{&from, nullptr}};
  std::deque<const Node*> waiting = {&from};
  while (!waiting.empty() && !reached_from.contains(&to)) {
    const Node* node = waiting.front();
    waiting.pop_front();
    for (std::size_t i = 0; i < node->output_count(); ++i) {
      for (const Use& use : node->output(i).uses()) {
        if (&use.node->graph() == &from.graph() && reached_from.emplace(use.node, node).second) {
          waiting.push_back(use.node);
        }
      }
    }
  }
  if (!reached_from.contains(&to)) return fmt::format("no way leads from {} to it", name_of(from));
  std::vector<std::string> between;
  for (const Node* node = reached_from.at(&to); node && node != &from; node = reached_from.at(node)) {
    between.insert(between.begin(), name_of(*node));
  }
  constexpr std::size_t kMost = 3;
  if (between.size() > kMost) {
    const std::size_t others = between.size() - kMost;
    between.resize(kMost);
    return fmt::format("{} and {} more stand between", join(between, ", "), others);
  }
  return fmt::format("{} {} between", join(between, ", "), between.size() == 1 ? "stands" : "stand");
}

}  // namespace qprep
