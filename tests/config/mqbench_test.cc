#include "config/mqbench.h"

#include <catch2/catch.hpp>

#include "config/config_lines.h"

using namespace qprep;
using test::complaints;
using test::later;
using test::Lines;
using test::setting_lines;

TEST_CASE("MQBench's dictionaries: what is added by name, what is excluded, types, then the rest") {
  const std::string text =
      "extra_qconfig_dict:\n"
      "  w_observer: MinMaxObserver\n"
      "  a_observer: EMAMinMaxObserver\n"
      "  w_fakequantize: FixedFakeQuantize\n"
      "  a_fakequantize: FixedFakeQuantize\n"
      "  w_qscheme: {bit: 8, symmetry: true, per_channel: true, pot_scale: false}\n"
      "  a_qscheme: {bit: 16, symmetry: true, per_channel: false, pot_scale: false}\n"
      "extra_quantizer_dict:\n"
      "  additional_function_type: [operator.mul]\n"
      "  additional_module_type: [torch.nn.Upsample]\n"
      "  additional_node_name: [layer1.conv]\n"
      "  exclude_module_name: [layer1]\n"
      "  exclude_function_type: [torch.add]\n"
      "  exclude_node_name: [layer2.relu]\n"
      "extra_fuse_dict: {additional_fusion_pattern: {}}\n"
      "preserve_attr: {\"\": [func1], backbone: [func2]}\n";
  CHECK(setting_lines(text) ==
        Lines{"c.yaml:11:26 extra_quantizer_dict.additional_node_name 'layer1.conv' as a_qscheme in line 7: "
              "output qint16",
              "c.yaml:14:23 extra_quantizer_dict.exclude_node_name 'layer2.relu': node float32",
              "c.yaml:12:25 extra_quantizer_dict.exclude_module_name 'layer1': node float32",
              "(Add) c.yaml:13:27 extra_quantizer_dict.exclude_function_type 'torch.add': node float32",
              "(Resize,Upsample) c.yaml:10:28 extra_quantizer_dict.additional_module_type "
              "'torch.nn.Upsample' as a_qscheme in line 7: "
              "output qint16",
              "(Mul) c.yaml:9:30 extra_quantizer_dict.additional_function_type 'operator.mul' as a_qscheme "
              "in line 7: output qint16",
              "c.yaml:6:20 extra_qconfig_dict.w_qscheme.bit: weight qint8",
              "c.yaml:6:52 extra_qconfig_dict.w_qscheme.per_channel: weight per channel",
              "c.yaml:7:20 extra_qconfig_dict.a_qscheme.bit: output qint16",
              "c.yaml:3:15 extra_qconfig_dict.a_observer: output observer moving_average",
              "c.yaml:3:15 extra_qconfig_dict.a_observer: output averaging_constant 0.1"});
  CHECK(later(text).empty());
}

TEST_CASE("What a scheme does not say is as in MQBench") {
  CHECK(setting_lines("prepare_custom_config_dict: {extra_qconfig_dict: {w_qscheme: {symmetry: true}}}\n") ==
        Lines{"c.yaml:1:62 prepare_custom_config_dict.extra_qconfig_dict.w_qscheme: weight qint8",
              "c.yaml:1:62 prepare_custom_config_dict.extra_qconfig_dict.w_qscheme.per_channel: weight per "
              "tensor"});
}

TEST_CASE("What MQBench has and the engine has not is not yet, by its name") {
  CHECK(later("backend: PPLCUDA\n"
              "extra_qconfig_dict:\n"
              "  w_observer: EMAMSEObserver\n"
              "  a_fakequantize: LearnableFakeQuantize\n"
              "  a_fakeq_params: {p: 1}\n"
              "  w_qscheme: {bit: 2, symmetry: false, pot_scale: true}\n"
              "  a_qscheme: {per_channel: true}\n"
              "extra_fuse_dict: {additional_fusion_pattern: {a: b}}\n") ==
        Lines{"c.yaml:1:10: error: 'backend' 'PPLCUDA', whose rules say where FakeQuantize stands,",
              "c.yaml:6:20: error: 'extra_qconfig_dict.w_qscheme.bit' 2",
              "c.yaml:3:15: error: 'extra_qconfig_dict.w_observer' 'EMAMSEObserver'",
              "c.yaml:4:19: error: 'extra_qconfig_dict.a_fakequantize' 'LearnableFakeQuantize'",
              "c.yaml:5:19: error: 'extra_qconfig_dict.a_fakeq_params'",
              "c.yaml:8:46: error: 'extra_fuse_dict.additional_fusion_pattern'"});
}

TEST_CASE("A backend of MQBench is the march whose file has its rules, unless a march is named") {
  const auto march = [](const char* text) { return parse_config(text, "c.yaml").march; };
  CHECK(march("backend: Tensorrt\n").value == "tensorrt");
  CHECK(march("backend: Tensorrt\n").where.line == 1);
  CHECK(march("prepare_custom_config_dict: {backend: Tengine_u8}\n").value == "tengine");
  CHECK(march("march: bayes\nbackend: SNPE\n").value == "bayes");
  CHECK(march("extra_qconfig_dict: {}\n").where.file.empty());
}

TEST_CASE("A scheme of MQBench without symmetry has integers without a sign") {
  CHECK(setting_lines("extra_qconfig_dict:\n"
                      "  a_qscheme: {bit: 4, symmetry: false, pot_scale: true}\n"
                      "  w_qscheme: {symmetric_range: true}\n") ==
        Lines{"c.yaml:3:14 extra_qconfig_dict.w_qscheme: weight qint8",
              "c.yaml:3:14 extra_qconfig_dict.w_qscheme: weight without the smallest integer",
              "c.yaml:3:14 extra_qconfig_dict.w_qscheme.per_channel: weight per tensor",
              "c.yaml:2:20 extra_qconfig_dict.a_qscheme.bit: output qint8",
              "c.yaml:2:14 extra_qconfig_dict.a_qscheme: output unsigned, asymmetric, 4 bits, scale a power "
              "of two"});
}

TEST_CASE("Every mistake in MQBench's dictionaries is named in one run") {
  CHECK(
      complaints("backend: tensorrt\n"
                 "extra_qconfig_dict:\n"
                 "  w_observr: MinMaxObserver\n"
                 "  a_observer: EMAMinMax\n"
                 "  w_qscheme: {bits: 8, bit: 1}\n"
                 "  a_fakeq_params: 1\n"
                 "extra_quantizer_dict: {exclude_modul_name: [a], exclude_function_type: [ad], "
                 "exclude_node_name: a}\n"
                 "extra_fuse_dict: []\n") ==
      Lines{
          "c.yaml:1:10: error: 'backend' must be one of Academic, Tensorrt, SNPE, PPLW8A16, NNIE, Vitis, "
          "ONNX_QNN, PPLCUDA, OPENVINO, Tengine_u8, Tensorrt_NLP, Academic_NLP, not 'tensorrt' (did you mean "
          "'Tensorrt'?) [bad-value]",
          "c.yaml:3:3: error: unknown key 'w_observr' in 'extra_qconfig_dict' (did you mean 'w_observer'?); "
          "known: a_fakeq_params, a_fakequantize, a_observer, a_qscheme, w_fakeq_params, w_fakequantize, "
          "w_observer, w_qscheme [unknown-key]",
          "c.yaml:4:15: error: 'extra_qconfig_dict.a_observer' must be one of ClipStdObserver, "
          "EMAMSEObserver, EMAMinMaxFloorObserver, EMAMinMaxObserver, EMAQuantileObserver, LSQObserver, "
          "LSQPlusObserver, MSEObserver, MinMaxFloorObserver, MinMaxObserver, ModeMinMaxFloorObserver, "
          "PoTModeObserver, not 'EMAMinMax' [bad-value]",
          "c.yaml:5:15: error: unknown key 'bits' in 'extra_qconfig_dict.w_qscheme' (did you mean 'bit'?); "
          "known: bit, per_channel, pot_scale, symmetric_range, symmetry [unknown-key]",
          "c.yaml:5:29: error: 'extra_qconfig_dict.w_qscheme.bit' must be a whole number from 2 to 32, not "
          "'1' [bad-value]",
          "c.yaml:6:19: error: 'extra_qconfig_dict.a_fakeq_params' must be a map of keys and values "
          "[bad-value]",
          "c.yaml:7:24: error: unknown key 'exclude_modul_name' in 'extra_quantizer_dict' (did you mean "
          "'exclude_module_name'?); known: additional_function_type, additional_module_type, "
          "additional_node_name, exclude_function_type, exclude_module_name, exclude_node_name [unknown-key]",
          "c.yaml:7:73: error: 'ad' is no function of PyTorch that becomes an operator (did you mean "
          "'add'?); ONNX operators begin with a capital [bad-value]",
          "c.yaml:7:97: error: 'extra_quantizer_dict.exclude_node_name' must be a list of texts, not 'a' "
          "[bad-value]",
          "c.yaml:8:18: error: 'extra_fuse_dict' must be a map of keys and values, not a list [bad-value]"});
}
