#include "support/temporary_names.h"

#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstring>
#include <string_view>
#include <unistd.h>

#include "support/atomic_file.h"
#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/interruption.h"

namespace qprep {
namespace {

enum class State { kFree, kTaken, kReady };

/// Fixed memory, since a signal may come at any moment on any thread.
struct Slot {
  std::atomic<State> state = State::kFree;
  std::array<char, PATH_MAX> path = {};
};
static_assert(std::atomic<State>::is_always_lock_free, "a signal handler reads it");

std::array<Slot, 64> files;
std::array<Slot, 32> folders;

/// Result: the slot's number, from 1 on; 0: all are taken. Given: the path is shorter than PATH_MAX.
template <std::size_t N>
std::size_t take_slot(std::array<Slot, N>& slots, const std::string& path) {
  for (std::size_t i = 0; i < N; ++i) {
    State expected = State::kFree;
    if (!slots[i].state.compare_exchange_strong(expected, State::kTaken)) continue;
    std::memcpy(slots[i].path.data(), path.c_str(), path.size() + 1);
    slots[i].state = State::kReady;
    return i + 1;
  }
  return 0;
}

/// One folder of those that are left, if it is empty.
bool remove_a_folder() {
  for (const Slot& slot : folders) {
    if (slot.state == State::kReady && ::rmdir(slot.path.data()) == 0) return true;
  }
  return false;
}

void remove_temporaries() {
  for (const Slot& slot : files) {
    if (slot.state == State::kReady) ::unlink(slot.path.data());
  }
  // One may lie in another, whatever their order.
  while (remove_a_folder()) {
  }
}

/// A page of a mapped file is not there.
void on_bus_error(int) {
  constexpr std::string_view kText =
      "qprep: error: an input file became shorter, or unreadable, while it was read\n";
  remove_temporaries();
  static_cast<void>(!::write(STDERR_FILENO, kText.data(), kText.size()));
  ::_exit(1);
}

/// Ends the process as the signal would have, with a line that says so, and without its temporary files and
/// the folders made for them.
void on_signal(int signal) {
  remove_temporaries();
  if (signal != SIGPIPE) write_interruption();
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  ::raise(signal);
}

}  // namespace

std::size_t remember_temporary(const std::string& path) {
  if (path.size() >= PATH_MAX) throw Fatal(codes::kFileAccess, "the path '" + path + "' is too long");
  if (const std::size_t number = take_slot(files, path)) return number;
  throw Fatal(codes::kFileAccess, "cannot write '" + path + "': too many files are being written at once");
}

void forget_temporary(std::size_t number) { files.at(number - 1).state = State::kFree; }

std::size_t remember_folder(const std::string& path) {
  return path.size() < PATH_MAX ? take_slot(folders, path) : 0;
}

void forget_folder(std::size_t number) { folders.at(number - 1).state = State::kFree; }

void remove_temporaries_on_signals() {
  look_at_terminal();
  const auto handle = [](int signal, void (*handler)(int)) {
    struct sigaction action = {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) return;
    action = {};
    action.sa_handler = handler;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
  };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) handle(signal, on_signal);
  handle(SIGBUS, on_bus_error);
  handle(SIGXFSZ, SIG_IGN);
}

}  // namespace qprep
