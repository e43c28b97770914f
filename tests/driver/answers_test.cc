#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "driver/decided.h"
#include "driver/explained.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;
using namespace qprep;

/// The answers of explain lead to the line: without it, what it decides changes, and nothing changes that
/// does not name it.
namespace {

const fs::path kDigits = QPREP_SOURCE_DIR "/testdata/models/digits.onnx";
const fs::path kConfigs = QPREP_SOURCE_DIR "/configs";

using Lines = std::vector<std::string>;
constexpr std::size_t kSetter = 2;  // before the line "qconfig_setter:" stand single keys

template <typename T>
T one_of(std::mt19937& random, const std::vector<T>& choices) {
  return choices[std::uniform_int_distribution<std::size_t>(0, choices.size() - 1)(random)];
}

/// A line that decides nothing.
const std::string kNothing = "  - module_name: {'nothing.of.this.name': {output: qint8, optional: true}}";

/// What else a configuration speaks of than names and types: nothing; scales for channels; targets and
/// weights.
enum class About { kNames, kChannels, kTargets };

/// A setting a line; lines 1 to 3 are the rest of the file.
Lines random_config(std::mt19937& random, About about) {
  const bool channels = about == About::kChannels, targets = about == About::kTargets;
  Lines usual = {"activations: {dtype: qint8}", "activations: {dtype: float}",
                 "activations: {observer: moving_average}"};
  if (channels) usual.emplace_back("activations: {per_channel: true}");
  if (targets) {
    usual = {"march: bayes",    "march: bernoulli2",       "march: tensorrt",
             "march: onnx_qnn", "weights: {dtype: float}", "weights: {dtype: qint16}"};
  }
  Lines for_all = {"  - all: {output: qint16}", "  - default_qat",
                   "  - all: {high_precision_output: qint16}"};
  if (channels) for_all = {"  - default_qat"};
  if (targets) {
    for_all.insert(for_all.end(),
                   {"  - all: {output: float}", "  - all: {weight: float}", "  - gemm_int8_qat",
                    "  - module_name: {add0: {output: {same_scale: true}}}"});
  }
  Lines lines = {one_of<std::string>(random, {"method: jit", "method: jit_strip"}), one_of(random, usual),
                 "qconfig_setter:"};
  const Lines names = {
      "conv0", "relu0", "conv1", "relu2", "conv3", "relu4", "gemm0", "maxpool0", "globalaveragepool0",
      "image"};
  const Lines types = {"Conv", "Relu", "Gemm", "Flatten", "gemm_like"};
  Lines said = {"qint8",
                "qint16",
                "float",
                "{output: qint16}",
                "{input: qint16}",
                "{input: float}",
                "{output: float}",
                "{threshold: 2.0}",
                "{freeze: true}",
                "{output: {observer: moving_average}}",
                "{output: {observer: min_max}}"};
  if (channels) said.insert(said.end(), {"{output: {per_channel: true}}", "{output: {per_channel: false}}"});
  const Lines of_weights = {"{weight: qint16}", "{weight: float}", "{weight: {per_channel: false}}"};
  const int count = std::uniform_int_distribution(1, 6)(random);
  for (int i = 0; i < count; ++i) {
    switch (std::uniform_int_distribution(0, 5)(random)) {
      case 0:
        lines.push_back(
            fmt::format("  - module_type: {{{}: {}}}", one_of(random, types), one_of(random, said)));
        break;
      case 1:
        lines.push_back(fmt::format("  - module_type: {{{}: {}}}",
                                    one_of<std::string>(random, {"Conv", "Gemm"}),
                                    one_of(random, of_weights)));
        break;
      case 2:
        lines.push_back(one_of(random, for_all));
        break;
      default:
        lines.push_back(
            fmt::format("  - module_name: {{'{}': {}}}", one_of(random, names), one_of(random, said)));
    }
  }
  lines.push_back(kNothing);
  return lines;
}

struct Answer {
  std::string holds;
  std::string because;
  std::vector<int> deciders, listed;  // lines
};

/// "c.yaml:4:7 module_name 'a'": 4; a built-in default: 0.
int line_of(const std::string& setting) {
  const std::size_t colon = setting.find(':');
  return setting.starts_with("c.yaml:") ? std::stoi(setting.substr(colon + 1)) : 0;
}

std::map<std::pair<std::string, std::string>, Answer> answers(const Lines& lines, const fs::path& folder) {
  const fs::path file = folder / "c.yaml";
  test::write_text(file, fmt::format("{}\n", fmt::join(lines, "\n")));
  Diagnostics diagnostics;
  const Decided decided = decide(kDigits, file.string(), kConfigs, diagnostics);
  std::map<std::pair<std::string, std::string>, Answer> found;
  for (const ExplainedNode& node : explain_all(decided)) {
    Answer device{node.device, node.because, {}, {}};
    for (const ExplainedSlot& slot : node.slots) {
      Answer answer{fmt::format("{} ({})", slot.precision, slot.besides), slot.because, {}, {}};
      for (const ExplainedSetting& setting : slot.settings) {
        (setting.decides ? answer.deciders : answer.listed).push_back(line_of(setting.setting));
        if (setting.decides_device) device.deciders.push_back(line_of(setting.setting));
      }
      found.emplace(std::pair(node.name, slot.slot), std::move(answer));
    }
    if (!node.device.empty()) found.emplace(std::pair(node.name, "device"), std::move(device));
  }
  return found;
}

bool contains(const std::vector<int>& lines, int line) {
  return std::find(lines.begin(), lines.end(), line) != lines.end();
}

/// Takes out each line but that of a target: what then changes named it. Result: how much changed.
std::size_t take_out_lines(const Lines& lines, const fs::path& folder) {
  std::size_t changed = 0;
  const auto before = answers(lines, folder);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    if (i == kSetter || lines[i].starts_with("march")) continue;
    Lines without = lines;
    // In its place, so that the lines keep their numbers.
    without[i] = i < kSetter ? "#" : lines.back();
    const auto after = answers(without, folder);
    const int line = static_cast<int>(i) + 1;
    for (const auto& [slot, answer] : before) {
      const Answer& now = after.at(slot);
      INFO("line " << line << " of\n"
                   << fmt::format("{}", fmt::join(lines, "\n")) << "\n"
                   << slot.first << " " << slot.second << ": " << answer.holds << ": " << answer.because
                   << "\nwithout it: " << now.holds << ": " << now.because);
      if (now.holds == answer.holds) continue;
      ++changed;
      CHECK(contains(answer.deciders, line));
    }
  }
  return changed;
}

}  // namespace

TEST_CASE("What changes when a line is taken out named that line as what decides") {
  const test::TemporaryFolder folder;
  const std::uint32_t seed = Catch::rngSeed();  // --rng-seed N: other configurations
  std::mt19937 of_names(5 + seed), of_channels(6 + seed), of_targets(7 + seed);
  std::size_t changed = 0;
  for (int round = 0; round < 200; ++round) {
    const Lines lines = round < 100   ? random_config(of_names, About::kNames)
                        : round < 140 ? random_config(of_channels, About::kChannels)
                                      : random_config(of_targets, About::kTargets);
    INFO("round " << round);
    changed += take_out_lines(lines, folder.path());
  }
  CHECK(changed > 1000);
}

/// Each had something that changed without naming the line.
TEST_CASE("Lines that decide by keeping another from deciding are named") {
  const std::vector<Lines> cases = {
      // A line for all stands before one that would have named the output.
      {"method: jit", "activations: {dtype: qint8}", "  - all: {output: qint16}",
       "  - module_name: {gemm0: {output: qint16}}"},
      {"method: jit_strip", "activations: {dtype: float}", "  - all: {output: qint16}",
       "  - module_type: {Relu: {output: float}}", "  - all: {high_precision_output: qint16}",
       "  - module_type: {Gemm: {output: qint16}}"},
      // One stands before a node, or a weight, that would be float: of the reader, the maker, the unit.
      {"method: jit", "activations: {dtype: qint8}", "  - default_qat", "  - module_type: {Conv: float}"},
      {"method: jit_strip", "activations: {dtype: qint8}", "  - module_name: {relu0: qint16}",
       "  - module_type: {Relu: float}"},
      {"method: jit", "activations: {dtype: qint8}", "  - module_type: {Conv: {weight: qint16}}",
       "  - module_type: {Conv: {weight: float}}",
       "  - module_type: {Conv: {output: {observer: moving_average}}}"},
      {"method: jit_strip", "activations: {observer: moving_average}",
       "  - module_name: {conv0: {output: qint16}}", "  - all: {output: qint16}",
       "  - module_name: {relu0: float}"},
      {"method: jit_strip", "weights: {dtype: float}", "  - gemm_int8_qat"},
      {"method: jit", "activations: {dtype: qint8}", "  - all: {weight: float}",
       "  - module_type: {Conv: {weight: float}}"},
      // Or before activations that would all be float.
      {"method: jit_strip", "activations: {dtype: float}", "  - module_name: {conv1: qint8}"},
      // What a node on the CPU makes goes by the settings for that node, not by those for its unit.
      {"method: jit", "activations: {dtype: float}", "  - module_name: {conv3: float}",
       "  - module_type: {Conv: {weight: float}}", "  - module_type: {gemm_like: {output: float}}",
       "  - all: {output: qint16}"},
      // A weight elsewhere in the unit; who makes what a passive operator moves; who reads it.
      {"method: jit", "activations: {observer: moving_average}", "  - module_type: {Conv: {weight: float}}"},
      {"method: jit", "activations: {dtype: qint8}", "  - module_name: {globalaveragepool0: float}",
       "  - module_type: {Gemm: {weight: float}}"},
      {"method: jit_strip", "march: bayes", "  - all: {high_precision_output: qint16}",
       "  - module_type: {Gemm: {output: float}}", "  - module_name: {gemm0: {input: qint16}}"},
      {"method: jit", "march: tensorrt", "  - module_type: {Gemm: {weight: float}}"},
      {"method: jit", "march: tensorrt", "  - all: {weight: float}",
       "  - module_type: {Conv: {weight: float}}"},
      {"method: jit", "march: bernoulli2", "  - module_name: {gemm0: {input: float}}",
       "  - module_name: {globalaveragepool0: float}"},
  };
  const test::TemporaryFolder folder;
  for (Lines lines : cases) {
    lines.insert(lines.begin() + kSetter, "qconfig_setter:");
    lines.push_back(kNothing);
    INFO(fmt::format("{}", fmt::join(lines, "\n")));
    CHECK(take_out_lines(lines, folder.path()) > 0);
  }
}
