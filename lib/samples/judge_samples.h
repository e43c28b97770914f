#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "samples/tensor_facts.h"
#include "support/diagnostics.h"

/// What is odd about samples that fit the model. docs/samples.md, "Warnings", has the rules.
namespace qprep {

/// The numbers that an input gets, as its preprocessing says.
struct Promise {
  double low = 0, high = 0;
  std::string because;     // "mean and scale promise"
  std::string doubt = {};  // of doubt_about
  Where where = {};        // what says mean and scale; no file: nothing does
};

/// Why (byte - mean) * scale makes of the pixels 0 to 255 what no network is fed, and what was probably
/// meant: a sentence; empty: it does not. Given: each has a number for each channel, one for all, or none (0,
/// 1).
std::string doubt_about(const std::vector<double>& mean, const std::vector<double>& scale);

/// One input of one sample.
struct InputFacts {
  TensorFacts fed;                     // what the model gets
  std::optional<TensorFacts> in_file;  // what the file holds, where that is something else
  std::string file;
  bool preprocessed = false;  // it was made by the preprocessing of which the promise is
};

/// Of what stands in the file.
const TensorFacts& stored(const InputFacts& facts);

/// By the name of an input.
using SampleFacts = std::map<std::string, InputFacts>;

/// A warning (bad-sample) where there are fewer samples than scales can be trusted of. `where`: the samples.
void judge_count(std::size_t samples, const std::string& where, Diagnostics& diagnostics);

/// Warnings (bad-sample): samples that are all the same, and ranges that are not what the preprocessing or
/// the other samples promise. `digests`: of what the model gets, one a sample, or none.
/// `where`: the samples.
void judge_samples(std::span<const SampleFacts> samples, std::span<const std::string> digests,
                   const std::map<std::string, Promise>& promises, const std::string& where,
                   Diagnostics& diagnostics);

}  // namespace qprep
