#include "config/quantizers.h"

#include <catch2/catch.hpp>

#include "config/config_lines.h"

using namespace qprep;
using test::complaints;
using test::later;
using test::Lines;
using test::setting_lines;

TEST_CASE("Quantizers compose in order; in each, names, types, sets, then the rest") {
  CHECK(setting_lines("quantizers:\n"
                      "  - name: head\n"
                      "    global: {output_activation: {dtype: int16}, weight: int8}\n"
                      "    operators: [{types: [conv2d, [linear]], config: {output_activation: int8}}]\n"
                      "    module_type: {nn.Softmax: null}\n"
                      "    module_name: {a.b: {input_activation: qint16, output_activation: null}}\n"
                      "  - object_type: [[torch.add, {output_activation: {dtype: int8, "
                      "qscheme: torch.per_tensor_symmetric}}]]\n") ==
        Lines{"c.yaml:6:51 quantizers[0] 'head' module_name 'a.b' output_activation: output float32",
              "c.yaml:6:43 quantizers[0] 'head' module_name 'a.b' input_activation: input qint16",
              "(Softmax) c.yaml:5:19 quantizers[0] 'head' module_type 'nn.Softmax': node float32",
              "(Conv2d,Gemm,MatMul) c.yaml:4:73 quantizers[0] 'head' operators 'conv2d, linear' "
              "output_activation: output qint8",
              "c.yaml:3:41 quantizers[0] 'head' global output_activation: output qint16",
              "c.yaml:3:57 quantizers[0] 'head' global weight: weight qint8",
              "(Add) c.yaml:7:59 quantizers[1] object_type 'torch.add' output_activation: output qint8"});
}

TEST_CASE("What no quantizer speaks of stays float") {
  CHECK(setting_lines("quantizers:\n  - global: {output_activation: int8}\n") ==
        Lines{"c.yaml:2:33 quantizers[0] global output_activation: output qint8",
              "c.yaml:2:3 quantizers: what none of them speaks of: weight float32"});
  CHECK(
      complaints("quantizers: []\n") ==
      Lines{"c.yaml:1:13: error: 'quantizers' has no quantizer, so nothing would be quantised [bad-value]"});
}

TEST_CASE("A config may be a word, and take the rest from one") {
  CHECK(setting_lines("quantizers:\n  - global: symmetric_int8\n") ==
        Lines{"c.yaml:2:13 quantizers[0] global output_activation: output qint8",
              "c.yaml:2:13 quantizers[0] global weight: weight qint8",
              "c.yaml:2:13 quantizers[0] global weight: weight per channel"});
  CHECK(setting_lines("quantizers:\n  - global: {from: symmetric_int8, weight: null, bias: int32}\n") ==
        Lines{"c.yaml:2:36 quantizers[0] global weight: weight float32",
              "c.yaml:2:20 quantizers[0] global output_activation: output qint8"});
}

TEST_CASE("What XNNPACK's quantizer asks for is understood, and named where it cannot be carried out") {
  CHECK(later("quantizers:\n  - global: xnnpack_symmetric\n").size() == 8);
}

TEST_CASE("A bias of its own, a pattern and an input that differs from the output are not yet") {
  CHECK(
      later(
          "quantizers:\n"
          "  - operators: [{types: [[conv2d, relu], add], config: {output_activation: int8, bias: int8}}]\n"
          "    global: {input_activation: int8, output_activation: int16}\n"
          "  - global: {input_activation: int8, bias: {kind: DerivedQuantizationSpec, derived_from: [a, b], "
          "dtype: int32}}\n") ==
      Lines{
          "c.yaml:2:26: error: the pattern 'conv2d-relu' of 'quantizers[0].operators[0]'",
          "c.yaml:3:32: error: an input_activation of quantizers[0] global that is not the output_activation",
          "c.yaml:4:32: error: an input_activation of quantizers[1] global that is not the "
          "output_activation"});
}

TEST_CASE("Every mistake in quantizers is named in one run") {
  CHECK(complaints("quantizers: {}\n") ==
        Lines{"c.yaml:1:13: error: 'quantizers' must be a list, the quantizer of the highest priority first, "
              "not a map [bad-value]"});
  CHECK(
      complaints("quantizers:\n"
                 "  - globl: {}\n"
                 "  - qint8\n"
                 "  - global: symetric_int8\n"
                 "    operators: {}\n"
                 "  - operators: [{types: []}, {types: [add]}, {config: null}, {types: [ad], config: null}]\n"
                 "    module_name: {a: {output: qint8}, \"re:(\": null}\n") ==
      Lines{"c.yaml:2:5: error: unknown key 'globl' in 'quantizers[0]' (did you mean 'global'?); known: "
            "global, "
            "module_name, module_type, name, object_type, operator_type, operators [unknown-key]",
            "c.yaml:3:5: error: 'quantizers[1]' must be a map of keys and values, not 'qint8' [bad-value]",
            "c.yaml:4:13: error: quantizers[2] global must be one of symmetric_int16_activations, "
            "symmetric_int8, xnnpack_symmetric, xnnpack_symmetric_per_channel, not 'symetric_int8' (did you "
            "mean "
            "'symmetric_int8'?) [bad-value]",
            "c.yaml:5:16: error: 'quantizers[2].operators' must be a list of maps with 'types' and 'config' "
            "[bad-value]",
            "c.yaml:6:17: error: 'quantizers[3].operators[0]' has no 'config' [bad-value]",
            "c.yaml:6:30: error: 'quantizers[3].operators[1]' has no 'config' [bad-value]",
            "c.yaml:6:46: error: 'quantizers[3].operators[2]' has no 'types' [bad-value]",
            "c.yaml:6:70: error: 'ad' is no function of PyTorch that becomes an operator (did you mean "
            "'add'?); "
            "ONNX operators begin with a capital [bad-value]",
            "c.yaml:7:23: error: unknown key 'output' in 'quantizers[3] module_name a' (did you mean "
            "'output_activation'?); known: bias, from, input_activation, is_qat, output_activation, weight "
            "[unknown-key]",
            "c.yaml:7:39: error: 're:(' is no regular expression: missing ): '(' [bad-value]"});
}
