#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/prepare.h"
#include "passes/pipeline.h"

namespace qprep {

/// Sees every pass and step of a run: times it, keeps the dump that was asked for, and says when to stop.
class PassWatch {
 public:
  PassWatch(std::string dump_after, std::string stop_after)
      : dump_after_(std::move(dump_after)), stop_after_(std::move(stop_after)) {}

  /// For run_passes.
  PassObserver observer();
  /// Runs a step that is no pass of the pipeline, then verify(). Result: false to stop after it.
  /// Throws Fatal(kBrokenGraph) that names the step after which the graph is inconsistent.
  bool step(std::string_view name, const Model& model, const std::function<void()>& body);
  /// The same for a step that has no graph to look at.
  void timed(std::string_view name, const std::function<void()>& body);

  const std::string& dump() const { return dump_; }
  const std::vector<PassTime>& times() const { return times_; }
  /// Passes that were named but never ran.
  std::vector<std::string> missed() const;

 private:
  bool ran(std::string_view name, double seconds, const std::function<std::string()>& text);

  std::string dump_after_, stop_after_, dump_;
  std::vector<PassTime> times_;
};

}  // namespace qprep
