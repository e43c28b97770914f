"""Weights that are rounded with regard to what their layers read, against the algorithm written down in NumPy.

    python tests/cli/weight_rounding_test.py QPREP
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
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
SAMPLES, CHANNELS, HEIGHT, WIDTH = 12, 4, 8, 9  # no layer has more than 128 places

# Name, operator, shape of the weight, attributes.
CONVOLUTIONS = {
    "plain": ((6, 4, 3, 3), {}),
    "padded": ((6, 4, 3, 3), {"pads": [1, 0, 1, 2], "strides": [2, 1]}),
    "dilated": ((6, 4, 2, 3), {"dilations": [2, 2], "pads": [1, 1, 1, 1]}),
    "depthwise": ((8, 1, 3, 3), {"group": 4, "pads": [1, 1, 1, 1]}),
    "grouped": ((6, 2, 3, 3), {"group": 2}),
    "same_upper": ((5, 4, 2, 2), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "same_lower": ((5, 4, 2, 2), {"auto_pad": "SAME_LOWER"}),
    "valid": ((5, 4, 1, 1), {"auto_pad": "VALID"}),
}
# Its inputs have nothing to do with each other, so that there is nothing to make up for.
KEPT = "valid"
MATRICES = {"gemm": ((WIDTH, 7), {}), "gemm_t": ((7, WIDTH), {"transB": 1}), "matmul": ((WIDTH, 5), None)}


def model() -> onnx.ModelProto:
    random = np.random.default_rng(3)
    nodes, constants, outputs = [], [], []
    value = lambda name, rank: helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * rank)
    for name, (shape, attributes) in {**CONVOLUTIONS, **MATRICES}.items():
        constants.append(numpy_helper.from_array(random.normal(0, 0.3, shape).astype(np.float32), f"{name}_w"))
        kind = "Conv" if name in CONVOLUTIONS else "MatMul" if attributes is None else "Gemm"
        data = "rows" if kind == "Gemm" else "x"
        nodes.append(helper.make_node(kind, [data, f"{name}_w"], [f"{name}_y"], name, **(attributes or {})))
        outputs.append(value(f"{name}_y", 2 if kind == "Gemm" else 4))
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, HEIGHT, WIDTH]),
        helper.make_tensor_value_info("rows", TensorProto.FLOAT, [HEIGHT, WIDTH]),
    ]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def places(size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]) -> list[list[int]]:
    """For each result along an axis, the indices that its taps read."""
    reach = (kernel - 1) * dilation + 1
    starts = range(-pads[0], size + pads[1] - reach + 1, stride)
    return [[start + tap * dilation for tap in range(kernel)] for start in starts]


def columns_of_convolution(x: np.ndarray, shape: tuple[int, ...], attributes: dict) -> list[np.ndarray]:
    """What each group multiplies with its rows: [places, inputs]."""
    strides, dilations = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    pads, auto = attributes.get("pads", [0, 0, 0, 0]), attributes.get("auto_pad", "NOTSET")
    axes = []
    for i, size in enumerate(x.shape[2:]):
        pair = (pads[i], pads[i + 2])
        if auto.startswith("SAME"):
            all_pads = max(0, (-(-size // strides[i]) - 1) * strides[i] + (shape[2 + i] - 1) * dilations[i] + 1 - size)
            pair = (all_pads // 2, all_pads - all_pads // 2)
            pair = pair if auto == "SAME_UPPER" else pair[::-1]
        axes.append(places(size, shape[2 + i], strides[i], dilations[i], pair))
    groups = attributes.get("group", 1)
    columns = []
    for part in np.split(x[0], groups):
        rows = []
        for ys in axes[0]:
            for xs in axes[1]:
                taps = [
                    [part[c, i, j] if 0 <= i < x.shape[2] and 0 <= j < x.shape[3] else 0.0 for i in ys for j in xs]
                    for c in range(part.shape[0])
                ]
                rows.append(np.ravel(taps))
        columns.append(np.asarray(rows, np.float64))
    return columns


def gptq(rows: np.ndarray, scales: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Integers, [outputs, inputs]: the algorithm of the paper, column after column."""
    n = len(moments)
    damped = moments + 0.01 * np.diag(moments).mean() * np.eye(n)
    order = np.argsort(-np.diag(damped), kind="stable")
    upper = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left, integers = rows[:, order].astype(np.float64), np.zeros(rows.shape)
    for i in range(n):
        q = np.clip(np.rint(left[:, i] / scales), -128, 127)
        integers[:, order[i]] = q
        error = (left[:, i] - q * scales) / upper[i, i]
        left[:, i:] -= np.outer(error, upper[i, i:])
    return integers


class WeightRounding(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.scratch.name)
        onnx.save(model(), cls.folder / "m.onnx")
        random = np.random.default_rng(4)
        cls.samples = []
        for i in range(SAMPLES):
            # Neighbours are alike, as in pictures.
            x = np.cumsum(random.normal(0, 1, (1, CHANNELS, HEIGHT, WIDTH)), axis=3).astype(np.float32)
            sample = {"x": x, "rows": np.cumsum(random.normal(0, 1, (HEIGHT, WIDTH)), axis=1).astype(np.float32)}
            cls.samples.append(sample)
            for name, data in sample.items():
                (cls.folder / "samples" / name).mkdir(parents=True, exist_ok=True)
                np.save(cls.folder / f"samples/{name}/{i:02d}.npy", data)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.scratch.cleanup()

    def prepare(self, calibration: str, folder: str, *arguments: str, more: str = "") -> onnx.ModelProto:
        (self.folder / "c.yaml").write_text(
            f"method: jit\ncalibration: {{data: samples, {calibration}}}\noutput: {{dialect: qdq, form: both}}\n{more}"
        )
        done = subprocess.run(
            [QPREP, "prepare", "m.onnx", "-c", "c.yaml", "-o", folder, *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return onnx.load(self.folder / folder / "m_calibrated.onnx")

    @staticmethod
    def weights(written: onnx.ModelProto) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """By layer: the float weight, its scales, its integers."""
        values = {each.name: numpy_helper.to_array(each) for each in written.graph.initializer}
        quantisers = {node.output[0]: node for node in written.graph.node if node.op_type == "QuantizeLinear"}
        dequantisers = {node.output[0]: node for node in written.graph.node if node.op_type == "DequantizeLinear"}
        found = {}
        for node in written.graph.node:
            if node.op_type not in ("Conv", "Gemm", "MatMul"):
                continue
            dequantise = dequantisers[node.input[1]]
            quantise = quantisers.get(dequantise.input[0])
            axis = {a.name: a.i for a in dequantise.attribute}.get("axis", 1)
            scale = values[dequantise.input[1]]
            shape = [-1 if i == axis else 1 for i in range(len(CONVOLUTIONS[node.name][0] if node.name in CONVOLUTIONS else (1, 1)))]
            along = scale.reshape(shape) if scale.size > 1 else scale
            if quantise is not None:
                number = values[quantise.input[0]]
                integers = np.clip(np.rint(number / along), -128, 127)
            else:
                integers = values[dequantise.input[0]].astype(np.float64)
                number = integers * along
            found[node.name] = (number, scale, integers)
        return found

    def test_integers_are_those_of_the_algorithm(self) -> None:
        more = "activations: {dtype: float}\n"
        written = self.weights(self.prepare("method: min_max, weight_rounding: least_error", "one", more=more))
        plain = self.weights(self.prepare("method: min_max", "nearest", more=more))
        original = {each.name: numpy_helper.to_array(each) for each in model().graph.initializer}
        self.assertEqual(set(written), {*CONVOLUTIONS, *MATRICES})
        lost_before = lost_now = 0.0
        for name, (shape, attributes) in {**CONVOLUTIONS, **MATRICES}.items():
            with self.subTest(name):
                _, scale, integers = written[name]
                self.assertTrue((scale == plain[name][1]).all())
                if name in CONVOLUTIONS:
                    columns = [columns_of_convolution(each["x"], shape, attributes) for each in self.samples]
                    moments = [sum(c[g].T @ c[g] for c in columns) for g in range(len(columns[0]))]
                    rows = lambda w: w.reshape(shape[0], -1)
                else:
                    data = "x" if attributes is None else "rows"
                    flat = [each[data].reshape(-1, WIDTH).astype(np.float64) for each in self.samples]
                    moments = [sum(f.T @ f for f in flat)]
                    rows = (lambda w: w) if (attributes or {}).get("transB") else (lambda w: w.T)
                before, got, usual = rows(original[f"{name}_w"]), rows(integers), rows(plain[name][2])
                scales = np.broadcast_to(scale.ravel().astype(np.float64), len(before))
                part = len(before) // len(moments)
                for group, h in enumerate(moments):
                    mine = slice(group * part, (group + 1) * part)
                    if name == KEPT:
                        self.assertTrue((got[mine] == usual[mine]).all())
                        continue
                    want = gptq(before[mine], scales[mine], h)
                    # A tie in float32 may fall to the other side, and what follows with it.
                    self.assertGreater((want == got[mine]).mean(), 0.99)
                    lost = lambda q: np.trace((d := before[mine] - q * scales[mine, None]) @ h @ d.T)
                    self.assertLess(lost(got[mine]), lost(usual[mine]))
                    lost_now, lost_before = lost_now + lost(got[mine]), lost_before + lost(usual[mine])
        self.assertLess(lost_now, 0.7 * lost_before)

    def test_fixed_point_has_the_same_integers(self) -> None:
        self.prepare("method: min_max, weight_rounding: least_error", "fixed")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        results = []
        for form in ("calibrated", "fixed"):
            path = self.folder / f"fixed/m_{form}.onnx"
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            results.append(session.run(None, self.samples[0]))
        for a, b in zip(*results):
            np.testing.assert_allclose(a, b, atol=1e-4 * np.abs(a).max())

    def test_the_report_names_the_layers_and_threads_change_nothing(self) -> None:
        seen = []
        for threads in ("1", "2", "4"):
            self.prepare("method: auto, weight_rounding: least_error", "threads", "--threads", threads)
            seen.append((self.folder / "threads/m_calibrated.onnx").read_bytes())
            report = json.loads((self.folder / "threads/model_check_result.json").read_text())
            self.assertEqual(set(report["rounded_weights"]), {*CONVOLUTIONS, *MATRICES} - {KEPT})
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])
        self.prepare("method: auto, weight_rounding: nearest", "no")
        self.assertEqual(json.loads((self.folder / "no/model_check_result.json").read_text())["rounded_weights"], [])

    def test_auto_rounds_where_weights_are_what_results_lose_by(self) -> None:
        """And then the biases are those that rounding first would have given."""
        wide = "activations: {dtype: qint16}\n"
        chosen = self.prepare("method: auto", "chosen", more=wide)
        report = json.loads((self.folder / "chosen/model_check_result.json").read_text())
        self.assertEqual(set(report["rounded_weights"]), {*CONVOLUTIONS, *MATRICES} - {KEPT})
        asked = self.prepare("method: auto, weight_rounding: least_error", "asked", more=wide)
        values = lambda written: {each.name: numpy_helper.to_array(each) for each in written.graph.initializer}
        ours, theirs = values(chosen), values(asked)
        self.assertEqual(set(ours), set(theirs))
        self.assertTrue(any("bias" in name for name in ours))
        for name, value in ours.items():
            np.testing.assert_allclose(value, theirs[name], rtol=1e-5, atol=1e-6, err_msg=name)

        self.prepare("method: auto", "float", more="weights: {dtype: float}\n")
        report = json.loads((self.folder / "float/model_check_result.json").read_text())
        self.assertEqual(report["rounded_weights"], [])

    def test_the_form_for_training_keeps_its_weights(self) -> None:
        self.prepare("method: auto, weight_rounding: least_error", "qat")
        (self.folder / "c.yaml").write_text("method: jit\n")
        subprocess.run([QPREP, "prepare", "m.onnx", "-c", "c.yaml", "-o", "bare"], cwd=self.folder, check=True, capture_output=True)
        weights = lambda path: {i.name: numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer if i.name.endswith("_w")}
        qat, bare = weights(self.folder / "qat/m_qat.onnx"), weights(self.folder / "bare/m_qat.onnx")
        self.assertEqual(set(qat), set(bare))
        for name, weight in qat.items():
            self.assertTrue((weight == bare[name]).all(), name)


if __name__ == "__main__":
    unittest.main()
