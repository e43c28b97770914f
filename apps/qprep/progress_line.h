#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "console.h"

namespace qprep {

/// Says on stderr how far a long run is: on a terminal in one line, from the second second on, which is gone
/// at the end; elsewhere in a line of its own every so many seconds. As Console::progress says.
class ProgressLine {
 public:
  explicit ProgressLine(const Console& console);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();

  /// total 0: how much is not known. May be called from any thread.
  void update(std::string_view doing, std::size_t done, std::size_t total);

 private:
  using Clock = std::chrono::steady_clock;

  void keep_telling(std::chrono::milliseconds first, std::chrono::milliseconds next);
  void tell();

  const bool on_terminal_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string doing_;
  Clock::time_point stage_start_ = start_, done_at_ = start_;
  std::size_t done_ = 0, total_ = 0;
  bool ended_ = false;
  bool drawn_ = false;
  std::thread thread_;
};

}  // namespace qprep
