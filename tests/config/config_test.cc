#include "config/config.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "support/codes.h"

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
  REQUIRE(all.size() == 3);
  CHECK(all[0].slot == "activation");
  CHECK(all[0].what == "default");
  CHECK(all[0].precision == Precision::kInt8);
  CHECK(all[1].slot == "weight");
  CHECK(all[1].what == "weights.dtype");
  CHECK(all[1].precision == Precision::kInt16);
  CHECK(all[1].where == Where{"c.yaml", 2, 10});
  CHECK(all[2].slot == "tail");
  CHECK(all[2].what == "default");
  CHECK(all[2].precision == Precision::kFloat32);
}

TEST_CASE("A method that strips nothing leaves the tail as the activations are") {
  const std::string text = "method: jit\nactivations: {dtype: qint16}\n";
  const Setting tail = settings(parse_config(text, "c.yaml")).back();
  CHECK(tail.slot == "tail");
  CHECK(tail.precision == Precision::kInt16);
  CHECK(tail.what == "method");
  CHECK(tail.where == Where{"c.yaml", 1, 9});
  CHECK(settings(parse_config("method: jit_strip\n", "c.yaml")).back().precision == Precision::kFloat32);
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
                 "calibration: {data: [a], method: minmax}\n"
                 "weights: {dtype: qint4}\n"
                 "activations: qint8\n"
                 "output: {form: qat}\n") ==
      Lines{
          "dir/c.yaml:1:10: error: 'version' must be 1, not '2' [bad-value]",
          "dir/c.yaml:2:1: error: unknown key 'marhc' (did you mean 'march'?); known: activations, "
          "calibration, "
          "march, method, output, version, weights [unknown-key]",
          "dir/c.yaml:3:9: error: 'method' must be one of jit_strip, jit, symbolic, eager, not 'jitstrip' "
          "(did you "
          "mean 'jit_strip'?) [bad-value]",
          "dir/c.yaml:5:3: error: unknown key 'prefx' in 'output' (did you mean 'prefix'?); known: dialect, "
          "form, "
          "prefix [unknown-key]",
          "dir/c.yaml:6:12: error: 'output.dialect' must be one of function, qdq, not 'qdp' (did you mean "
          "'qdq'?) "
          "[bad-value]",
          "dir/c.yaml:7:9: error: 'output.form' must be one of qat, fixed_point, both, not 'fixed' "
          "[bad-value]",
          "dir/c.yaml:8:21: error: 'calibration.data' must be a text, not a list [bad-value]",
          "dir/c.yaml:8:34: error: 'calibration.method' must be one of min_max, not 'minmax' (did you mean "
          "'min_max'?) [bad-value]",
          "dir/c.yaml:9:18: error: 'weights.dtype' must be one of qint8, qint16, float, int8, int16, not "
          "'qint4' "
          "(did you mean 'qint8'?) [bad-value]",
          "dir/c.yaml:10:14: error: 'activations' must be a map of keys and values, not 'qint8' [bad-value]",
          "dir/c.yaml:11:1: error: duplicate key 'output'; it already stands in line 4 [duplicate-key]"});
}

TEST_CASE("Values that cannot be carried out are refused by name") {
  CHECK(complaints("method: eager\n") ==
        Lines{"dir/c.yaml:1:9: error: method 'eager' leaves replacing and fusing to the model's author, but "
              "a model "
              "file has its whole graph; use jit_strip, jit or symbolic [bad-value]"});
  CHECK(complaints("output: {prefix: a/b}\n") ==
        Lines{"dir/c.yaml:1:18: error: 'output.prefix' is the beginning of file names and has no '/'; the "
              "folder is "
              "the command's -o [bad-value]"});
  CHECK(complaints("output: {prefix: \"a\\nb\"}\n") ==
        Lines{"dir/c.yaml:1:18: error: 'output.prefix' is the beginning of file names and has no line breaks "
              "[bad-value]"});
  CHECK(
      complaints("calibration: {method: min_max}\n") ==
      Lines{
          "dir/c.yaml:1:14: error: 'calibration' has no 'data'; name the folder of samples, or leave it out "
          "[bad-value]"});
}

TEST_CASE("A key without its value is said to have nothing") {
  CHECK(complaints("march:\n") == Lines{"dir/c.yaml:1:1: error: 'march' must be one of bernoulli2, bayes, "
                                        "bayes-e, meta, nash-e, nash-m, nash-p, "
                                        "nash-h, nash-b, not nothing [bad-value]"});
  CHECK(
      complaints("calibration:\n") ==
      Lines{
          "dir/c.yaml:1:1: error: 'calibration' must be a map of keys and values, not nothing [bad-value]"});
  CHECK(complaints("weights: {dtype: ''}\n") == Lines{"dir/c.yaml:1:18: error: 'weights.dtype' must be one "
                                                      "of qint8, qint16, float, int8, int16, not '' in "
                                                      "quotes [bad-value]"});
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
  CHECK(read_config(QPREP_SOURCE_DIR "/configs/examples/fixed_point.yaml").form.value == Form::kBoth);
}
