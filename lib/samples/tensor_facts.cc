#include "samples/tensor_facts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

namespace qprep {
namespace {

constexpr std::int64_t kMostChannels = 4;

double half_to_double(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const double sign = (bits & 0x8000) ? -1 : 1;
  if (exponent == 31) return sign * (fraction ? NAN : INFINITY);
  return sign * (exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24));
}

/// Calls see(index, element) for each element, as a double.
template <typename T, typename See, typename Convert>
void each(const Tensor& tensor, const See& see, const Convert& convert) {
  const std::span<const std::byte> bytes = tensor.bytes();
  const std::int64_t count = tensor.size();
  for (std::int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes.data() + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
    see(i, convert(value));
  }
}

template <typename See>
void each(const Tensor& tensor, const See& see) {
  const auto plain = [](auto value) { return static_cast<double>(value); };
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return each<float>(tensor, see, plain);
    case DType::kFloat64:
      return each<double>(tensor, see, plain);
    case DType::kFloat16:
      return each<std::uint16_t>(tensor, see, half_to_double);
    case DType::kInt8:
      return each<std::int8_t>(tensor, see, plain);
    case DType::kUInt8:
    case DType::kBool:
      return each<std::uint8_t>(tensor, see, plain);
    case DType::kInt16:
      return each<std::int16_t>(tensor, see, plain);
    case DType::kUInt16:
      return each<std::uint16_t>(tensor, see, plain);
    case DType::kInt32:
      return each<std::int32_t>(tensor, see, plain);
    case DType::kUInt32:
      return each<std::uint32_t>(tensor, see, plain);
    case DType::kInt64:
      return each<std::int64_t>(tensor, see, plain);
    case DType::kUInt64:
      return each<std::uint64_t>(tensor, see, plain);
    default:
      return;
  }
}

bool is_float(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kFloat32 || dtype == DType::kFloat64;
}

/// What is asked of elements one after the other.
struct Run {
  Spread spread;
  bool whole = true;
};

bool is_whole(float x) {
  return x >= 0.0F && x <= 255.0F && static_cast<float>(static_cast<std::int32_t>(x)) == x;
}

/// Of float32 numbers, some at a time in as many lanes; nullopt if not all are finite.
std::optional<Run> run_of(std::span<const std::byte> floats) {
  constexpr std::size_t kLanes = 8;
  using Lanes = std::array<float, kLanes>;
  Lanes low, high;
  std::array<double, kLanes> sum{};
  low.fill(std::numeric_limits<float>::infinity());
  high.fill(-std::numeric_limits<float>::infinity());
  Run run;
  const std::size_t in_lanes = floats.size() - floats.size() % sizeof(Lanes);
  for (std::size_t at = 0; at < in_lanes; at += sizeof(Lanes)) {
    Lanes x;
    std::memcpy(x.data(), floats.data() + at, sizeof(Lanes));
    for (std::size_t i = 0; i < kLanes; ++i) {
      low[i] = std::min(low[i], x[i]);
      high[i] = std::max(high[i], x[i]);
      sum[i] += static_cast<double>(x[i]);
    }
    run.whole = run.whole && std::all_of(x.begin(), x.end(), is_whole);
  }
  if (in_lanes > 0) {
    run.spread = {static_cast<double>(*std::min_element(low.begin(), low.end())),
                  static_cast<double>(*std::max_element(high.begin(), high.end())),
                  std::accumulate(sum.begin(), sum.end(), 0.0),
                  static_cast<std::int64_t>(in_lanes / sizeof(float))};
  }
  for (std::size_t at = in_lanes; at < floats.size(); at += sizeof(float)) {
    float x = 0;
    std::memcpy(&x, floats.data() + at, sizeof(float));
    run.whole = run.whole && is_whole(x);
    run.spread.add(static_cast<double>(x));
  }
  return std::isfinite(run.spread.sum) ? std::optional(run) : std::nullopt;
}

/// Float32 numbers in `runs` that lie one behind the other, of as many channels in turn. Result: false, and
/// nothing was changed, if they are of another type, or not all finite.
bool add_runs(const Tensor& tensor, std::size_t runs, TensorFacts& facts, std::vector<Spread>& channels) {
  if (tensor.dtype() != DType::kFloat32 || runs == 0) return false;
  const std::span<const std::byte> bytes = tensor.bytes();
  const std::size_t size = bytes.size() / runs;
  std::vector<Spread> spreads(channels.size());
  bool whole = true;
  for (std::size_t i = 0; i < runs; ++i) {
    const std::optional<Run> run = run_of(bytes.subspan(i * size, size));
    if (!run) return false;
    spreads[i % spreads.size()].merge(run->spread);
    whole = whole && run->whole;
  }
  facts.whole = whole;
  channels = std::move(spreads);
  return true;
}

}  // namespace

void Spread::add(double x) {
  min = std::min(min, x);
  max = std::max(max, x);
  sum += x;
  ++count;
}

void Spread::merge(const Spread& other) {
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  sum += other.sum;
  count += other.count;
}

double Spread::magnitude() const { return seen() ? std::max(std::fabs(min), std::fabs(max)) : 0; }

void TensorFacts::merge(const TensorFacts& other) {
  all.merge(other.all);
  if (channels.size() != other.channels.size()) channels.clear();
  for (std::size_t c = 0; c < channels.size(); ++c) channels[c].merge(other.channels[c]);
  not_finite += other.not_finite;
  whole = whole && other.whole;
}

std::optional<std::size_t> colour_axis(const Dims& dims) {
  if (dims.size() != 4) return std::nullopt;
  if (dims[1] >= 1 && dims[1] <= kMostChannels) return 1;
  if (dims[3] == 1 || dims[3] == 3 || dims[3] == 4) return 3;
  return std::nullopt;
}

TensorFacts facts_of(const Tensor& tensor, std::optional<std::size_t> channel_axis) {
  TensorFacts facts;
  facts.dtype = tensor.dtype();
  facts.dims = tensor.dims();
  std::int64_t channels = 1, inner = 1;
  if (channel_axis) {
    channels = facts.dims.at(*channel_axis);
    for (std::size_t i = *channel_axis + 1; i < facts.dims.size(); ++i) inner *= facts.dims[i];
  }
  const bool by_channel = channels >= 2 && channels <= kMostChannels;
  std::vector<Spread> spreads(static_cast<std::size_t>(by_channel ? channels : 1));
  facts.whole = is_float(facts.dtype);
  const bool in_runs = !by_channel || *channel_axis == 1;
  const std::int64_t runs = by_channel ? facts.dims[0] * channels : 1;
  if (!in_runs || !add_runs(tensor, static_cast<std::size_t>(runs), facts, spreads)) {
    each(tensor, [&](std::int64_t i, double x) {
      if (!std::isfinite(x)) {
        ++facts.not_finite;
        return;
      }
      facts.whole = facts.whole && x >= 0 && x <= 255 && x == std::floor(x);
      spreads[by_channel ? static_cast<std::size_t>(i / inner % channels) : 0].add(x);
    });
  }
  for (const Spread& spread : spreads) facts.all.merge(spread);
  if (by_channel) facts.channels = std::move(spreads);
  facts.whole = facts.whole && facts.all.seen();
  return facts;
}

}  // namespace qprep
