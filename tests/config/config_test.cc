#include "config/config.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <string>
#include <utility>
#include <vector>

#include "support/codes.h"
#include "support/temporary_folder.h"

using namespace qprep;

namespace {

/// What reading `text` as "dir/c.yaml" complains of, a line each; empty if it is accepted.
std::vector<std::string> complaints(const std::string& text) {
  try {
    parse_config(text, "dir/c.yaml");
  } catch (const Fatal& failure) {
    std::vector<std::string> lines;
    for (const Diagnostic& each : failure.diagnostics()) lines.push_back(to_text(each));
    return lines;
  }
  return {};
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("A configuration with one key has the defaults for all others") {
  const Config config = parse_config("version: 1\n", "c.yaml");
  CHECK(config.march.value == "bayes");
  CHECK(config.method.value == "jit_strip");
  CHECK_FALSE(config.prefix);
  CHECK(config.dialect.value == Dialect::kFunction);
  CHECK(config.form.value == Form::kQat);
  CHECK_FALSE(config.calibration);
  CHECK(config.weights.value == Precision::kInt8);
  CHECK(config.activations.value == Precision::kInt8);
  CHECK(config.weights.where.file.empty());
}

TEST_CASE("Every key is read, with its place") {
  const Config config = parse_config(
      "version: 1\n"
      "march: nash-m\n"
      "method: symbolic\n"
      "output: {prefix: net, dialect: qdq, form: both}\n"
      "calibration:\n"
      "  data: samples\n"
      "  method: min_max\n"
      "weights: {dtype: int16}\n"
      "activations:\n"
      "  dtype: float\n",
      "dir/c.yaml");
  CHECK(config.march.value == "nash-m");
  CHECK(config.march.where == Where{"dir/c.yaml", 2, 8});
  CHECK(config.method.value == "symbolic");
  CHECK(config.prefix->value == "net");
  CHECK(config.prefix->where == Where{"dir/c.yaml", 4, 18});
  CHECK(config.dialect.value == Dialect::kQdq);
  CHECK(config.form.value == Form::kBoth);
  CHECK(config.calibration->data == "dir/samples");
  CHECK(config.calibration->where == Where{"dir/c.yaml", 6, 9});
  CHECK(config.weights.value == Precision::kInt16);
  CHECK(config.activations.value == Precision::kFloat32);
  CHECK(config.activations.where == Where{"dir/c.yaml", 10, 10});
}

TEST_CASE("Each word for a number format means what it says") {
  const auto weights = [](const std::string& word) {
    return parse_config("weights: {dtype: " + word + "}\n", "c.yaml").weights.value;
  };
  CHECK(weights("qint8") == Precision::kInt8);
  CHECK(weights("int8") == Precision::kInt8);
  CHECK(weights("qint16") == Precision::kInt16);
  CHECK(weights("int16") == Precision::kInt16);
  CHECK(weights("float") == Precision::kFloat32);
}

TEST_CASE("Every known march is accepted, also in quotes") {
  for (const char* march :
       {"bernoulli2", "bayes", "bayes-e", "meta", "nash-e", "nash-m", "nash-p", "nash-h", "nash-b"}) {
    CHECK(parse_config(std::string("march: \"") + march + "\"\n", "c.yaml").march.value == march);
  }
}

TEST_CASE("A path in a configuration is relative to the configuration, an absolute one is itself") {
  const auto data = [](const std::string& written, const std::string& file) {
    return parse_config("calibration: {data: " + written + "}\n", file).calibration->data;
  };
  CHECK(data("s", "c.yaml") == "s");
  CHECK(data("./s", "c.yaml") == "s");
  CHECK(data("../s", "a/b/c.yaml") == "a/s");
  CHECK(data("/abs/s", "a/c.yaml") == "/abs/s");
}

TEST_CASE("Settings carry where they come from") {
  const std::vector<Setting> all = settings(parse_config("weights:\n  dtype: qint16\n", "c.yaml"));
  REQUIRE(all.size() == 4);
  CHECK(all[0].slot == Slot::kOutput);
  CHECK(to_text(all[0]) == "default: int8 activations");
  CHECK(all[0].precision() == Precision::kInt8);
  CHECK(all[1].slot == Slot::kWeight);
  CHECK(to_text(all[1]) == "c.yaml:2:10 weights.dtype");
  CHECK(all[1].precision() == Precision::kInt16);
  CHECK(all[2].slot == Slot::kHead);
  CHECK(all[3].slot == Slot::kTail);
  for (const std::size_t end : {2U, 3U}) {
    CHECK(to_text(all[end]) == "default: method jit_strip");
    CHECK(all[end].precision() == Precision::kFloat32);
  }
}

TEST_CASE("Stubs are settings of the highest priority; a side that has some is found by no rule") {
  const std::string text = "stubs: {outputs: [a, b]}\nhybrid: {enabled: true, module_name: [c]}\n";
  const std::vector<Setting> all = settings(parse_config(text, "c.yaml"));
  REQUIRE(all.size() == 7);
  CHECK(all[0].selector.kind == Selector::Kind::kOutside);
  CHECK(all[0].selector.to == std::vector<std::string>{"a"});
  CHECK(all[0].selector.from.empty());
  CHECK(all[0].slot == Slot::kNode);
  CHECK(to_text(all[1]) == "c.yaml:1:22 stubs.outputs");
  CHECK(all[2].selector.text == "c");
  CHECK(all[5].slot == Slot::kHead);
  CHECK(all[5].precision() == Precision::kFloat32);
  CHECK(all[6].slot == Slot::kTail);
  CHECK(all[6].precision() != Precision::kFloat32);
}

TEST_CASE("A method that strips nothing leaves the tail to be as the rest is") {
  const std::string text = "method: jit\nactivations: {dtype: qint16}\n";
  const Setting tail = settings(parse_config(text, "c.yaml")).back();
  CHECK(tail.slot == Slot::kTail);
  CHECK(tail.precision() != Precision::kFloat32);
  CHECK(to_text(tail) == "c.yaml:1:9 method");
  CHECK(settings(parse_config("method: jit_strip\n", "c.yaml")).back().precision() == Precision::kFloat32);
}

TEST_CASE("Setters become settings in their order, those of hybrid first") {
  const Config config = parse_config(
      "qconfig_setter:\n"
      "  - module_name: {a.b: int16, \"c*\": float, d: {weight: qint8, output: float}}\n"
      "  - qat_8bit_weight_16bit_act_qconfig_setter\n"
      "  - module_type: {Conv: qint8}\n"
      "hybrid: {enabled: true, module_type: [Selu], module_name: [e]}\n",
      "c.yaml");
  std::vector<std::string> lines;
  for (const Setting& setting : settings(config)) {
    lines.push_back(to_text(setting) + ": " + std::string(to_text(setting.slot)) + " " +
                    to_text(setting.says));
  }
  CHECK(lines == Lines{"c.yaml:5:60 hybrid.module_name 'e': node float32",
                       "c.yaml:5:39 hybrid.module_type 'Selu': node float32",
                       "c.yaml:2:19 module_name 'a.b': output qint16",
                       "c.yaml:2:31 module_name 'c*': node float32",
                       "c.yaml:2:48 module_name 'd' weight: weight qint8",
                       "c.yaml:2:63 module_name 'd' output: output float32",
                       "c.yaml:3:5 qconfig_setter qat_8bit_weight_16bit_act: high_precision_output float32",
                       "c.yaml:3:5 qconfig_setter qat_8bit_weight_16bit_act: output qint16",
                       "c.yaml:3:5 qconfig_setter qat_8bit_weight_16bit_act: weight qint8",
                       "c.yaml:3:5 qconfig_setter qat_8bit_weight_16bit_act: high_precision_output qint16",
                       "c.yaml:4:19 module_type 'Conv': output qint8",
                       "default: int8 activations: output qint8", "default: int8 weights: weight qint8",
                       "default: method jit_strip: head float32", "default: method jit_strip: tail float32"});
}

TEST_CASE("Mistakes in setters are named, all in one run") {
  CHECK(
      complaints("qconfig_setter:\n"
                 "  - defualt_qat\n"
                 "  - module_nam: {a: qint8}\n"
                 "  - module_name: {a: qint12, b: [], \"re:(\": qint8, \"\": qint8, c: {outptu: qint8}}\n"
                 "  - module_name: a\n"
                 "  - {module_name: {}, module_type: {}}\n"
                 "hybrid: {enabled: false, module_name: [x]}\n") ==
      Lines{"dir/c.yaml:2:5: error: there is no template 'defualt_qat' (did you mean 'default_qat'?); there "
            "are "
            "DefaultTemplate, AllInt8Template, AllInt16Template, HighPrecisionOutputTemplate, "
            "GEMMInt8Template, GEMMToLayerNormInt16Template, GEMMToSoftmaxInt16Template, "
            "GEMMToGridSampleGridInt16Template, ConstTensorQuantTemplate, default_calibration, default_qat, "
            "default_qat_fixed_act, calibration_8bit_weight_16bit_act, qat_8bit_weight_16bit_act, "
            "qat_8bit_weight_16bit_fixed_act, gemm_int8_calibration, gemm_int8_qat, all_fp16, "
            "sensitive_op_calibration_8bit_weight_16bit_act, sensitive_op_qat_8bit_weight_16bit_act, "
            "sensitive_op_qat_8bit_weight_16bit_fixed_act, "
            "sensitive_op_8bit_weight_16bit_act_calibration_setter, "
            "sensitive_op_8bit_weight_16bit_act_qat_setter [bad-value]",
            "dir/c.yaml:3:5: error: unknown setter 'module_nam' (did you mean 'module_name'?); known: "
            "module_name, module_type, op_class, before, subgraph, all, sensitive_op, template [unknown-key]",
            "dir/c.yaml:4:22: error: module_name 'a' must be one of qint8, qint16, float, int8, int16, not "
            "'qint12' "
            "(did you mean 'qint16'?) [bad-value]",
            "dir/c.yaml:4:33: error: module_name 'b' must be one of qint8, qint16, float, int8, int16, not "
            "a list [bad-value]",
            "dir/c.yaml:4:37: error: 're:(' is no regular expression: missing ): '(' [bad-value]",
            "dir/c.yaml:4:52: error: a selector has at least one letter; what holds for all nodes is in "
            "'activations' and 'weights' [bad-value]",
            "dir/c.yaml:4:67: error: unknown key 'outptu' in module_name 'c' (did you mean 'output'?); "
            "known: output, weight, input, bias, dtype, threshold, freeze, optional "
            "[unknown-key]",
            "dir/c.yaml:5:18: error: 'module_name' must be a map from names to settings, not 'a' [bad-value]",
            "dir/c.yaml:6:5: error: a setter is the name of a template, or one key of module_name, "
            "module_type, op_class, before, subgraph, all, sensitive_op, template with its settings, "
            "not 2 keys: write a '-' before each [bad-value]",
            "dir/c.yaml:7:40: error: 'hybrid' names nodes for the CPU, and is off, which refuses all nodes "
            "there: "
            "write 'enabled: true', or leave them out [bad-value]"});
}

TEST_CASE("What cannot be carried out yet is no mistake, and has its place") {
  const Config config = parse_config(
      "qconfig_setter:\n"
      "  - all_fp16\n"
      "  - template: [HighPrecisionOutputTemplate]\n"
      "  - module_name: {a: {bias: float}, b: qint4}\n"
      "activations: {observer: clip, fake_quant: lsq}\n"
      "weights: {observer: kl}\n",
      "c.yaml");
  std::vector<std::string> lines;
  for (const Diagnostic& each : config.not_yet) lines.push_back(to_text(each));
  const std::string end = " is understood, but prepare cannot carry it out yet [not-yet]";
  CHECK(lines == Lines{"c.yaml:6:21: error: 'weights.observer' 'kl'" + end,
                       "c.yaml:5:25: error: 'activations.observer' 'clip'" + end,
                       "c.yaml:5:43: error: 'activations.fake_quant' 'lsq'" + end,
                       "c.yaml:2:5: error: qconfig_setter all_fp16" + end,
                       "c.yaml:4:23: error: module_name 'a' bias float" + end,
                       "c.yaml:4:40: error: 'qint4' for module_name 'b'" + end});
}

TEST_CASE("The first rows of a sensitivity table count, those of the wanted type and dtype hold") {
  const test::TemporaryFolder folder;
  const std::string config = (folder.path() / "c.yaml").string();
  const auto chosen = [&](const std::string& table, const std::string& options) {
    test::write_text(folder.path() / "t", table);
    std::vector<std::string> lines;
    for (const Setting& setting :
         parse_config("qconfig_setter: [{sensitive_op: {table: t, " + options + "}}]\n", config).setters) {
      lines.push_back(to_text(setting) + " " + std::string(to_text(setting.slot)) + " " +
                      to_text(setting.says));
    }
    return lines;
  };
  const std::string csv =
      "op_name,sensitive_type,op_type,L1,dtype\n"
      "conv1,activation,Conv,2.5,qint8\n"
      "conv1,weight,Conv,2.0,qint8\n"
      "add,activation,Add,1.0,qint16\n"
      "conv2,activation,Conv,0.5,qint8\n";
  CHECK(chosen(csv, "topk: 3") == Lines{"t:2 sensitive_op 'conv1' activation output qint16"});
  CHECK(chosen(csv, "ratio: 0.26") == Lines{"t:2 sensitive_op 'conv1' activation output qint16"});
  CHECK(chosen(csv, "ratio: 1") == Lines{"t:2 sensitive_op 'conv1' activation output qint16",
                                         "t:5 sensitive_op 'conv2' activation output qint16"});
  CHECK(chosen(csv, "topk: 9, type: both, dtype: float") ==
        Lines{"t:2 sensitive_op 'conv1' activation output float32",
              "t:3 sensitive_op 'conv1' weight weight float32",
              "t:5 sensitive_op 'conv2' activation output float32"});
  CHECK(chosen(csv, "topk: 9, from: qint16, dtype: qint8") ==
        Lines{"t:4 sensitive_op 'add' activation output qint8"});
  const Lines first = {"t:3 sensitive_op '/a b/Conv' activation output qint16"};
  CHECK(chosen("op name    type        op_type    L1\n---------  ----------  ---------  ----\n"
               "/a b/Conv  activation  Conv       2.5\n",
               "topk: 1") == first);
  CHECK(
      chosen("| op | sensitive_type | op_type | L1 |\n|----+---|\n| /a b/Conv | activation | Conv | 2.5 |\n",
             "topk: 1") == first);
  CHECK(chosen("\n\n/a b/Conv\tactivation\tConv\t2.5\r\n", "topk: 1") == first);

  test::write_text(folder.path() / "t", "conv,activation\nconv,bias,Conv,1\n");
  const auto wrong = [&](const std::string& options) {
    try {
      parse_config("qconfig_setter: [{sensitive_op: {" + options + "}}]\n", config);
    } catch (const Fatal& failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  CHECK_THAT(wrong("table: t, topk: 1"),
             Catch::Contains("t:1: error: a row has the columns") &&
                 Catch::Contains("t:2: error: the type of a row must be activation or weight, not 'bias'"));
  std::string prose;
  for (int i = 0; i < 40; ++i) prose += "a line of something else\n";
  test::write_text(folder.path() / "t", prose);
  const std::string no_table = wrong("table: t, topk: 1");
  CHECK_THAT(no_table, Catch::Contains("t:1: error: this is no sensitivity table") &&
                           Catch::Contains("none of its 40 lines can be read"));
  CHECK(no_table.find("error:", no_table.find("error:") + 1) == std::string::npos);
  test::write_text(folder.path() / "t", csv + prose);
  CHECK_THAT(wrong("table: t, topk: 1"), Catch::Contains("t:8: error: a row has") &&
                                             !Catch::Contains("t:9:") &&
                                             Catch::Contains("37 more lines of the table cannot be read"));
  CHECK_THAT(wrong("table: none, topk: 1"),
             Catch::Contains("cannot read") && Catch::Contains("No such file"));
  test::write_text(folder.path() / "t", csv);
  CHECK_THAT(wrong("table: t"), Catch::Contains("either 'topk'"));
  CHECK_THAT(wrong("table: t, topk: 1, ratio: 0.5"), Catch::Contains("either 'topk'"));
  CHECK_THAT(wrong("table: t, ratio: 1.5"), Catch::Contains("above 0 and not above 1, not '1.5'"));
  CHECK_THAT(wrong("topk: 3"), Catch::Contains("has no 'table'"));
}

TEST_CASE("All mistakes of a file are reported in one run, in the order of the lines") {
  CHECK(
      complaints("version: 2\n"
                 "marhc: bayes\n"
                 "method: jitstrip\n"
                 "output:\n"
                 "  prefx: a\n"
                 "  dialect: qdp\n"
                 "  form: fixed\n"
                 "calibration: {data: {a}, method: minmax}\n"
                 "weights: {dtype: qint12}\n"
                 "activations: qint8\n"
                 "output: {form: qat}\n") ==
      Lines{
          "dir/c.yaml:1:10: error: 'version' must be 1, not '2' [bad-value]",
          "dir/c.yaml:2:1: error: unknown key 'marhc' (did you mean 'march'?); known: activations, "
          "backend, bn, calibration, dims, extra_fuse_dict, extra_qconfig_dict, extra_quantizer_dict, fuse, "
          "hybrid, "
          "hybrid_dict, "
          "march, method, newest_opset, output, patterns, prepare_custom_config_dict, preserve_attr, "
          "qconfig_dict, qconfig_setter, "
          "quantizers, replace, rewrite, stubs, templates, version, weights [unknown-key]",
          "dir/c.yaml:3:9: error: 'method' must be one of jit_strip, jit, symbolic, eager, not 'jitstrip' "
          "(did you "
          "mean 'jit_strip'?) [bad-value]",
          "dir/c.yaml:5:3: error: unknown key 'prefx' in 'output' (did you mean 'prefix'?); known: dialect, "
          "form, "
          "prefix [unknown-key]",
          "dir/c.yaml:6:12: error: 'output.dialect' must be one of function, qdq, horizon, not 'qdp' (did "
          "you mean "
          "'qdq'?) "
          "[bad-value]",
          "dir/c.yaml:7:9: error: 'output.form' must be one of qat, fixed_point, both, not 'fixed' (did you "
          "mean "
          "'fixed_point'?) [bad-value]",
          "dir/c.yaml:8:21: error: 'calibration.data' must be a folder, a .txt list, or a list of files, not "
          "a map [bad-value]",
          "dir/c.yaml:8:34: error: 'calibration.method' must be one of auto, min_max, mean_range, "
          "moving_average, "
          "percentile, kl, mse, mix, clip, clip_std, lsq, pact, not 'minmax' (did you mean 'min_max'?) "
          "[bad-value]",
          "dir/c.yaml:9:18: error: 'weights.dtype' must be one of qint8, qint16, float, int8, int16, not "
          "'qint12' "
          "(did you mean 'qint16'?) [bad-value]",
          "dir/c.yaml:10:14: error: 'activations' must be a map of keys and values, not 'qint8' [bad-value]",
          "dir/c.yaml:11:1: error: duplicate key 'output'; it already stands in line 4 [duplicate-key]"});
}

TEST_CASE("Values that cannot be carried out are refused by name") {
  CHECK(
      complaints("method: eager\nfuse: all\n") ==
      Lines{"dir/c.yaml:2:7: error: 'fuse: all' contradicts 'method: eager', which fuses what is listed and "
            "nothing else [bad-value]"});
  CHECK(complaints("output: {prefix: a/b}\n") ==
        Lines{"dir/c.yaml:1:18: error: 'output.prefix' is the beginning of file names and has no '/'; the "
              "folder is "
              "the command's -o [bad-value]"});
  CHECK(complaints("output: {prefix: \"a\\nb\"}\n") ==
        Lines{"dir/c.yaml:1:18: error: 'output.prefix' is the beginning of file names and has no line breaks "
              "[bad-value]"});
  CHECK(complaints("calibration: {method: kl, percentile: 99}\n") ==
        Lines{"dir/c.yaml:1:39: error: 'calibration.percentile' is for method percentile and mix, not kl "
              "[bad-value]"});
}

TEST_CASE("A method that other tools call otherwise is named, wherever a method stands") {
  const std::string words =
      "min_max, mean_range, moving_average, percentile, kl, mse, mix, clip, clip_std, lsq, pact";
  for (const auto& [word, meant] : std::vector<std::pair<std::string, std::string>>{
           {"max", "'min_max', which hb_mapper calls max"},
           {"MinMax", "'min_max'"},
           {"Entropy", "'kl', which ONNX Runtime calls entropy"},
           {"histogram", "'percentile' or 'mse', which look at a histogram"},
           {"percentle", "'percentile'"}}) {
    const std::string said = fmt::format("{}, not '{}' (did you mean {}?) [bad-value]", words, word, meant);
    CHECK(complaints(fmt::format("calibration: {{method: {}}}\n", word)) ==
          Lines{"dir/c.yaml:1:23: error: 'calibration.method' must be one of auto, " + said});
    CHECK(
        complaints(fmt::format("calibration: {{tensors: [{{name: a, method: {}}}], method: kl}}\n", word)) ==
        Lines{"dir/c.yaml:1:43: error: 'calibration.tensors[0].method' must be one of " + said});
    CHECK(complaints(fmt::format("calibration: {{search: {{methods: [{{method: {}}}]}}}}\n", word)) ==
          Lines{"dir/c.yaml:1:43: error: 'calibration.search.methods.method' must be one of " + said});
    const Lines plain = complaints(fmt::format("calibration: {{search: {{methods: [{}]}}}}\n", word));
    REQUIRE(plain.size() == 1);
    CHECK(plain[0].find(fmt::format("(did you mean {}?)", meant)) != std::string::npos);
  }
}

TEST_CASE("Where auto cannot be said, what can is named") {
  const std::string why =
      "cannot be auto: it is what compares these; name methods such as min_max, percentile, kl and mse, or "
      "leave the list out [bad-value]";
  CHECK(complaints("calibration: {search: {methods: [auto]}}\n") ==
        Lines{"dir/c.yaml:1:34: error: an entry of 'calibration.search.methods' " + why});
  CHECK(complaints("calibration: {search: {methods: [{method: auto}]}}\n") ==
        Lines{"dir/c.yaml:1:43: error: 'calibration.search.methods.method' " + why});
  CHECK(
      complaints("calibration: {method: mse, tensors: [{name: a, method: auto}]}\n") ==
      Lines{"dir/c.yaml:1:56: error: 'calibration.tensors[0].method' cannot be auto: it compares methods for "
            "the whole model, and 'calibration.method' is mse; the others are min_max, mean_range, "
            "moving_average, percentile, kl, mse, mix, clip, clip_std, lsq, pact [bad-value]"});
  CHECK(complaints("calibration: {tensors: [{name: a, method: auto}]}\n").empty());
}

TEST_CASE("Numbers of calibration out of bounds are told with what would be in them") {
  CHECK(
      complaints("calibration: {method: clip, clip_max: 1, clip_min: 3}\n") ==
      Lines{
          "dir/c.yaml:1:39: error: 'calibration.clip_max' must be at least 'calibration.clip_min', which is "
          "3, and is 1 [bad-value]"});
  CHECK(
      complaints("calibration: {method: clip, clip_min: 3}\n") ==
      Lines{
          "dir/c.yaml:1:39: error: 'calibration.clip_max' must be at least 'calibration.clip_min', which is "
          "3, and is 1 unless told [bad-value]"});
  CHECK(
      complaints("calibration: {method: clip, clip_max: -2}\n") ==
      Lines{
          "dir/c.yaml:1:39: error: 'calibration.clip_max' must be at least 'calibration.clip_min', which is "
          "-1 unless told, and is -2 [bad-value]"});
  CHECK(complaints("calibration: {method: clip, clip_min: 0, clip_max: 0}\n") ==
        Lines{"dir/c.yaml:1:52: error: 'calibration.clip_min' and 'calibration.clip_max' are both 0, so that "
              "nothing but 0 would be left of any tensor [bad-value]"});
  CHECK(complaints("calibration: {method: clip, clip_max: 0}\n").empty());
  CHECK(
      complaints("calibration: {method: percentile, percentile: 0.9999}\n") ==
      Lines{"dir/c.yaml:1:47: error: 'calibration.percentile' is in percent, from 50 to 100: write 99.99 for "
            "0.9999 [bad-value]"});
  CHECK(complaints("calibration: {method: percentile, percentile: 40}\n") ==
        Lines{"dir/c.yaml:1:47: error: 'calibration.percentile' must be a number from 50 to 100, not '40' "
              "[bad-value]"});
  CHECK(complaints("calibration: {memory: 1KiB}\n") ==
        Lines{"dir/c.yaml:1:23: error: 'calibration.memory' must be a size in MiB or GiB, such as 512MiB or "
              "2GiB, not '1KiB' [bad-value]"});
  const std::string data =
      "error: 'calibration.data' must be a folder, a .txt list, or a list of files, not ";
  CHECK(complaints("calibration: {data: ''}\n") ==
        Lines{"dir/c.yaml:1:21: " + data + "an empty text [bad-value]"});
  CHECK(complaints("calibration: {data: {a: b}}\n") ==
        Lines{"dir/c.yaml:1:21: " + data + "a map [bad-value]"});
}

TEST_CASE("An entry of calibration.tensors with the name of one before is said to be idle") {
  const Config config = parse_config(
      "calibration:\n  tensors:\n  - {name: a, method: kl}\n  - {name: b, method: kl}\n  - {name: a, method: "
      "mse}\n",
      "dir/c.yaml");
  REQUIRE(config.remarks.size() == 1);
  CHECK(config.remarks[0].code == codes::kNeverWins);
  CHECK(config.remarks[0].where == Where{"dir/c.yaml", 5, 12});
  CHECK(config.remarks[0].message ==
        "'calibration.tensors' 'a' decides nothing: the entry before it in line 3 has the same name");
}

TEST_CASE("A key without its value is said to have nothing") {
  CHECK(complaints("march:\n") == Lines{"dir/c.yaml:1:1: error: 'march' must be one of academic, acl, "
                                        "bayes, bayes-e, bernoulli2, generic-int8, meta, nash-b, nash-e, "
                                        "nash-h, nash-m, nash-p, nnie, onnx_qnn, openvino, pplw8a16, snpe, "
                                        "tengine, tensorrt, vitis, xnnpack, not nothing [bad-value]"});
  CHECK(
      complaints("calibration:\n") ==
      Lines{
          "dir/c.yaml:1:1: error: 'calibration' must be a map of keys and values, not nothing [bad-value]"});
  CHECK(complaints("weights: {dtype: ''}\n") ==
        Lines{"dir/c.yaml:1:18: error: 'weights.dtype' must be one "
              "of qint8, qint16, float, int8, int16, not an empty text [bad-value]"});
}

TEST_CASE("A configuration that is no map is refused") {
  CHECK(
      complaints("just words\n") ==
      Lines{
          "dir/c.yaml:1:1: error: the file must be a map of keys and values, not 'just words' [bad-value]"});
  CHECK(complaints("- a\n") ==
        Lines{"dir/c.yaml:1:1: error: the file must be a map of keys and values, not a list [bad-value]"});
}

TEST_CASE("The examples are valid") {
  const Config config = read_config(QPREP_SOURCE_DIR "/configs/examples/int8.yaml");
  CHECK(config.weights.value == Precision::kInt8);
  CHECK(read_config(QPREP_SOURCE_DIR "/configs/examples/int16_activations.yaml").activations.value ==
        Precision::kInt16);
  CHECK(read_config(QPREP_SOURCE_DIR "/configs/examples/weight_only.yaml").activations.value ==
        Precision::kFloat32);
  CHECK(read_config(QPREP_SOURCE_DIR "/configs/examples/mixed.yaml").setters.size() == 7);
  CHECK(read_config(QPREP_SOURCE_DIR "/configs/examples/fixed_point.yaml").form.value == Form::kBoth);
}

namespace {

Lines said(const std::string& text) {
  Lines lines;
  for (const Setting& setting : parse_config(text, "c.yaml").setters) {
    const std::string input = setting.input ? std::to_string(*setting.input) : "";
    lines.push_back(to_text(setting) + ": " + std::string(to_text(setting.slot)) + input + " " +
                    to_text(setting.says));
  }
  return lines;
}

}  // namespace

TEST_CASE("What is said of a node: slots, and what else than the precision") {
  CHECK(said("qconfig_setter:\n"
             "  - module_name:\n"
             "      a: {output: {dtype: qint16, observer: moving_average, averaging_constant: 0.5}}\n"
             "      b: {weight: {dtype: qint8, per_channel: false}, input: qint8, \"input[1]\": qint16}\n"
             "      c: {input: {0: qint8, 1: {threshold: 2}}, freeze: true, bias: qint32}\n"
             "      d: {threshold: 1.5}\n"
             "      e: {dtype: qint16, threshold: {output: 1.0, input: 0.5}}\n"
             "      f: {output: {scale: 0.25}}\n") ==
        Lines{"c.yaml:3:27 module_name 'a' output: output qint16",
              "c.yaml:3:45 module_name 'a' output: output observer moving_average",
              "c.yaml:3:81 module_name 'a' output: output averaging_constant 0.5",
              "c.yaml:4:27 module_name 'b' weight: weight qint8",
              "c.yaml:4:47 module_name 'b' weight: weight per tensor",
              "c.yaml:4:55 module_name 'b' input: input qint8",
              "c.yaml:4:69 module_name 'b' input[1]: input1 qint16",
              "c.yaml:5:19 module_name 'c' input[0]: input0 qint8",
              "c.yaml:5:44 module_name 'c' input[1]: input1 threshold 2",
              "c.yaml:5:49 module_name 'c' freeze: output averaging_constant 0",
              "c.yaml:6:11 module_name 'd' threshold: output threshold 1.5",
              "c.yaml:7:11 module_name 'e' dtype: output qint16",
              "c.yaml:7:38 module_name 'e' threshold: output threshold 1",
              "c.yaml:7:51 module_name 'e' threshold: input threshold 0.5",
              "c.yaml:8:27 module_name 'f' output: output scale 0.25"});
}

TEST_CASE("A template class is a list of settings, and DefaultTemplate comes last") {
  CHECK(
      said("activations: {dtype: qint16}\n"
           "qconfig_setter:\n"
           "  - template: {default: {weight: qint16}, templates: [AllInt8Template, GEMMInt8Template]}\n") ==
      Lines{
          "c.yaml:3:55 template AllInt8Template: output qint8",
          "c.yaml:3:55 template AllInt8Template: weight qint8",
          "c.yaml:3:72 template GEMMInt8Template (op_class 'gemm_like'): input qint8",
          "c.yaml:3:72 template GEMMInt8Template (op_class 'gemm_like'): weight qint8",
          "c.yaml:3:26 template.default weight: weight qint16",
          "default: template DefaultTemplate as activations.dtype in line 1: output qint16",
          "default: template DefaultTemplate: weight qint8",
          "default: template DefaultTemplate as activations.dtype in line 1: high_precision_output qint16"});
}

TEST_CASE("Of 'templates', the last wins; a longer name wins over a shorter one") {
  CHECK(said("templates:\n"
             "  - ModuleNameTemplate: {\"\": qint8, a: qint16, a.b: float}\n"
             "  - ConvDtypeTemplate: {input_dtype: qint16, weight_dtype: qint8}\n"
             "  - MatmulDtypeTemplate: {input_dtypes: [qint8, qint16]}\n") ==
        Lines{"c.yaml:4:42 MatmulDtypeTemplate input[0]: input0 qint8",
              "c.yaml:4:49 MatmulDtypeTemplate input[1]: input1 qint16",
              "c.yaml:3:38 ConvDtypeTemplate input: input qint16",
              "c.yaml:3:60 ConvDtypeTemplate weight: weight qint8",
              "c.yaml:3:38 ConvDtypeTemplate input: input qint16",
              "c.yaml:3:60 ConvDtypeTemplate weight: weight qint8",
              "c.yaml:2:48 ModuleNameTemplate 'a.b': node float32",
              "c.yaml:2:37 ModuleNameTemplate 'a': output qint16",
              "c.yaml:2:26 ModuleNameTemplate '': output qint8"});
}

TEST_CASE("Every template of the file can be named, with the vendor's suffix and without") {
  for (const std::string suffix : {"", "_qconfig_setter"}) {
    for (const std::string name :
         {"default_calibration", "default_qat", "default_qat_fixed_act", "qat_8bit_weight_16bit_act",
          "calibration_8bit_weight_16bit_act", "qat_8bit_weight_16bit_fixed_act", "gemm_int8_calibration",
          "gemm_int8_qat", "all_fp16"}) {
      INFO(name + suffix);
      const Config config = parse_config("qconfig_setter: [" + name + suffix + "]\n", "c.yaml");
      CHECK(config.not_yet.size() == (name == "all_fp16" ? 1 : 0));
      CHECK(config.setters.empty() == (name == "all_fp16"));
    }
  }
}
