#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "plan/method_search.h"
#include "quant/scale.h"

namespace qprep {

/// A tensor whose scale comes from samples.
struct CalibratedTensor {
  std::string name;
  std::string dtype;             // "qint8"
  float min = 0, max = 0;        // of what the samples gave it
  float low = 0, high = 0;       // what its integers cover
  std::string method;            // "mse", "percentile 99.99"
  std::optional<double> signal;  // its mean square; none: the samples' histogram was not kept
  double noise = 0;              // the mean square of what quantising does to it; known if `signal` is
  /// Of each channel, what its integers cover: it has a scale of its own. Empty: the tensor has one scale.
  std::vector<ChannelEnds> channels = {};
  std::vector<float> scales = {};  // of the channels

  /// 10 log10(signal / noise), in dB; nullopt: it is not known, or nothing is lost.
  std::optional<double> sqnr() const;
};

/// A method that was tried on the whole model, and how far the results of samples were from the float
/// model's.
struct MethodTrial {
  std::string method;
  ResultFigures figures = {};
  std::size_t samples = 0;      // that were compared
  bool corrects_biases = true;  // where they are to be; false: they are tried as they were
  bool per_channel = false;     // with a scale for each channel of activations where the search found both
};

/// A layer with quantised weights whose bias does not make up for their rounding.
struct UncorrectedBias {
  std::string layer, because;
};

struct Calibrated {
  std::size_t samples = 0;
  std::vector<CalibratedTensor> tensors;  // in graph order
  std::size_t layers = 0;                 // with quantised weights; 0: no bias was to be corrected
  std::vector<std::string> corrected;  // those of them whose biases make up for the rounding of the weights
  std::vector<UncorrectedBias> not_corrected;  // the others
  std::vector<std::string> rounded;  // layers whose weights were rounded with regard to what they read
  std::vector<MethodTrial> trials;   // of method auto, the nearest by `metric` won; else of the one method
  bool searched = false;             // method auto
  bool could_measure = false;        // the sensitivity, which accuracy may need
  bool in_integers = false;          // a form is written of which ONNX Runtime makes integers
  ResultMetric metric = ResultMetric::kCosineSimilarity;
  std::vector<std::string> results;  // the tensors that were compared
  std::string without_samples;  // what method auto took where it had statistics alone; empty: it had samples

  bool any() const { return !tensors.empty(); }
  /// The trial that won; null: none was made.
  const MethodTrial* best() const;
};

/// "mse, biases as they were, best of 6 methods: cosine similarity 0.999812, signal to error 24.31 dB", with
/// the words and figures of the table; "mse: cosine similarity ..." of a method that is not auto; what method
/// auto took without a comparison; empty: nothing was compared.
std::string method_line(const Calibrated& calibrated);
/// A sentence with the methods, and a table of the tensors that lose the most; empty: nothing was calibrated.
std::string to_text(const Calibrated& calibrated);
nlohmann::ordered_json to_json(const CalibratedTensor& tensor);
nlohmann::ordered_json to_json(const MethodTrial& trial);
nlohmann::ordered_json to_json(const UncorrectedBias& layer);

}  // namespace qprep
