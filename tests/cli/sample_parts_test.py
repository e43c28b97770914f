"""Files that hold several samples, and samples of several steps with state, against the same in single files and NumPy.

    python tests/cli/sample_parts_test.py QPREP
"""

from __future__ import annotations

import json
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from samples_test import Samples

WEIGHT = np.array([[0.5, -1, 0.25], [1, 0.5, -0.5], [-0.25, 2, 1], [1, 1, -1]], np.float32)


class Parts(Samples):
    def statistics(self, name: str = "a.qcal", *arguments: str) -> dict[str, object]:
        made = self.run_qprep("calibrate", "m.onnx", "-c", "c.yaml", "-o", name, *arguments)
        self.assertEqual(made.returncode, 0, made.stderr)
        return json.loads(self.run_qprep("stats", "show", name, "--json").stdout)

    def convolution(self, batch: int | str) -> None:
        """x float32[batch,4,2,2], and t float32[1,4] where batch is 1."""
        weight = numpy_helper.from_array(np.ones((1, 4, 1, 1), np.float32), "w")
        tensor = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        nodes = [helper.make_node("Conv", ["x", "w"], ["y"], "conv")]
        graph = helper.make_graph(nodes, "g", [tensor("x", [batch, 4, 2, 2])], [tensor("y", [batch, 1, 2, 2])], [weight])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, self.folder / "m.onnx")

    def recurrent(self) -> None:
        """h_out = tanh([x, h] @ W): x float32[1,1], h float32[1,3]."""
        weight = numpy_helper.from_array(WEIGHT, "w")
        tensor = lambda name, size: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
        nodes = [
            helper.make_node("Concat", ["x", "h"], ["xh"], "concat", axis=1),
            helper.make_node("MatMul", ["xh", "w"], ["z"], "matmul"),
            helper.make_node("Tanh", ["z"], ["h_out"], "tanh"),
            helper.make_node("MatMul", ["h_out", "w2"], ["y"], "last"),
        ]
        weights = [weight, numpy_helper.from_array(np.ones((3, 1), np.float32), "w2")]
        graph = helper.make_graph(
            nodes, "g", [tensor("x", 1), tensor("h", 3)], [tensor("h_out", 3), tensor("y", 1)], weights
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, self.folder / "m.onnx")


class Stacks(Parts):
    def setUp(self) -> None:
        super().setUp()
        self.convolution(1)
        self.config("calibration: {data: s}")
        self.stack = np.random.default_rng(4).normal(0, 1, (12, 4, 2, 2)).astype(np.float32)

    def test_a_stack_is_as_many_single_files(self) -> None:
        self.npy("all.npy", self.stack)
        shown = self.show("--save", "fed")
        self.assertEqual(shown["samples"], [f"all.npy#{i:02}" for i in range(12)])
        np.testing.assert_array_equal(self.saved("x/all.npy_11.npy"), self.stack[11:])
        stacked = self.statistics()
        (self.folder / "s/all.npy").unlink()
        for i in range(12):
            self.npy(f"{i:02}.npy", self.stack[i : i + 1])
        single = self.statistics("b.qcal")
        self.assertEqual([s["digest"] for s in stacked["samples"]], [s["digest"] for s in single["samples"]])
        for each in (stacked, single):
            del each["samples"]
        self.assertEqual(stacked, single)
        details = [json.loads(self.run_qprep("stats", "show", n, "x", "--json").stdout) for n in ("a.qcal", "b.qcal")]
        for each in details:
            for row in each["samples"]:
                del row["name"]
        self.assertEqual(*details)

    def test_shards_of_a_stack(self) -> None:
        np.savez_compressed(self.folder / "all.npz", x=self.stack)
        self.config("calibration: {data: [all.npz]}")
        whole = self.statistics()
        for i in (1, 2, 3):
            self.statistics(f"p{i}.qcal", "--shard", f"{i}/3", "--threads", str(i))
        merged = self.run_qprep("stats", "merge", "p2.qcal", "p1.qcal", "p3.qcal", "-o", "m.qcal")
        self.assertEqual(merged.returncode, 0, merged.stderr)
        self.assertEqual((self.folder / "m.qcal").read_bytes(), (self.folder / "a.qcal").read_bytes())
        self.assertEqual(len(whole["samples"]), 12)

    def test_an_open_batch_is_one_sample(self) -> None:
        self.convolution("n")
        self.npy("all.npy", self.stack)
        self.assertEqual(self.show()["samples"], ["all.npy"])
        self.config("dims: {n: 1}\ncalibration: {data: s}")
        self.assertEqual(len(self.show()["samples"]), 12)

    def test_pixels_in_a_stack(self) -> None:
        self.model({"x": [1, 3, 5, 6]})
        pixels = np.random.default_rng(1).integers(0, 256, (3, 5, 6, 3), np.uint8)
        self.npy("all.npy", pixels)
        self.config("calibration: {data: s, inputs: {x: {colour: bgr}}}")
        self.assertEqual(self.show("--save", "fed")["count"], 3)
        np.testing.assert_array_equal(self.saved("x/all.npy_1.npy")[0].transpose(1, 2, 0), pixels[1, ..., ::-1])

    def test_inputs_with_other_counts(self) -> None:
        self.model({"x": [1, 2], "t": [1, 3]})
        self.npy("x/a.npy", np.zeros((5, 2), np.float32))
        for count, said in ((4, "it holds 4 samples for the model's input 't', and there are 5 samples for 'x'"),
                            (1, "it holds one tensor for the model's input 't', and there are 5 samples for 'x'")):
            self.npy("t/a.npy", np.zeros((count, 3), np.float32))
            self.assertIn("s/t/a.npy: " + said, self.said(self.show()))
        self.npy("t/a.npy", np.arange(15, dtype=np.float32).reshape(5, 3))
        self.show("--save", "fed")
        np.testing.assert_array_equal(self.saved("t/a.npy_4.npy"), [[12, 13, 14]])
        self.npy("t/a.npy", np.zeros((5, 4), np.float32))
        self.assertIn("its shape is [5,4], and the model's input 't' takes [1,3]", self.said(self.show()))


class Steps(Parts):
    def setUp(self) -> None:
        super().setUp()
        self.recurrent()
        self.config("calibration: {data: s, state: {h_out: h}}")

    def states(self, x: np.ndarray, h: np.ndarray) -> list[np.ndarray]:
        """Of each step, the first included."""
        states = [h]
        for step in x.ravel():
            joined = np.concatenate([np.float32([[step]]), states[-1]], 1)
            states.append(np.tanh(joined @ WEIGHT).astype(np.float32))
        return states

    def ranges(self, tensor: str) -> list[tuple[float, float]]:
        self.statistics()
        detail = json.loads(self.run_qprep("stats", "show", "a.qcal", tensor, "--json").stdout)
        return [(row["min"], row["max"]) for row in detail["samples"]]

    def test_state_is_what_the_step_before_made(self) -> None:
        random = np.random.default_rng(9)
        series = [random.normal(0, 1, (steps, 1, 1)).astype(np.float32) for steps in (1, 7, 30)]
        for i, x in enumerate(series):
            self.npy(f"x/{i}.npy", x if i != 1 else x.reshape(7, 1))  # the batch of 1 may be the axis of steps
        shown = self.show("--save", "fed")
        self.assertEqual(shown["count"], 3)
        self.assertEqual(shown["steps"], {"fewest": 1, "most": 30})
        np.testing.assert_array_equal(self.saved("x/2.29.npy"), series[2][29])
        ranges = self.ranges("h_out")
        self.assertEqual(len(ranges), 3)
        for (low, high), x in zip(ranges, series):
            made = np.concatenate(self.states(x, np.zeros((1, 3), np.float32))[1:])
            np.testing.assert_allclose([low, high], [made.min(), made.max()], rtol=1e-5)
        # Not what the first steps alone make.
        self.assertGreater(ranges[2][1] - ranges[2][0], 1)

    def rollout(self, model: str, x: np.ndarray) -> np.ndarray:
        """y of every step, with the states that this model makes."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(str(self.folder / model), options, providers=["CPUExecutionProvider"])
        state, results = np.zeros((1, 3), np.float32), []
        for step in x:
            state, y = session.run(["h_out", "y"], {"x": step, "h": state})
            results.append(y.astype(np.float64))
        return np.array(results)

    def test_auto_judges_by_steps_with_the_quantised_states(self) -> None:
        """Each method's calibrated model, rolled out in ONNX Runtime beside the float model."""
        random = np.random.default_rng(11)
        sequences = [random.normal(0, 1, (10, 1, 1)).astype(np.float32) for _ in range(6)]
        for i, sequence in enumerate(sequences):
            sequence[i] *= 40
            self.npy(f"x/{i}.npy", sequence)
        exact = [self.rollout("m.onnx", each) for each in sequences]
        signal = float(np.stack(exact).var() * np.stack(exact).size)
        errors = {}
        for method in ("mse", "min_max", "percentile, percentile: 99.9", "auto"):
            calibration = f"{{data: s, state: {{h_out: h}}, bias_correction: true, weight_rounding: least_error, method: {method}}}"
            self.config(f"method: jit\ncalibration: {calibration}\noutput: {{dialect: qdq}}")
            done = self.run_qprep("prepare", "m.onnx", "-c", "c.yaml", "-o", "out")
            self.assertEqual(done.returncode, 0, done.stderr)
            there = [self.rollout("out/m_calibrated.onnx", each) for each in sequences]
            errors[method] = sum(float(((a - b) ** 2).sum()) for a, b in zip(there, exact)) / signal
        report = json.loads((self.folder / "out/model_check_result.json").read_text())
        compared = {row["method"]: row for row in report["methods_compared"]}
        self.assertEqual(compared["mse"]["results"], 1)
        for method, name in (("mse", "mse"), ("min_max", "min_max"), ("percentile, percentile: 99.9", "percentile 99.9")):
            self.assertAlmostEqual(compared[name]["error"] / errors[method], 1, delta=1e-3, msg=name)
        self.assertAlmostEqual(errors["auto"] / min(row["error"] for row in compared.values()), 1, delta=1e-3)

    def test_a_first_state_of_its_own(self) -> None:
        x, h = np.zeros((3, 1), np.float32), np.float32([[0.5, -0.25, 1]])
        np.savez(self.folder / "a.npz", x=x, h=h)
        np.savez(self.folder / "b.npz", x=x)
        self.config("calibration: {data: [a.npz, b.npz], state: {h_out: h}}")
        ranges = self.ranges("h_out")
        made = np.concatenate(self.states(x, h)[1:])
        np.testing.assert_allclose(ranges[0], [made.min(), made.max()], rtol=1e-5)
        self.assertEqual(ranges[1], (0, 0))

    def test_first_states_of_a_size_that_the_model_leaves_open(self) -> None:
        x, h = np.float32([[[1]], [[2]], [[-1]]]), np.float32([[0.5, -0.25, 1]])
        model = onnx.load(self.folder / "m.onnx")
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
        onnx.save(model, self.folder / "m.onnx")
        np.savez(self.folder / "a.npz", x=x, h=h)
        np.savez(self.folder / "b.npz", x=np.repeat(x, 2, 1), h=np.repeat(h, 2, 0))
        self.config("calibration: {data: [a.npz, b.npz], state: {h_out: h}}")
        made = np.concatenate(self.states(x, h)[1:])
        for found in self.ranges("h_out"):
            np.testing.assert_allclose(found, [made.min(), made.max()], rtol=1e-5)
        prepared = self.run_qprep("prepare", "m.onnx", "-c", "c.yaml", "-o", "out")
        self.assertEqual(prepared.returncode, 0, prepared.stderr)
        np.savez(self.folder / "b.npz", x=x)
        text = "calibration: {data: [a.npz, b.npz], state: {h_out: h}}"
        for verb in (["prepare", "m.onnx", "-o", "out"], ["samples", "show", "m.onnx"]):
            self.assertIn(f"c.yaml:1:{text.index('h_out') + 1}: error: the state 'h' is float32[batch,3], and the sample 'b.npz' has no file "
                          "for its first", self.run_qprep(*verb, "-c", "c.yaml").stderr)

    def test_threads_and_shards(self) -> None:
        for i in range(6):
            self.npy(f"x/{i}.npy", np.random.default_rng(i).normal(0, 1, (5, 1)).astype(np.float32))
        self.statistics("one.qcal", "--threads", "1")
        self.statistics("four.qcal", "--threads", "4")
        self.assertEqual((self.folder / "one.qcal").read_bytes(), (self.folder / "four.qcal").read_bytes())
        self.assertIn("h: 'h_out' of the step before", self.statistics()["preprocessing"])
        prepared = self.run_qprep("prepare", "m.onnx", "-c", "c.yaml", "-o", "out")
        self.assertEqual(prepared.returncode, 0, prepared.stderr)

    def test_state_of_single_steps_hands_nothing_on(self) -> None:
        text = "calibration: {data: s, state: {h_out: h}}"
        self.config(text)
        where = f"c.yaml:1:{text.index('h_out') + 1}: warning: 'calibration.state' hands nothing on: every sample is a single step"
        for i in range(3):
            self.npy(f"x/{i}.npy", np.full((1, 1), i, np.float32))
        for verb in (["prepare", "m.onnx", "-o", "out"], ["samples", "show", "m.onnx"], ["calibrate", "m.onnx", "-o", "a.qcal"]):
            said = self.run_qprep(*verb, "-c", "c.yaml").stderr
            self.assertEqual(said.count(where), 1, said)
        self.assertIn("20 are few, 64 are a good number [", said)
        self.npy("x/2.npy", np.zeros((2, 1), np.float32))
        for verb in (["prepare", "m.onnx", "-o", "out"], ["samples", "show", "m.onnx"], ["calibrate", "m.onnx", "-o", "a.qcal"]):
            self.assertIn("s: warning: 3 samples may not show what ranges the model's tensors have; 20 are few, 64 are a good number, of "
                          "sequences too: these have 4 steps in all [bad-sample]", self.run_qprep(*verb, "-c", "c.yaml").stderr)
        self.assertNotIn("hands nothing on", self.run_qprep("prepare", "m.onnx", "-c", "c.yaml", "-o", "out").stderr)

    def test_what_is_wrong(self) -> None:
        self.npy("x/0.npy", np.zeros((3, 1), np.float32))
        for state, said in [
            ("{h_ou: h}", "the model has no output 'h_ou' (did you mean 'h_out'?)"),
            ("{h_out: hh}", "the model has no input 'hh'"),
            ("{h_ou: hh}", "the model has no output 'h_ou' (did you mean 'h_out'?)"),
            ("{h_ou: hh}", "the model has no input 'hh' (did you mean 'h'?)"),
            ("{y: h}", "the output 'y' is float32[1,1], and the input 'h' takes float32[1,3]"),
        ]:
            self.config(f"calibration: {{data: s, state: {state}}}")
            self.assertIn("c.yaml: " + said, self.said(self.show()))
        self.model({"x": [1, 2], "t": [1, 3], "h": ["n", 1]})
        self.npy("x/0.npy", np.zeros((3, 2), np.float32))
        self.npy("t/0.npy", np.zeros((4, 3), np.float32))
        self.config("calibration: {data: s, state: {h_out: h}}")
        self.assertIn("c.yaml: the state 'h' is float32[n,1], and the sample '0.npy' has no file for its first, so that would be zeros of a "
                      "size that is not known; fix the open sizes: 'dims: {n: SIZE}', or give every sample its first state", self.said(self.show()))
        self.config("dims: {n: 1}\ncalibration: {data: s, state: {h_out: h}}")
        self.assertIn("s/t/0.npy: it holds 4 steps for the model's input 't', and there are 3 steps for 'x'",
                      self.said(self.show()))


if __name__ == "__main__":
    unittest.main()
