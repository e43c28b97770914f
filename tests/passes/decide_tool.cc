// Decides and inserts on ONNX files, for tests/passes/decide_corpus.py. Lines from stdin, a tab between:
//   CONFIG YAML (its lines joined by " | ")   IN.onnx   OUT_REWRITTEN.onnx   OUT_PREPARED.onnx
// One line back for each: "done", seconds of the deciding passes, seconds of inserting, then counts as
// key=value; or "failed: ...". The graph is verified after each pass. Preparing what was prepared must insert
// nothing: "again=N" counts what a second run would insert.
#include <chrono>
#include <exception>
#include <fmt/format.h>
#include <iostream>
#include <sstream>
#include <string>

#include "config/composites.h"
#include "config/config.h"
#include "config/fusion.h"
#include "config/op_classes.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "opset/raise_opset.h"
#include "passes/pipeline.h"
#include "quant/fake_quant.h"

namespace qprep {
namespace {

std::string configs(const char* file) { return std::string(QPREP_SOURCE_DIR) + "/configs/" + file; }

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

std::string counts(const Model& model, const Plan& plan) {
  std::size_t roles[3] = {0, 0, 0};
  for (const auto& [value, decision] : plan.values) ++roles[static_cast<std::size_t>(decision.role)];
  std::size_t bpu = 0, cpu = 0, fused = 0;
  for (const Node& node : model.graph->nodes()) {
    if (is_fake_quantize(node)) continue;
    const NodePlan* entry = plan.of(node);
    if (!entry) continue;
    (entry->device == Device::kBpu ? bpu : cpu) += 1;
  }
  for (const Unit& unit : plan.units) fused += unit.nodes.size() > 1 ? std::size_t{1} : std::size_t{0};
  return fmt::format("activations={}\tconstants={}\tweights={}\tbpu={}\tcpu={}\tfused={}\tmissed={}",
                     roles[0], roles[1], roles[2], bpu, cpu, fused, plan.misses.size());
}

class Tool {
 public:
  std::string run(std::string config, const std::string& in, const std::string& rewritten,
                  const std::string& prepared) {
    for (std::size_t at = config.find(" | "); at != std::string::npos; at = config.find(" | ")) {
      config.replace(at, 3, "\n");
    }
    Diagnostics diagnostics;
    OnnxFile file = read_onnx(in, diagnostics);
    Model& model = file.model;
    infer_shapes(file, diagnostics);
    Env env{.diagnostics = diagnostics,
            .op_classes = &op_classes_,
            .fusion = &fusion_,
            .composites = &composites_};
    env.settings = settings(parse_config(config, "qprep.yaml"));
    Plan plan;
    if (model.opset() < 11) {
      raise_opset(model, 11, diagnostics);
      infer_shapes(file, diagnostics);
    }
    run_passes(model, plan, pipeline(PassKind::kRewrite), env);
    write_onnx(file, rewritten);
    const double deciding = decide_and_act(model, plan, env);
    const std::string counted = counts(model, plan);
    write_onnx(file, prepared);

    OnnxFile again = read_onnx(prepared, diagnostics);
    infer_shapes(again, diagnostics);
    Plan second;
    run_passes(again.model, second, pipeline(PassKind::kDecide), env);
    return fmt::format("done\t{:.6f}\t{}\tagain={}", deciding, counted, second.values.size());
  }

 private:
  static double decide_and_act(Model& model, Plan& plan, Env& env) {
    const auto start = std::chrono::steady_clock::now();
    run_passes(model, plan, pipeline(PassKind::kDecide), env);
    run_passes(model, plan, pipeline(PassKind::kAct), env);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  const OpClasses op_classes_ = read_op_classes(configs("op_classes.yaml"));
  const FusionRules fusion_ = read_fusion_rules(configs("fusion.yaml"));
  const Composites composites_ = read_composites(configs("composites.yaml"));
};

}  // namespace
}  // namespace qprep

int main() {
  qprep::Tool tool;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream fields(line);
    std::string config, in, rewritten, prepared;
    std::getline(fields, config, '\t');
    std::getline(fields, in, '\t');
    std::getline(fields, rewritten, '\t');
    std::getline(fields, prepared, '\t');
    try {
      std::cout << tool.run(config, in, rewritten, prepared) << std::endl;
    } catch (const std::exception& error) {
      std::cout << "failed: " << qprep::one_line(error.what()) << std::endl;
    }
  }
}
