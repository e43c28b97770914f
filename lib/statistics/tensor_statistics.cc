#include "statistics/tensor_statistics.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <numeric>

namespace qprep {
namespace {

/// The first tensor that one of them observed and the other one did not; empty: there is none.
std::string tensor_of_one(const Statistics& a, const Statistics& b) {
  const auto [mine, theirs] =
      std::mismatch(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const TensorStatistics& x, const TensorStatistics& y) { return x.name == y.name; });
  if (mine != a.tensors.end()) return mine->name;
  return theirs != b.tensors.end() ? theirs->name : "";
}

/// The first tensor of which one of them knows the ranges of channels in single samples and the other does
/// not; empty: there is none. Given: tensor_of_one is empty.
std::string tensor_of_one_by_sample(const Statistics& a, const Statistics& b) {
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    if (a.tensors[i].channels_by_sample.empty() != b.tensors[i].channels_by_sample.empty())
      return a.tensors[i].name;
  }
  return "";
}

/// What is wrong with a sample that is in both; empty: none is. Given: both are in the order of their names.
std::string sample_in_both(const Statistics& a, const Statistics& b) {
  std::vector<SampleIdentity> both;
  std::set_intersection(a.samples.begin(), a.samples.end(), b.samples.begin(), b.samples.end(),
                        std::back_inserter(both),
                        [](const SampleIdentity& x, const SampleIdentity& y) { return x.name < y.name; });
  if (both.empty()) return "";
  const SampleIdentity& first = both.front();
  const auto there = std::ranges::find(b.samples, first.name, &SampleIdentity::name);
  return there->digest == first.digest ? fmt::format("both saw the sample '{}'", first.name)
                                       : fmt::format("two different samples are called '{}'", first.name);
}

/// All shards of both. Given: they can be merged.
Shards joined(const Shards& a, const Shards& b) {
  if (a.all()) return b;
  if (b.all()) return a;
  Shards both{a.of, {}};
  std::set_union(a.present.begin(), a.present.end(), b.present.begin(), b.present.end(),
                 std::back_inserter(both.present));
  return both.present.size() == both.of ? Shards{} : both;
}

/// Why they are no parts of one whole; empty: they are.
std::string shards_that_do_not_fit(const Shards& a, const Shards& b) {
  if (a.all() || b.all()) return "";
  std::vector<std::uint64_t> twice;
  std::set_intersection(a.present.begin(), a.present.end(), b.present.begin(), b.present.end(),
                        std::back_inserter(twice));
  if (a.of == b.of && twice.empty()) return "";
  if (a.of == b.of) {
    return fmt::format("{} {} there twice", to_text(Shards{a.of, twice}), twice.size() == 1 ? "is" : "are");
  }
  return fmt::format("they are no parts of one whole: {}; {}", to_text(a), to_text(b));
}

std::optional<std::string> difference(const Statistics& a, const Statistics& b) {
  if (a.model_digest != b.model_digest) {
    return fmt::format("they are of two models: {} ({}) and {} ({})", a.model, a.model_digest, b.model,
                       b.model_digest);
  }
  if (a.preprocessing != b.preprocessing) {
    const auto words = [](const std::string& text) { return text.empty() ? "none" : text; };
    return fmt::format("the samples were preprocessed differently: {}; {}", words(a.preprocessing),
                       words(b.preprocessing));
  }
  if (a.histograms != b.histograms) return "only one of them has histograms";
  if (a.channels != b.channels) return "only one of them has statistics by channel";
  if (const std::string tensor = tensor_of_one(a, b); !tensor.empty()) {
    return fmt::format("only one of them observed the tensor '{}'", tensor);
  }
  if (const std::string tensor = tensor_of_one_by_sample(a, b); !tensor.empty()) {
    return fmt::format("only one of them has the ranges of channels of '{}' in single samples", tensor);
  }
  if (std::string why = shards_that_do_not_fit(a.shards, b.shards); !why.empty()) return why;
  if (std::string why = sample_in_both(a, b); !why.empty()) return why;
  return std::nullopt;
}

}  // namespace

std::string to_text(const Shards& shards) {
  if (shards.all()) return "";
  std::string text = shards.present.size() == 1 ? "shard " : "shards ";
  for (std::size_t i = 0; i < shards.present.size(); ++i) {
    const bool last = i + 1 == shards.present.size();
    text += fmt::format("{}{}", i == 0 ? "" : last ? " and " : ", ", shards.present[i]);
  }
  return fmt::format("{} of {}", text, shards.of);
}

double ChannelStatistics::mean(std::size_t channel) const {
  return count == 0 ? 0.0 : sum[channel].value() / static_cast<double>(count);
}

void ChannelStatistics::merge(const ChannelStatistics& other) {
  if (other.channels() == 0) return;
  if (channels() == 0) {
    *this = other;
    return;
  }
  for (std::size_t c = 0; c < sum.size(); ++c) {
    min[c] = std::min(min[c], other.min[c]);
    max[c] = std::max(max[c], other.max[c]);
    sum[c].merge(other.sum[c]);
  }
  count += other.count;
}

void ChannelRanges::merge(const ChannelRanges& other) {
  if (min.empty()) *this = other;
  for (std::size_t c = 0; c < other.min.size(); ++c) {
    min[c] = std::min(min[c], other.min[c]);
    max[c] = std::max(max[c], other.max[c]);
  }
}

Range TensorStatistics::range() const {
  Range all;
  for (const Range& sample : by_sample) all.merge(sample);
  return all;
}

std::optional<ChannelStatistics> merged(std::optional<ChannelStatistics> a,
                                        const std::optional<ChannelStatistics>& b) {
  if (!a || !b) return std::nullopt;
  if (a->channels() > 0 && b->channels() > 0 && a->channels() != b->channels()) return std::nullopt;
  a->merge(*b);
  return a;
}

std::optional<std::string> merge(Statistics& all, const Statistics& more) {
  if (auto why = difference(all, more)) return why;
  all.shards = joined(all.shards, more.shards);
  all.samples.insert(all.samples.end(), more.samples.begin(), more.samples.end());
  std::vector<std::size_t> order(all.samples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return all.samples[a].name < all.samples[b].name; });
  const auto in_order = [&](auto& rows) {
    auto sorted = rows;
    for (std::size_t i = 0; i < order.size(); ++i) sorted[i] = std::move(rows[order[i]]);
    rows = std::move(sorted);
  };
  in_order(all.samples);
  for (std::size_t i = 0; i < all.tensors.size(); ++i) {
    TensorStatistics& tensor = all.tensors[i];
    const TensorStatistics& other = more.tensors[i];
    tensor.by_sample.insert(tensor.by_sample.end(), other.by_sample.begin(), other.by_sample.end());
    in_order(tensor.by_sample);
    if (!tensor.channels_by_sample.empty()) {
      tensor.channels_by_sample.insert(tensor.channels_by_sample.end(), other.channels_by_sample.begin(),
                                       other.channels_by_sample.end());
      in_order(tensor.channels_by_sample);
    }
    tensor.histogram.merge(other.histogram);
    tensor.channels = merged(std::move(tensor.channels), other.channels);
  }
  return std::nullopt;
}

}  // namespace qprep
