#pragma once

#include <string>
#include <sys/types.h>

#include "drawing/graphviz.h"

namespace qprep {

struct DrawingLimits {
  int seconds_of_work = 30;  // of processor time
  int seconds = 120;         // of waiting
};

/// Graphviz at work in a process of its own: whatever it does there (too slow, out of memory, a crash), this
/// process goes on, and the drawing has the reason.
class DrawingProcess {
 public:
  /// Result: it draws while the caller does other things.
  DrawingProcess(const std::string& dot, const GraphvizPlaces& places, DrawingLimits limits = {});
  DrawingProcess(const DrawingProcess&) = delete;
  DrawingProcess& operator=(const DrawingProcess&) = delete;
  /// Result: the process is gone.
  ~DrawingProcess();

  /// Given: not called before.
  Drawing finish();

 private:
  Drawing read_drawing();
  int end();

  DrawingLimits limits_;
  std::string failure_;  // why there is no process
  pid_t process_ = -1;
  int pipe_ = -1;
};

}  // namespace qprep
