#include "driver/prepare.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "driver/copy.h"
#include "driver/dump.h"
#include "driver/explain.h"
#include "driver/explain_diff.h"
#include "driver/inspect_model.h"
#include "support/codes.h"
#include "support/fatal.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;
using namespace qprep;
using test::TemporaryFolder;

namespace {

const fs::path kDigits = QPREP_SOURCE_DIR "/testdata/models/digits.onnx";
const fs::path kConfigs = QPREP_SOURCE_DIR "/configs";

PrepareOptions options_for(const TemporaryFolder& folder) {
  PrepareOptions options;
  options.model = kDigits;
  options.folder = folder.path() / "out";
  options.configs = kConfigs;
  return options;
}

PrepareOptions with_config(PrepareOptions options, const TemporaryFolder& folder, const std::string& text) {
  options.config = (folder.path() / "qprep.yaml").string();
  test::write_text(options.config, text);
  return options;
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  if (!fs::exists(folder)) return names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

PrepareResult run(const PrepareOptions& options) {
  Diagnostics diagnostics;
  return prepare(options, diagnostics);
}

}  // namespace

TEST_CASE("prepare without a configuration writes the QAT form and the check result") {
  const TemporaryFolder folder;
  const PrepareResult result = run(options_for(folder));
  CHECK(names_in(folder.path() / "out") ==
        std::set<std::string>{"digits_qat.onnx", "digits_qconfig_changelog.txt", "model_check_result.json",
                              "model_check_result.txt"});
  CHECK(result.files.size() == 4);
  for (const OutputFile& file : result.files) CHECK(fs::file_size(file.path) == file.bytes);
  CHECK(result.march.empty());  // nothing names one
  CHECK(result.bpu_nodes > 0);
  CHECK(result.activations.at("qint8") > 0);
  CHECK(result.weights.at("qint8") > 0);
  CHECK(result.samples == 0);
}

TEST_CASE("Settings reach the passes") {
  const TemporaryFolder folder;
  const PrepareResult result =
      run(with_config(options_for(folder), folder, "weights: {dtype: float}\nactivations: {dtype: int16}\n"));
  CHECK(result.weights.empty());
  CHECK(result.activations.contains("qint16"));
  CHECK_FALSE(result.activations.contains("qint8"));
}

TEST_CASE("Every pass is observed in the order that pass_names gives") {
  const TemporaryFolder folder;
  const PrepareResult result = run(options_for(folder));
  const std::vector<std::string> names = pass_names();
  std::vector<std::string> ran;
  for (const PassTime& pass : result.passes) {
    if (std::find(names.begin(), names.end(), pass.name) != names.end()) ran.push_back(pass.name);
  }
  std::vector<std::string> expected;
  for (const std::string& name : names) {
    if (std::find(ran.begin(), ran.end(), name) != ran.end()) expected.push_back(name);
  }
  CHECK(ran == expected);
  CHECK(std::set<std::string>(ran.begin(), ran.end()).size() == ran.size());
  CHECK(ran.size() >= 6);
}

TEST_CASE("stop_after writes nothing, not even the folder") {
  const TemporaryFolder folder;
  PrepareOptions options = options_for(folder);
  for (const std::string& name : {std::string("fold-constants"), std::string("insert-fake-quant")}) {
    options.stop_after = options.dump_after = name;
    const PrepareResult result = run(options);
    CHECK(result.files.empty());
    CHECK(result.stopped_after == name);
    CHECK_FALSE(result.dump.empty());
    CHECK_FALSE(fs::exists(options.folder));
  }
}

TEST_CASE("A pass that does not run is a warning") {
  const TemporaryFolder folder;
  PrepareOptions options = options_for(folder);
  options.dump_after = "lower-qdq";
  Diagnostics diagnostics;
  prepare(options, diagnostics);
  REQUIRE(diagnostics.count(Severity::kWarning) == 1);
  const auto is_warning = [](const Diagnostic& each) { return each.severity == Severity::kWarning; };
  const auto warning = std::find_if(diagnostics.all().begin(), diagnostics.all().end(), is_warning);
  CHECK(warning->code == codes::kPassNotRun);
}

TEST_CASE("Fixed point without scales names the line that asks for it") {
  const TemporaryFolder folder;
  const PrepareOptions options = with_config(options_for(folder), folder, "output:\n  form: both\n");
  Diagnostics diagnostics;
  const std::string said = test::fatal_text(codes::kNoScales, [&] { prepare(options, diagnostics); });
  CHECK(said.starts_with(options.config + ":2:9: error: output.form 'both' needs scales"));
  CHECK_FALSE(fs::exists(options.folder));
}

TEST_CASE("Fixed point of the weights alone needs no scales of activations") {
  const TemporaryFolder folder;
  run(with_config(options_for(folder), folder, "output: {form: fixed_point}\nactivations: {dtype: float}\n"));
  CHECK(names_in(folder.path() / "out").contains("digits_fixed.onnx"));
  CHECK_FALSE(names_in(folder.path() / "out").contains("digits_qat.onnx"));
}

TEST_CASE("Two runs write the same bytes") {
  const TemporaryFolder folder;
  const auto bytes_of_run = [&](const char* name) {
    PrepareOptions options = options_for(folder);
    options.folder = folder.path() / name;
    std::vector<std::string> contents;
    for (const OutputFile& file : run(options).files) contents.push_back(test::bytes_of(file.path));
    return contents;
  };
  CHECK(bytes_of_run("a") == bytes_of_run("b"));
}

TEST_CASE("inspect tells what prepare does, of the model as it stands in the file") {
  const TemporaryFolder folder;
  Diagnostics diagnostics;
  const InspectResult inspected = inspect_model(kDigits, kConfigs, diagnostics);
  const PrepareResult prepared = run(options_for(folder));
  CHECK(inspected.bpu_nodes == prepared.bpu_nodes);
  CHECK(inspected.cpu_nodes == prepared.cpu_nodes);
  CHECK(inspected.segments == prepared.segments);
  CHECK(inspected.weights.at("qint8") == prepared.weights.at("qint8"));
  std::size_t nodes = 0;
  for (const auto& [op, count] : inspected.operators) nodes += count;
  CHECK(inspected.nodes == nodes);
}

TEST_CASE("A copy dumps as its original does") {
  const TemporaryFolder folder;
  Diagnostics diagnostics;
  const fs::path copy = folder.path() / "digits.onnx";
  CHECK(copy_model(kDigits, copy, {}, diagnostics).files == std::vector<fs::path>{copy});
  CHECK(dump_model(copy, false, diagnostics) == dump_model(kDigits, false, diagnostics));
}

TEST_CASE("explain shows the settings of a node, the winner first, and what each setting wins") {
  const std::string config = QPREP_SOURCE_DIR "/configs/examples/mixed.yaml";
  Diagnostics diagnostics;
  const auto answer = [&](std::vector<std::string> names) {
    return to_text(explain({kDigits, config, std::move(names), kConfigs}, diagnostics));
  };
  CHECK(answer({}) ==
        "priority  setting                                                            slot                   "
        "says      nodes  wins  loses\n"
        "--------  -----------------------------------------------------------------  ---------------------  "
        "-------  ------  ----  ------\n"
        "       1  mixed.yaml:10:17 hybrid.module_type 'GlobalAveragePool'            node                   "
        "float32       1     1\n"
        "       2  mixed.yaml:6:14 module_type 'Gemm' output                          output                 "
        "qint16        1     1\n"
        "       3  mixed.yaml:7:5 qconfig_setter default_qat                          high_precision_output  "
        "float32  others     0\n"
        "       4  mixed.yaml:7:5 qconfig_setter default_qat (before 'GridSample:1')  output                 "
        "qint16        0     0\n"
        "       5  mixed.yaml:7:5 qconfig_setter default_qat                          output                 "
        "qint8    others     7  1 to 2\n"
        "       6  mixed.yaml:7:5 qconfig_setter default_qat                          weight                 "
        "qint8    others     6\n"
        "       7  mixed.yaml:7:5 qconfig_setter default_qat                          high_precision_output  "
        "qint8    others     0\n"
        "       8  default: int8 activations                                          output                 "
        "qint8    others     0\n"
        "       9  default: int8 weights                                              weight                 "
        "qint8    others     0\n"
        "      10  default: method jit_strip                                          head                   "
        "float32  others     0\n"
        "      11  default: method jit_strip                                          tail                   "
        "float32  others     0\n");
  CHECK(answer({"scores"}) ==
        "gemm0 (Gemm): BPU: gemm_like: it multiplies and accumulates two matrices\n"
        "  ends    at an output of the model\n"
        "  output  qint16: output of Gemm 'gemm0' (mixed.yaml:6:14 module_type 'Gemm' output)\n"
        "          1. mixed.yaml:6:14 module_type 'Gemm' output says qint16, and decides\n"
        "          2. mixed.yaml:7:5 qconfig_setter default_qat says float32 of high_precision_output\n"
        "          3. mixed.yaml:7:5 qconfig_setter default_qat says qint8\n"
        "          4. mixed.yaml:7:5 qconfig_setter default_qat says qint8 of high_precision_output\n"
        "          5. default: int8 activations says qint8\n"
        "  weight  qint8: weight of Gemm 'gemm0', per channel of axis 0 (mixed.yaml:7:5 qconfig_setter "
        "default_qat)\n"
        "          1. mixed.yaml:7:5 qconfig_setter default_qat says qint8, and decides\n"
        "          2. default: int8 weights says qint8\n");
  CHECK(answer({"image"}) ==
        "image (input)\n"
        "  output  qint8: graph input that feeds Conv 'conv0' (mixed.yaml:7:5 qconfig_setter default_qat)\n"
        "          1. mixed.yaml:7:5 qconfig_setter default_qat says qint8, and decides\n"
        "          2. default: int8 activations says qint8\n");
  CHECK(diagnostics.all().empty());
  CHECK_THROWS_WITH(answer({"gem0"}), Catch::Contains("did you mean 'gemm0'?"));
}

TEST_CASE("A setting that cannot be carried out yet, or matches nothing, stops prepare before it writes") {
  const TemporaryFolder folder;
  for (const std::string text :
       {"qconfig_setter: [all_fp16]\n", "qconfig_setter: [{module_name: {nowhere: qint8}}]\n"}) {
    const PrepareOptions options = with_config(options_for(folder), folder, text);
    Diagnostics diagnostics;
    CHECK_THROWS_AS(prepare(options, diagnostics), Fatal);
    CHECK(names_in(options.folder).empty());
  }
}

TEST_CASE("What changes from one configuration to another is told slot by slot") {
  Diagnostics diagnostics;
  const std::string configs = QPREP_SOURCE_DIR "/configs/examples/";
  CHECK(to_text(explain_diff({kDigits, "", "", kConfigs}, diagnostics)) ==
        "Both configurations decide the same.\n");
  const std::string text =
      to_text(explain_diff({kDigits, "", configs + "mixed.yaml", kConfigs}, diagnostics));
  CHECK_THAT(text, Catch::Contains("gemm0") && Catch::Contains("float32  qint16"));
  CHECK_THAT(text, !Catch::Contains("conv0"));
}

TEST_CASE("The changelog tells every dtype that is not what was asked for") {
  const TemporaryFolder folder;
  const PrepareOptions options = with_config(options_for(folder), folder,
                                             "qconfig_setter: [{module_name: {gemm0: {weight: qint16}}}]\n");
  run(options);
  const std::string log = test::bytes_of(options.folder / "digits_qconfig_changelog.txt");
  CHECK_THAT(log, Catch::StartsWith("1 slot has another dtype than the configuration asks for:\n"));
  CHECK_THAT(log, Catch::Contains("high-precision output: it feeds outputs of the graph only"));
}

TEST_CASE("What was asked to stay float has no observer to miss") {
  const TemporaryFolder folder;
  const PrepareOptions options = with_config(
      options_for(folder), folder,
      "qconfig_setter: [{module_name: {conv0: {output: {dtype: float, observer: moving_average}}}}]\n");
  run(options);
  const std::string log = test::bytes_of(options.folder / "digits_qconfig_changelog.txt");
  CHECK_THAT(log, !Catch::Contains("observer"));
}
