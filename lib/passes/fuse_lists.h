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
    std::vector<const Node*> nodes;               // in graph order, each once
    std::vector<std::vector<const Node*>> named;  // by each name of the list
  };
  /// In the configuration's order.
  const std::vector<Members>& all() const { return lists_; }

  /// One list names both.
  bool join(const Node& a, const Node& b) const;
  /// One list names them all.
  bool join(const std::vector<const Node*>& nodes) const;
  /// Names that stand before what makes what their nodes read: an error at the list. Given: no rewrite took
  /// nodes of it out yet.
  void check_order(Diagnostics& diagnostics) const;
  /// Names that mean nothing, or a node of another list: errors at their lines.
  void check(Diagnostics& diagnostics) const;

 private:
  std::vector<Members> lists_;
  std::unordered_map<const Node*, std::size_t> list_of_;
  std::vector<Diagnostic> mistakes_;
};

/// "[conv1, relu1]", for messages.
std::string to_text(const FuseList& list);
/// An input of the node is a result of the other.
bool reads(const Node& node, const Node& other);

}  // namespace qprep
