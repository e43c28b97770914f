#include "analysis/simulation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "runtime/probe.h"

namespace qprep {
namespace {

/// What the run of this thread is about: ONNX Runtime calls back on the thread that runs.
struct Run {
  const Quantisers* quantisers = nullptr;
  std::vector<std::vector<float>>* results = nullptr;
};

Run& run_of_this_thread() {
  thread_local Run run;
  return run;
}

void simulate(const Quantiser& quantiser, const Dims& dims, std::span<const float> x, std::span<float> y) {
  if (quantiser.per_tensor()) {
    const auto& [scale, zero_point] = quantiser.scales.front();
    return fake_quantize(x, y, {scale, zero_point, quantiser.range});
  }
  const bool fits = quantiser.axis < dims.size() &&
                    dims[quantiser.axis] == static_cast<std::int64_t>(quantiser.scales.size());
  if (!fits) throw std::runtime_error("a tensor has other channels than the model says");
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  for (const ScaleAndZero& each : quantiser.scales) {
    scales.push_back(each.scale);
    zero_points.push_back(each.zero_point);
  }
  fake_quantize_per_channel(x, y, dims, quantiser.axis, scales, zero_points, quantiser.range);
}

void simulate_node(std::size_t number, std::span<const std::int64_t> dims, std::span<const float> x,
                   std::span<float> y) {
  const Quantisers& all = *run_of_this_thread().quantisers;
  if (number < all.size() && all[number]) {
    simulate(*all[number], Dims(dims.begin(), dims.end()), x, y);
  } else {
    std::copy(x.begin(), x.end(), y.begin());
  }
}

void keep(std::size_t number, DType dtype, std::span<const std::int64_t>,
          std::span<const std::byte> elements) {
  if (dtype != DType::kFloat32) return;
  const auto* floats = reinterpret_cast<const float*>(elements.data());
  (*run_of_this_thread().results)[number].assign(floats, floats + elements.size() / sizeof(float));
}

Session probed(const SerialisedModel& model, std::span<const std::string> results,
               std::span<const std::string> states, const std::string& library,
               std::vector<std::string>& fetched) {
  const ProbedModel with_probes = append_probes(model.bytes, results);
  fetched = {with_probes.outputs.front()};
  fetched.insert(fetched.end(), states.begin(), states.end());
  SessionOptions options;
  options.library = library;
  options.probe = keep;
  options.simulate = simulate_node;
  return Session({model.name, with_probes.bytes, model.data_folder}, options);
}

/// Results that cannot be compared point nowhere.
double cosine_of(const ResultError& error) {
  if (!std::isfinite(error.result_squares)) return 0;
  const double lengths = std::sqrt(error.result_squares * error.reference_squares);
  if (lengths > 0) return error.product / lengths;
  return error.result_squares == error.reference_squares ? 1 : 0;
}

}  // namespace

bool operator==(const Quantiser& a, const Quantiser& b) {
  const auto alike = [](const ScaleAndZero& one, const ScaleAndZero& other) {
    return one.scale == other.scale && one.zero_point == other.zero_point;
  };
  return a.range.min == b.range.min && a.range.max == b.range.max && a.axis == b.axis &&
         std::ranges::equal(a.scales, b.scales, alike);
}

Simulation::Simulation(const SerialisedModel& model, std::span<const std::string> results,
                       std::span<const std::string> states, const std::string& library)
    : results_(results.size()), session_(probed(model, results, states, library, fetched_)) {}

SimulatedStep Simulation::run(const Feeds& feeds, const Quantisers& quantisers) const {
  SimulatedStep step;
  step.results.resize(results_);
  run_of_this_thread() = {&quantisers, &step.results};
  step.states = session_.run(feeds, fetched_);
  step.states.erase(step.states.begin());
  return step;
}

ResultError& ResultError::operator+=(const ResultError& other) {
  noise += other.noise;
  absolute += other.absolute;
  largest = std::max(largest, other.largest);
  product += other.product;
  result_squares += other.result_squares;
  reference_squares += other.reference_squares;
  compared += other.compared;
  sum += other.sum;
  squares += other.squares;
  finite += other.finite;
  return *this;
}

double ResultError::signal() const { return finite > 0 ? std::max(0.0, squares - sum * sum / finite) : 0; }

ResultError incomparable() {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  ResultError error;
  error.noise = error.absolute = error.largest = error.result_squares = kInfinite;
  error.compared = 1;
  return error;
}

ResultFigures figures_of(std::span<const ResultError> results) {
  ResultFigures mean{.cosine = 0};
  for (const ResultError& each : results) {
    if (each.compared == 0) continue;
    ++mean.results;
    mean.noise += each.signal() > 0 ? each.noise / each.signal() : each.noise;
    mean.cosine += cosine_of(each);
    mean.mse += each.noise / each.compared;
    mean.mae += each.absolute / each.compared;
    mean.chebyshev = std::max(mean.chebyshev, each.largest);
  }
  if (mean.results == 0) return mean;
  const auto count = static_cast<double>(mean.results);
  mean.noise /= count;
  mean.cosine /= count;
  mean.mse /= count;
  mean.mae /= count;
  return mean;
}

ResultError error_of(std::span<const float> result, std::span<const float> reference,
                     std::span<const float> of_float) {
  ResultError error;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const auto there = static_cast<double>(reference[i]);
    if (!std::isfinite(there)) continue;
    const auto here = static_cast<double>(result[i]);
    if (!std::isfinite(here)) {
      error += incomparable();
      continue;
    }
    const double off = here - there;
    error.noise += off * off;
    error.absolute += std::abs(off);
    error.largest = std::max(error.largest, std::abs(off));
    error.product += here * there;
    error.result_squares += here * here;
    error.reference_squares += there * there;
    ++error.compared;
  }
  for (const float each : of_float) {
    const auto x = static_cast<double>(each);
    if (!std::isfinite(x)) continue;
    error.sum += x;
    error.squares += x * x;
    ++error.finite;
  }
  return error;
}

}  // namespace qprep
