#include "support/parallel.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace qprep;

TEST_CASE("parallel_for calls each index once, with any number of threads") {
  for (const std::size_t threads : {0U, 1U, 2U, 7U, 100U}) {
    std::vector<std::atomic<int>> calls(50);
    parallel_for(calls.size(), threads, [&](std::size_t i) { ++calls[i]; });
    for (const auto& count : calls) CHECK(count == 1);
  }
}

TEST_CASE("parallel_for of nothing returns") {
  parallel_for(0, 4, [](std::size_t) { FAIL("called"); });
}

TEST_CASE("parallel_for uses several threads when it may") {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  std::atomic<int> waiting = 0;
  parallel_for(2, 2, [&](std::size_t) {
    // Each waits for the other, so one thread alone would not come through.
    ++waiting;
    while (waiting < 2) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  CHECK(seen.size() == 2);
}

TEST_CASE("parallel_for throws the exception of the lowest index, whatever the threads do") {
  for (int round = 0; round < 50; ++round) {
    std::string caught;
    try {
      parallel_for(100, 4, [](std::size_t i) {
        if (i == 3 || i == 4) throw std::runtime_error(std::to_string(i));
      });
    } catch (const std::runtime_error& failure) {
      caught = failure.what();
    }
    CHECK(caught == "3");
  }
}

TEST_CASE("parallel_for starts nothing new after an exception") {
  std::atomic<std::size_t> calls = 0;
  CHECK_THROWS(parallel_for(1'000'000, 2, [&](std::size_t) {
    ++calls;
    throw std::runtime_error("no");
  }));
  CHECK(calls <= 2);
}
