#include "config/qconfig_dict.h"

#include <catch2/catch.hpp>

#include "config/config_lines.h"

using namespace qprep;
using test::complaints;
using test::later;
using test::Lines;
using test::setting_lines;

TEST_CASE("qconfig_dict: hybrid, then names from the deepest, regexes, types, and the rest") {
  CHECK(setting_lines("qconfig_dict:\n"
                      "  \"\": default_qat_8bit_fake_quant_qconfig\n"
                      "  module_type:\n"
                      "    - [torch.nn.Conv2d, {activation: qint16, weight: qint8}]\n"
                      "    - [torch.add, null]\n"
                      "  module_name_regex: [[\"foo.*conv[0-9]+\", float]]\n"
                      "  module_name:\n"
                      "    a: qint16\n"
                      "    a.b.c: {activation: qint8}\n"
                      "    /a/b: None\n"
                      "hybrid_dict: {module_type: [nn.SELU], module_name: [x]}\n") ==
        Lines{"c.yaml:11:53 hybrid_dict.module_name 'x': node float32",
              "(Selu) c.yaml:11:29 hybrid_dict.module_type 'nn.SELU': node float32",
              "c.yaml:9:25 qconfig_dict.module_name 'a.b.c' activation: output qint8",
              "c.yaml:10:11 qconfig_dict.module_name '/a/b': node float32",
              "c.yaml:8:8 qconfig_dict.module_name 'a' activation: output qint16",
              "c.yaml:6:43 qconfig_dict.module_name_regex 'foo.*conv[0-9]+': node float32",
              "(Conv2d) c.yaml:4:38 qconfig_dict.module_type 'torch.nn.Conv2d' activation: output qint16",
              "(Conv2d) c.yaml:4:54 qconfig_dict.module_type 'torch.nn.Conv2d' weight: weight qint8",
              "(Add) c.yaml:5:19 qconfig_dict.module_type 'torch.add': node float32",
              "c.yaml:2:7 qconfig_dict \"\" activation: output qint8",
              "c.yaml:2:7 qconfig_dict \"\" weight: weight qint8"});
}

TEST_CASE(
    "Without a global qconfig what is not named stays float, and what is named reads what is quantised") {
  const Lines named = {
      "(Gemm,MatMul) c.yaml:2:33 qconfig_dict.object_type 'nn.Linear' activation: output qint8",
      "(Gemm,MatMul) c.yaml:2:33 qconfig_dict.object_type 'nn.Linear' activation: input qint8"};
  Lines lines = named;
  lines.insert(lines.end(), {"c.yaml:2:3 qconfig_dict without \"\": output float32",
                             "c.yaml:2:3 qconfig_dict without \"\": weight float32"});
  CHECK(setting_lines("qconfig_dict:\n  object_type: [[nn.Linear,     qint8]]\n") == lines);
  lines = named;
  lines.insert(lines.end(), {"c.yaml:3:3 qconfig_dict \"\": output float32",
                             "c.yaml:3:3 qconfig_dict \"\": weight float32"});
  CHECK(setting_lines("qconfig_dict:\n  object_type: [[nn.Linear,     qint8]]\n  \"\": null\n") == lines);
}

TEST_CASE("Predefined qconfigs give precisions, with and without the module that they come from") {
  const auto global = [](const std::string& name) {
    return setting_lines("qconfig_dict: {\"\": " + name + "}\n");
  };
  const std::string at = "c.yaml:1:20 qconfig_dict \"\" ";
  CHECK(global("default_qat_8bit_weight_16bit_act_fake_quant_qconfig") ==
        Lines{at + "activation: output qint16", at + "weight: weight qint8"});
  CHECK(global("default_calib_8bit_weight_32bit_out_fake_quant_qconfig") ==
        Lines{at + "activation: output float32", at + "weight: weight qint8"});
  CHECK(global("horizon_plugin_pytorch.quantization.qconfig.default_qat_out_8bit_fake_quant_qconfig") ==
        Lines{at + "activation: output float32", at + "weight: weight qint8"});
  CHECK(
      later("qconfig_dict: {\"\": default_qat_8bit_lsq_quant_qconfig}\n") ==
      Lines{"c.yaml:1:20: error: 'default_qat_8bit_lsq_quant_qconfig' of qconfig_dict \"\": scales that are "
            "learned (lsq)"});
}

TEST_CASE("The arguments of get_default_qconfig and get_default_qat_qconfig are understood") {
  CHECK(setting_lines("qconfig_dict:\n"
                      "  \"\":\n"
                      "    dtype: qint16\n"
                      "    weight_dtype: torch.qint8\n"
                      "    activation_fake_quant: fake_quant\n"
                      "    activation_observer: min_max\n"
                      "    activation_qkwargs: {averaging_constant: 0}\n"
                      "    weight_qkwargs: {qscheme: torch.per_channel_symmetric, ch_axis: 0}\n") ==
        Lines{"c.yaml:3:12 qconfig_dict \"\" activation: output qint16",
              "c.yaml:4:19 qconfig_dict \"\" weight: weight qint8",
              "c.yaml:6:26 qconfig_dict \"\" activation: output observer min_max",
              "c.yaml:7:46 qconfig_dict \"\" activation: output averaging_constant 0",
              "c.yaml:8:31 qconfig_dict \"\" weight: weight per channel"});
  CHECK(setting_lines("qconfig_dict: {\"\": {activation_fake_quant: null, weight: qint8}}\n").front() ==
        "c.yaml:1:58 qconfig_dict \"\" weight: weight qint8");
  CHECK(later("qconfig_dict:\n"
              "  \"\": {activation_fake_quant: lsq, weight_fake_quant: pact, activation_observer: clip, "
              "weight_observer: kl}\n"
              "  module_name_object_type_order: [[a, nn.Linear, 0, qint8]]\n") ==
        Lines{"c.yaml:3:35: error: 'qconfig_dict.module_name_object_type_order'",
              "c.yaml:2:31: error: 'lsq' of qconfig_dict \"\" activation_fake_quant",
              "c.yaml:2:82: error: 'clip' of qconfig_dict \"\" activation_observer",
              "c.yaml:2:55: error: 'pact' of qconfig_dict \"\" weight_fake_quant",
              "c.yaml:2:105: error: 'kl' of qconfig_dict \"\" weight_observer"});
  CHECK(setting_lines("qconfig_dict: {\"\": {activation_observer: MSEObserver, weight_observer: mse}}\n") ==
        Lines{"c.yaml:1:42 qconfig_dict \"\" activation: output observer mse",
              "c.yaml:1:72 qconfig_dict \"\" weight: weight observer mse"});
  CHECK(setting_lines("qconfig_dict: {\"\": {weight_observer: min_max}}\n").empty());
}

TEST_CASE("Every mistake in a qconfig_dict is named in one run") {
  CHECK(complaints("qconfig_dict:\n"
                   "  modul_type: {}\n"
                   "  module_type: {torch.nn.Con2d: qint8, nn.SiLU: qint8}\n"
                   "  module_name:\n"
                   "    - [a, qint8]\n"
                   "    - [a, qint16]\n"
                   "    - [b]\n"
                   "    - [\"re:(\", qint8]\n"
                   "    - [d, {activaton: qint8, weight: [qint8]}]\n"
                   "  module_name_regex: {\"(\": qint8}\n"
                   "  object_type: qint8\n"
                   "  module_name_object_type_order: [[a, b]]\n"
                   "  \"\": qint9\n"
                   "hybrid_dict: {module_name: a, modul_type: []}\n")
            .size() == 14);
  CHECK(complaints("qconfig_dict: {modul_type: {}}\n") ==
        Lines{"c.yaml:1:16: error: unknown key 'modul_type' in 'qconfig_dict' (did you mean 'module_type'?); "
              "known: \"\", module_name, module_name_object_type_order, module_name_regex, module_type, "
              "object_type "
              "[unknown-key]"});
  CHECK(
      complaints("qconfig_dict: {module_name: [[a, qint8], [a, qint16], [b]]}\n") ==
      Lines{"c.yaml:1:43: error: 'a' stands twice in 'qconfig_dict.module_name'; it already stands in line 1 "
            "[duplicate-key]",
            "c.yaml:1:55: error: an item of 'qconfig_dict.module_name' must be a pair [name, value] "
            "[bad-value]"});
  CHECK(complaints("qconfig_dict: []\n") ==
        Lines{"c.yaml:1:15: error: 'qconfig_dict' must be a map of keys and values, not a list [bad-value]"});
  CHECK(complaints("qconfig_dict: {module_name: {a: {activation: {dtype: qint8, dtpe: x}}}}\n")
            .front()
            .find("unknown key 'dtpe' in 'activation' (did you mean 'dtype'?)") != std::string::npos);
}

TEST_CASE("Two ways of writing precision in one file are named with both lines") {
  CHECK(
      complaints("activations: {dtype: qint8}\nqconfig_dict: {\"\": qint8}\n") ==
      Lines{
          "c.yaml:2:1: error: 'qconfig_dict' and 'activations' in line 1 are two ways of writing precision; "
          "a file uses one [mixed-forms]"});
  CHECK(complaints("hybrid_dict: {}\nqconfig_dict: {\"\": qint8}\n").empty());
}
