#include "progress_line.h"

#include <cstdio>
#include <fmt/format.h>

namespace qprep {
namespace {

constexpr std::chrono::milliseconds kQuietTime{1000};
constexpr std::chrono::milliseconds kInterval{100};
constexpr const char* kClearLine = "\r\x1b[K";

}  // namespace

ProgressLine::ProgressLine(const Console& console) {
  if (console.shows_progress()) thread_ = std::thread([this] { keep_drawing(); });
}

ProgressLine::~ProgressLine() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  wake_.notify_all();
  thread_.join();
  if (drawn_) fmt::print(stderr, "{}", kClearLine);
}

void ProgressLine::update(std::string_view doing, std::size_t done, std::size_t total) {
  const std::lock_guard lock(mutex_);
  doing_ = doing;
  done_ = done;
  total_ = total;
}

void ProgressLine::keep_drawing() {
  std::unique_lock lock(mutex_);
  std::chrono::milliseconds pause = kQuietTime;
  while (!wake_.wait_for(lock, pause, [this] { return ended_; })) {
    pause = kInterval;
    draw();
  }
}

/// Given: the mutex is held.
void ProgressLine::draw() {
  if (doing_.empty()) return;
  const std::chrono::duration<double> taken = Clock::now() - start_;
  std::string line = doing_;
  if (total_ > 0) line += fmt::format(" {}/{} ({} %)", done_, total_, done_ * 100 / total_);
  fmt::print(stderr, "{}{}, {:.0f} s", kClearLine, line, taken.count());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace qprep
