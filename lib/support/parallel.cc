#include "support/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace qprep {
namespace {

/// The work that the threads share.
class Loop {
 public:
  Loop(std::size_t count, const std::function<void(std::size_t)>& body) : count_(count), body_(body) {}

  /// Whatever comes before a failed call is still done, so that the first failure is the same in every run.
  void work() {
    for (std::size_t i = next_++; i < count_ && i < failed_at_; i = next_++) {
      try {
        body_(i);
      } catch (...) {
        record(i, std::current_exception());
      }
    }
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void record(std::size_t i, std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (failed_at_ < i) return;
    failure_ = std::move(failure);
    failed_at_ = i;
  }

  const std::size_t count_;
  const std::function<void(std::size_t)>& body_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<std::size_t> failed_at_ = std::numeric_limits<std::size_t>::max();
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace

std::size_t hardware_threads() {
  static const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  return threads;
}

void parallel_for(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& body) {
  if (threads == 0) threads = hardware_threads();
  Loop loop(count, body);
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back([&] { loop.work(); });
    loop.work();
  }
  loop.rethrow();
}

}  // namespace qprep
