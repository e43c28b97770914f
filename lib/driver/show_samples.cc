#include "driver/show_samples.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "analysis/sample_digest.h"
#include "config/quote.h"
#include "driver/configured_model.h"
#include "driver/fix_sizes.h"
#include "driver/open_samples.h"
#include "driver/rules.h"
#include "onnx_io/infer_shapes.h"
#include "report/page.h"
#include "samples/npy.h"
#include "samples/sample_layout.h"
#include "support/atomic_file.h"
#include "support/codes.h"
#include "support/parallel.h"

namespace qprep {
namespace {

constexpr std::size_t kMostShapes = 4;

std::string number(double x) { return fmt::format("{:.5g}", x); }

void save(const std::filesystem::path& folder, const std::string& name, const Feeds& feeds) {
  for (const auto& [input, tensor] : feeds) {
    const std::filesystem::path file = folder / folder_name(input) / (name + ".npy");
    std::error_code failed;  // AtomicFile says it
    std::filesystem::create_directories(file.parent_path(), failed);
    AtomicFile saved(file, false);
    saved.write(npy_bytes(tensor));
    saved.commit();
  }
}

/// Saves what the model is fed, a folder for each input; of several steps, a file for each.
void save(const std::filesystem::path& folder, const std::string& sample_name, const Sample& sample) {
  std::string name = folder_name(sample_name);
  if (name.ends_with(".npy")) name.resize(name.size() - 4);
  const std::size_t digits = std::to_string(sample.later.size()).size();
  const auto of_step = [&](std::size_t step) { return fmt::format("{}.{:0{}}", name, step, digits); };
  save(folder, sample.later.empty() ? name : of_step(0), sample.feeds);
  for (std::size_t i = 0; i < sample.later.size(); ++i) save(folder, of_step(i + 1), sample.later[i]);
}

std::string layout_of(const Dims& dims) {
  const std::optional<std::size_t> axis = colour_axis(dims);
  return !axis ? "" : *axis == 1 ? "NCHW" : "NHWC";
}

ShownInput summary(const std::string& input, const std::vector<SampleFacts>& samples) {
  ShownInput shown;
  shown.name = input;
  std::set<Dims> shapes;
  bool same_channels = true;
  for (const SampleFacts& sample : samples) {
    const TensorFacts& fed = sample.at(input).fed;
    shown.dtype = fed.dtype;
    shapes.insert(fed.dims);
    shown.range.merge(fed.all);
    shown.not_finite += fed.not_finite;
    if (shown.channels.empty() && shapes.size() == 1) shown.channels.resize(fed.channels.size());
    same_channels = same_channels && shown.channels.size() == fed.channels.size();
    for (std::size_t c = 0; same_channels && c < fed.channels.size(); ++c)
      shown.channels[c].merge(fed.channels[c]);
  }
  if (!same_channels) shown.channels.clear();
  shown.shapes.assign(shapes.begin(), shapes.end());
  if (!shown.shapes.empty()) shown.layout = layout_of(shown.shapes.front());
  return shown;
}

std::string shapes_text(const ShownInput& input) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < std::min(kMostShapes, input.shapes.size()); ++i) {
    texts.push_back(fmt::format("[{}]", fmt::join(input.shapes[i], ",")));
  }
  std::string text = fmt::format("{}", fmt::join(texts, " "));
  if (input.shapes.size() > kMostShapes)
    text += fmt::format(" and {} more", input.shapes.size() - kMostShapes);
  return text;
}

nlohmann::ordered_json to_json(const Spread& spread) {
  if (!spread.seen()) return nullptr;
  return {{"min", spread.min}, {"max", spread.max}, {"mean", spread.mean()}};
}

/// The output that becomes this input in the next step; empty: it is no state.
std::string state_output(const CalibrationConfig& calibration, const std::string& input) {
  const auto link = std::ranges::find(calibration.state, input, &StateLink::input);
  return link == calibration.state.end() ? "" : link->output;
}

}  // namespace

ShownSamples show_samples(const SamplesOptions& options, Diagnostics& diagnostics) {
  Config config = read_config(options.config);
  for (const Diagnostic& remark : config.remarks) diagnostics.add(remark);
  if (!config.calibration || (config.calibration->data.empty() && config.calibration->raw.empty())) {
    throw Fatal(codes::kMissingKey, "no samples are named: 'calibration.data' is their folder",
                {options.config});
  }
  const std::filesystem::path model = model_file(config, options.model);
  const Rules rules = Rules::read(options.configs, config);
  OnnxFile file = read_onnx(model, diagnostics);
  fix_sizes(file.model, config.dims, false, diagnostics);
  infer_shapes(file, diagnostics);
  const std::vector<PreparedInput> prepared = configure_model(config, file, rules.op_classes, diagnostics);
  const SampleSet samples = open_samples(file.model, *config.calibration, prepared, diagnostics);
  judge_count(samples, diagnostics);

  std::vector<SampleFacts> facts(samples.size());
  std::vector<Digest> digests(samples.size());
  std::vector<std::vector<Diagnostic>> findings(samples.size());
  std::mutex mutex;
  std::size_t done = 0;
  parallel_for(samples.size(), static_cast<std::size_t>(std::max(options.threads, 0)), [&](std::size_t i) {
    Sample sample = samples.load(i);
    digests[i] = digest_of(sample);
    if (!options.save.empty()) save(options.save, samples.name(i), sample);
    facts[i] = std::move(sample.facts);
    findings[i] = std::move(sample.findings);
    const std::lock_guard<std::mutex> lock(mutex);
    ++done;
    if (options.progress) options.progress("reading samples", done, samples.size());
  });
  for (const std::vector<Diagnostic>& each : findings) {
    for (const Diagnostic& finding : each) diagnostics.add(finding);
  }
  judge_samples(facts, digests, samples.promises(), samples.folder(), diagnostics);

  ShownSamples shown;
  shown.model = model.filename().string();
  shown.place = samples.folder();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    shown.names.push_back(samples.name(i));
    shown.fewest_steps = i == 0 ? samples.steps(i) : std::min(shown.fewest_steps, samples.steps(i));
    shown.most_steps = std::max(shown.most_steps, samples.steps(i));
  }
  const auto preprocessing = preprocessing_by_input(*config.calibration, prepared);
  const std::vector<Port> inputs = samples.inputs();
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    ShownInput input = summary(inputs[k].name, facts);
    input.takes = to_text(inputs[k].type);
    for (std::size_t i = 0; i < samples.size() && input.place.empty(); ++i)
      input.place = std::filesystem::path(samples.file(i, k)).parent_path().string();
    input.state = state_output(*config.calibration, input.name);
    if (const auto text = preprocessing.find(input.name);
        text != preprocessing.end() && input.state.empty()) {
      const bool is_made = std::any_of(facts.begin(), facts.end(), [&](const SampleFacts& sample) {
        const InputFacts& each = sample.at(input.name);
        return each.preprocessed || each.in_file.has_value();
      });
      if (is_made) input.preprocessing = text->second;
      input.idle_preprocessing = !is_made;
    }
    shown.inputs.push_back(std::move(input));
  }
  return shown;
}

std::string to_text(const ShownSamples& shown) {
  Page page;
  page.line(fmt::format("{}: {} from {}", shown.model, counted(shown.names.size(), "sample", "samples"),
                        shown.place));
  page.line("  " + first_of(shown.names));
  if (shown.most_steps > 1) {
    page.line(shown.fewest_steps == shown.most_steps
                  ? fmt::format("  {} steps each", shown.most_steps)
                  : fmt::format("  {} to {} steps each", shown.fewest_steps, shown.most_steps));
  }
  page.line("");
  Table table;
  table.headers = {"input", "takes", "is fed", "shapes", "layout", "min", "max", "mean"};
  for (const ShownInput& input : shown.inputs) {
    const bool some = input.range.seen() && !input.place.empty();
    table.rows.push_back({input.name, input.takes, to_text(input.dtype), shapes_text(input),
                          input.layout.empty() ? "-" : input.layout, some ? number(input.range.min) : "-",
                          some ? number(input.range.max) : "-", some ? number(input.range.mean()) : "-"});
  }
  page.simple(table);
  for (const ShownInput& input : shown.inputs) {
    if (!input.state.empty()) {
      page.line(fmt::format("{}: {} in the first step, then {}", input.name,
                            input.place.empty() ? "zeros" : input.place, quote(input.state)));
      continue;
    }
    page.line(fmt::format("{}: {}", input.name, input.place.empty() ? "no file" : input.place));
    page.line(input.idle_preprocessing
                  ? "  fed as it stands in the files: none is a picture, which alone is prepared"
              : input.preprocessing.empty() ? "  fed as it stands in the files"
                                            : "  " + input.preprocessing);
    for (std::size_t c = 0; c < input.channels.size(); ++c) {
      const Spread& channel = input.channels[c];
      page.line(fmt::format("  channel {}: {} to {}, mean {}", c, number(channel.min), number(channel.max),
                            number(channel.mean())));
    }
    if (input.not_finite > 0) page.line(fmt::format("  {} NaN or infinite elements", input.not_finite));
  }
  return page.take();
}

nlohmann::ordered_json to_json(const ShownSamples& shown) {
  nlohmann::ordered_json json = {{"model", shown.model},
                                 {"place", shown.place},
                                 {"count", shown.names.size()},
                                 {"samples", shown.names},
                                 {"steps", {{"fewest", shown.fewest_steps}, {"most", shown.most_steps}}},
                                 {"inputs", nlohmann::ordered_json::array()}};
  for (const ShownInput& input : shown.inputs) {
    nlohmann::ordered_json row = {
        {"name", input.name},
        {"takes", input.takes},
        {"place", input.place},
        {"dtype", to_text(input.dtype)},
        {"shapes", input.shapes},
        {"layout", input.layout},
        {"range", input.state.empty() || !input.place.empty() ? to_json(input.range) : nullptr},
        {"channels", nlohmann::ordered_json::array()},
        {"not_finite", input.not_finite},
        {"preprocessing", input.preprocessing},
        {"state", input.state}};
    for (const Spread& channel : input.channels) row["channels"].push_back(to_json(channel));
    json["inputs"].push_back(std::move(row));
  }
  return json;
}

}  // namespace qprep
