#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quant/scale.h"
#include "statistics/digest.h"
#include "statistics/exact_sum.h"
#include "statistics/value_histogram.h"

/// What calibration keeps of the tensors of a model. Everything in here merges exactly: what several runs
/// saw, each of a part of the samples, is what one run of all of them would have seen, whatever the order,
/// the number of threads and the parts.
namespace qprep {

/// Of the slices of a tensor along one axis, its channels.
struct ChannelStatistics {
  std::vector<float> min, max;  // of the finite elements; min > max: none was seen
  std::vector<ExactSum> sum;    // of the finite elements
  std::uint64_t count = 0;      // elements of each channel that were seen

  std::size_t channels() const { return sum.size(); }
  /// The mean of one channel's elements; 0 if none was seen.
  double mean(std::size_t channel) const;
  /// Given: one of them has seen nothing, or they have as many channels.
  void merge(const ChannelStatistics& other);

  friend bool operator==(const ChannelStatistics&, const ChannelStatistics&) = default;
};

/// Of the channels of a tensor in one sample; min and max are as long. Empty: they are not known.
struct ChannelRanges {
  std::vector<float> min, max;

  /// Given: `other` is empty, or has as many channels.
  void merge(const ChannelRanges& other);
  friend bool operator==(const ChannelRanges&, const ChannelRanges&) = default;
};

struct TensorStatistics {
  std::string name;
  std::vector<Range> by_sample;  // in the order of Statistics::samples
  ValueHistogram histogram;      // of the finite elements; empty unless it was wanted
  /// The axis of the channels, from the front (0, 1, ...) or from the back (-1).
  std::int64_t channel_axis = 1;
  /// none: not wanted, or the tensor has no such axis, or its size differs from sample to sample.
  std::optional<ChannelStatistics> channels;
  /// In the order of the samples; empty: not wanted.
  std::vector<ChannelRanges> channels_by_sample;

  /// Of all samples.
  Range range() const;

  friend bool operator==(const TensorStatistics&, const TensorStatistics&) = default;
};

struct SampleIdentity {
  std::string name;  // "0003.npy"
  Digest digest;     // of what the model was fed

  friend bool operator==(const SampleIdentity&, const SampleIdentity&) = default;
};

/// Where samples were parted in shards: those that are here.
struct Shards {
  std::uint64_t of = 1;                // so many there are
  std::vector<std::uint64_t> present;  // from 1 on, ascending; empty: all

  bool all() const { return present.empty(); }
  friend bool operator==(const Shards&, const Shards&) = default;
};
/// "shard 3 of 8", "shards 1, 2 and 5 of 8"; empty: all.
std::string to_text(const Shards& shards);

/// What was observed of one model over some samples.
struct Statistics {
  std::string model;          // its file's name, for messages
  Digest model_digest;        // of its file and the files of its external data
  std::string preprocessing;  // what was done to the samples before the model saw them; empty: nothing
  bool histograms = false;
  bool channels = false;
  Shards shards;
  std::vector<SampleIdentity> samples;    // in the order of their names
  std::vector<TensorStatistics> tensors;  // in graph order; names are unique

  friend bool operator==(const Statistics&, const Statistics&) = default;
};

/// Channels of one tensor that were observed apart. Result: none if either is none, or if their numbers
/// differ.
std::optional<ChannelStatistics> merged(std::optional<ChannelStatistics> a,
                                        const std::optional<ChannelStatistics>& b);

/// Adds what another run saw of other samples. Result: nullopt, or why the two do not belong together, in
/// which case nothing was changed: "they are of two models: ...".
std::optional<std::string> merge(Statistics& all, const Statistics& more);

}  // namespace qprep
