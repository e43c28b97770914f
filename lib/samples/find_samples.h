#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "samples/sample_file.h"
#include "support/diagnostics.h"

namespace qprep {

struct ListedFile {
  std::string name;  // of the sample, as the list has it
  std::string path;
  Where where = {};  // in the list
};

/// What a configuration names as its samples.
struct SamplePlace {
  std::string name;               // of a folder or list file, for messages; a folder if `files` is empty
  std::vector<ListedFile> files;  // each is a sample, or a folder that is one
};

struct FoundSample {
  std::string name;
  std::vector<StoredTensor> tensors;  // one for each of FoundSamples::inputs; a state's may have no file
};

struct FoundSamples {
  std::vector<std::size_t> inputs;   // places in the list of inputs: those that are fed
  std::vector<FoundSample> samples;  // by their names, which are unique
};

/// Which files are which sample, as docs/samples.md, "Where they lie", has it. What is wrong goes to
/// `diagnostics` as errors, what is left out as warnings; nothing is read but directories and, of .pb files,
/// names. May throw Fatal for a place that cannot be read.
FoundSamples find_samples(const SamplePlace& place, std::span<const SampleInput> inputs,
                          const ProtoReader& protos, Diagnostics& diagnostics);

/// The files that a list names, a path a line, relative to it; empty lines and those that begin with '#' name
/// none. Fatal: it cannot be read, or names nothing.
std::vector<ListedFile> read_list(const std::string& file);

/// Enough to see what is wrong with a thousand files.
inline constexpr std::size_t kMostFindings = 8;
/// Adds the first of the findings, no more than these, and how many there are besides.
void add_some(const std::vector<Diagnostic>& findings, Diagnostics& diagnostics);

}  // namespace qprep
