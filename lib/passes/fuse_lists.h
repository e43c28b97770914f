#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/fusing.h"
#include "ir/graph.h"
#include "support/diagnostics.h"

namespace qprep {

/// The lists of `fuse` with the nodes that their names mean.
class FuseLists {
 public:
  /// Given: model and fusing outlive this.
  FuseLists(const Model& model, const Fusing& fusing);

  struct Members {
    const FuseList* list = nullptr;
    std::vector<const Node*> nodes;  // in graph order, each once
  };
  /// In the configuration's order.
  const std::vector<Members>& all() const { return lists_; }

  /// One list names both.
  bool join(const Node& a, const Node& b) const;
  /// Names that mean nothing, or a node of another list: errors at their lines.
  void check(Diagnostics& diagnostics) const;

 private:
  std::vector<Members> lists_;
  std::unordered_map<const Node*, std::size_t> list_of_;
  std::vector<Diagnostic> mistakes_;
};

/// "[conv1, relu1]", for messages.
std::string to_text(const FuseList& list);

}  // namespace qprep
