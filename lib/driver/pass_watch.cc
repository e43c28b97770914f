#include "driver/pass_watch.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <stdexcept>

#include "ir/dump.h"
#include "ir/verify.h"
#include "support/codes.h"

namespace qprep {
namespace {

double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

[[noreturn]] void fail(std::string_view step, const Model& model, const std::string& what) {
  throw Fatal(codes::kBrokenGraph, fmt::format("{} broke the graph: {}", step, what), {model.file});
}

}  // namespace

bool PassWatch::ran(std::string_view name, double seconds, const std::function<std::string()>& text) {
  times_.push_back({std::string(name), seconds});
  if (name == dump_after_) dump_ = text();
  return name != stop_after_;
}

PassObserver PassWatch::observer() {
  return [this](const PassReport& report) {
    return ran(report.pass.name, report.seconds, [&] { return dump_after(report); });
  };
}

bool PassWatch::step(std::string_view name, const Model& model, const std::function<void()>& body) {
  double seconds = 0;
  try {
    seconds = seconds_of(body);
  } catch (const std::logic_error& error) {
    fail(name, model, error.what());
  }
  const std::vector<std::string> problems = verify(model);
  if (!problems.empty()) fail(name, model, problems.front());
  return ran(name, seconds, [&] { return qprep::dump(model); });
}

void PassWatch::timed(std::string_view name, const std::function<void()>& body) {
  times_.push_back({std::string(name), seconds_of(body)});
}

std::vector<std::string> PassWatch::missed() const {
  std::vector<std::string> names;
  for (const std::string& name : {dump_after_, stop_after_}) {
    const auto is_it = [&](const PassTime& time) { return time.name == name; };
    const bool known = name.empty() || std::any_of(times_.begin(), times_.end(), is_it);
    if (!known && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

}  // namespace qprep
