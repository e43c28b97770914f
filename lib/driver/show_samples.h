#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "driver/prepare.h"
#include "samples/tensor_facts.h"
#include "support/diagnostics.h"

/// `qprep samples show` as a function: what calibration would feed to a model, without running it.
namespace qprep {

struct SamplesOptions {
  std::filesystem::path model;    // empty: the one that the configuration names
  std::string config;             // a file
  std::filesystem::path configs;  // the folder that holds op_classes.yaml and its like
  std::filesystem::path save;     // a folder for what the model is fed, as .npy files; empty: none
  int threads = 0;                // 0 = as many as the machine has
  Progress progress;              // may be empty
};

/// One input of the model, over all samples.
struct ShownInput {
  std::string name;
  std::string takes;                // what the model says: "float32[1,3,224,224]"
  std::string place;                // the folder of its files; empty: it has none
  DType dtype = DType::kUndefined;  // of what it is fed
  std::vector<Dims> shapes;         // those that occur, sorted
  std::string layout;               // "NCHW", "NHWC"; empty: no picture
  Spread range;
  std::vector<Spread> channels;     // of pictures with 2 to 4 channels in every sample
  std::int64_t not_finite = 0;      // elements
  std::string preprocessing;        // in words; empty: the numbers are fed as they stand in the files
  bool idle_preprocessing = false;  // it is configured, and no file is what it prepares
  std::string state;                // a state without files: the output that the later steps feed to it
};

struct ShownSamples {
  std::string model;
  std::string place;                              // what calibration.data names
  std::vector<std::string> names;                 // of all samples, in the order of calibration
  std::int64_t fewest_steps = 0, most_steps = 0;  // of a sample
  std::vector<ShownInput> inputs;
};

/// Reads every sample. Diagnostics: all warnings that calibration would have of them. Throws Fatal for what
/// it would refuse.
ShownSamples show_samples(const SamplesOptions& options, Diagnostics& diagnostics);

std::string to_text(const ShownSamples& shown);
nlohmann::ordered_json to_json(const ShownSamples& shown);

}  // namespace qprep
