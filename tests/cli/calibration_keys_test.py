"""Keys of `calibration` on a small network: tensors by name, powers of two, biases left alone, memory.

    python tests/cli/calibration_keys_test.py QPREP
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
SAMPLES = 21


def network() -> onnx.ModelProto:
    """Conv and Relu as one unit, a MaxPool, a Conv behind it, a Split, and a MatMul that no Add follows."""
    random = np.random.default_rng(5)
    weights = {"w1": (6, 3, 3, 3), "w2": (4, 6, 1, 1), "w3": (8, 5)}
    constants = [
        numpy_helper.from_array(random.normal(0, 0.3, shape).astype(np.float32), name) for name, shape in weights.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], "/stem/conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], "/stem/relu"),
        helper.make_node("MaxPool", ["r1"], ["p"], "/stem/pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p", "w2"], ["c2"], "/body/conv"),
        helper.make_node("Sigmoid", ["c2"], ["g"], "/body/gate"),
        helper.make_node("Mul", ["c2", "g"], ["m"], "/body/swish"),
        helper.make_node("Split", ["m"], ["low", "high"], "/body/split", axis=1),
        helper.make_node("Add", ["low", "high"], ["a"], "/body/add"),
        helper.make_node("MatMul", ["a", "w3"], ["y"], "/head/product"),
    ]
    tensor = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    graph = helper.make_graph(nodes, "g", [tensor("x", [1, 3, 16, 16])], [tensor("y", [1, 2, 8, 5])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory(prefix="qprep_keys_")
        cls.folder = Path(cls.temporary.name)
        onnx.save(network(), cls.folder / "m.onnx")
        (cls.folder / "s").mkdir()
        random = np.random.default_rng(6)
        for i in range(SAMPLES):
            np.save(cls.folder / f"s/{i:02d}.npy", random.normal(0, 1, (1, 3, 16, 16)).astype(np.float32))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.temporary.cleanup()

    def run_qprep(self, verb: str, config: str, *more: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "c.yaml").write_text(config)
        command = [QPREP, verb, "m.onnx", "-c", "c.yaml", *more]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def prepared(self, config: str) -> tuple[dict[str, object], str]:
        """The check result, and what was said."""
        run = self.run_qprep("prepare", config, "-o", "out")
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads((self.folder / "out/model_check_result.json").read_text()), run.stderr

    def methods(self, entry: str) -> tuple[dict[str, str], str]:
        """Of each tensor, where the usual one is min_max; and what was said."""
        config = f"method: jit\ncalibration:\n  data: s\n  method: min_max\n  tensors:\n  - {{name: {entry}, method: mse}}\n"
        report, said = self.prepared(config)
        return {row["tensor"]: row["method"] for row in report["calibrated"]}, said

    def test_tensors_and_nodes_are_named_as_selectors_name_them(self) -> None:
        for entry, named in {
            "x": {"x"},
            "r1": {"r1"},
            "/stem/relu": {"r1"},
            "stem.conv": {"r1"},  # the unit that it is in makes that
            "stem": {"r1"},
            "body": {"c2", "m", "a"},
            "'*.gate'": {"m"},
            "'re:.*(conv|add)'": {"r1", "c2", "a"},
            "'re:[cg]2?'": {"c2", "m"},  # g is inside the unit that makes m
            "'re:c2|m'": {"c2", "m"},
        }.items():
            found, said = self.methods(entry)
            self.assertEqual({name for name, method in found.items() if method == "mse"}, named, entry)
            self.assertNotIn("no-effect", said)

    def test_what_is_not_looked_at_is_said_with_the_reason(self) -> None:
        for entry, why in {
            "p": "calibration.tensors 'p' has no effect: MaxPool '/stem/pool': it has the scale of 'r1'",
            "/head/product": "has no effect: MatMul '/head/product'",
        }.items():
            _, said = self.methods(entry)
            self.assertEqual(said.count("MatMul '/head/product'"), int("MatMul" in why), said)
            self.assertRegex(said, r"c\.yaml:6:12: warning: ")
            self.assertIn(why, said)
            self.assertIn("[no-effect]", said)

    def test_what_is_nowhere_is_an_error_with_the_nearest(self) -> None:
        for entry, why in {
            "bodi": "no node, tensor or scope of the model is called 'bodi' (did you mean 'body'?)",
            "/stem/rely": "did you mean 'stem.relu'?",
            "'re:stem'": "no node or tensor of the model matches 're:stem' as a whole",
        }.items():
            config = f"calibration:\n  data: s\n  tensors:\n  - {{name: {entry}, method: mse}}\n"
            for verb, more in (("prepare", ("-o", "none")), ("calibrate", ("-o", "none.qcal")), ("check", ())):
                run = self.run_qprep(verb, config, *more)
                self.assertEqual(run.returncode, 1, verb)
                self.assertIn("c.yaml:4:12: error: ", run.stderr)
                self.assertIn(why, run.stderr)
                self.assertIn("[no-match]", run.stderr)
            self.assertFalse((self.folder / "none").exists() or (self.folder / "none.qcal").exists())

    def scales(self) -> dict[str, np.ndarray]:
        """By what is quantised."""
        model = onnx.load(self.folder / "out/m_calibrated.onnx")
        values = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        nodes = [node for node in model.graph.node if node.op_type == "FakeQuantize"]
        return {node.input[0]: values[node.input[1]] for node in nodes}

    def test_powers_of_two(self) -> None:
        config = "method: jit\ncalibration: {{data: s, method: {}}}\n{}"
        asked = "activations: {power_of_two: true}\nweights: {power_of_two: true}\n"
        for method in ("min_max", "mse", "percentile", "auto"):
            self.prepared(config.format(method, ""))
            usual = self.scales()
            report, _ = self.prepared(config.format(method, asked))
            rounded = self.scales()
            self.assertEqual(set(usual), set(rounded))
            for name, scale in rounded.items():
                logarithm = np.log2(scale.astype(np.float64))
                np.testing.assert_array_equal(logarithm, np.round(logarithm), name)
                if method == "min_max":
                    nearest = np.exp2(np.round(np.log2(usual[name].astype(np.float64))))
                    np.testing.assert_array_equal(scale, nearest.astype(np.float32), name)
            self.assertIn("scale a power of two (c.yaml:3:29 activations.power_of_two)", json.dumps(report))
            for row in report["calibrated"]:
                self.assertLessEqual(row["high"], 127 * rounded[row["tensor"]])
                self.assertGreaterEqual(row["low"], -128 * rounded[row["tensor"]])
        # Of one slot of one node; a given scale stays.
        self.prepared(
            config.format("min_max", asked)
            + "qconfig_setter:\n- module_name: {/body/conv: {output: {power_of_two: false}}, /body/swish: {threshold: 3}}\n"
        )
        mixed = self.scales()
        plain = {name: scale for name, scale in mixed.items() if (np.log2(scale) % 1 != 0).any()}
        self.assertEqual(set(plain), {"c2", "m"})
        self.assertEqual(mixed["m"], np.float32(3 / 128))

    def test_biases_left_alone_are_listed_with_the_reason(self) -> None:
        report, _ = self.prepared("method: jit\ncalibration: {data: s, method: min_max, bias_correction: true}\n")
        self.assertEqual(report["corrected_biases"], ["/stem/conv"])
        wanted = {
            "/body/conv": "it reads the result of MaxPool '/stem/pool', of which no means are observed",
            "/head/product": "it has no bias, and not one node alone reads its result",
        }
        self.assertEqual({row["layer"]: row["because"] for row in report["not_corrected"]}, wanted)
        text = (self.folder / "out/model_check_result.txt").read_text()
        self.assertIn("Biases of 1 of 3 layers", text)
        for layer, because in wanted.items():
            self.assertRegex(text, rf"{because} +1  {layer}\n")

    def test_memory_changes_nothing_but_the_number_of_runs(self) -> None:
        config = "method: jit\ncalibration: {{data: s, method: {}, keep: true{}}}\n"
        for method in ("auto", "min_max", "mse"):
            results = []
            for memory in ("", ", memory: 1MiB", ", memory: 1GiB"):
                self.prepared(config.format(method, memory))
                results.append({file.name: file.read_bytes() for file in (self.folder / "out").iterdir()})
            self.assertEqual(results[0], results[1])
            self.assertEqual(results[0], results[2])
        for memory in ("", ", memory: 1MiB"):
            run = self.run_qprep("calibrate", config.format("auto", memory), "-o", f"all{len(memory)}.qcal")
            self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual((self.folder / "all0.qcal").read_bytes(), (self.folder / "all14.qcal").read_bytes())


if __name__ == "__main__":
    unittest.main()
