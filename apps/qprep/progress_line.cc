#include "progress_line.h"

#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/progress_text.h"

namespace qprep {
namespace {

constexpr std::chrono::milliseconds kQuietTime{1000};
constexpr std::chrono::milliseconds kInterval{100};
constexpr const char* kClearLine = "\r\x1b[K";

/// 80 where the terminal does not tell.
std::size_t columns() {
  winsize size{};
  const bool tells = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return tells ? size.ws_col : 80;
}

}  // namespace

ProgressLine::ProgressLine(const Console& console)
    : on_terminal_(console.progress() == Console::Progress::kLine) {
  if (console.progress() == Console::Progress::kNone) return;
  const std::chrono::milliseconds pause = console.progress_interval();
  thread_ = std::thread(
      [this, pause] { on_terminal_ ? keep_telling(kQuietTime, kInterval) : keep_telling(pause, pause); });
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
  const Clock::time_point now = Clock::now();
  if (doing != doing_ || done < done_) stage_start_ = now;
  done_at_ = now;
  doing_ = doing;
  done_ = done;
  total_ = total;
}

void ProgressLine::keep_telling(std::chrono::milliseconds first, std::chrono::milliseconds next) {
  std::unique_lock lock(mutex_);
  std::chrono::milliseconds pause = first;
  while (!wake_.wait_for(lock, pause, [this] { return ended_; })) {
    pause = next;
    tell();
  }
}

/// Given: the mutex is held.
void ProgressLine::tell() {
  if (doing_.empty()) return;
  const Clock::time_point now = Clock::now();
  const auto since = [&](Clock::time_point start) {
    return std::chrono::duration<double>(now - start).count();
  };
  const double done_seconds = std::chrono::duration<double>(done_at_ - stage_start_).count();
  const Progress progress{doing_, done_, total_, done_seconds, since(stage_start_), since(start_)};
  if (on_terminal_) {
    fmt::print(stderr, "{}{}", kClearLine, progress_bar(progress, columns()));
    drawn_ = true;
  } else {
    fmt::print(stderr, "{}\n", progress_sentence(progress));
  }
  std::fflush(stderr);
}

}  // namespace qprep
