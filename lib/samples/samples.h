#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "runtime/port.h"
#include "runtime/session.h"
#include "samples/judge_samples.h"
#include "samples/raw_samples.h"
#include "support/diagnostics.h"

namespace qprep {

/// One sample, in memory: a tensor for each input of the model.
struct Sample {
  Feeds feeds;
  std::vector<Diagnostic> findings;  // NaN or infinity in a file
  SampleFacts facts;                 // of what is fed, and of what stands in the files
};

/// A folder of samples as docs/samples.md describes it: index.json and a folder of .npy files for each input,
/// or one folder named as each input, or plain .npy files for a model of one input. The files of one sample
/// share their name.
class SampleSet {
 public:
  /// Reads the folder and every file's header; no data. Throws Fatal with all that is wrong: a missing folder
  /// or file, another dtype or fixed size than the input has, an empty folder. Files that are not samples:
  /// warnings.
  static SampleSet open(const std::string& folder, std::span<const Port> inputs, Diagnostics& diagnostics);

  /// The same for a folder for each input as the vendor's tools take them; the files of one sample share
  /// their name but for the extension.
  static SampleSet open_raw(std::span<const RawInput> inputs, Diagnostics& diagnostics);

  /// Every `count`th sample from number `share` on, so that the shares 0 to count - 1 are all of them, each
  /// once. Given: share < count.
  SampleSet share(std::size_t share, std::size_t count) const;

  std::size_t size() const { return names_.size(); }
  /// The file name that sample i has for every input, "0003.npy"; samples are in the order of these names.
  const std::string& name(std::size_t i) const { return names_.at(i); }
  const std::string& folder() const { return folder_; }
  /// The inputs that are fed.
  std::vector<Port> inputs() const;
  /// By input: what the numbers of its files are promised to be.
  std::map<std::string, Promise> promises() const;
  /// Sample i from disk. May be called from many threads at once.
  Sample load(std::size_t i) const;
  /// The file of sample i for an input of inputs().
  std::string file(std::size_t i, std::size_t input) const;

 private:
  struct Input {
    Port port;
    std::string folder;              // with the path
    std::optional<RawInput> raw;     // of open_raw
    std::vector<std::string> files;  // likewise: the name of each sample
  };
  SampleSet() = default;

  std::string folder_;
  std::vector<Input> inputs_;
  std::vector<std::string> names_;
};

}  // namespace qprep
