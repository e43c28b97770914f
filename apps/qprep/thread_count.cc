#include "thread_count.h"

#include <charconv>
#include <fmt/format.h>
#include <string>
#include <system_error>

namespace qprep {
namespace {

std::string check_threads(const std::string& text) {
  constexpr int kMost = 1024;
  int threads = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && threads >= 0 && threads <= kMost) return {};
  return fmt::format("'{}' is no whole number from 0 to {}", text, kMost);
}

}  // namespace

void add_threads(CLI::App& verb, int& threads) {
  verb.add_option("--threads", threads, "Samples calibrated at once; 0 = one a core. Changes no result")
      ->type_name("N")
      ->check(check_threads);
}

}  // namespace qprep
