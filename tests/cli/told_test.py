"""What prepare and explain tell of what became of nodes: in the check result, in notes and at the terminal.

    python tests/cli/told_test.py QPREP
"""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser

QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None

# The batch norm reads a sum, and two nodes read it, so that no layer can take it in.
NET = """
<ir_version: 8, opset_import: ["" : 13]>
net (float[1,4,6,6] x) => (float[1,3] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [conv2] b = Conv <pads = [1,1,1,1]> (a, w2)
    [sum] s = Add (a, b)
    [norm] n = BatchNormalization (s, scale, shift, mean, variance)
    [sigmoid] g = Sigmoid (n)
    [silu] t = Mul (n, g)
    [reshape] r = Reshape (t, two)
    [flat] f = Reshape (r, one)
    [fc] y = Gemm (f, v, c)
}
"""


def weights(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    return {name: random.standard_normal(shape).astype("f4") for name, shape in shapes.items()}


def model(text: str, constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    made = parser.parse_model(text)
    made.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items())
    onnx.checker.check_model(made, full_check=True)
    return made


def net() -> onnx.ModelProto:
    constants = weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3), scale=(4,), shift=(4,), mean=(4,), v=(144, 3), c=(3,))
    constants |= {"variance": np.full(4, 2, "f4"), "two": np.array([1, 4, 36]), "one": np.array([1, 144])}
    return model(NET, constants)


class Case(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="qprep_told_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def run_qprep(self, verb: str, made: onnx.ModelProto, config: str, *arguments: str) -> str:
        onnx.save(made, self.folder / "net.onnx")
        (self.folder / "qprep.yaml").write_text(config)
        result = subprocess.run([QPREP, verb, "net.onnx", "-c", "qprep.yaml", *arguments], cwd=self.folder,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def report(self, made: onnx.ModelProto, config: str) -> dict:
        self.said = self.run_qprep("prepare", made, config)
        return json.loads((self.folder / "model_check_result.json").read_text())

    def notes(self, made: onnx.ModelProto, config: str, code: str) -> list[str]:
        return [each["message"] for each in self.report(made, config)["diagnostics"] if each["code"] == code]


class BatchNorms(Case):
    WHY = "before it, no Conv, ConvTranspose, Gemm or MatMul stands there; after it, more than one layer or an output uses it"

    def test_one_that_stays_stays(self) -> None:
        self.assertEqual(self.notes(net(), "fuse: all", "batch-norm-stays"), [f"batch norm 'norm' stays: {self.WHY}"])

    def test_one_that_becomes_a_conv_does_not_stay(self) -> None:
        self.assertEqual(
            self.notes(net(), "march: bayes", "batch-norm-stays"),
            [
                f"batch norm 'norm' is folded into no layer: {self.WHY}",
                "batch norm 'norm' becomes a Conv, by batch-norm-to-conv",
            ],
        )

    def test_where_nothing_is_fused_that_is_why(self) -> None:
        why = "batch norm 'norm' is folded into no layer: the configuration fuses nothing (qprep.yaml:1:7)"
        self.assertEqual(self.notes(net(), "fuse: none", "batch-norm-stays"), [why])
        self.assertEqual(
            self.notes(net(), "fuse: none\nmarch: bayes", "batch-norm-stays"),
            [why, "batch norm 'norm' becomes a Conv, by batch-norm-to-conv"],
        )


if __name__ == "__main__":
    unittest.main()
