// Judges the nodes of ONNX files, for tests/target/table_test.py. Lines from stdin, a tab between:
//   MARCH MODEL.onnx SITUATION      SITUATION: words "fused=yes last=no add=no output=int8", those that are
//   known
// Back, a line of JSON for each node, then an empty line; or "failed: ...".
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>

#include "config/march.h"
#include "config/op_classes.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "target/capability.h"

namespace qprep {
namespace {

Situation situation_of(const std::string& words) {
  Situation situation;
  std::istringstream fields(words);
  for (std::string word; fields >> word;) {
    const std::string key = word.substr(0, word.find('='));
    const std::string value = word.substr(word.find('=') + 1);
    if (key == "fused") situation.fused = value == "yes";
    if (key == "last") situation.last_of_segment = value == "yes";
    if (key == "add") situation.feeds_shortcut_add = value == "yes";
    if (key == "output") {
      situation.output = value == "int8" ? DType::kInt8 : value == "int16" ? DType::kInt16 : DType::kInt32;
    }
  }
  return situation;
}

class Tool {
 public:
  explicit Tool(std::string configs) : configs_(std::move(configs)) {}

  void run(const std::string& march, const std::string& file, const std::string& words) {
    if (!marches_.contains(march)) marches_[march] = read_march(configs_, march).capabilities;
    const Capabilities& capabilities = marches_.at(march);
    Diagnostics diagnostics;
    OnnxFile model = read_onnx(file, diagnostics);
    infer_shapes(model, diagnostics);
    for (const Node& node : model.model.graph->nodes()) {
      Situation situation = situation_of(words);
      situation.opset = model.model.opset();
      const OpTraits& traits = op_classes_.of(node);
      situation.data = traits.data;
      for (std::size_t i = 0; traits.all_inputs && i < node.input_count(); ++i) situation.data.push_back(i);
      const Judgement judgement = judge(capabilities, node, situation);
      const nlohmann::ordered_json json = {{"op", node.op()},
                                           {"runs", to_text(judgement.runs)},
                                           {"verdict", to_text(judgement.verdict)},
                                           {"reasons", judgement.reasons},
                                           {"remedies", judgement.remedies}};
      std::cout << json.dump() << "\n";
    }
  }

  /// Every row of the march.
  void list(const std::string& march) {
    for (const auto& [op, row] : read_march(configs_, march).capabilities.rows) {
      const auto words = [](const std::vector<DType>& precisions) {
        std::vector<std::string> found;
        for (const DType each : precisions) found.push_back(to_text(each));
        return found;
      };
      std::vector<std::string> rules;
      for (const Limit& limit : row.limits) rules.push_back(limit.constraint.rule());
      const nlohmann::ordered_json json = {{"op", op},
                                           {"runs", to_text(row.runs)},
                                           {"input", words(row.input)},
                                           {"weight", words(row.weight)},
                                           {"output", words(row.output)},
                                           {"becomes", row.becomes},
                                           {"source", row.source},
                                           {"rules", rules}};
      std::cout << json.dump() << "\n";
    }
  }

 private:
  const std::string configs_;
  const OpClasses op_classes_ = read_op_classes(configs_ + "/op_classes.yaml");
  std::map<std::string, Capabilities> marches_;
};

}  // namespace
}  // namespace qprep

int main(int argc, char** argv) {
  qprep::Tool tool(argc > 1 ? argv[1] : QPREP_SOURCE_DIR "/configs");
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream fields(line);
    std::string march, file, situation;
    std::getline(fields, march, '\t');
    std::getline(fields, file, '\t');
    std::getline(fields, situation, '\t');
    try {
      if (file.empty()) {
        tool.list(march);
      } else {
        tool.run(march, file, situation);
      }
    } catch (const std::exception& error) {
      std::cout << "failed: " << error.what() << "\n";
    }
    std::cout << std::endl;
  }
}
