#include "samples/tensor_facts.h"

#include <algorithm>
#include <cmath>
#include <cstring>

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
  bool whole = is_float(facts.dtype);
  each(tensor, [&](std::int64_t i, double x) {
    if (!std::isfinite(x)) {
      ++facts.not_finite;
      return;
    }
    whole = whole && x >= 0 && x <= 255 && x == std::floor(x);
    spreads[by_channel ? static_cast<std::size_t>(i / inner % channels) : 0].add(x);
  });
  for (const Spread& spread : spreads) facts.all.merge(spread);
  if (by_channel) facts.channels = std::move(spreads);
  facts.whole = whole && facts.all.seen();
  return facts;
}

}  // namespace qprep
