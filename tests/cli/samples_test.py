"""qprep samples show: what the model would be fed, against NumPy; and what is said of samples that are odd.

    python tests/cli/samples_test.py QPREP
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
from onnx import TensorProto, helper, numpy_helper

QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None


def model_of(shapes: dict[str, list[int | str]], types: dict[str, int] | None = None) -> onnx.ModelProto:
    """Inputs of these shapes, each times two."""
    two = numpy_helper.from_array(np.array(2, np.float32), "two")
    kind = lambda name: (types or {}).get(name, TensorProto.FLOAT)
    nodes, inputs, outputs = [], [], []
    for name, shape in shapes.items():
        inputs.append(helper.make_tensor_value_info(name, kind(name), shape))
        nodes.append(helper.make_node("Cast", [name], [f"{name}_f"], f"{name}_cast", to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{name}_f", "two"], [f"{name}_out"], f"{name}_mul"))
        outputs.append(helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, shape))
    graph = helper.make_graph(nodes, "g", inputs, outputs, [two])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Samples(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="qprep_samples_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def model(self, shapes: dict[str, list[int | str]], **more: object) -> None:
        onnx.save(model_of(shapes, **more), self.folder / "m.onnx")

    def config(self, text: str) -> None:
        (self.folder / "c.yaml").write_text(text)

    def run_qprep(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([QPREP, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, timeout=120)

    def show(self, *arguments: object) -> dict[str, object]:
        result = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml", "--json", *arguments)
        answer = json.loads(result.stdout)
        self.assertEqual(result.returncode == 0, answer["ok"], result.stderr)
        return answer

    def said(self, answer: dict[str, object]) -> str:
        return "\n".join(f"{d.get('file', '')}: {d['message']}" for d in answer["diagnostics"])

    def npy(self, name: str, array: np.ndarray) -> None:
        file = self.folder / "s" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, array)

    def saved(self, name: str) -> np.ndarray:
        return np.load(self.folder / "fed" / name)


class Shown(Samples):
    def test_what_is_fed(self) -> None:
        self.model({"x": [1, 3, 4, "w"], "t": ["n"]}, types={"t": TensorProto.INT64})
        self.config("calibration: {data: s}")
        random = np.random.default_rng(1)
        images = [random.normal(0, 1, (1, 3, 4, 4 + i % 2)).astype(np.float32) for i in range(20)]
        for i, image in enumerate(images):
            self.npy(f"x/{i:02}.npy", image)
            self.npy(f"t/{i:02}.npy", np.arange(i + 1))
        answer = self.show("--save", "fed")
        self.assertEqual(answer["diagnostics"], [])
        self.assertEqual(answer["count"], 20)
        self.assertEqual(answer["samples"][:2], ["00.npy", "01.npy"])
        x, t = answer["inputs"]
        self.assertEqual([x["name"], x["dtype"], x["layout"]], ["x", "float32", "NCHW"])
        self.assertEqual(x["shapes"], [[1, 3, 4, 4], [1, 3, 4, 5]])
        self.assertEqual(x["range"]["min"], min(i.min() for i in images))
        self.assertEqual(len(x["channels"]), 3)
        mean = np.concatenate([i[:, 1].ravel() for i in images]).astype(np.float64).mean()
        self.assertAlmostEqual(x["channels"][1]["mean"], mean, places=9)
        self.assertEqual([t["dtype"], t["range"]["max"], t["layout"]], ["int64", 19, ""])
        np.testing.assert_array_equal(self.saved("x/07.npy"), images[7])
        text = self.run_qprep("samples", "show", "m.onnx", "-c", "c.yaml").stdout
        self.assertIn("m.onnx: 20 samples from s\n", text)
        self.assertIn("[1,3,4,4] [1,3,4,5]", text)
        self.assertIn("fed as it stands in the files", text)

    def test_odd_samples_are_said_by_prepare_and_calibrate_too(self) -> None:
        self.model({"x": [1, 3, 4, 4]})
        self.config("calibration: {data: s}")
        for i in range(2):
            self.npy(f"{i}.npy", np.full((1, 3, 4, 4), 0.5, np.float32))
        for verb in (["samples", "show"], ["prepare"], ["calibrate", "-o", "x.qcal"]):
            result = self.run_qprep(verb[0], *verb[1:2] * (verb[0] == "samples"), "m.onnx", "-c", "c.yaml",
                                    *(verb[1:] if verb[0] == "calibrate" else []))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("all 2 samples are the same, byte for byte", result.stderr)
            self.assertIn("2 samples may not show what ranges", result.stderr)
        self.npy("2.npy", np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4))
        self.assertIn("2.npy: 1 of 3 samples of input 'x' hold pixels (0 to 47)", self.said(self.show()))

    def test_refusals(self) -> None:
        self.model({"x": [1, 3, 4, 4]})
        self.config("activations: {dtype: qint8}")
        self.assertIn("'calibration.data' is their folder", self.said(self.show()))
        self.config("calibration: {data: s}")
        self.assertIn("the folder of the samples does not exist", self.said(self.show()))
        self.npy("0.npy", np.zeros((1, 3, 4, 5), np.float32))
        self.assertIn("s/0.npy: its shape is [1,3,4,5], and the model's input 'x' takes [1,3,4,4]", self.said(self.show()))


if __name__ == "__main__":
    unittest.main()
