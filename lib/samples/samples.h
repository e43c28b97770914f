#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/port.h"
#include "runtime/session.h"
#include "samples/find_samples.h"
#include "samples/judge_samples.h"
#include "samples/raw_samples.h"
#include "samples/sample_file.h"
#include "support/diagnostics.h"

namespace qprep {

/// One sample, in memory: a tensor for each input of the model.
struct Sample {
  Feeds feeds;
  std::vector<Diagnostic> findings;  // NaN or infinity in a file
  SampleFacts facts;                 // of what is fed, and of what stands in the files
};

/// The samples of a model, as docs/samples.md describes them.
class SampleSet {
 public:
  /// Finds the files and reads every file's header; no data. Throws Fatal with all that is wrong: a missing
  /// folder or file, another dtype or fixed size than the input has, a picture that cannot be prepared as its
  /// input wants it, an empty folder. Files that are not samples: warnings.
  static SampleSet open(const SamplePlace& place, std::span<const SampleInput> inputs, ProtoReader protos,
                        Diagnostics& diagnostics);
  /// The same for a folder, inputs without a preprocessing, and no .pb files.
  static SampleSet open(const std::string& folder, std::span<const Port> inputs, Diagnostics& diagnostics);

  /// The same for a folder for each input as the vendor's tools take them; the files of one sample share
  /// their name but for the extension.
  static SampleSet open_raw(std::span<const RawInput> inputs, Diagnostics& diagnostics);

  /// Every `count`th sample from number `share` on, so that the shares 0 to count - 1 are all of them, each
  /// once. Given: share < count.
  SampleSet share(std::size_t share, std::size_t count) const;

  std::size_t size() const { return samples_.size(); }
  /// What sample i is called, "0003.npy"; samples are in the order of these names.
  const std::string& name(std::size_t i) const { return samples_.at(i).name; }
  /// What the configuration names as samples: a folder or a list.
  const std::string& folder() const { return folder_; }
  /// The inputs that are fed.
  std::vector<Port> inputs() const;
  /// By input: what the numbers of its files are promised to be.
  std::map<std::string, Promise> promises() const;
  /// The file of sample i for an input of inputs().
  const std::string& file(std::size_t i, std::size_t input) const {
    return samples_.at(i).tensors.at(input).file;
  }
  /// Sample i from disk. May be called from many threads at once.
  Sample load(std::size_t i) const;

 private:
  struct Input {
    SampleInput input;
    std::optional<RawInput> raw;          // of open_raw
    std::optional<PictureTarget> target;  // of inputs that take pictures
  };
  SampleSet() = default;

  static void check(const StoredTensor& stored, const Input& input, const ProtoReader& protos);
  Tensor load(const StoredTensor& stored, const Input& input, InputFacts& facts) const;

  std::string folder_;
  std::vector<Input> inputs_;
  std::vector<FoundSample> samples_;  // tensors: of inputs_
  ProtoReader protos_;
};

}  // namespace qprep
