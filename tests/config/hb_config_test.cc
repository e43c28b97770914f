#include "config/hb_config.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "config/config_folder.h"
#include "config/hb_keys.h"
#include "support/codes.h"
#include "support/temporary_folder.h"

using namespace qprep;

namespace {

using Lines = std::vector<std::string>;

/// A whole file of hb_mapper; the arguments are lines more of its groups.
std::string mapper(const std::string& model = "", const std::string& input = "",
                   const std::string& calibration = "  calibration_type: max\n  cal_data_dir: data_f32\n",
                   const std::string& compiler = "") {
  return "model_parameters:\n  march: bayes-e\n  output_model_file_prefix: net\n" + model +
         "input_parameters:\n  input_type_train: rgb\n  input_type_rt: nv12\n  input_layout_train: NCHW\n" +
         (input.empty() ? "  norm_type: no_preprocess\n" : input) + "calibration_parameters:\n" +
         calibration + "compiler_parameters:\n  compile_mode: latency\n  optimize_level: O3\n" + compiler;
}

std::string compile(const std::string& model = "", const std::string& input = "",
                    const std::string& calibration = "  calibration_type: max\n  cal_data_dir: data\n",
                    const std::string& compiler = "  jobs: 16\n") {
  return "model_parameters:\n  march: nash-m\n" + model +
         "input_parameters:\n  input_type_train: rgb\n  input_type_rt: nv12\n" + input +
         "calibration_parameters:\n" + calibration + "compiler_parameters:\n" + compiler;
}

Lines complaints(const std::string& text) {
  try {
    parse_config(text, "d/c.yaml");
  } catch (const Fatal& failure) {
    Lines lines;
    for (const Diagnostic& each : failure.diagnostics()) lines.push_back(to_text(each));
    return lines;
  }
  return {};
}

Lines texts(const std::vector<Diagnostic>& all, std::string_view code) {
  Lines lines;
  for (const Diagnostic& each : all) {
    if (each.code == code) lines.push_back(to_text(each));
  }
  return lines;
}

Lines remarks(const std::string& text, std::string_view code) {
  return texts(parse_config(text, "d/c.yaml").remarks, code);
}

Lines not_yet(const std::string& text) {
  return texts(parse_config(text, "d/c.yaml").not_yet, codes::kNotYet);
}

Lines methods(const MethodSearch& search) {
  Lines lines;
  for (const ObserverSpec& each : search.observers) lines.push_back(to_text(each));
  return lines;
}

/// "what slot says", a line for each setting.
Lines settings_of(const std::string& text) {
  Lines lines;
  for (const Setting& setting : parse_config(text, "d/c.yaml").setters) {
    lines.push_back(fmt::format("{}: {}{} {}", setting.what, to_text(setting.slot),
                                setting.input ? std::to_string(*setting.input) : "", to_text(setting.says)));
  }
  return lines;
}

}  // namespace

TEST_CASE("A file of hb_mapper becomes a configuration") {
  const Config config = parse_config(
      mapper(
          "  onnx_model: '../net.onnx'\n  working_dir: 'out'\n  layer_out_dump: False\n",
          "  input_name: ''\n  norm_type: 'data_mean_and_scale'\n  mean_value: 1 2 3\n  scale_value: 0.5\n"),
      "dir/sub/c.yaml");
  CHECK(config.written_for == "hb_mapper");
  CHECK(config.march.value == "bayes-e");
  CHECK(config.model->value == "dir/net.onnx");
  CHECK(config.folder->value == "dir/sub/out");
  CHECK(config.prefix->value == "net");
  CHECK(config.form.value == Form::kBoth);
  CHECK(config.dialect.value == Dialect::kQdq);
  REQUIRE(config.calibration);
  REQUIRE(config.calibration->raw.size() == 1);
  CHECK(config.calibration->raw[0].folder == "dir/sub/data_f32");
  CHECK_FALSE(config.calibration->raw[0].bytes);
  REQUIRE(config.inputs.size() == 1);
  CHECK(config.inputs[0].fed == Colour::kYuv444);
  CHECK(config.inputs[0].trained == Colour::kRgb);
  CHECK(config.inputs[0].mean == std::vector<double>{1, 2, 3});
  CHECK(config.inputs[0].scale == std::vector<double>{0.5});
  CHECK(config.kept == Lines{"layer_out_dump: False", "compile_mode: latency", "optimize_level: O3"});
  CHECK(texts(config.remarks, codes::kKeptKey).size() == 1);
}

TEST_CASE("The march tells the tool, and without it a key that only one has") {
  CHECK(parse_config(compile(), "c.yaml").written_for == "hb_compile");
  CHECK(parse_config(compile(), "c.yaml").prefix->value == "model");
  CHECK(complaints("compiler_parameters:\n  advice: 0.0\n").front().find("hb_compile needs it") !=
        std::string::npos);
  CHECK(complaints("compiler_parameters:\n  jobs: 4\n").front().find("hb_mapper needs it") !=
        std::string::npos);
  CHECK(
      complaints(mapper("", "", "  calibration_type: load\n", "  balance_factor: 3\n")) ==
      Lines{
          "d/c.yaml:14:3: error: 'balance_factor' of 'compiler_parameters' is a key of hb_compile; this file "
          "is one of hb_mapper by its march [unknown-key]"});
}

TEST_CASE("Keys that are unknown, misplaced, or of another way of writing") {
  CHECK(
      complaints(mapper("  march_: x\n  mean_value: 1\n")) ==
      Lines{"d/c.yaml:4:3: error: unknown key 'march_' in 'model_parameters' (did you mean 'march'?); known: "
            "onnx_model, caffe_model, prototxt, march, output_model_file_prefix, working_dir, output_nodes, "
            "remove_node_type, remove_node_name, node_info, set_node_data_type, layer_out_dump, debug_mode, "
            "log_level [unknown-key]",
            "d/c.yaml:5:3: error: unknown key 'mean_value' in 'model_parameters'; it belongs in "
            "'input_parameters'; known: onnx_model, caffe_model, prototxt, march, output_model_file_prefix, "
            "working_dir, output_nodes, remove_node_type, remove_node_name, node_info, set_node_data_type, "
            "layer_out_dump, debug_mode, log_level [unknown-key]"});
  const Lines mixed = complaints(mapper() + "activations: {dtype: qint8}\n");
  REQUIRE(mixed.size() == 1);
  CHECK(mixed[0] ==
        "d/c.yaml:15:1: error: 'activations' is a key of qprep's own configurations, and 'model_parameters' "
        "and "
        "its like are those of hb_mapper; a file is written in one way [mixed-forms]");
  CHECK(complaints(mapper() + "onnx_model: x\n")[0].find("it belongs in 'model_parameters'") !=
        std::string::npos);
}

TEST_CASE("Many unknown keys are not listed one by one") {
  std::string keys;
  for (int i = 0; i < 1000; ++i) keys += fmt::format("  unknown{}: 1\n", i);
  const Lines lines = complaints(mapper(keys));
  REQUIRE(lines.size() == 21);
  CHECK(lines.back().find("and more unknown keys from here on") != std::string::npos);
}

TEST_CASE("Keys that the tool requires") {
  const Lines missing = complaints("model_parameters:\n  march: bayes\n");
  CHECK(missing.size() == 8);
  CHECK(missing[0].find("'model_parameters.output_model_file_prefix' is missing; hb_mapper needs it "
                        "[missing-key]") != std::string::npos);
  CHECK(
      complaints(mapper("", "", "  calibration_type: max\n")) ==
      Lines{"d/c.yaml:10:21: error: 'calibration_parameters.cal_data_dir' is missing: 'calibration_type' max "
            "needs samples [missing-key]"});
}

TEST_CASE("Values of a wrong kind") {
  const auto wrong = [](const std::string& text, const std::string& words) {
    const Lines lines = complaints(text);
    CAPTURE(lines, words);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find(words) != std::string::npos);
  };
  wrong(mapper("  layer_out_dump: maybe\n"),
        "4:19: error: 'model_parameters.layer_out_dump' must be True or False");
  wrong(mapper("", "  norm_type: data_scale\n  scale_value: 1 b 2\n"),
        "must be numbers, separated by blanks");
  wrong(mapper("", "  norm_type: data_scale\n  scale_value: 1 2\n"), "has 2 numbers for one input");
  wrong(mapper("", "  norm_type: data_scale\n  scale_value: 0\n"), "cannot be 0");
  wrong(mapper("", "  norm_type: data_mean\n"), "there is no 'input_parameters.mean_value'");
  wrong(mapper("", "  norm_type: no_preprocess\n  mean_value: 1\n"), "but 'norm_type' is no_preprocess");
  wrong(mapper("", "  norm_type: no_preprocess\n  input_shape: 1x3xa\n"), "sizes separated by 'x'");
  CHECK(complaints(mapper("", "  norm_type: no_preprocess\n  input_name: a;b\n"))[0].find(
            "'input_parameters.input_type_train' has 1 values, and 'input_parameters.input_name' has 2") !=
        std::string::npos);
  wrong(mapper("", "  norm_type: no_preprocess\n  input_batch: 200\n"),
        "a whole number from 1 to 128, not '200'");
  wrong(mapper("", "", "  calibration_type: default\n  cal_data_dir: a\n  max_percentile: 0.9\n"),
        "'calibration_parameters.max_percentile' is for 'calibration_type' max, not default");
  wrong(mapper("", "", "  calibration_type: max\n  cal_data_dir: a;b\n"), "names 2 folders for 1 inputs");
  wrong(mapper("", "", "  calibration_type: load\n  optimization: set_all_node_int16\n"),
        "(did you mean 'set_all_nodes_int16'?)");
  wrong(mapper("", "", "  calibration_type: load\n  run_on_cpu: a;b\n  run_on_bpu: b\n"), "both name 'b'");
  wrong(mapper("  node_info: {a: {ON: GPU}}\n"), "node_info 'a' ON must be one of BPU, CPU, not 'GPU'");
  wrong(mapper("  node_info: {a: {InputTyp: int16}}\n"),
        "unknown key 'InputTyp' in node_info 'a' (did you mean");
  wrong(mapper("  node_info: {a: {OutputType: int32}}\n"), "must be one of int8, int16, not 'int32'");
  wrong(mapper("  node_info: 'a,int16'\n"), "'node_info' as a text is 'node:int16;node:int16'");
  wrong(mapper("  node_info: {a: {ON: CPU}, a: {ON: BPU}}\n"), "duplicate key 'a'");
  wrong(mapper("  caffe_model: a.caffemodel\n"), "cannot be carried out: qprep reads ONNX models");
  wrong(mapper("  remove_node_type: Transpose;Reshap\n"), "(did you mean 'Reshape'?)");
  wrong(mapper("", "", "  calibration_type: load\n", "  input_source: {x: dram}\n"),
        "'compiler_parameters.input_source.x' must be one of ddr, pyramid, resizer, not 'dram'");
  wrong(mapper("", "", "  calibration_type: load\n", "  max_time_per_fc: 5\n"),
        "must be a whole number 0 or one from 1000 to 4294967295, not '5'");
  wrong(mapper("", "", "  calibration_type: load\n", "  core_num: 3\n"), "from 1 to 2, not '3'");
  wrong(compile("", "", "  calibration_type: max\n", "  compile_mode: balance\n"),
        "needs 'compiler_parameters.balance");
  wrong(compile("", "", "  calibration_type: max\n", "  compile_mode: bandwidth\n  balance_factor: 3\n"),
        "it is 0");
  wrong(compile("", "  scale_value: 2\n  std_value: 3\n"), "only one of 'scale_value' and 'std_value'");
  wrong(compile("", "", "  calibration_type: max\n", "  extra_params: {input_no_pad: True}\n"),
        "(did you mean 'input_no_padding'?)");
  wrong(compile("", "", "  quant_config: nowhere.json\n"), "the quant_config 'nowhere.json'");
}

TEST_CASE("Pictures that cannot become those of the training") {
  const std::string text = mapper();
  std::string bad = text;
  bad.replace(bad.find("input_type_train: rgb"), 21, "input_type_train: gray");
  CHECK(complaints(bad) ==
        Lines{"d/c.yaml:6:18: error: 'input_parameters.input_type_rt' must be one of gray where "
              "'input_type_train' is gray, not 'nv12' [bad-value]"});
  bad = mapper("", "  norm_type: no_preprocess\n  input_space_and_range: bt601_video\n");
  CHECK(parse_config(bad, "c.yaml").inputs[0].video_range);
  bad.replace(bad.find("nv12"), 4, "bgr");
  CHECK(complaints(bad).size() == 1);
}

TEST_CASE("What is deprecated says what to write instead") {
  CHECK(remarks(compile("  log_level: debug\n"), codes::kDeprecatedKey) ==
        Lines{"d/c.yaml:3:3: warning: 'model_parameters.log_level' is deprecated in hb_compile: leave it "
              "out; the "
              "tool's command line has it [deprecated-key]"});
  CHECK(remarks(compile("", "", "  calibration_type: mix\n  cal_data_dir: a\n"), codes::kDeprecatedKey) ==
        Lines{"d/c.yaml:7:21: warning: 'mix' of 'calibration_parameters.calibration_type' is deprecated in "
              "hb_compile: use kl or max, or 'quant_config' with both [deprecated-key]"});
  CHECK(remarks(mapper("  set_node_data_type: 'a:int16'\n"), codes::kDeprecatedKey).size() == 1);
}

TEST_CASE("What the tool may choose is chosen aloud") {
  const Lines said =
      remarks(mapper("", "", "  calibration_type: default\n  cal_data_dir: a\n"), codes::kChosenMethod);
  CHECK(
      said ==
      Lines{
          "d/c.yaml:10:21: note: 'calibration_type' default: as hb_mapper does, qprep takes of max, max at "
          "the percentile 0.99995 and kl, with one scale and, below a cosine similarity of 0.995, with a "
          "scale "
          "for each channel, the one with which results are nearest; the vendor's search with zero points is "
          "left out, since models that hb_mapper loads have none [chosen-method]"});
  CHECK(remarks(compile("", "", ""), codes::kChosenMethod).size() == 1);
  const Config skip = parse_config(mapper("", "", "  calibration_type: skip\n  cal_data_dir: a\n"), "c.yaml");
  CHECK_FALSE(skip.calibration);
  CHECK(skip.form.value == Form::kQat);
  const Config load = parse_config(mapper("", "", "  calibration_type: load\n"), "c.yaml");
  CHECK_FALSE(load.calibration);
  CHECK(load.form.value == Form::kBoth);
}

TEST_CASE("Methods are qprep's own") {
  const auto observer = [](const std::string& lines) {
    return parse_config(mapper("", "", lines + "  cal_data_dir: a\n"), "c.yaml").calibration->observer;
  };
  CHECK(observer("  calibration_type: max\n") == ObserverSpec{.observer = Observer::kMinMax});
  CHECK(observer("  calibration_type: max\n  max_percentile: 0.5\n") ==
        ObserverSpec{.observer = Observer::kPercentile, .percentile = 50});
  CHECK(observer("  calibration_type: kl\n") == ObserverSpec{.observer = Observer::kKl});
  CHECK(observer("  calibration_type: mix\n") == ObserverSpec{.observer = Observer::kMix});
  CHECK(observer("  calibration_type: default\n") == ObserverSpec{});
}

TEST_CASE("Default searches as the vendor's does") {
  const CalibrationConfig calibration =
      *parse_config(mapper("", "", "  calibration_type: default\n  cal_data_dir: a\n"), "c.yaml").calibration;
  REQUIRE(calibration.search);
  CHECK(methods(*calibration.search) == Lines{"min_max", "percentile 99.995", "kl, 1024 bins"});
  CHECK(calibration.search->metric == ResultMetric::kCosineSimilarity);
  CHECK(calibration.search->similarity == 0.995);
  CHECK(calibration.search->per_channel);
  CHECK_FALSE(parse_config(compile("", "", "  cal_data_dir: a\n"), "c.yaml").calibration->search);
}

TEST_CASE("What a quant_config says of calibration, with the samples of its file") {
  const auto read = [](const std::string& model) {
    const std::string config = "  quant_config: {model_config: {" + model + "}}\n";
    return *parse_config(compile("", "", "  calibration_type: max\n  cal_data_dir: a\n" + config), "c.yaml")
                .calibration;
  };
  CHECK(read("activation: {calibration_type: kl, num_bin: 512}").observer ==
        ObserverSpec{.observer = Observer::kKl, .bins = 512});
  CHECK(read("activation: {calibration_type: max, max_percentile: 0.75}").observer ==
        ObserverSpec{.observer = Observer::kPercentile, .percentile = 75});
  CHECK(read("activation: {num_bin: 512}").observer == ObserverSpec{.observer = Observer::kMinMax});
  CHECK(read("weight: {bias_correction: {num_sample: 1}}").bias_correction == true);

  const CalibrationConfig searches = read(
      "activation: {calibration_type: [max, kl], num_bin: [1024, 2048], max_percentile: [0.5, 1.0]}, "
      "modelwise_search: {metric: mse, similarity: 0.9}");
  CHECK(searches.observer == ObserverSpec{});
  REQUIRE(searches.search);
  CHECK(methods(*searches.search) == Lines{"percentile 50", "min_max", "kl, 1024 bins", "kl, 2048 bins"});
  CHECK(searches.search->metric == ResultMetric::kMse);
  CHECK_FALSE(searches.search->similarity);

  const CalibrationConfig nearest = read(
      "activation: {calibration_type: [max, kl]}, modelwise_search: {metric: cosine-similarity, similarity: "
      "0.9}");
  REQUIRE(nearest.search);
  CHECK(nearest.search->metric == ResultMetric::kCosineSimilarity);
  CHECK(nearest.search->similarity == 0.9);
  CHECK_FALSE(nearest.search->per_channel);
  const CalibrationConfig channels = read("activation: {calibration_type: max, per_channel: [true, false]}");
  REQUIRE(channels.search);
  CHECK(channels.search->per_channel);
  CHECK(methods(*channels.search) == Lines{"min_max"});
  CHECK_FALSE(read("activation: {calibration_type: max, per_channel: true}").search);
}

TEST_CASE("Without samples, what is said of calibration has no effect, and that is told") {
  const std::string model = "{model_config: {activation: {calibration_type: kl}}}";
  CHECK(remarks(model, codes::kChosenMethod).size() == 1);
  CHECK(remarks("{model_config: {all_node_type: int8}}", codes::kChosenMethod).empty());
  const std::string config = "  quant_config: " + model + "\n";
  CHECK(remarks(compile("", "", "  calibration_type: skip\n" + config), codes::kChosenMethod).size() == 2);
}

TEST_CASE("A scale for each channel of an activation is a setting of all outputs") {
  const auto asked = [](const Config& config) {
    std::vector<std::string> said;
    for (const Setting& each : settings(config)) {
      if (each.slot == Slot::kOutput && each.says == Says(PerChannel{true})) said.push_back(to_text(each));
    }
    CHECK(config.not_yet.empty());
    return said;
  };
  const std::string samples = "  cal_data_dir: a\n  per_channel: ";
  const auto of_mapper = [&](const std::string& type, const std::string& flag) {
    return asked(
        parse_config(mapper("", "", "  calibration_type: " + type + "\n" + samples + flag + "\n"), "c.yaml"));
  };
  const std::vector<std::string> max = of_mapper("max", "True");
  REQUIRE(max.size() == 1);
  CHECK(max.front().find(" calibration_parameters.per_channel") != std::string::npos);
  CHECK(of_mapper("kl", "True").size() == 1);
  CHECK(of_mapper("max", "False").empty());
  CHECK(of_mapper("default", "True").empty());  // as the vendor says
  const auto of_hmct = [&](const char* flag) {
    return asked(
        parse_config(fmt::format("model_config: {{activation: {{per_channel: {}}}}}", flag), "c.yaml"));
  };
  CHECK(of_hmct("true") == std::vector<std::string>{"c.yaml:1:42 model_config.activation.per_channel"});
  CHECK(of_hmct("false").empty());
}

TEST_CASE("What cannot be carried out yet is said by name") {
  const std::string max = "  calibration_type: max\n  cal_data_dir: a\n";
  CHECK(not_yet(mapper("", "", max + "  max_percentile: 1.0\n")).empty());
  CHECK(not_yet(mapper("", "", max + "  preprocess_on: False\n")).empty());
  CHECK(not_yet(mapper("", "", max + "  preprocess_on: True\n")).size() == 1);
  CHECK(not_yet(mapper("", "  norm_type: no_preprocess\n  input_batch: 1\n")).empty());
  CHECK(not_yet(mapper("", "  norm_type: no_preprocess\n  input_batch: 8\n")).size() == 1);
  CHECK(not_yet(mapper("  output_nodes: a\n")).empty());
}

TEST_CASE("Settings of nodes, the first wins") {
  CHECK(settings_of(
            mapper("  node_info: {/a/Conv: {'ON': 'CPU', InputType1: int16}, b: {OutputType: int8}}\n", "",
                   "  calibration_type: load\n  run_on_cpu: c;d\n"
                   "  optimization: set_all_nodes_int16,set_Softmax_input_int8,set_model_output_int8\n")) ==
        Lines{"node_info '/a/Conv' ON: node float32", "node_info '/a/Conv' InputType1: input1 qint16",
              "node_info 'b' OutputType: output qint8", "run_on_cpu 'c': node float32",
              "run_on_cpu 'd': node float32", "optimization set_Softmax_input_int8: input qint8",
              "optimization set_model_output_int8: high_precision_output qint8",
              "optimization set_model_output_int8: tail qint8",
              "optimization set_all_nodes_int16: output qint16"});
  CHECK(settings_of(mapper("  node_info: 'a:int16;x:0:int8'\n", "", "  calibration_type: load\n")) ==
        Lines{"node_info 'a': input qint16", "node_info 'a': output qint16", "node_info 'x:0': input qint8",
              "node_info 'x:0': output qint8"});
  const Config wants = parse_config(
      mapper("  node_info: {a: {ON: BPU}}\n", "", "  calibration_type: load\n  run_on_bpu: b\n"), "c");
  REQUIRE(wants.wants_bpu.size() == 2);
  CHECK(wants.wants_bpu[0].value == "a");
  CHECK(wants.wants_bpu[1].value == "b");
}

TEST_CASE("A node that stands twice with the same values is a warning") {
  const std::string text = mapper("  node_info: {a: {ON: BPU}, b: {ON: CPU}, a: {ON: BPU}}\n");
  CHECK(complaints(text).empty());
  CHECK(remarks(text, codes::kDuplicateKey) ==
        Lines{"d/c.yaml:4:43: warning: duplicate key 'a'; it already stands in line 4 with the same value "
              "[duplicate-key]"});
}

TEST_CASE("Several inputs") {
  const Config config = parse_config(
      "model_parameters: {march: bayes, output_model_file_prefix: net}\n"
      "input_parameters:\n"
      "  input_name: 'image; state'\n"
      "  input_type_train: 'bgr;featuremap'\n"
      "  input_type_rt: 'bgr;featuremap'\n"
      "  input_layout_train: 'NHWC;NCHW'\n"
      "  input_layout_rt: 'NCHW;NCHW'\n"
      "  input_shape: '1x8x8x3;1x4'\n"
      "  norm_type: 'data_mean;no_preprocess'\n"
      "  mean_value: '1 2 3; None'\n"
      "calibration_parameters: {calibration_type: max, cal_data_dir: 'a_f32;b', cal_data_type: ''}\n"
      "compiler_parameters: {compile_mode: latency, optimize_level: O0}\n",
      "c.yaml");
  REQUIRE(config.inputs.size() == 2);
  CHECK(config.inputs[0].input == "image");
  CHECK(config.inputs[0].trained_nhwc);
  CHECK_FALSE(config.inputs[0].fed_nhwc);
  CHECK(config.inputs[0].shape == Dims{1, 8, 8, 3});
  CHECK(config.inputs[1].mean.empty());
  CHECK_FALSE(config.calibration->raw[0].bytes);
  CHECK(config.calibration->raw[1].bytes);
}

TEST_CASE("A quant_config of hmct, alone and in a file of hb_compile") {
  const std::string hmct =
      R"({"model_config": {"all_node_type": "int16", "model_output_type": "int8"}, "op_config": {"Conv": {"qtype": "int8"}}, )"
      R"("subgraph_config": {"s": {"inputs": ["a"], "outputs": ["b"], "qtype": "int16"}}, )"
      R"("node_config": {"/a": {"input0": "int16"}, "/c": {"ON": "CPU"}, "/d": {"qtype": "float32"}}})";
  const Lines wanted = {"node_config '/a' input0: input0 qint16",
                        "node_config '/c' ON: node float32",
                        "node_config '/d' qtype: node float32",
                        "subgraph_config 's': input qint16",
                        "subgraph_config 's': output qint16",
                        "op_config 'Conv' qtype: input qint8",
                        "op_config 'Conv' qtype: output qint8",
                        "model_config.model_output_type: high_precision_output qint8",
                        "model_config.model_output_type: tail qint8",
                        "model_config.all_node_type: output qint16"};
  CHECK(settings_of(hmct) == wanted);
  CHECK(settings_of(compile("", "", "  quant_config: " + hmct + "\n")) == wanted);
  const test::TemporaryFolder folder;
  test::write_text(folder.path() / "q.json", hmct);
  const Config config =
      parse_config(compile("", "", "  quant_config: q.json\n"), (folder.path() / "c.yaml").string());
  CHECK(config.setters.size() == wanted.size());
}

TEST_CASE("Mistakes of a quant_config, and what cannot be carried out yet") {
  const auto first = [](const std::string& text) {
    const Lines lines = complaints(text);
    return lines.size() == 1 ? lines[0] : fmt::format("{} complaints", lines.size());
  };
  CHECK(first("{op_config: {Conv: {qtyp: int8}}}") ==
        "d/c.yaml:1:21: error: unknown key 'qtyp' in op_config 'Conv' (did you mean 'qtype'?); known: qtype, "
        "input0, output, ON [unknown-key]");
  CHECK(
      first("{model_config: {all_node_type: int12}}").find("must be one of int8, int16, float16, float32") !=
      std::string::npos);
  CHECK(first("{model_config: {activation: {num_bin: 5}}}")
            .find("from 129 to 1000000 (256 to 65536 can be carried out), not '5'") != std::string::npos);
  CHECK(first("{model_config: {activation: {max_percentile: 0.1}}}").find("from 0.5 to 1") !=
        std::string::npos);
  CHECK(first("{model_config: {modelwise_search: {metric: cos}}}").find("cosine-similarity") !=
        std::string::npos);
  CHECK(first("{node_config: {}, march: bayes}").find("[mixed-forms]") != std::string::npos);
  CHECK(first("{subgraph_config: {s: {inputs: [a], qtype: int8}}}").find("needs 'inputs', 'outputs'") !=
        std::string::npos);
  for (const char* text : {"activation: {asymmetric: true}", "all_node_type: float16",
                           "activation: {calibration_type: kl, num_bin: 200}",
                           "modelwise_search: {metric: mre}", "layerwise_search: {metric: mse}"}) {
    CAPTURE(text);
    CHECK(not_yet(fmt::format("model_config: {{{}}}", text)).size() == 1);
  }
  CHECK(not_yet("model_config: {activation: {calibration_type: [max], per_channel: false}}").empty());
  CHECK(not_yet("model_config: {activation: {calibration_type: [max, kl], asymmetric: [true, false]}}")
            .empty());
}

TEST_CASE("What a quant_config says of calibration without effect is told, or refused") {
  const auto said = [](const std::string& model) {
    const std::string config = "  quant_config: {model_config: {" + model + "}}\n";
    const std::string text = compile("", "", "  calibration_type: max\n  cal_data_dir: a\n" + config);
    Lines lines;
    for (const Diagnostic& each : parse_config(text, "c.yaml").remarks) {
      if (each.code == codes::kNoEffect) lines.push_back(each.message);
    }
    return lines;
  };
  const std::string activation = "'model_config.activation.";
  CHECK(said("activation: {calibration_type: max, num_bin: 512}") ==
        Lines{activation + "num_bin' has no effect: it is for 'calibration_type' kl, not max"});
  CHECK(said("activation: {num_bin: 512}") ==
        Lines{activation + "num_bin' has no effect: it is for 'calibration_type' kl"});
  CHECK(said("activation: {max_percentile: 0.9}") ==
        Lines{activation + "max_percentile' has no effect: it is for 'calibration_type' max beside it"});
  CHECK(
      said("activation: {calibration_type: kl}, modelwise_search: {similarity: 0.9}") ==
      Lines{"'model_config.modelwise_search' has no effect: it compares methods, of which 'activation' names "
            "one"});
  CHECK(
      said("activation: {calibration_type: [max, kl]}, modelwise_search: {metric: mse, similarity: 0.9}") ==
      Lines{"'model_config.modelwise_search.similarity' has no effect: it is of 'metric' cosine-similarity, "
            "and the metric is mse"});
  for (const char* text :
       {"activation: {calibration_type: [max, kl], num_bin: 512, max_percentile: 0.9}",
        "activation: {calibration_type: kl, num_bin: 512, max_percentile: 1.0}",
        "activation: {calibration_type: max, max_percentile: [0.9, 1.0]}, modelwise_search: {}",
        "activation: {calibration_type: max, per_channel: [true, false]}, "
        "modelwise_search: {similarity: 0.9}"}) {
    CAPTURE(text);
    CHECK(said(text).empty());
  }
  CHECK(
      complaints("{model_config: {activation: {calibration_type: kl, max_percentile: 0.9}}}") ==
      Lines{
          "d/c.yaml:1:68: error: 'model_config.activation.max_percentile' is for 'calibration_type' max, not "
          "kl [bad-value]"});
  CHECK(complaints("{\"model_config\": {\"activation\": {\"calibration_type\": \"kll\"}}}") ==
        Lines{"d/c.yaml:1:54: error: 'model_config.activation.calibration_type' must be one of max, kl, not "
              "'kll' "
              "(did you mean 'kl'?) [bad-value]"});
}

TEST_CASE("The table of keys has each key of a tool once") {
  const HbKeys keys = read_hb_keys((find_configs() / "hb_keys.yaml").string());
  for (const HbTool tool : {HbTool::kMapper, HbTool::kCompile}) {
    std::vector<std::string> paths;
    for (const HbKey& key : keys.of(tool)) paths.push_back(key.path());
    std::sort(paths.begin(), paths.end());
    CHECK(std::adjacent_find(paths.begin(), paths.end()) == paths.end());
    CHECK(keys.conversions(tool).size() == 5);
  }
}
