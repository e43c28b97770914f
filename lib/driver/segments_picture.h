#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "drawing/drawing_process.h"
#include "ir/graph.h"
#include "plan/plan.h"
#include "support/diagnostics.h"

namespace qprep {

/// `<prefix>_segments.dot` and `<prefix>_segments.svg` in the making: the layout runs beside the caller.
class SegmentsPicture {
 public:
  /// Given: the plan was made for this model as it is. Nothing of both is read later. `name` and `march` (may
  /// be empty) stand above the picture.
  SegmentsPicture(const Model& model, const Plan& plan, const std::string& name, const std::string& march);

  /// Result: the files are in the folder, and their paths are the answer. Without Graphviz, or where it does
  /// not draw it, there is no .svg, an older one neither, and a warning says why.
  std::vector<std::filesystem::path> write(const std::filesystem::path& folder, const std::string& prefix,
                                           bool durable, Diagnostics& diagnostics);

 private:
  std::string dot_;
  std::unique_ptr<DrawingProcess> drawing_;
};

}  // namespace qprep
