#include "support/interruption.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace qprep {
namespace {

/// Both numbers as one, so that a handler never sees one without the other.
constexpr unsigned kBits = 16;
constexpr std::size_t kMost = (std::size_t{1} << kBits) - 1;
std::atomic<std::uint32_t> kept_of_parts = 0;
std::atomic<bool> on_terminal = false;
std::atomic_flag told;
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "a signal handler reads them");

/// A text of fixed memory, since a handler may not allocate.
class Line {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      if (size_ < text_.size()) text_[size_++] = c;
    }
  }
  void add(std::size_t number) {
    if (number >= 10) add(number / 10);
    const char digit = static_cast<char>('0' + number % 10);
    add(std::string_view(&digit, 1));
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 128> text_ = {};
  std::size_t size_ = 0;
};

}  // namespace

void tell_kept_parts(std::size_t kept, std::size_t parts) {
  const bool fits = kept <= kMost && parts <= kMost;
  kept_of_parts = fits ? static_cast<std::uint32_t>(kept << kBits | parts) : 0;
}

void look_at_terminal() { on_terminal = ::isatty(STDERR_FILENO) == 1; }

void write_interruption() {
  if (told.test_and_set()) return;
  const std::uint32_t numbers = kept_of_parts;
  const std::size_t kept = numbers >> kBits, parts = numbers & kMost;
  Line line;
  // Behind the terminal's own "^C", or what it shows of the progress.
  if (on_terminal) line.add("\n");
  line.add("qprep: interrupted");
  if (parts > 0 && kept == 0) line.add("; no part is kept yet");
  if (parts > 0 && kept > 0) {
    line.add("; ");
    line.add(kept);
    line.add(" of ");
    line.add(parts);
    line.add(kept == 1 ? " parts is kept, and the same call goes on from it"
                       : " parts are kept, and the same call goes on from them");
  }
  line.add("\n");
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, nullptr);
  pollfd error = {STDERR_FILENO, POLLOUT, 0};
  if (::poll(&error, 1, 0) != 1 || (error.revents & POLLOUT) == 0) return;
  static_cast<void>(!::write(STDERR_FILENO, line.text().data(), line.text().size()));
}

}  // namespace qprep
