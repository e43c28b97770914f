#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "runtime/port.h"

namespace qprep {

/// Why several samples cannot be inferred at once, as far as the model tells; nullopt: they may. `fed`: the
/// inputs that samples have.
std::optional<std::string> why_one_by_one(const Graph& graph, std::span<const Port> fed);

/// For as long as it lives, these inputs of the graph have any size along their first axis, and no other
/// tensor that the graph computes has sizes.
class OpenBatch {
 public:
  /// Given: why_one_by_one has nothing against it.
  OpenBatch(Graph& graph, std::span<const Port> fed);
  OpenBatch(const OpenBatch&) = delete;
  OpenBatch& operator=(const OpenBatch&) = delete;
  ~OpenBatch();

 private:
  void change(Value& value, Type type);

  std::vector<std::pair<Value*, Type>> types_;  // as they were
};

}  // namespace qprep
