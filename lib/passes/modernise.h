#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "passes/pass.h"

namespace qprep {

/// How far the operator set may be raised.
struct OpsetBound {
  std::int64_t newest = 0;
  std::string because = {};  // a clause: "'newest_opset' is 18 (qprep.yaml:3:15)"
};

/// A composite operator that became ONNX's.
struct Modernised {
  std::string name;                // of the node
  std::string op;                  // "LayerNormalization"
  std::string composite;           // the name in configs/composites.yaml
  std::vector<std::string> nodes;  // that spelled it out
};

/// The operator set that the model needs so that what it spells out as several nodes may be the operators of
/// ONNX that do the same (env.composites: means, since), none beyond `newest`; 0: nothing may.
std::int64_t opset_for_modern(const Model& model, Env& env, std::int64_t newest);

/// A composite operator, and what modernise would do with it where the model is raised as far as it needs.
struct ForeseenModern {
  const Node* node = nullptr;  // the last
  std::vector<const Node*> nodes;
  std::string composite;
  std::string op;       // what it becomes; empty: it stays
  std::string because;  // why it stays: a clause
};
std::vector<ForeseenModern> foresee_modern(const Model& model, Env& env, const OpsetBound& bound);

/// Result: the nodes of a composite operator are one node, the last of them, of ONNX's operator, which has
/// absorbed the others; these operators, in graph order. Each reads what they read and makes what they made,
/// so FakeQuantize nodes stand around it as before. What stays is named with the reason in a note
/// (composite-stays): an operator newer than the bound, or than the model's own operator set; numbers that
/// the operator does not have; what only some spellings compute. Given: composite operators hold no
/// FakeQuantize inside.
std::vector<Modernised> modernise(Model& model, Env& env, const OpsetBound& bound);

}  // namespace qprep
