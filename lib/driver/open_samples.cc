#include "driver/open_samples.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "driver/adapt_sample.h"
#include "driver/sample_place.h"
#include "onnx_io/read_tensor_file.h"
#include "runtime/port.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

std::vector<RawInput> raw_inputs(const CalibrationConfig& config, std::span<const PreparedInput> inputs) {
  std::vector<RawInput> raw;
  for (std::size_t i = 0; i < inputs.size() && i < config.raw.size(); ++i) {
    const InputPreprocessing& spec = inputs[i].spec;
    RawInput input;
    input.port.name = inputs[i].value->name();
    input.port.type = inputs[i].sample;
    input.folder = config.raw[i].folder;
    input.bytes = config.raw[i].bytes;
    if (spec.is_picture()) {
      input.promise = Promise{0, 255, "pictures before mean and scale have",
                              doubt_about(spec.mean, spec.scale), spec.where};
    }
    input.adapt = [spec](const Tensor& sample) { return adapt_sample(sample, spec); };
    raw.push_back(std::move(input));
  }
  return raw;
}

std::string_view word_of(Colour colour) {
  switch (colour) {
    case Colour::kRgb:
      return "rgb";
    case Colour::kBgr:
      return "bgr";
    case Colour::kYuv444:
      return "yuv444";
    case Colour::kGray:
      return "gray";
    case Colour::kFeatureMap:
      break;
  }
  return "featuremap";
}

/// "nv12 for bgr NHWC, mean 128, scale 0.0078125".
std::string text_of(const InputPreprocessing& spec) {
  std::string text = fmt::format("{} {} for {} {}", spec.fed_word, spec.fed_nhwc ? "NHWC" : "NCHW",
                                 word_of(spec.trained), spec.trained_nhwc ? "NHWC" : "NCHW");
  if (spec.video_range) text += ", video range";
  if (!spec.mean.empty()) text += fmt::format(", mean {}", fmt::join(spec.mean, " "));
  if (!spec.scale.empty()) text += fmt::format(", scale {}", fmt::join(spec.scale, " "));
  return text;
}

}  // namespace

namespace {

NamedTensor read_proto(const std::string& file) {
  TensorFile read = read_tensor_file(file);
  return {std::move(read.name), std::move(read.tensor)};
}

/// Why that output cannot become that input, each reason; empty: it can.
std::vector<std::string> unlinked(const Model& model, const StateLink& link,
                                  std::span<const SampleInput> inputs) {
  std::vector<std::string> outputs, names;
  const Value* from = nullptr;
  for (const Value* output : model.graph->outputs()) {
    outputs.push_back(output->name());
    if (output->name() == link.output) from = output;
  }
  const SampleInput* to = nullptr;
  for (const SampleInput& input : inputs) {
    names.push_back(input.port.name);
    if (input.port.name == link.input) to = &input;
  }
  std::vector<std::string> unknown;
  if (!from) {
    unknown.push_back(fmt::format("the model has no output '{}'{}; its outputs are '{}'", link.output,
                                  did_you_mean(link.output, outputs), join(outputs, "', '")));
  }
  if (!to) {
    unknown.push_back(fmt::format("the model has no input '{}'{}; its inputs are '{}'", link.input,
                                  did_you_mean(link.input, names), join(names, "', '")));
  }
  if (!from || !to) return unknown;
  const Type &made = from->type(), &taken = to->port.type;
  bool fits = made.kind == taken.kind && made.dtype == taken.dtype;
  if (fits && made.shape && taken.shape) {
    fits = made.shape->size() == taken.shape->size();
    for (std::size_t i = 0; fits && i < taken.shape->size(); ++i) {
      const Dim &a = made.shape->at(i), &b = taken.shape->at(i);
      fits = !a.known() || !b.known() || a.size == b.size;
    }
  }
  if (fits) return {};
  return {fmt::format("the output '{}' is {}, and the input '{}' takes {}", link.output, to_text(made),
                      link.input, to_text(taken))};
}

/// Links of which no sample has a second step.
void warn_of_idle_state(const SampleSet& samples, const std::vector<StateLink>& links,
                        Diagnostics& diagnostics) {
  if (links.empty() || samples.size() == 0) return;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples.steps(i) > 1) return;
  }
  diagnostics.warning(
      codes::kNoEffect,
      fmt::format("'calibration.state' hands nothing on: every sample is a single step, so '{}' is what its "
                  "file holds, or zeros; steps are a leading axis of the other inputs' arrays",
                  links.front().input),
      links.front().where);
}

std::vector<SampleInput> inputs_of(const Model& model, const CalibrationConfig& config) {
  std::vector<SampleInput> inputs;
  std::vector<std::string> names;
  for (Port& port : input_ports(model)) {
    names.push_back(port.name);
    inputs.push_back({std::move(port), {}});
  }
  Diagnostics findings;
  for (const SampleSpec& spec : config.inputs) {
    const auto named = std::find(names.begin(), names.end(), spec.input);
    if (named == names.end()) {
      findings.error(codes::kNoMatch,
                     fmt::format("the model has no input '{}'{}; its inputs are '{}'", spec.input,
                                 did_you_mean(spec.input, names), join(names, "', '")),
                     spec.where);
    } else {
      inputs[static_cast<std::size_t>(named - names.begin())].spec = spec;
    }
  }
  for (const StateLink& link : config.state) {
    const std::vector<std::string> reasons = unlinked(model, link, inputs);
    for (const std::string& why : reasons) findings.error(codes::kNoMatch, why, link.where);
    if (!reasons.empty()) continue;
    const auto named = std::find(names.begin(), names.end(), link.input);
    SampleInput& state = inputs[static_cast<std::size_t>(named - names.begin())];
    state.is_state = true;
    state.state_where = link.where;
  }
  findings.throw_if_error();
  return inputs;
}

}  // namespace

SampleSet open_samples(const Model& model, const CalibrationConfig& config,
                       std::span<const PreparedInput> inputs, Diagnostics& diagnostics) {
  if (std::vector<Diagnostic> missing = missing_places(config); !missing.empty())
    throw Fatal(std::move(missing));
  if (!config.raw.empty()) return SampleSet::open_raw(raw_inputs(config, inputs), diagnostics);
  SampleSet samples = SampleSet::open(place_of(config), inputs_of(model, config), read_proto, diagnostics);
  warn_of_idle_state(samples, config.state, diagnostics);
  return samples;
}

std::map<std::string, std::string> preprocessing_by_input(const CalibrationConfig& config,
                                                          std::span<const PreparedInput> inputs) {
  std::map<std::string, std::string> texts;
  for (std::size_t i = 0; i < inputs.size() && i < config.raw.size(); ++i) {
    texts.emplace(inputs[i].value->name(), text_of(inputs[i].spec));
  }
  for (const SampleSpec& spec : config.inputs) {
    if (spec.picture) texts.emplace(spec.input, "pictures: " + to_text(*spec.picture));
  }
  for (const StateLink& link : config.state) {
    texts.emplace(link.input, fmt::format("'{}' of the step before", link.output));
  }
  return texts;
}

std::string preprocessing_text(const CalibrationConfig& config, std::span<const PreparedInput> inputs) {
  std::string all;
  for (const auto& [input, text] : preprocessing_by_input(config, inputs)) {
    all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", input, text);
  }
  return all;
}

}  // namespace qprep
