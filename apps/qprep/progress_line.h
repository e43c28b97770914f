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

/// One line on the terminal that says what is being done, from the second second on; gone at the end. Does
/// nothing where the console shows no progress.
class ProgressLine {
 public:
  explicit ProgressLine(const Console& console);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();

  /// total 0: how much is not known. May be called from any thread.
  void update(std::string_view doing, std::size_t done, std::size_t total);

 private:
  void keep_drawing();
  void draw();

  using Clock = std::chrono::steady_clock;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string doing_;
  std::size_t done_ = 0, total_ = 0;
  bool ended_ = false;
  bool drawn_ = false;
  std::thread thread_;
};

}  // namespace qprep
