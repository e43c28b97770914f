#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

#include "config/config.h"
#include "config/march.h"
#include "driver/rules.h"
#include "model_text.h"
#include "passes/pipeline.h"
#include "support/text.h"

/// The sequences of configs/fusion.yaml behind every kind of layer: the addend on either side, at the end of
/// the graph and inside, and with a second reader of each result on the way. One text a march:
/// testdata/sequences/<march>.txt, which QPREP_UPDATE=1 rewrites.
namespace qprep::golden {
namespace {

struct Head {
  std::string_view name;    // as the text calls it
  std::string_view node;    // its operator with attributes, up to its operands
  std::string_view data;    // the dims of what it reads and makes
  std::string_view weight;  // its dims
};

constexpr std::array kHeads = {
    Head{"Conv1d", "Conv <pads = [1,1]>", "1,4,8", "4,4,3"},
    Head{"Conv2d", "Conv <pads = [1,1,1,1]>", "1,4,8,8", "4,4,3,3"},
    Head{"Conv3d", "Conv <pads = [1,1,1,1,1,1]>", "1,4,4,4,4", "4,4,3,3,3"},
    Head{"ConvTranspose1d", "ConvTranspose <pads = [1,1]>", "1,4,8", "4,4,3"},
    Head{"ConvTranspose2d", "ConvTranspose <pads = [1,1,1,1]>", "1,4,8,8", "4,4,3,3"},
    Head{"ConvTranspose3d", "ConvTranspose <pads = [1,1,1,1,1,1]>", "1,4,4,4,4", "4,4,3,3,3"},
    Head{"depthwise Conv2d", "Conv <group = 4, pads = [1,1,1,1]>", "1,4,8,8", "4,1,3,3"},
    Head{"Linear as Gemm", "Gemm", "2,4", "4,4"},
    Head{"Linear as MatMul", "MatMul", "2,4", "4,4"},
};
constexpr std::array<std::string_view, 7> kTails = {"bn",          "bn-relu", "relu",    "bn-add",
                                                    "bn-add-relu", "add",     "add-relu"};

/// One network with one sequence.
struct Case {
  const Head& head;
  std::string_view tail;
  bool first = true;               // of an Add: the sequence is the first operand
  std::string_view read_too = "";  // whose result somebody else reads: "layer", "bn", "add"; empty: nobody's
  bool ends = false;               // the sequence makes an output of the graph, and nothing reads that
  bool clips = false;              // Clip(0, 6) for Relu

  bool has(std::string_view part) const { return tail.find(part) != std::string_view::npos; }
};

std::string text_of(const Case& each) {
  const std::string type = fmt::format("float[{}]", each.head.data);
  std::string nodes = fmt::format("  [layer] c = {} (x, w)\n", each.head.node);
  std::string last = "c";
  const auto add = [&](std::string_view name, std::string_view result, const std::string& node) {
    nodes += fmt::format("  [{}] {} = {}\n", name, result, node);
    last = result;
  };
  if (each.has("bn")) add("bn", "n", "BatchNormalization (c, gamma, beta, mean, variance)");
  if (each.has("add"))
    add("add", "a", each.first ? fmt::format("Add ({}, r)", last) : fmt::format("Add (r, {})", last));
  if (each.has("relu"))
    add("relu", "y", each.clips ? fmt::format("Clip ({}, zero, six)", last) : fmt::format("Relu ({})", last));
  std::string outputs = fmt::format("{} {}", type, last);
  if (!each.ends) {
    nodes += fmt::format("  [next] z = Sigmoid ({})\n", last);
    outputs = type + " z";
  }
  if (!each.read_too.empty()) {
    const std::string_view read = each.read_too == "layer" ? "c" : each.read_too == "bn" ? "n" : "a";
    nodes += fmt::format("  [other] o = Sigmoid ({})\n", read);
    outputs += fmt::format(", {} o", type);
  }
  return fmt::format(
      "<ir_version: 8, opset_import: [\"\" : 17]>\n"
      "g ({0} x, {0} s) => ({1}) <float[{2}] w, float[4] gamma, float[4] beta, float[4] mean, float[4] "
      "variance, float zero = {{0}}, float six = {{6}}> {{\n  [before] r = Sigmoid (s)\n{3}}}\n",
      type, outputs, each.head.weight, nodes);
}

std::string names_of(const std::vector<const Node*>& nodes) {
  std::vector<std::string> names;
  for (const Node* node : nodes) names.push_back(node->label());
  return join(names, " ");
}

/// "conv-bn-relu [layer relu]", and what was missed.
std::string outcome(const Case& each, const Config& config, const Rules& rules) {
  Diagnostics diagnostics;
  OnnxFile file = model_from_text(text_of(each), "variance 0.5 2", diagnostics);
  Env env = rules.env_for(config, diagnostics);
  Plan plan;
  run_passes(file.model, plan, pipeline(PassKind::kRewrite), env);
  run_passes(file.model, plan, pipeline(PassKind::kDecide), env);
  std::string text;
  for (const Unit& unit : plan.units) {
    if (unit.nodes.front()->label() != "layer") continue;
    text = fmt::format("{} [{}]", unit.pattern, names_of(unit.nodes));
  }
  for (const Miss& miss : plan.misses) {
    text += fmt::format("\n    not {} [{}]: {}", miss.pattern, names_of(miss.nodes), miss.because);
  }
  return text;
}

std::string described(const Case& each) {
  std::string text(each.tail);
  if (each.clips) text += ", Relu6";
  if (each.has("add")) text += each.first ? ", layer + r" : ", r + layer";
  if (each.ends) text += ", at the end of the graph";
  if (!each.read_too.empty()) text += fmt::format(", '{}' read too", each.read_too);
  return text;
}

std::vector<Case> cases_of(const Head& head) {
  std::vector<Case> cases;
  const bool all = head.name == "Conv2d" || head.name == "Linear as Gemm";
  for (const std::string_view tail : kTails) {
    for (const bool first : {true, false}) {
      const Case plain{head, tail, first};
      if (!first && !plain.has("add")) continue;
      cases.push_back(plain);
      if (plain.has("relu") && (all || first)) cases.push_back({head, tail, first, "", false, true});
      if (!all) continue;
      cases.push_back({head, tail, first, "", true});
      cases.push_back({head, tail, first, "layer"});
      if (plain.has("bn-")) cases.push_back({head, tail, first, "bn"});
      if (plain.has("add-")) cases.push_back({head, tail, first, "add"});
    }
  }
  return cases;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_CASE("every sequence behind every layer, for every march") {
  const std::filesystem::path folder = QPREP_SOURCE_DIR "/testdata/sequences";
  for (const std::string& march : march_names(QPREP_SOURCE_DIR "/configs")) {
    INFO(march);
    const Config config =
        parse_config(fmt::format("march: {}\nmethod: jit\nbn: with_bn\n", march), "qprep.yaml");
    const Rules rules = Rules::read(QPREP_SOURCE_DIR "/configs", config);
    if (rules.march->quantise) continue;  // what it fuses is in testdata/golden/profiles
    std::string text;
    for (const Head& head : kHeads) {
      text += fmt::format("{}\n", head.name);
      for (const Case& each : cases_of(head)) {
        text += fmt::format("  {}: {}\n", described(each), outcome(each, config, rules));
      }
    }
    const std::filesystem::path path = folder / (march + ".txt");
    if (std::getenv("QPREP_UPDATE")) {
      std::filesystem::create_directories(folder);
      std::ofstream(path) << text;
    } else {
      CHECK(text == read_text(path));
    }
  }
}

}  // namespace
}  // namespace qprep::golden
