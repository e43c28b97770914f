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

/// A setting a line; lines 1 to 3 are the rest of the file. `channels`: some ask for a scale for each.
Lines random_config(std::mt19937& random, bool channels) {
  Lines usual = {"activations: {dtype: qint8}", "activations: {dtype: float}",
                 "activations: {observer: moving_average}"};
  if (channels) usual.emplace_back("activations: {per_channel: true}");
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
        lines.push_back(channels
                            ? "  - default_qat"
                            : one_of<std::string>(random, {"  - all: {output: qint16}", "  - default_qat",
                                                           "  - all: {high_precision_output: qint16}"}));
        break;
      default:
        lines.push_back(
            fmt::format("  - module_name: {{'{}': {}}}", one_of(random, names), one_of(random, said)));
    }
  }
  lines.emplace_back("  - module_name: {'nothing.of.this.name': {output: qint8, optional: true}}");
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

}  // namespace

TEST_CASE("What changes when a line is taken out named that line as what decides") {
  const test::TemporaryFolder folder;
  std::mt19937 random(5 + Catch::rngSeed()), of_channels(6 + Catch::rngSeed());
  std::size_t changed = 0;
  for (int round = 0; round < 210; ++round) {
    const Lines lines = round < 150 ? random_config(random, false) : random_config(of_channels, true);
    const auto before = answers(lines, folder.path());
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
      if (i == kSetter) continue;
      Lines without = lines;
      // In its place, so that the lines keep their numbers.
      without[i] = i < kSetter ? "#" : lines.back();
      const auto after = answers(without, folder.path());
      const int line = static_cast<int>(i) + 1;
      for (const auto& [slot, answer] : before) {
        const Answer& now = after.at(slot);
        INFO("round " << round << ", line " << line << " of\n"
                      << fmt::format("{}", fmt::join(lines, "\n")) << "\n"
                      << slot.first << " " << slot.second << ": " << answer.holds << ": " << answer.because
                      << "\nwithout it: " << now.holds << ": " << now.because);
        if (now.holds != answer.holds) {
          ++changed;
          CHECK(contains(answer.deciders, line));
        }
      }
    }
  }
  CHECK(changed > 500);
}
