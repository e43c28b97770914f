#include "analysis/sample_stack.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <memory>
#include <numeric>

namespace qprep {
namespace {

std::size_t product(std::span<const std::int64_t> dims) {
  return static_cast<std::size_t>(
      std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>()));
}

/// Calls take(piece) with what sample k of `count` has, in order.
template <typename Take>
void pieces_of_sample(std::span<const float> elements, const StackedTensor& tensor, std::size_t k,
                      std::size_t count, const Take& take) {
  if (!tensor.axis) return take(elements);
  const std::span<const std::int64_t> dims(tensor.dims);
  const std::size_t outer = product(dims.first(*tensor.axis));
  const std::size_t inner = product(dims.subspan(*tensor.axis));
  for (std::size_t i = 0; i < outer; ++i) take(elements.subspan((i * count + k) * inner, inner));
}

/// One input of all samples. Given: they have the same type and sizes, and a first axis.
Tensor stacked_input(std::span<const Sample> samples, const std::string& name) {
  const Tensor& first = samples.front().feeds.at(name);
  const auto bytes = std::make_shared<std::vector<std::byte>>();
  bytes->reserve(samples.size() * first.bytes().size());
  for (const Sample& sample : samples) {
    const std::span<const std::byte> more = sample.feeds.at(name).bytes();
    bytes->insert(bytes->end(), more.begin(), more.end());
  }
  Dims dims = first.dims();
  dims.front() *= static_cast<std::int64_t>(samples.size());
  return {first.dtype(), std::move(dims), *bytes, bytes};
}

}  // namespace

std::variant<Feeds, std::string> stacked(std::span<const Sample> samples) {
  const Sample& first = samples.front();
  for (const Sample& sample : samples) {
    if (!sample.later.empty()) return "the samples have several steps";
    if (sample.feeds.size() != first.feeds.size()) return "the samples have different inputs";
  }
  Feeds feeds;
  for (const auto& [name, tensor] : first.feeds) {
    if (tensor.dims().empty()) return fmt::format("the input '{}' is a scalar", name);
    if (bit_width(tensor.dtype()) < 8)
      return fmt::format("the input '{}' has elements that share a byte", name);
    for (const Sample& sample : samples) {
      const auto found = sample.feeds.find(name);
      if (found == sample.feeds.end()) return "the samples have different inputs";
      if (found->second.dtype() != tensor.dtype() || found->second.dims() != tensor.dims())
        return fmt::format("the samples have different sizes: the input '{}' has [{}] and [{}]", name,
                           fmt::join(tensor.dims(), ","), fmt::join(found->second.dims(), ","));
    }
    feeds.emplace(name, stacked_input(samples, name));
  }
  return feeds;
}

std::optional<StackedTensor> stacked_tensor(std::span<const std::int64_t> one,
                                            std::span<const std::int64_t> all, std::size_t count) {
  if (one.size() != all.size()) return std::nullopt;
  StackedTensor tensor{{one.begin(), one.end()}, {}};
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i] == all[i]) continue;
    if (tensor.axis || all[i] != one[i] * static_cast<std::int64_t>(count)) return std::nullopt;
    tensor.axis = i;
  }
  return tensor;
}

std::span<const float> sample_of_stack(std::span<const float> elements, const StackedTensor& tensor,
                                       std::size_t k, std::size_t count, std::vector<float>& room) {
  std::span<const float> only;
  std::size_t pieces = 0;
  room.clear();
  pieces_of_sample(elements, tensor, k, count, [&](std::span<const float> piece) {
    if (pieces++ == 0) {
      only = piece;
      return;
    }
    if (pieces == 2) room.assign(only.begin(), only.end());
    room.insert(room.end(), piece.begin(), piece.end());
  });
  return pieces > 1 ? room : only;
}

StackTrial::StackTrial(std::size_t tensors, std::size_t samples)
    : samples_(samples), one_(tensors), layout_(tensors), differences_(tensors) {
  for (std::vector<Seen>& seen : one_) seen.resize(samples);
}

void StackTrial::see_one(std::size_t tensor, std::size_t k, std::span<const std::int64_t> dims,
                         std::span<const float> elements) {
  one_[tensor][k] = {{dims.begin(), dims.end()}, digest_of(std::as_bytes(elements))};
}

void StackTrial::see_all(std::size_t tensor, std::span<const std::int64_t> dims,
                         std::span<const float> elements) {
  const std::vector<Seen>& one = one_[tensor];
  std::string& difference = differences_[tensor];
  for (std::size_t k = 0; k < samples_; ++k) {
    const auto layout = stacked_tensor(one[k].dims, dims, samples_);
    if (!layout || (k > 0 && layout != layout_[tensor])) {
      difference = fmt::format("is [{}], and [{}] of one", fmt::join(dims, ","), fmt::join(one[k].dims, ","));
      return;
    }
    layout_[tensor] = layout;
    Digester digester;
    pieces_of_sample(elements, *layout, k, samples_,
                     [&](std::span<const float> piece) { digester.add(std::as_bytes(piece)); });
    if (digester.digest() != one[k].digest) {
      difference = "has other bits than of each by itself";
      return;
    }
  }
}

std::variant<StackTrial::Layout, StackTrial::Difference> StackTrial::verdict() const {
  for (std::size_t i = 0; i < one_.size(); ++i) {
    if (!differences_[i].empty()) return Difference{i, differences_[i]};
    const bool was_seen = layout_[i].has_value();
    const bool differs = std::any_of(one_[i].begin(), one_[i].end(),
                                     [&](const Seen& seen) { return seen.digest.empty() == was_seen; });
    if (differs) return Difference{i, "is computed of some samples only"};
  }
  return layout_;
}

}  // namespace qprep
