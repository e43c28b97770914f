"""The heterogeneous model of the vendor's guide: blocks of conv, batch norm and relu, a Selu that is called three times,
and two layers that are named for the CPU. It has the devices and the three segments that the guide tells of.

    python tests/cli/hybrid_test.py QPREP
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

QPREP = ""
CHANNELS, SIZE = 3, 16

HYBRID = """
march: bayes
method: jit
weights: {dtype: int8}
hybrid:
  module_name: [layer1.conv, conv0]
  module_type: [Selu]
"""
HB_MAPPER = """
model_parameters:
  onnx_model: net.onnx
  march: bayes
  output_model_file_prefix: hybrid
input_parameters:
  input_type_rt: featuremap
  input_type_train: featuremap
  input_layout_train: NCHW
  input_layout_rt: NCHW
  norm_type: no_preprocess
calibration_parameters:
  calibration_type: load
  run_on_cpu: layer1.conv;conv0;selu;selu_1;selu_2
compiler_parameters:
  compile_mode: latency
  debug: false
  optimize_level: O3
"""


class Builder:
    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, values: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(values.astype("f4"), name))
        return name

    def add(self, op: str, name: str, *inputs: str) -> str:
        self.nodes.append(helper.make_node(op, inputs, [f"{name}_out"], name=name))
        return f"{name}_out"

    def conv(self, name: str, x: str) -> str:
        weight = self.constant(f"{name}.weight", self.random.standard_normal((CHANNELS, CHANNELS, 1, 1)))
        return self.add("Conv", name, x, weight, self.constant(f"{name}.bias", self.random.standard_normal(CHANNELS)))

    def conv_bn_relu(self, name: str, x: str) -> str:
        parts = [self.constant(f"{name}.bn.{part}", self.random.random(CHANNELS) + 0.5)
                 for part in ("weight", "bias", "running_mean", "running_var")]
        normalised = self.add("BatchNormalization", f"{name}.bn", self.conv(f"{name}.conv", x), *parts)
        return self.add("Relu", f"{name}.relu", normalised)


def hybrid_model() -> onnx.ModelProto:
    net = Builder()
    x = net.add("Selu", "selu", "input")
    x = net.conv_bn_relu("layer0", x)
    x = net.add("Selu", "selu_1", x)
    x = net.conv_bn_relu("layer2", net.conv_bn_relu("layer1", x))
    x = net.conv("conv1", net.conv("conv0", x))
    x = net.add("Selu", "selu_2", x)
    shape = [1, CHANNELS, SIZE, SIZE]
    graph = helper.make_graph(
        net.nodes,
        "hybrid",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, shape)],
        net.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)


class Hybrid(unittest.TestCase):
    SEGMENTS = {0: ["layer0.conv", "layer0.relu"], 1: ["layer2.conv", "layer2.relu"], 2: ["conv1"]}
    ON_CPU = {"selu", "selu_1", "selu_2", "layer1.conv", "layer1.relu", "conv0"}

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="qprep_hybrid_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        onnx.save(hybrid_model(), self.folder / "net.onnx")

    def run_qprep(self, *arguments: str, config: str, status: int = 0) -> str:
        (self.folder / "qprep.yaml").write_text(config)
        done = subprocess.run([QPREP, *arguments, "-c", "qprep.yaml"], cwd=self.folder, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def table(self, config: str) -> list[dict]:
        return json.loads(self.run_qprep("check", "net.onnx", "--json", config=config))["models"][0]["table"]

    def check_places(self, config: str) -> None:
        table = self.table(config)
        segments: dict[int, list[str]] = {}
        for row in table:
            if row["device"] == "BPU":
                segments.setdefault(row["segment"], []).append(row["name"])
        self.assertEqual(segments, self.SEGMENTS)
        self.assertEqual({row["name"] for row in table if row["device"] == "CPU"}, self.ON_CPU)

    def quantised(self, config: str) -> set[str]:
        """The tensors that a FakeQuantize reads."""
        self.run_qprep("prepare", "net.onnx", "-o", "out", config=config)
        written = onnx.load(next((self.folder / "out").glob("*_qat.onnx")))
        return {node.input[0] for node in written.graph.node if node.op_type == "FakeQuantize"}

    def test_devices_and_segments(self) -> None:
        self.check_places(HYBRID)

    def test_a_reason_names_its_line(self) -> None:
        reasons = {row["name"]: row["because"] for row in self.table(HYBRID)}
        self.assertEqual(reasons["conv0"], "Conv 'conv0' stays float (qprep.yaml:6:30 hybrid.module_name 'conv0')")
        self.assertEqual(reasons["selu_1"], "Selu 'selu_1' stays float (qprep.yaml:7:17 hybrid.module_type 'Selu')")

    def test_quantised_is_what_enters_a_segment(self) -> None:
        weights = {"layer0.conv.weight", "layer2.conv.weight", "conv1.weight"}
        self.assertEqual(self.quantised(HYBRID) - weights, {"selu_out", "layer1.relu_out", "conv0_out"},
                         "the CPU stands first and last: neither the input nor the output is quantised")

    def test_float_weights_keep_the_output(self) -> None:
        self.run_qprep("prepare", "net.onnx", "-o", "out", config=HYBRID.replace("int8", "float"))
        data = {"input": np.random.default_rng(1).standard_normal((1, CHANNELS, SIZE, SIZE)).astype("f4")}
        results = [ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, data)[0]
                   for path in (self.folder / "net.onnx", next((self.folder / "out").glob("*_qat.onnx")))]
        np.testing.assert_allclose(results[1], results[0], rtol=0, atol=1e-5 * np.abs(results[0]).max())

    def test_the_end_of_a_segment_without_high_precision_is_a_hint(self) -> None:
        config = HYBRID + "qconfig_setter:\n  - module_name: {layer0: qint8, layer2: qint8}\n  - default_qat\n"
        self.run_qprep("prepare", "net.onnx", "-o", "out", config=config)
        hints = json.loads((self.folder / "out/model_check_result.json").read_text())["hints"]
        self.assertEqual([(hint["name"], hint["message"]) for hint in hints],
                         [("layer0.relu", "No high-precision output at the end of id(0)."),
                          ("layer2.relu", "No high-precision output at the end of id(1)."),
                          ("conv1", "activation is None.")])

    def test_small_segments_move_to_the_cpu(self) -> None:
        config = HYBRID + "  min_segment: 2\n"
        table = self.table(config.replace("conv0]", "selu]"))
        self.assertEqual([row["name"] for row in table if row["device"] == "BPU"],
                         ["layer2.conv", "layer2.relu", "conv0", "conv1"])
        reasons = {row["name"]: row["because"] for row in table}
        self.assertEqual(reasons["layer0.relu"], "Conv 'layer0.conv' stays float (qprep.yaml:8:16 hybrid.min_segment 2: its "
                                                 "segment of the BPU would have one kernel)")
        self.assertEqual({row["device"] for row in self.table(config)}, {"CPU"})
        self.assertEqual(self.quantised(config.replace("conv0]", "selu]")),
                         {"layer1.relu_out", "layer2.relu_out", "conv0_out", "layer2.conv.weight", "conv0.weight",
                          "conv1.weight"})

    def test_off_refuses_what_the_target_lacks(self) -> None:
        config = "march: bayes\nmethod: jit\nhybrid: {enabled: false}\n"
        self.run_qprep("prepare", "net.onnx", "-o", "refused", config=config, status=1)
        self.assertFalse((self.folder / "refused").exists())
        self.run_qprep("prepare", "net.onnx", "-o", "out", config=config.replace("bayes", "bayes-e"))

    def test_the_guides_hb_mapper_file_is_accepted(self) -> None:
        self.check_places(HB_MAPPER)


if __name__ == "__main__":
    QPREP = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
