#pragma once

#include <cstddef>
#include <map>
#include <memory>
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
  Feeds feeds;                       // of the first step, with the first states
  std::vector<Feeds> later;          // of the steps after it, without states
  std::vector<Diagnostic> findings;  // NaN or infinity in a file
  SampleFacts facts;                 // of what is fed, and of what stands in the files
};

/// The samples of a model, as docs/samples.md describes them.
class SampleSet {
 public:
  /// Finds the files and reads every file's header; no data. An array with a leading axis, where the model
  /// has a batch of 1, is so many samples, "a.npy#0" and so on; where an input is a state, so many steps of
  /// one. Throws Fatal with all that is wrong: a missing folder or file, another dtype or fixed size than the
  /// input has, a picture that cannot be prepared as its input wants it, an empty folder. Files that are not
  /// samples: warnings.
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
  /// How many times the model runs for sample i.
  std::int64_t steps(std::size_t i) const { return samples_.at(i).steps; }
  /// Sample i from disk. May be called from many threads at once.
  Sample load(std::size_t i) const;

 private:
  /// How a tensor's file holds the steps or samples that it is of.
  struct Fit {
    std::int64_t parts = 0;  // along its first axis; 0: it is one, for all steps
    bool drops_axis = false;
    bool is_picture = false;  // or bytes of one: it is prepared as the input wants it
  };
  struct Entry {
    std::string name;
    std::vector<StoredTensor> tensors;  // of inputs_
    std::int64_t steps = 1;
    std::vector<Fit> fits;  // of more than one step: likewise
  };
  struct Input {
    SampleInput input;
    std::optional<RawInput> raw;          // of open_raw
    std::optional<PictureTarget> target;  // of inputs that take pictures
    bool has_pictures = false;
  };
  SampleSet() = default;

  Fit fit_of(const StoredTensor& stored, const Input& input) const;
  void check_one(const StoredTensor& stored, const Input& input, const TensorHeader& header) const;
  void add(FoundSample sample);
  std::vector<Tensor> load(const Entry& entry, std::size_t input, InputFacts& facts) const;
  Tensor prepared(Tensor tensor, const StoredTensor& stored, const Input& input, InputFacts& facts) const;

  std::string folder_;
  std::vector<Input> inputs_;
  bool has_steps_ = false;  // a leading axis is steps of one sample, not samples
  std::vector<Entry> samples_;
  ProtoReader protos_;
  std::shared_ptr<PartReader> parts_ = std::make_shared<PartReader>();
};

/// judge_count of these; where samples are sequences, it is said how many steps they are.
void judge_count(const SampleSet& samples, Diagnostics& diagnostics);

}  // namespace qprep
