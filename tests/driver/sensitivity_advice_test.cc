#include "driver/sensitivity_advice.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace qprep;

namespace {

using Lines = std::vector<std::string>;

/// a -> b -> ... -> e, of which each tensor costs the same; `in_float`: int16 does not help.
struct Chain {
  explicit Chain(bool in_float, std::size_t costly = 4) {
    const std::string names = "abcde";
    for (std::size_t i = 0; i < names.size(); ++i) {
      ReportNode node;
      node.name = std::string("/n:") + names[i];
      node.inputs.push_back({.name = i == 0 ? "x" : std::string(1, names[i - 1])});
      node.outputs.push_back({.name = std::string(1, names[i])});
      nodes.push_back(std::move(node));
    }
    for (std::size_t i = 0; i < costly; ++i)
      sensitivity.tensors.push_back({std::string(1, names[i]), "Conv", "qint8", 1.0, i});
    sensitivity.steps = {{0, 1, 1}, {costly, in_float ? 0.9 : 0.1, 0.1}};
  }

  SensitivityAdvice advice(const std::string& text) const {
    return advice_of(sensitivity, parse_config(text, "c.yaml"), nodes, "out/a b,c.csv");
  }

  std::vector<ReportNode> nodes;
  Sensitivity sensitivity;
};

const std::string kHb =
    "model_parameters: {onnx_model: a.onnx, march: bayes, output_model_file_prefix: m%}\n"
    "input_parameters: {input_type_train: rgb, input_type_rt: rgb, input_layout_train: NCHW, norm_type: "
    "no_preprocess}\n"
    "calibration_parameters: {calibration_type: max, cal_data_dir: s#}\n"
    "compiler_parameters: {compile_mode: latency, optimize_level: O2}\n";

std::string hb(const std::string& model, const std::string& calibration) {
  std::string text = kHb;
  text.replace(text.find('#'), 1, calibration);
  text.replace(text.find('%'), 1, model);
  return text;
}

}  // namespace

TEST_CASE("Advice names the table in quotes where YAML needs them") {
  CHECK(Chain(false).advice("version: 1\n").lines ==
        Lines{"qconfig_setter: [{sensitive_op: {table: \"out/a b,c.csv\", topk: 4}}]"});
  CHECK(Chain(true).advice("weights: {dtype: qint8}\n").lines ==
        Lines{"qconfig_setter: [{sensitive_op: {table: \"out/a b,c.csv\", topk: 4, dtype: float}}]"});
}

TEST_CASE("What a table raised is raised in the same place") {
  Chain chain(true);
  chain.sensitivity.raised = {"z"};
  const SensitivityAdvice own = chain.advice("qconfig_setter: [default_qat]\n");
  CHECK(own.where == ", as the first entry of 'qconfig_setter' (line 1) in place of the sensitive_op there");
  CHECK(own.lines == Lines{"- {sensitive_op: {table: \"out/a b,c.csv\", topk: 5, dtype: float}}"});
  const SensitivityAdvice later = chain.advice("version: 1\ntemplates: [default_qat]\n");
  CHECK(later.where ==
        ", as the last entry of 'templates' (line 2) in place of the SensitivityTemplate there");
  CHECK(later.lines == Lines{"- {SensitivityTemplate: {sensitive_table: \"out/a b,c.csv\", topk_or_ratio: 5, "
                             "high_precision_dtype: float}}"});
}

TEST_CASE("hb_mapper is told every node") {
  const SensitivityAdvice first = Chain(false).advice(hb("", ""));
  CHECK(first.where == ", in 'model_parameters'");
  CHECK(first.lines == Lines{"node_info:", "  \"/n:a\": {'OutputType': 'int16'}",
                             "  \"/n:b\": {'OutputType': 'int16'}", "  \"/n:c\": {'OutputType': 'int16'}",
                             "  \"/n:d\": {'OutputType': 'int16'}"});
  const SensitivityAdvice more =
      Chain(false, 3).advice(hb(", node_info: {'/n:e': {'OutputType': 'int8'}}", ""));
  CHECK(more.where == ", in 'model_parameters.node_info'");
  CHECK(more.lines == Lines{"\"/n:a\": {'OutputType': 'int16'}", "\"/n:b\": {'OutputType': 'int16'}",
                            "\"/n:c\": {'OutputType': 'int16'}"});
}

TEST_CASE("Float in forms that name nodes") {
  // Of a tensor, the node that makes it and those that read it.
  const SensitivityAdvice hb_mapper = Chain(true, 1).advice(hb("", ""));
  CHECK(hb_mapper.where.find("'calibration_parameters.run_on_cpu'") != std::string::npos);
  CHECK(hb_mapper.lines == Lines{"run_on_cpu: \"/n:a;/n:b\""});
  CHECK(Chain(true, 1).advice(hb("", ", run_on_cpu: '/n:e'")).lines == Lines{"\"/n:a;/n:b\""});
  CHECK(Chain(true, 1).advice("extra_qconfig_dict: {}\n").lines ==
        Lines{"extra_quantizer_dict: {exclude_node_name: [\"/n:a\", \"/n:b\"]}"});
  // Of a form that says it of a result, the node that makes it.
  CHECK(Chain(true, 1).advice("qconfig_dict: {'': qint8}\n").lines ==
        Lines{"module_name:", "  - [\"/n:a\", {activation: float}]"});
  CHECK(Chain(true, 1).advice("qconfig_dict: {'': qint8, module_name: [[e, qint8]]}\n").lines ==
        Lines{"- [\"/n:a\", {activation: float}]"});
  CHECK(Chain(true, 1).advice("quantizers: [{global: {output_activation: int8}}]\n").lines ==
        Lines{"- module_name:", "    \"/n:a\": {output_activation: null}"});
}
