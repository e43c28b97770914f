"""calibration.batch: samples that are inferred at once make the bytes that one at a time makes, or are told why not.

    python tests/cli/batch_test.py QPREP

Small networks in which samples lie on the first axis, on another one, or nowhere, and, where the shared folder is
there, its small models.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(ROOT / "tests/opset"))

from harness import workable_feed  # noqa: E402

SAMPLES, BATCH = 21, 8
LARGEST = 1_000_000  # bytes of a shared model
RANDOM = np.random.default_rng(3)


def constant(name: str, *dims: int) -> onnx.TensorProto:
    return numpy_helper.from_array(RANDOM.normal(0, 0.3, dims).astype(np.float32), name)


def sizes(name: str, *numbers: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(numbers, np.int64), name)


def tensor(name: str, dims: list[int | str] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)


def model(nodes: list, constants: list, *inputs: onnx.ValueInfoProto) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", list(inputs), [tensor("y", None)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def pictures(first: int | str) -> onnx.ModelProto:
    """Convolutions, one of them over the channels' mean, and Transpose, after which samples are on the second axis."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], "stem/relu"),
        helper.make_node("GlobalAveragePool", ["r1"], ["m"], "mean"),
        helper.make_node("Conv", ["m", "w2"], ["c2"], "gate"),
        helper.make_node("Sigmoid", ["c2"], ["s"], "gate/sigmoid"),
        helper.make_node("Mul", ["r1", "s"], ["p"], "gated"),
        helper.make_node("Transpose", ["p"], ["t"], "turned", perm=[1, 0, 2, 3]),
        helper.make_node("Mul", ["t", "w3"], ["y"], "scaled"),
    ]
    return model(nodes, [constant("w1", 6, 3, 3, 3), constant("w2", 6, 6, 1, 1), constant("w3", 6, 1, 1, 1)], tensor("x", [first, 3, 12, 12]))


def sequences() -> onnx.ModelProto:
    """An LSTM, whose samples are on the second axis, and attention, whose heads share the first one with them."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], "turned", perm=[1, 0, 2]),
        helper.make_node("LSTM", ["t", "w", "r"], ["h4"], "lstm", hidden_size=8),
        helper.make_node("Squeeze", ["h4", "one"], ["h"], "squeezed"),
        helper.make_node("Transpose", ["h"], ["b"], "back", perm=[1, 0, 2]),
        helper.make_node("Reshape", ["b", "split"], ["heads"], "split"),
        helper.make_node("Transpose", ["heads"], ["q"], "q", perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["q", "join"], ["j"], "join"),
        helper.make_node("Transpose", ["j"], ["k"], "k", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["j", "k"], ["scores"], "scores"),
        helper.make_node("Softmax", ["scores"], ["a"], "softmax"),
        helper.make_node("MatMul", ["a", "j"], ["y"], "mixed"),
    ]
    constants = [constant("w", 1, 32, 5), constant("r", 1, 32, 8), sizes("one", 1), sizes("split", 0, 0, 2, 4), sizes("join", -1, 10, 4)]
    return model(nodes, constants, tensor("x", [1, 10, 5]))


def of_all() -> onnx.ModelProto:
    """What it makes of a sample depends on the others of its batch."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c"], "stem"),
        helper.make_node("ReduceMax", ["c"], ["most"], "most", keepdims=1),
        helper.make_node("Div", ["c", "most"], ["y"], "normed"),
    ]
    return model(nodes, [constant("w1", 4, 3, 1, 1)], tensor("x", ["n", 3, 12, 12]))


def fixed() -> onnx.ModelProto:
    """A Reshape that knows one sample only."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c"], "stem"),
        helper.make_node("Reshape", ["c", "flat"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "w2"], ["y"], "head"),
    ]
    return model(nodes, [constant("w1", 4, 3, 1, 1), constant("w2", 576, 10), sizes("flat", 1, 576)], tensor("x", [1, 3, 12, 12]))


def chosen() -> onnx.ModelProto:
    """An If on the sum of the input."""
    body = lambda name, op: helper.make_graph([helper.make_node(op, ["c"], [name], f"{name}/{op}")], name, [], [tensor(name, None)])
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c"], "stem"),
        helper.make_node("ReduceSum", ["x"], ["sum"], "sum", keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"], "positive"),
        helper.make_node("If", ["positive"], ["y"], "choice", then_branch=body("a", "Relu"), else_branch=body("b", "Sigmoid")),
    ]
    return model(nodes, [constant("w1", 4, 3, 1, 1), numpy_helper.from_array(np.float32(0), "zero")], tensor("x", [1, 3, 12, 12]))


def beside(name: str, dims: list[int | str]) -> Callable[[], onnx.ModelProto]:
    """A second input that all pictures are multiplied with."""

    def make() -> onnx.ModelProto:
        nodes = [helper.make_node("Conv", ["x", "w1"], ["c"], "stem"), helper.make_node("Mul", ["c", name], ["y"], "scaled")]
        return model(nodes, [constant("w1", 4, 3, 1, 1)], tensor("x", [1, 3, 12, 12]), tensor(name, dims))

    return make


class Batch(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="qprep_batch_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def save(self, net: onnx.ModelProto, sample: Callable[[int], dict[str, np.ndarray]], samples: int = SAMPLES) -> None:
        onnx.save(net, self.folder / "m.onnx")
        for i in range(samples):
            for name, values in sample(i).items():
                (self.folder / "s" / name).mkdir(parents=True, exist_ok=True)
                np.save(self.folder / "s" / name / f"{i:02d}.npy", values)

    def random(self, **dims: tuple[int, ...]) -> Callable[[int], dict[str, np.ndarray]]:
        return lambda i: {name: RANDOM.normal(0, 1 + i / 9, size).astype(np.float32) for name, size in dims.items()}

    def collected(self, batch: int, *more: str, file: str = "m.onnx", samples: str = "s", keys: str = "") -> tuple[bytes, str]:
        """The statistics, and what was said of the batch."""
        (self.folder / "c.yaml").write_text(
            f"method: jit\ncalibration:\n  data: {samples}\n  method: kl\n  bias_correction: true\n{keys}  batch: {batch}\n"
        )
        run = subprocess.run(
            [QPREP, "calibrate", file, "-c", "c.yaml", "-o", "m.qcal", *more], cwd=self.folder, capture_output=True, text=True
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        said = [line for line in run.stderr.splitlines() if "calibration.batch" in line]
        return (self.folder / "m.qcal").read_bytes(), "\n".join(said)

    def check(self, why_not: str, keys: str = "") -> None:
        one, said = self.collected(1, keys=keys)
        self.assertEqual(said, "")
        for threads in ("1", "2", "4"):
            together, said = self.collected(BATCH, "--threads", threads, keys=keys)
            self.assertEqual(together, one, f"{threads} threads")
            expected = f"no effect, samples run one by one: {why_not}" if why_not else ""
            self.assertIn(expected, said)
            self.assertEqual(said == "", why_not == "", said)
            self.assertEqual(said.startswith("c.yaml:"), why_not != "", said)

    def test_pictures(self) -> None:
        for first in (1, "n"):
            with self.subTest(first=first):
                self.save(pictures(first), self.random(x=(1, 3, 12, 12)))
                self.check("")

    def test_rows_of_an_open_axis_stay_one_sample(self) -> None:
        self.save(pictures("n"), self.random(x=(3, 3, 12, 12)))
        self.check("")

    def test_sequences(self) -> None:
        self.save(sequences(), self.random(x=(1, 10, 5)))
        self.check("")

    def test_prepared_models_are_the_same(self) -> None:
        self.save(pictures(1), self.random(x=(1, 3, 12, 12)))
        written = []
        for batch in (1, BATCH):
            for method in ("auto", "mse"):
                (self.folder / "c.yaml").write_text(f"method: jit\ncalibration: {{data: s, method: {method}, batch: {batch}}}\n")
                subprocess.run([QPREP, "prepare", "m.onnx", "-c", "c.yaml", "-o", f"out{batch}", "-q"], cwd=self.folder, check=True)
                written.append({f.name: f.read_bytes() for f in (self.folder / f"out{batch}").iterdir()})
        self.assertEqual(written[:2], written[2:])

    def test_in_parts_of_memory_and_of_samples(self) -> None:
        self.save(pictures(1), self.random(x=(1, 3, 12, 12)))
        whole, _ = self.collected(1)
        self.assertEqual(self.collected(BATCH, keys="  memory: 1MiB\n"), (whole, ""))
        self.assertEqual(self.collected(BATCH, "--resume"), (whole, ""))

    def test_batches_of_samples_that_depend_on_each_other(self) -> None:
        self.save(of_all(), self.random(x=(1, 3, 12, 12)))
        self.check("of 8 at once, the tensor 'y' has other bits than of each by itself")

    def test_a_model_of_one_sample(self) -> None:
        self.save(fixed(), self.random(x=(1, 3, 12, 12)))
        self.check("ONNX Runtime does not run the Reshape 'flatten' with 8 at once, so the model seems to fix their number")

    def test_control_flow(self) -> None:
        self.save(chosen(), self.random(x=(1, 3, 12, 12)))
        self.check("the If 'choice' would decide for all of them")

    def test_a_scalar(self) -> None:
        self.save(beside("k", [])(), self.random(x=(1, 3, 12, 12), k=()))
        self.check("the input 'k' is a scalar")

    def test_an_input_of_two_rows(self) -> None:
        self.save(beside("k", [2, 1, 12, 12])(), self.random(x=(1, 3, 12, 12), k=(2, 1, 12, 12)))
        self.check("the first axis of the input 'k' is not that of samples: the model fixes its size to 2")

    def test_samples_of_other_sizes(self) -> None:
        net = pictures(1)
        net.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
        self.save(net, lambda i: {"x": RANDOM.normal(0, 1, (1, 3, 12 + i % 2, 12)).astype(np.float32)})
        self.check("the samples have different sizes: the input 'x' has [1,3,12,12] and [1,3,13,12]")

    def test_a_few_samples_of_other_sizes(self) -> None:
        net = pictures(1)
        net.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
        self.save(net, lambda i: {"x": RANDOM.normal(0, 1, (1, 3, 13 if i in (9, 20) else 12, 12)).astype(np.float32)})
        self.check("")

    def test_three_samples(self) -> None:
        self.save(pictures(1), self.random(x=(1, 3, 12, 12)), 3)
        self.check("a batch is at most half of the samples, which are too few")

    def test_values_that_are_none(self) -> None:
        self.save(pictures(1), self.random(x=(1, 3, 12, 12)))
        for value in ("0", "-8", "many", "2000", "[8]"):
            (self.folder / "c.yaml").write_text(f"calibration: {{data: s, batch: {value}}}\n")
            run = subprocess.run([QPREP, "calibrate", "m.onnx", "-c", "c.yaml", "-o", "m.qcal"], cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(run.returncode, 1)
            self.assertRegex(run.stderr, r"c\.yaml:1:\d+: error: 'calibration\.batch' must be a whole number from 1 to 1024")

    @unittest.skipUnless((SHARED / "models").is_dir(), "the shared folder is absent")
    def test_shared_models(self) -> None:
        stacked = 0
        for path in sorted((SHARED / "models").glob("*.onnx")):
            if path.stat().st_size > LARGEST:
                continue
            options = ort.SessionOptions()
            options.log_severity_level = 4
            try:
                feed = workable_feed(ort.InferenceSession(str(path), options))
            except Exception:
                continue
            if not feed:
                continue
            folder = self.folder / path.stem
            for i in range(2 * BATCH + 1):
                for position, (name, values) in enumerate(feed.items()):
                    (folder / str(position)).mkdir(parents=True, exist_ok=True)
                    if values.dtype.kind == "f":
                        values = np.roll(values, i) * values.dtype.type(1 + i / 9)
                    np.save(folder / str(position) / f"{i:02d}.npy", values)
            inputs = [f'{{"name": "{name}", "folder": "{i}"}}' for i, name in enumerate(feed)]
            (folder / "index.json").write_text(f'{{"inputs": [{", ".join(inputs)}]}}')
            with self.subTest(model=path.name):
                one, _ = self.collected(1, file=str(path), samples=path.stem)
                together, said = self.collected(BATCH, file=str(path), samples=path.stem)
                self.assertEqual(together, one)
                stacked += said == ""
        self.assertGreater(stacked, 10)


if __name__ == "__main__":
    unittest.main()
