#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "driver/prepare.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;
using namespace qprep;

/// What the user means, written in each way of writing precision, becomes one plan.
namespace {

const fs::path kDigits = QPREP_SOURCE_DIR "/testdata/models/digits.onnx";
const fs::path kConfigs = QPREP_SOURCE_DIR "/configs";

/// What is meant for one node or type: it stays float, or its result and weight have a precision.
struct Wish {
  std::string selector;
  bool skip = false;
  std::string output;                 // "qint8"
  std::optional<std::string> weight;  // of Conv and Gemm
};

struct Intent {
  std::string output, weight;      // of all others
  std::vector<Wish> names, types;  // names count more than types
};

template <typename T>
T one_of(std::mt19937& random, const std::vector<T>& choices) {
  return choices[std::uniform_int_distribution<std::size_t>(0, choices.size() - 1)(random)];
}

std::vector<Wish> random_wishes(std::mt19937& random, std::vector<std::string> selectors, bool only_float) {
  std::vector<Wish> wishes;
  std::shuffle(selectors.begin(), selectors.end(), random);
  selectors.resize(std::uniform_int_distribution<std::size_t>(0, 3)(random));
  for (const std::string& selector : selectors) {
    Wish wish;
    wish.selector = selector;
    wish.skip = only_float || one_of(random, std::vector{true, false, false});
    wish.output = one_of<std::string>(random, {"qint8", "qint16", "float"});
    const bool has_weight = selector.starts_with("conv") || selector.starts_with("Conv") ||
                            selector.starts_with("gemm") || selector.starts_with("Gemm");
    if (has_weight) wish.weight = one_of<std::string>(random, {"qint8", "qint16", "float"});
    wishes.push_back(wish);
  }
  return wishes;
}

/// `plain`: what MQBench can say, where all but a few excluded nodes are quantised alike.
Intent random_intent(std::mt19937& random, bool plain, bool with_types) {
  std::vector<std::string> precisions = {"qint8", "qint16"};
  if (!plain) precisions.emplace_back("float");
  Intent intent;
  intent.output = one_of(random, precisions);
  intent.weight = one_of(random, precisions);
  intent.names =
      random_wishes(random, {"conv0", "conv3", "relu1", "add0", "gemm0", "conv4_out", "image"}, plain);
  if (!with_types) return intent;
  intent.types = random_wishes(random, {"Conv", "Gemm", "Relu", "GlobalAveragePool", "Add"}, plain);
  return intent;
}

/// {a: ..., b: ...} with what `spec` makes of each wish.
std::string map_of(const std::vector<Wish>& wishes, const std::function<std::string(const Wish&)>& spec) {
  std::vector<std::string> entries;
  for (const Wish& wish : wishes) entries.push_back(fmt::format("{}: {}", wish.selector, spec(wish)));
  return fmt::format("{{{}}}", fmt::join(entries, ", "));
}

std::string spec_with(const Wish& wish, const char* skip, const char* output, const char* weight) {
  if (wish.skip) return skip;
  return fmt::format("{{{}: {}{}}}", output, wish.output,
                     wish.weight ? fmt::format(", {}: {}", weight, *wish.weight) : "");
}

std::string own_spec(const Wish& wish) { return spec_with(wish, "float", "output", "weight"); }

std::string own(const Intent& intent) {
  std::string text = fmt::format("activations: {{dtype: {}}}\nweights: {{dtype: {}}}\nqconfig_setter:\n",
                                 intent.output, intent.weight);
  for (const auto& [key, wishes] :
       {std::pair{"module_name", &intent.names}, {"module_type", &intent.types}}) {
    if (!wishes->empty()) text += fmt::format("  - {}: {}\n", key, map_of(*wishes, own_spec));
  }
  return text + "  - default_qat\n";
}

/// Later ones override earlier ones; there is no template for types.
std::string templates(const Intent& intent) {
  const std::string names = map_of(intent.names, own_spec);
  return fmt::format("templates:\n  - ModuleNameTemplate: {{\"\": {{output: {}, weight: {}}}{}{}\n",
                     intent.output, intent.weight, intent.names.empty() ? "" : ", ", names.substr(1));
}

std::string qconfig_dict(const Intent& intent) {
  const auto spec = [](const Wish& wish) { return spec_with(wish, "null", "activation", "weight"); };
  return fmt::format(
      "qconfig_dict:\n  \"\": {{activation: {}, weight: {}}}\n  object_type: {}\n  module_name: {}\n",
      intent.output, intent.weight, map_of(intent.types, spec), map_of(intent.names, spec));
}

std::string quantizers(const Intent& intent) {
  const auto spec = [](const Wish& wish) { return spec_with(wish, "null", "output_activation", "weight"); };
  return fmt::format(
      "quantizers:\n  - module_name: {}\n    module_type: {}\n"
      "  - global: {{output_activation: {{dtype: {}, qscheme: per_tensor_symmetric}}, weight: {{dtype: {}, "
      "qscheme: per_channel_symmetric}}}}\n",
      map_of(intent.names, spec), map_of(intent.types, spec), intent.output, intent.weight);
}

std::string mqbench(const Intent& intent) {
  const auto words = [](const std::vector<Wish>& wishes) {
    std::vector<std::string> selectors;
    for (const Wish& wish : wishes) selectors.push_back(wish.selector);
    return fmt::format("[{}]", fmt::join(selectors, ", "));
  };
  const auto bits = [](const std::string& precision) { return precision == "qint16" ? 16 : 8; };
  return fmt::format(
      "extra_qconfig_dict:\n  w_qscheme: {{bit: {}, symmetry: true, per_channel: true, pot_scale: false}}\n"
      "  a_qscheme: {{bit: {}, symmetry: true, per_channel: false, pot_scale: false}}\n"
      "extra_quantizer_dict: {{exclude_module_name: {}, exclude_function_type: {}}}\n",
      bits(intent.weight), bits(intent.output), words(intent.names), words(intent.types));
}

/// What the vendor's tools can say: results of int8 and int16, weights of int8, and nodes on the CPU.
Intent random_tool_intent(std::mt19937& random, bool with_types) {
  Intent intent = random_intent(random, false, with_types);
  intent.output = one_of<std::string>(random, {"qint8", "qint16"});
  intent.weight = "qint8";
  for (std::vector<Wish>* wishes : {&intent.names, &intent.types}) {
    std::erase_if(*wishes, [](const Wish& wish) { return wish.selector == "image"; });
    for (Wish& wish : *wishes) {
      wish.weight.reset();
      if (wish.output == "float") wish.output = "qint16";
    }
  }
  return intent;
}

std::string hmct(const Intent& intent) {
  const auto spec = [](const Wish& wish) {
    return wish.skip ? "{ON: CPU}" : fmt::format("{{output: {}}}", wish.output.substr(1));
  };
  return fmt::format("model_config: {{all_node_type: {}}}\nop_config: {}\nnode_config: {}\n",
                     intent.output.substr(1), map_of(intent.types, spec), map_of(intent.names, spec));
}

std::string hb_mapper(const Intent& intent) {
  const auto spec = [](const Wish& wish) {
    return wish.skip ? "{ON: CPU}" : fmt::format("{{OutputType: {}}}", wish.output.substr(1));
  };
  return fmt::format(
      "model_parameters: {{onnx_model: digits.onnx, march: bayes, output_model_file_prefix: x, node_info: "
      "{}}}\n"
      "input_parameters: {{input_type_train: featuremap, input_layout_train: NCHW, input_type_rt: "
      "featuremap, "
      "norm_type: no_preprocess}}\n"
      "calibration_parameters: {{calibration_type: skip{}}}\n"
      "compiler_parameters: {{compile_mode: latency, optimize_level: O3}}\n",
      map_of(intent.names, spec), intent.output == "qint16" ? ", optimization: set_all_nodes_int16" : "");
}

/// The plan without the lines that decided, which differ from way to way, and the QAT model as text.
std::string plan_of(const std::string& config) {
  const test::TemporaryFolder folder;
  PrepareOptions options;
  options.model = kDigits;
  options.folder = folder.path() / "out";
  options.configs = kConfigs;
  options.config = (folder.path() / "c.yaml").string();
  test::write_text(options.config, config);
  std::string text;
  for (const char* pass : {"apply-templates", "insert-fake-quant"}) {
    options.dump_after = options.stop_after = pass;
    Diagnostics diagnostics;
    text += prepare(options, diagnostics).dump;
  }
  static const std::regex besides(R"re( as c\.yaml:\d+:\d+ [^()\n]* says)re");
  text = std::regex_replace(text, besides, "");
  static const std::regex setting(R"re((c\.yaml:\d+:\d+|default:) [^()\n]*)re");
  return std::regex_replace(text, setting, "SETTING");
}

using Way = std::function<std::string(const Intent&)>;

/// The same for the target that hb_mapper's files name.
Way on_bayes(const Way& way) {
  return [way](const Intent& intent) { return "march: bayes\n" + way(intent); };
}

/// `usual`: the way that the others are compared with.
void check_agreement(int rounds, const std::function<Intent(std::mt19937&)>& make,
                     const std::map<std::string, Way>& ways, const Way& usual = own) {
  std::mt19937 random(11);
  for (int round = 0; round < rounds; ++round) {
    const Intent intent = make(random);
    const std::string expected = plan_of(usual(intent));
    for (const auto& [name, write] : ways) {
      INFO("round " << round << "\n" << usual(intent) << "---\n" << write(intent));
      REQUIRE(plan_of(write(intent)) == expected);
    }
  }
}

}  // namespace

TEST_CASE("What is meant becomes one plan, whatever the way of writing it") {
  check_agreement(40, [](std::mt19937& random) { return random_intent(random, false, true); },
                  {{"qconfig_dict", qconfig_dict}, {"quantizers", quantizers}});
}

TEST_CASE("What templates in which later ones override can say becomes one plan with all other ways") {
  check_agreement(20, [](std::mt19937& random) { return random_intent(random, false, false); },
                  {{"qconfig_dict", qconfig_dict}, {"quantizers", quantizers}, {"templates", templates}});
}

TEST_CASE("What MQBench can say becomes one plan with all other ways") {
  check_agreement(40, [](std::mt19937& random) { return random_intent(random, true, true); },
                  {{"qconfig_dict", qconfig_dict}, {"quantizers", quantizers}, {"mqbench", mqbench}});
}

TEST_CASE("What hmct can say becomes one plan with all other ways") {
  check_agreement(40, [](std::mt19937& random) { return random_tool_intent(random, true); },
                  {{"qconfig_dict", qconfig_dict}, {"quantizers", quantizers}, {"hmct", hmct}});
}

TEST_CASE("What hb_mapper can say becomes one plan with all other ways") {
  check_agreement(
      40, [](std::mt19937& random) { return random_tool_intent(random, false); },
      {{"qconfig_dict", on_bayes(qconfig_dict)},
       {"templates", on_bayes(templates)},
       {"hb_mapper", hb_mapper}},
      on_bayes(own));
}

TEST_CASE("The examples of the other ways do what their comments say") {
  const std::string quantised = "weight qint8 per channel of axis 0, min_max: weight of Conv";
  for (const char* example : {"qconfig_dict", "quantizers", "mqbench"}) {
    const std::string file = QPREP_SOURCE_DIR "/configs/examples/" + std::string(example) + ".yaml";
    PrepareOptions options;
    options.model = kDigits;
    options.configs = kConfigs;
    options.config = file;
    options.dump_after = options.stop_after = "apply-templates";
    Diagnostics diagnostics;
    const std::string plan = prepare(options, diagnostics).dump;
    INFO(file);
    CHECK_THAT(plan, Catch::Contains("\"conv13_weight\": " + quantised));
    CHECK_THAT(plan, Catch::Contains("node conv0: CPU"));
    CHECK_THAT(plan, Catch::Contains("\"relu3_out\": activation qint16"));
    CHECK(diagnostics.count(Severity::kWarning) == 0);
  }
}

TEST_CASE("The manual shows the examples") {
  const auto text_of = [](const fs::path& file) { return test::bytes_of(file); };
  for (const char* way : {"qconfig_dict", "quantizers", "mqbench"}) {
    const std::string page = text_of(fs::path(QPREP_SOURCE_DIR) / fmt::format("docs/config_{}.md", way));
    const std::string begin = "```yaml\n";
    const std::size_t at = page.find(begin) + begin.size();
    const std::string shown = page.substr(at, page.find("```", at) - at);
    INFO(way);
    CHECK(plan_of(shown) == plan_of(text_of(kConfigs / fmt::format("examples/{}.yaml", way))));
  }
}
