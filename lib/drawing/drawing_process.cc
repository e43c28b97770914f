#include "drawing/drawing_process.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "support/text.h"

namespace qprep {
namespace {

constexpr char kSvg = 'S', kWhyNot = 'E';

void write_all(int descriptor, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = write(descriptor, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    done += static_cast<std::size_t>(written);
  }
}

std::string& drawing_program() {
  static std::string program;
  return program;
}

std::string as_answer(const Drawing& drawing) {
  return drawing.why_not.empty() ? kSvg + drawing.svg : kWhyNot + drawing.why_not;
}

/// The text as a file that is read from its beginning; -1: there is none.
int file_of(const std::string& text) {
  const int file = memfd_create("graph", MFD_CLOEXEC);
  if (file < 0) return -1;
  write_all(file, text);
  lseek(file, 0, SEEK_SET);
  return file;
}

std::string read_all(int descriptor) {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count = read(descriptor, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

/// What the new process does. Nothing of this process is put in order there, and no handler of it runs.
[[noreturn]] void work(pid_t parent, int pipe, int file, const std::string& dot, const GraphvizPlaces& places,
                       int seconds) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  const auto bound = static_cast<rlim_t>(seconds);
  const rlimit time{bound, bound};
  setrlimit(RLIMIT_CPU, &time);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (int descriptor = 0; nowhere >= 0 && descriptor < 3; ++descriptor) dup2(nowhere, descriptor);
  if (file >= 0) {
    dup2(file, STDIN_FILENO);
    dup2(pipe, STDOUT_FILENO);
    execl(drawing_program().c_str(), "qprep", kDrawArgument, static_cast<char*>(nullptr));
  }
  write_all(pipe, as_answer(draw_here(dot, places)));
  _exit(0);
}

}  // namespace

int draw_standard_input() {
  write_all(STDOUT_FILENO, as_answer(draw_here(read_all(STDIN_FILENO), GraphvizPlaces::of_process())));
  return 0;
}

void DrawingProcess::draw_with(std::string program) { drawing_program() = std::move(program); }

DrawingProcess::DrawingProcess(const std::string& dot, const GraphvizPlaces& places, DrawingLimits limits)
    : limits_(limits) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    failure_ = "no process for drawing: " + error_text(errno);
    return;
  }
  const pid_t parent = getpid();
  const int file = drawing_program().empty() ? -1 : file_of(dot);
  process_ = fork();
  if (process_ == 0) {
    close(ends[0]);
    work(parent, ends[1], file, dot, places, limits_.seconds_of_work);
  }
  if (file >= 0) close(file);
  if (process_ < 0) failure_ = "no process for drawing: " + error_text(errno);
  close(ends[1]);
  pipe_ = ends[0];
}

DrawingProcess::~DrawingProcess() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    end();
  }
  if (pipe_ >= 0) close(pipe_);
}

/// Result: the process has ended; with this status, as waitpid has it.
int DrawingProcess::end() {
  int status = 0;
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return status;
}

Drawing DrawingProcess::finish() {
  if (!failure_.empty()) return {{}, failure_};
  return read_drawing();
}

Drawing DrawingProcess::read_drawing() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point until = Clock::now() + std::chrono::seconds(limits_.seconds);
  const auto too_slow = [&](int seconds) {
    return Drawing{{}, fmt::format("Graphviz takes more than {} s for the graph", seconds)};
  };
  std::string text;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return too_slow(limits_.seconds);
    pollfd waiting{pipe_, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return too_slow(limits_.seconds);
    char buffer[1 << 16];
    const ssize_t count = read(pipe_, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return {{}, "the drawing cannot be read: " + error_text(errno)};
    if (count == 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
  }
  const int status = end();
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    if (number == SIGXCPU || number == SIGKILL) return too_slow(limits_.seconds_of_work);
    return {{}, fmt::format("Graphviz broke off with signal {}", number)};
  }
  if (text.empty()) return {{}, "Graphviz ended without a drawing"};
  if (text.front() != kSvg) return {{}, text.substr(1)};
  return {text.substr(1), {}};
}

}  // namespace qprep
