#include "driver/init_config.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/selector.h"
#include "config/yaml_write.h"
#include "driver/read_model.h"
#include "driver/rewrite_model.h"
#include "driver/rules.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "passes/pipeline.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

/// The examples of configs/init.yaml, which a model replaces by names of its own.
struct Examples {
  std::string layer = "head.cls", scope = "backbone.layer1", type = "Sigmoid";
  std::vector<std::string> about = {};  // lines on the model
};

std::string text_of(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

/// Says what is wrong with the word, without a place: it stands on the command line.
void check_march(const std::string& march) {
  try {
    parse_config("march: " + yaml_scalar(march, false) + "\n", "march");
  } catch (const Fatal& refused) {
    std::vector<Diagnostic> all = refused.diagnostics();
    for (Diagnostic& each : all) each.where = {};
    throw Fatal(std::move(all));
  }
}

/// "backbone.layer1" of "/backbone/layer1/conv/Conv"; empty: the name is in no scope.
std::string outer_scopes(std::string_view name) {
  const std::string path = path_of(name);
  const std::size_t first = path.find('.');
  if (first == std::string::npos) return {};
  const std::size_t second = path.find('.', first + 1);
  return path.substr(0, second == std::string::npos ? first : second);
}

Examples examples_of(const Model& model, const OpClasses& op_classes, const std::filesystem::path& path) {
  constexpr std::size_t kMostLayers = 12;
  Examples examples;
  std::vector<std::string> layers;
  std::map<std::string, std::size_t> others;
  std::string scope;
  for (const Node& node : model.graph->nodes()) {
    if (op_classes.of(node).op_class == OpClass::kGemmLike) {
      layers.push_back(node.label());
      if (scope.empty()) scope = outer_scopes(node.label());
    } else {
      ++others[node.op()];
    }
  }
  const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto most = std::ranges::max_element(others, fewer);
  if (most != others.end()) examples.type = yaml_scalar(most->first, false);
  if (!layers.empty()) {
    examples.layer = yaml_scalar(layers.back(), false);
    examples.scope = yaml_scalar(scope.empty() ? layers.front() : scope, false);
  }
  examples.about.push_back("The model " + yaml_scalar(path.filename().string(), false) + ":");
  for (const Value* input : model.graph->inputs()) {
    if (input->initializer()) continue;
    examples.about.push_back(
        fmt::format("  input {}: {}", yaml_scalar(input->name(), false), to_text(input->type())));
  }
  const std::size_t shown = std::min(layers.size(), kMostLayers);
  for (std::size_t i = 0; i < shown; ++i) {
    examples.about.push_back(fmt::format("  layer {}", yaml_scalar(layers[i], false)));
  }
  if (shown < layers.size())
    examples.about.push_back(fmt::format("  and {} more layers", layers.size() - shown));
  return examples;
}

}  // namespace

std::string init_config(const InitOptions& options, Diagnostics& diagnostics) {
  if (!options.march.empty()) check_march(options.march);
  std::string text = text_of(options.configs / "init.yaml");
  Examples examples;
  if (options.model) {
    const Rules rules = Rules::read(options.configs);
    OnnxFile file = read_model(*options.model, diagnostics);
    infer_shapes(file, diagnostics);
    Env env = rules.env(diagnostics, {});
    Plan plan;
    rewrite_model(file, plan, env);  // no examples of what does not stay
    examples = examples_of(file.model, rules.op_classes, *options.model);
  }
  replace_all(text, "@LAYER@", examples.layer);
  replace_all(text, "@SCOPE@", examples.scope);
  replace_all(text, "@TYPE@", examples.type);
  if (!options.march.empty()) {
    replace_all(text, "\n# march: bayes\n", "\nmarch: " + yaml_scalar(options.march, false) + "\n");
  }
  std::string about;
  for (const std::string& line : examples.about) about += "# " + line + '\n';
  replace_all(text, "\nversion: 1\n", "\n" + about + "version: 1\n");
  return text;
}

}  // namespace qprep
