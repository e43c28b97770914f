#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "runtime/session.h"
#include "samples/samples.h"
#include "statistics/digest.h"

/// Several samples in one run of a model, a stack: each input has those of all samples, one behind the other
/// along its first axis.
namespace qprep {

/// What a model is fed for all of `samples` at once; or why they are no stack: "the samples have several
/// steps". Given: at least one.
std::variant<Feeds, std::string> stacked(std::span<const Sample> samples);

/// Where the samples of a stack lie in a tensor that the model computes.
struct StackedTensor {
  std::vector<std::int64_t> dims;   // of one sample
  std::optional<std::size_t> axis;  // along which one follows the other; nullopt: all share the elements

  friend bool operator==(const StackedTensor&, const StackedTensor&) = default;
};

/// Of a tensor that has sizes `one` for one sample and `all` for `count`. Result: nullopt unless they are
/// the same, or one axis has `count` times the size.
std::optional<StackedTensor> stacked_tensor(std::span<const std::int64_t> one,
                                            std::span<const std::int64_t> all, std::size_t count);

/// The elements of sample k of `count`. `room`: where they go if they do not lie together.
std::span<const float> sample_of_stack(std::span<const float> elements, const StackedTensor& tensor,
                                       std::size_t k, std::size_t count, std::vector<float>& room);

/// Finds out whether a model computes of samples at once, bit for bit, what it computes of each by itself.
/// That is more than that it keeps them apart: sums of floats depend on their order, and a runtime may choose
/// another for other sizes. It is the same for other samples of these sizes, unless what the model does
/// with one depends on the others' numbers.
class StackTrial {
 public:
  StackTrial(std::size_t tensors, std::size_t samples);

  /// What the run of sample k alone makes. May be called from many threads at once, for different samples.
  void see_one(std::size_t tensor, std::size_t k, std::span<const std::int64_t> dims,
               std::span<const float> elements);
  /// What the run of all makes. Given: every sample was run.
  void see_all(std::size_t tensor, std::span<const std::int64_t> dims, std::span<const float> elements);

  /// By tensor; nullopt: it was not computed.
  using Layout = std::vector<std::optional<StackedTensor>>;
  struct Difference {
    std::size_t tensor = 0;
    std::string what;  // "has other bits than of each by itself"
  };
  /// Where the samples lie, or the first tensor that is not the same.
  std::variant<Layout, Difference> verdict() const;

 private:
  struct Seen {
    std::vector<std::int64_t> dims;
    Digest digest;  // of the elements; empty: not computed
  };
  std::size_t samples_;
  std::vector<std::vector<Seen>> one_;  // by tensor and sample
  Layout layout_;
  std::vector<std::string> differences_;  // by tensor; empty: none
};

}  // namespace qprep
