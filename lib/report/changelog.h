#pragma once

#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"

/// PREFIX_qconfig_changelog.txt: every precision that is not what the configuration asked for, and why.
/// docs/report.md describes it for users.
namespace qprep {

/// One slot of a node or graph input that holds something else than the setting that won it says.
struct Change {
  std::string name;     // of the node or the graph input
  std::string slot;     // "output", "weight"
  std::string tensor;   // that is quantised, or is not
  std::string asked;    // "qint8"
  std::string got;      // "float32"
  std::string because;  // why
  std::string setting;  // that asked for it: "qprep.yaml:7:3 module_name 'head'"
};

/// In graph order, graph inputs first. Inner nodes of a unit make nothing that could be quantised, and
/// passive operators have the scale of what they hand on: they are not listed, nor is what holds no floats.
/// Given: apply-templates wrote the plan for this model, which no acting pass has changed since.
std::vector<Change> changes_of(const Model& model, const Plan& plan);

/// The file: a sentence, and a table of the changes.
std::string changelog_text(std::span<const Change> changes);

}  // namespace qprep
