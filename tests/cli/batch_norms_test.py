"""Batch norms that stay for training: the models are the float model where FakeQuantize hands on what it reads, training
finds its parameters, and what becomes of them in fixed point is what `bn: fuse` makes, byte for byte.

    python tests/cli/batch_norms_test.py QPREP
"""

from __future__ import annotations

import os
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
SHARED = Path(os.environ.get("QPREP_SHARED", "absent")) / "models"
REAL = ("cls_cifar_resnet56_bn_op21.onnx", "cls_cifar_mlperftiny_resnet8.onnx", "cls_vww96_mbv1_025.onnx", "audio_gtcrn.onnx")


class Net:
    """Layers one behind the other; `x` is the name of the last result."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(5)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.x = "image"

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def node(self, op: str, name: str, *inputs: str, **attributes) -> str:
        self.x = f"{name}_out"
        self.nodes.append(helper.make_node(op, list(inputs), [self.x], name, **attributes))
        return self.x

    def layer(self, op: str, name: str, shape: tuple[int, ...], bias: int = 0, **attributes) -> str:
        inputs = [self.x, self.constant(f"{name}.weight", self.random.normal(0, 0.4, shape))]
        if bias:
            inputs.append(self.constant(f"{name}.bias", self.random.normal(0, 0.2, bias)))
        return self.node(op, name, *inputs, **attributes)

    def norm(self, name: str, channels: int, **ranges) -> str:
        low, high = ranges.get("gamma", (0.5, 1.5))
        values = {
            "gamma": self.random.uniform(low, high, channels) * self.random.choice([-1, 1], channels),
            "beta": self.random.normal(0, 0.3, channels),
            "mean": self.random.normal(0, 0.3, channels),
            "var": self.random.uniform(0.3, 2, channels),
        }
        inputs = [self.constant(f"{name}.{key}", value) for key, value in values.items()]
        return self.node("BatchNormalization", name, self.x, *inputs, epsilon=1e-3, momentum=0.8)

    def model(self, shape: tuple[int, ...], result: tuple[int, ...]) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(self.x, TensorProto.FLOAT, result)],
            self.constants,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def residual() -> onnx.ModelProto:
    """Every kind of layer with a batch norm behind it, and both kinds of residual block."""
    net = Net()
    net.layer("Conv", "stem", (8, 3, 3, 3), pads=[1, 1, 1, 1])
    net.norm("stem_bn", 8)
    before = net.node("Relu", "stem_relu", net.x)
    net.layer("Conv", "a1", (8, 8, 3, 3), bias=8, pads=[1, 1, 1, 1])
    net.norm("a1_bn", 8)
    net.node("Relu", "a1_relu", net.x)
    net.layer("Conv", "a2", (8, 1, 3, 3), group=8, pads=[1, 1, 1, 1])
    net.norm("a2_bn", 8)
    net.node("Add", "a_add", net.x, before)
    block = net.node("Relu", "a_relu", net.x)
    net.layer("Conv", "b1", (16, 8, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1])
    main = net.norm("b1_bn", 16)
    net.x = block
    net.layer("Conv", "down", (16, 8, 1, 1), strides=[2, 2])
    net.norm("down_bn", 16)
    net.node("Add", "b_add", net.x, main)
    net.node("Relu", "b_relu", net.x)
    net.layer("ConvTranspose", "up", (16, 3, 2, 2), group=4, strides=[2, 2])
    net.norm("up_bn", 12)
    net.node("Relu", "up_relu", net.x)
    net.layer("ConvTranspose", "wide", (12, 6, 2, 2), strides=[2, 2])
    net.node("Add", "wide_shift", net.x, net.constant("shift", net.random.normal(0, 1, (6, 1, 1))))
    net.norm("wide_bn", 6)
    net.layer("ConvTranspose", "each", (6, 1, 3, 3), group=6, pads=[1, 1, 1, 1])
    net.norm("each_bn", 6)
    net.node("GlobalAveragePool", "pool", net.x)
    net.node("Flatten", "flat", net.x)
    net.layer("Gemm", "fc1", (10, 6), bias=10, transB=1)
    net.norm("fc1_bn", 10)
    net.layer("Gemm", "fc2", (10, 9))
    net.norm("fc2_bn", 9)
    net.layer("MatMul", "fc3", (9, 5))
    net.norm("fc3_bn", 5)
    net.node("Relu", "fc3_relu", net.x)
    net.layer("Gemm", "fc4", (5, 4), bias=4)
    return net.model((1, 3, 16, 16), (1, 4))


def run(model: onnx.ModelProto | Path, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"]).run(None, feed)


def numbers(path: Path) -> dict[str, bytes]:
    return {tensor.name: numpy_helper.to_array(tensor).tobytes() for tensor in onnx.load(path).graph.initializer}


def handing_on(path: Path) -> onnx.ModelProto:
    """The model whose FakeQuantize nodes are Identity."""
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "FakeQuantize":
            del node.input[1:], node.attribute[:]
            node.op_type, node.domain = "Identity", ""
    return model


def distance(left: list[np.ndarray], right: list[np.ndarray]) -> float:
    return max(float(np.max(np.abs(a - b)) / (np.max(np.abs(a)) or 1)) for a, b in zip(left, right, strict=True))


class BatchNorms(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="qprep_bn_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def prepare(self, model: Path, name: str, config: str) -> Path:
        """The folder that `prepare` wrote."""
        (self.folder / f"{name}.yaml").write_text(config + "\noutput: {prefix: net, form: %s}\n" % self.form)
        out = self.folder / name
        done = subprocess.run(
            [QPREP, "prepare", model, "-c", self.folder / f"{name}.yaml", "-o", out, "-q"], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.said = done.stderr
        return out

    form = "both"

    def compare(self, model: Path, samples: str) -> tuple[Path, Path]:
        """Both ways: the same models in fixed point, and of the calibrated models again."""
        ways = {}
        # What stands before a batch norm is training's: weights are rounded and biases corrected in fixed point alone.
        for correction, rounding in (("true", "least_error"), ("false", "nearest")):
            for bn in ("fuse", "with_bn"):
                config = f"bn: {bn}\n{samples[:-1]}, bias_correction: {correction}, weight_rounding: {rounding}}}"
                ways[bn] = self.prepare(model, f"{model.stem}_{bn}", config)
            self.assertEqual(*((way / "net_fixed.onnx").read_bytes() for way in ways.values()))
        self.form = "fixed_point"
        again = [self.prepare(way / "net_calibrated.onnx", f"{model.stem}_again_{bn}", "") for bn, way in ways.items()]
        # Read again, they may be in another order.
        self.assertEqual(*(numbers(each / "net_fixed.onnx") for each in again))
        self.form = "both"
        return ways["fuse"], ways["with_bn"]

    def test_every_layer(self) -> None:
        model = self.folder / "residual.onnx"
        onnx.save(residual(), model)
        random = np.random.default_rng(1)
        (self.folder / "samples").mkdir()
        pictures = [random.normal(0, 1, (1, 3, 16, 16)).astype(np.float32) for _ in range(4)]
        for i, picture in enumerate(pictures):
            np.save(self.folder / "samples" / f"{i:04d}.npy", picture)
        fused, kept = self.compare(model, "calibration: {data: samples}")
        feed = {"image": pictures[0]}
        original = run(model, feed)

        qat = onnx.load(kept / "net_qat.onnx")
        norms = [node for node in qat.graph.node if node.op_type == "BatchNormalization"]
        before = {tensor.name: tensor for tensor in onnx.load(model).graph.initializer}
        after = {tensor.name: tensor for tensor in qat.graph.initializer}
        self.assertEqual([n.name for n in norms], [n.name for n in residual().graph.node if n.op_type == norms[0].op_type])
        for node in norms:
            self.assertEqual({a.name: round(a.f, 6) for a in node.attribute}, {"epsilon": 1e-3, "momentum": 0.8})
        for name, tensor in before.items():
            self.assertEqual(numpy_helper.to_array(tensor).tolist(), numpy_helper.to_array(after[name]).tolist(), name)
        self.assertNotIn("stem.weight_bias", after)
        for form in ("qat", "calibrated"):
            onnx.checker.check_model(str(kept / f"net_{form}.onnx"), full_check=True)
            self.assertLess(distance(original, run(handing_on(kept / f"net_{form}.onnx"), feed)), 2e-6, form)

        # The weights that training sees are those of the folded model, but for roundings that fall on the other side: the
        # largest of a channel lies in the middle between two steps.
        for form in ("qat", "calibrated"):
            self.assertLess(distance(*(run(way / f"net_{form}.onnx", feed) for way in (fused, kept))), 0.05, form)

    def test_a_layer_that_becomes_another(self) -> None:
        """Weights of as many inputs as outputs could be taken for those of the other operator."""
        net = Net()
        net.layer("ConvTranspose", "square", (4, 4, 3, 3), bias=4, pads=[1, 1, 1, 1])
        net.norm("square_bn", 4)
        net.layer("ConvTranspose", "groups", (4, 3, 2, 3), bias=6, group=2)
        net.norm("groups_bn", 6)
        model = self.folder / "turned.onnx"
        onnx.save(net.model((1, 4, 6, 6), (1, 6, 7, 8)), model)
        feed = {"image": np.random.default_rng(4).normal(0, 1, (1, 4, 6, 6)).astype(np.float32)}
        (self.folder / "samples").mkdir()
        np.save(self.folder / "samples" / "0.npy", feed["image"])
        fused, kept = self.compare(model, "replace: [conv-transpose-to-conv]\ncalibration: {data: samples, method: min_max}")
        operators = [node.op_type for node in onnx.load(kept / "net_qat.onnx").graph.node]
        self.assertEqual((operators.count("Conv"), operators.count("BatchNormalization")), (2, 2))
        for way in (fused, kept):
            for form in ("qat", "calibrated"):
                self.assertLess(distance(run(model, feed), run(handing_on(way / f"net_{form}.onnx"), feed)), 2e-6, form)

    def test_training_moves_the_factor(self) -> None:
        """A scale that training doubled doubles what is quantised: the fixed-point model follows."""
        model = self.folder / "residual.onnx"
        onnx.save(residual(), model)
        self.form = "qat"
        qat = self.prepare(model, "train", "bn: with_bn\nactivations: {dtype: float}") / "net_qat.onnx"
        trained = onnx.load(qat)
        for tensor in trained.graph.initializer:
            if tensor.name in ("stem_bn.gamma", "stem.weight_scale"):
                tensor.CopyFrom(numpy_helper.from_array(2 * numpy_helper.to_array(tensor), tensor.name))
        names = {tensor.name for tensor in trained.graph.initializer}
        scaled = next(n.output[0] for n in trained.graph.node if "stem.weight" in n.input and n.op_type == "Mul")
        self.assertIn("stem_bn.gamma", names)
        fake = next(n for n in trained.graph.node if n.op_type == "FakeQuantize" and n.input[0] == scaled)
        self.assertEqual(fake.input[1], "stem.weight_scale")
        onnx.save(trained, self.folder / "trained.onnx")
        self.form = "fixed_point"
        fixed = self.prepare(self.folder / "trained.onnx", "fixed", "activations: {dtype: float}") / "net_fixed.onnx"
        feed = {"image": np.random.default_rng(2).normal(0, 1, (1, 3, 16, 16)).astype(np.float32)}
        # As above, a few weights are rounded to the other side.
        self.assertLess(distance(run(self.folder / "trained.onnx", feed), run(fixed, feed)), 0.05)
        self.assertGreater(distance(run(qat, feed), run(fixed, feed)), 0.2)
        self.assertNotIn("BatchNormalization", {node.op_type for node in onnx.load(fixed).graph.node})

    def test_a_factor_of_zero_is_folded(self) -> None:
        net = Net()
        net.layer("Conv", "dead", (4, 3, 3, 3))
        net.norm("dead_bn", 4, gamma=(0, 0))
        model = self.folder / "dead.onnx"
        onnx.save(net.model((1, 3, 8, 8), (1, 4, 6, 6)), model)
        self.form = "qat"
        out = self.prepare(model, "dead", "bn: with_bn")
        self.assertIn("batch-norm-folded", (out / "model_check_result.txt").read_text() + self.said)
        self.assertNotIn("BatchNormalization", {node.op_type for node in onnx.load(out / "net_qat.onnx").graph.node})

    def test_weights_that_stay_float(self) -> None:
        model = self.folder / "residual.onnx"
        onnx.save(residual(), model)
        self.form = "qat"
        out = self.prepare(model, "float", "bn: with_bn\nweights: {dtype: float}")
        written = onnx.load(out / "net_qat.onnx")
        before = onnx.load(model)
        of_layers = [n.op_type for n in written.graph.node if n.op_type not in ("FakeQuantize",)]
        self.assertEqual(of_layers, [n.op_type for n in before.graph.node])
        feed = {"image": np.ones((1, 3, 16, 16), np.float32)}
        self.assertLess(distance(run(model, feed), run(out / "net_qat.onnx", feed)), 1e-6)

    def test_real_models(self) -> None:
        if not SHARED.exists():
            self.skipTest(f"{SHARED} does not exist")
        for name in REAL:
            with self.subTest(name):
                model = SHARED / name
                session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
                random = np.random.default_rng(3)
                for put in session.get_inputs():
                    shape = [size if isinstance(size, int) else 1 for size in put.shape]
                    folder = self.folder / f"of_{model.stem}" / put.name
                    folder.mkdir(parents=True)
                    np.save(folder / "0000.npy", random.uniform(0, 1, shape).astype(np.float32))
                _, kept = self.compare(model, f"calibration: {{data: of_{model.stem}}}")
                norms = [n for n in onnx.load(kept / "net_qat.onnx").graph.node if n.op_type == "BatchNormalization"]
                self.assertGreater(len(norms), 0)


if __name__ == "__main__":
    unittest.main()
