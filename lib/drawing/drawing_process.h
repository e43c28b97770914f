#pragma once

#include <string>
#include <sys/types.h>

#include "drawing/graphviz.h"

namespace qprep {

struct DrawingLimits {
  int seconds_of_work = 30;  // of processor time
  int seconds = 120;         // of waiting
};

/// The argument with which a program draws what stands in its standard input: draw_standard_input().
inline constexpr const char* kDrawArgument = "--draw-standard-input";
/// Result: the exit status of the program, whose standard output has the drawing as DrawingProcess reads it.
int draw_standard_input();

/// Graphviz at work in a process of its own: whatever it does there (too slow, out of memory, a crash), this
/// process goes on, and the drawing has the reason.
///
/// Graphviz writes some things in the order of their addresses, so that the same graph has the same bytes
/// only where memory is as the last time: in a program that has just begun.
class DrawingProcess {
 public:
  /// From now on the program, which knows kDrawArgument, draws; before, a fork of this process does.
  static void draw_with(std::string program);

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
