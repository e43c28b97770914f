"""Statistics and what observers make of them, against NumPy over the same samples; shards, threads and spoiled files.

    python tests/cli/calibrate_test.py QPREP
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
SAMPLES, CHANNELS, SIDE = 21, 3, 40


def distributions() -> dict[str, np.ndarray]:
    """By the name of an input: float32[samples, 1, channels, side, side]."""
    random = np.random.default_rng(11)
    shape = (SAMPLES, 1, CHANNELS, SIDE, SIDE)
    normal = random.normal(0, 1, shape)
    outliers = random.laplace(0, 0.5, shape)
    outliers.flat[::9001] *= 40
    far = random.normal(0, 1, shape)
    far[3, 0, 1, 2, 3] = 1e6
    return {
        name: np.asarray(values, np.float32)
        for name, values in {
            "normal": normal,
            "relu": np.maximum(normal, 0),
            "relu6": np.clip(4 * normal + 3, 0, 6),
            "outliers": outliers,
            "lognormal": np.exp(2 * normal),
            "far": far,
            "tiny": 1e-20 * normal,
            "growing": normal * np.arange(1, SAMPLES + 1).reshape(-1, 1, 1, 1, 1),
            "uniform": random.uniform(-1, 3, shape),
        }.items()
    }


def model_of(names: list[str]) -> onnx.ModelProto:
    """A 1x1 convolution for each input, so that each input is quantised."""
    nodes, constants = [], []
    for name in names:
        weight = numpy_helper.from_array(np.ones((1, CHANNELS, 1, 1), np.float32), f"{name}_weight")
        constants.append(weight)
        nodes.append(helper.make_node("Conv", [name, weight.name], [f"{name}_out"], f"{name}_conv"))
    tensor = lambda name, channels: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, SIDE, SIDE])
    graph = helper.make_graph(
        nodes, "g", [tensor(n, CHANNELS) for n in names], [tensor(f"{n}_out", 1) for n in names], constants
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def magnitude_histogram(x: np.ndarray, bins: int) -> np.ndarray:
    return np.histogram(np.abs(x), bins, (0.0, float(np.abs(x).max())))[0].astype(np.float64)


def divergence(counts: np.ndarray, kept: int, levels: int = 128) -> float:
    """Kullback and Leibler's, written down as it is defined."""
    counts = counts.copy()
    counts[0] = counts[1]  # zeros are exact whatever the range
    p = counts[:kept].copy()
    beyond = counts[kept:].sum()
    p[-1] += beyond
    q = np.zeros(kept)
    for level in range(levels):
        first, end = level * kept // levels, (level + 1) * kept // levels
        filled = p[first:end] > 0
        if filled.any():
            q[first:end][filled] = counts[first:end].sum() / filled.sum()
    if q.sum() == 0 or ((p > 0) & (q == 0)).any():
        return np.inf
    p, q = p / p.sum(), q / q.sum()
    some = p > 0
    return float((p[some] * np.log(p[some] / q[some])).sum())


def error_of(x: np.ndarray, scale: float) -> float:
    steps = np.clip(np.rint(x.astype(np.float64) / scale), -128, 127)
    return float(((steps * scale - x) ** 2).mean())


class Calibration(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        cls.data = distributions()
        onnx.save(model_of(list(cls.data)), cls.folder / "m.onnx")
        for name, values in cls.data.items():
            (cls.folder / "samples" / name).mkdir(parents=True)
            for i, sample in enumerate(values):
                np.save(cls.folder / "samples" / name / f"{i:02d}.npy", sample)
        cls.configuration("all.yaml", "")
        cls.done("calibrate", "m.onnx", "-c", "all.yaml", "-o", "all.qcal")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.temporary.cleanup()

    @classmethod
    def configuration(cls, name: str, calibration: str) -> None:
        text = f"method: jit\ncalibration:\n  data: samples\n{calibration}"
        (cls.folder / name).write_text(text)

    @classmethod
    def run_qprep(cls, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([QPREP, *arguments], cwd=cls.folder, capture_output=True, text=True, check=False)

    @classmethod
    def done(cls, *arguments: str) -> str:
        run = cls.run_qprep(*arguments)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def refused(self, *arguments: str) -> str:
        run = self.run_qprep(*arguments)
        self.assertEqual(run.returncode, 1, run.stderr)
        return run.stderr

    def bytes_of(self, file: str) -> bytes:
        return (self.folder / file).read_bytes()

    def scales(self, calibration: str, *more: str) -> dict[str, np.float32]:
        """By input; `calibration`: lines of YAML."""
        self.configuration("one.yaml", calibration)
        self.done("prepare", "m.onnx", "-c", "one.yaml", "--stats", "all.qcal", "-o", "one", *more)
        model = onnx.load(self.folder / "one/m_calibrated.onnx")
        values = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        found = {
            node.input[0]: values[node.input[1]][()]
            for node in model.graph.node
            if node.op_type == "FakeQuantize" and node.input[0] in self.data
        }
        self.assertEqual(set(found), set(self.data))
        return found

    def threshold(self, scale: np.float32) -> float:
        return float(scale) * 127.5

    def test_min_max(self) -> None:
        for name, scale in self.scales("  method: min_max\n").items():
            self.assertEqual(scale, np.float32(np.abs(self.data[name]).max().astype(np.float64) / 127.5), name)

    def test_moving_average_is_in_the_order_of_the_names(self) -> None:
        for constant in (0.01, 0.5, 1.0):
            for name, scale in self.scales(f"  method: moving_average\n  averaging_constant: {constant}\n").items():
                low = high = None
                for sample in self.data[name].astype(np.float64):
                    low = sample.min() if low is None else low + constant * (sample.min() - low)
                    high = sample.max() if high is None else high + constant * (sample.max() - high)
                magnitude = np.float32(max(abs(low), abs(high)))
                self.assertAlmostEqual(float(scale) * 127.5 / float(magnitude), 1.0, delta=1e-6, msg=name)

    def test_percentile(self) -> None:
        for percentile in (99.9, 99.99, 99.0, 100):
            for name, scale in self.scales(f"  method: percentile\n  percentile: {percentile}\n").items():
                magnitudes = np.abs(self.data[name])
                # Bins are at most 2^-7 of what they hold wide, and 1e-3 of the largest magnitude.
                low = float(np.percentile(magnitudes, percentile, method="lower")) * (1 - 2**-7)
                high = float(np.percentile(magnitudes, percentile, method="higher")) * (1 + 2**-7)
                self.assertTrue(low <= self.threshold(scale) <= high, (name, percentile))

    def test_mse_is_the_least_there_is(self) -> None:
        for name, scale in self.scales("  method: mse\n").items():
            x = self.data[name].ravel()
            largest = float(np.abs(x).max())
            candidates = largest * np.exp2(-np.arange(0, 24 * 16) / 16)
            least = min(error_of(x, t / 127.5) for t in candidates)
            self.assertLessEqual(error_of(x, float(scale)), 1.02 * least, name)

    def test_kl_is_the_least_there_is(self) -> None:
        for bins in (512, 1024, 2048):
            for name, scale in self.scales(f"  method: kl\n  bins: {bins}\n").items():
                counts = magnitude_histogram(self.data[name], bins)
                kept = self.threshold(scale) / float(np.abs(self.data[name]).max()) * bins
                self.assertAlmostEqual(kept, round(kept), delta=1e-3)
                # Numbers that share a bin of the histogram may be in two of these.
                near = range(max(128, round(kept) - 2), min(bins, round(kept) + 2) + 1)
                mine = min(divergence(counts, each) for each in near)
                least = min(divergence(counts, each) for each in range(128, bins + 1, 1 if bins < 1024 else 4))
                self.assertLessEqual(mine, 1.01 * least + 2e-4, (name, bins))

    def test_clip(self) -> None:
        for name, scale in self.scales("  method: clip\n  clip_min: -0.5\n  clip_max: 2\n").items():
            x = self.data[name]
            ends = np.clip([x.min(), x.max()], -0.5, 2)
            self.assertEqual(scale, np.float32(np.abs(np.float32(ends)).max().astype(np.float64) / 127.5), name)

    def test_clip_std(self) -> None:
        for name, scale in self.scales("  method: clip_std\n  deviations: 3\n").items():
            x = self.data[name].astype(np.float64)
            low, high = max(x.min(), x.mean() - 3 * x.std()), min(x.max(), x.mean() + 3 * x.std())
            self.assertAlmostEqual(self.threshold(scale) / max(abs(low), abs(high)), 1.0, delta=0.01, msg=name)

    def test_lsq(self) -> None:
        for name, scale in self.scales("  method: lsq\n").items():
            want = 2 * np.abs(self.data[name].astype(np.float64)).mean() / np.sqrt(127)
            self.assertAlmostEqual(float(scale) / want, 1.0, delta=0.004, msg=name)

    def test_pact(self) -> None:
        for alpha in (6, 0.25):
            key = "" if alpha == 6 else f"  alpha: {alpha}\n"
            for name, scale in self.scales(f"  method: pact\n{key}").items():
                self.assertEqual(scale, np.float32(alpha / 127.5), name)

    def test_mix_takes_the_one_with_the_least_error(self) -> None:
        candidates = [self.scales(f"  method: {each}\n") for each in ("min_max", "percentile", "kl")]
        for name, scale in self.scales("  method: mix\n").items():
            x = self.data[name].ravel()
            least = min(error_of(x, float(each[name])) for each in candidates)
            self.assertIn(scale, [each[name] for each in candidates], name)
            self.assertLessEqual(error_of(x, float(scale)), 1.02 * least, name)

    def test_a_tensor_has_the_method_that_names_it(self) -> None:
        usual, other = self.scales("  method: min_max\n"), self.scales("  method: mse\n")
        entries = "  method: min_max\n  tensors:\n  - {name: outliers, method: mse}\n  - {name: 're:rel.*', method: mse}\n"
        for name, scale in self.scales(entries).items():
            self.assertEqual(scale, (other if name in ("outliers", "relu", "relu6") else usual)[name], name)

    def test_a_tensor_has_the_method_that_its_slot_names(self) -> None:
        """Before that of all, and behind that of `tensors`."""
        usual = self.scales("  method: min_max\n")
        cut = self.scales("  method: percentile\n")
        slots = "qconfig_setter: [{module_name: {outliers: {output: {observer: percentile}}}}]\n"
        mixed = self.scales("  method: min_max\n" + slots)
        self.assertEqual(mixed, {**usual, "outliers": cut["outliers"]})
        named = "  tensors: [{name: outliers, method: min_max}]\n"
        self.assertEqual(self.scales("  method: min_max\n" + named + slots), usual)
        self.assertEqual(self.scales("  method: min_max\nactivations: {observer: percentile}\n"), cut)
        # Histograms are collected for the slot's sake.
        self.configuration("slots.yaml", "  method: min_max\n" + slots)
        self.done("prepare", "m.onnx", "-c", "slots.yaml", "-o", "slots")
        report = json.loads(self.bytes_of("slots/model_check_result.json"))
        methods = {row["tensor"]: row["method"] for row in report["calibrated"]}
        self.assertEqual(methods, {**{name: "min_max" for name in self.data}, "outliers": "percentile 99.99"})

    def test_weights_with_the_observer_mse_lose_least(self) -> None:
        """Of scales around the usual one, channel by channel, by NumPy."""
        random = np.random.default_rng(8)
        weight = random.standard_t(3, (4, CHANNELS, 5, 5)).astype(np.float32)
        node = helper.make_node("Conv", ["x", "w"], ["y"], "conv")
        tensor = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, None, None])
        graph = helper.make_graph([node], "g", [tensor("x")], [tensor("y")], [numpy_helper.from_array(weight, "w")])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), self.folder / "w.onnx")
        scales = {}
        for observer in ("min_max", "mse"):
            (self.folder / "w.yaml").write_text(f"method: jit\nweights: {{observer: {observer}}}\n")
            self.done("prepare", "w.onnx", "-c", "w.yaml", "-o", "w")
            made = onnx.load(self.folder / "w/w_qat.onnx")
            values = {each.name: numpy_helper.to_array(each) for each in made.graph.initializer}
            (quantiser,) = [n for n in made.graph.node if n.op_type == "FakeQuantize" and n.input[0] == "w"]
            attributes = {each.name: helper.get_attribute_value(each) for each in quantiser.attribute}
            self.assertEqual(attributes["observer"], observer.encode())
            scales[observer] = values[quantiser.input[1]].ravel()
        for c, channel in enumerate(weight):
            least = min(error_of(channel, float(scales["min_max"][c]) * factor) for factor in np.linspace(0.3, 1.01, 400))
            self.assertLessEqual(error_of(channel, float(scales["mse"][c])), 1.03 * least)
        self.assertTrue((scales["mse"] < scales["min_max"]).any())

    def test_a_method_that_leaves_nothing_is_told(self) -> None:
        """The range that it takes is not what samples gave."""
        self.configuration("none.yaml", "  method: clip\n  clip_min: 0\n  clip_max: 1e-60\n")
        said = self.refused("prepare", "m.onnx", "-c", "none.yaml", "--stats", "all.qcal", "-o", "none")
        self.assertIn("its method leaves 0 to 0", said)
        self.assertNotIn("in every sample", said)
        self.configuration("far.yaml", "  method: min_max\n  tensors: [{name: uniform, method: clip, clip_min: 30, clip_max: 40}]\n")
        run = self.run_qprep("prepare", "m.onnx", "-c", "far.yaml", "--stats", "all.qcal", "-o", "far")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("of tensor 'uniform', its method leaves 30 to 30", run.stderr)
        self.configuration("cut.yaml", "  method: clip\n")
        run = self.run_qprep("prepare", "m.onnx", "-c", "cut.yaml", "--stats", "all.qcal", "-o", "cut")
        self.assertIn("clip to -1 to 1 covers", run.stderr)
        self.assertIn("and less than a quarter of", run.stderr)
        self.configuration("wide.yaml", "  method: clip\n  clip_min: -1e7\n  clip_max: 1e7\n")
        run = self.run_qprep("prepare", "m.onnx", "-c", "wide.yaml", "--stats", "all.qcal", "-o", "cut")
        self.assertNotIn("covers", run.stderr)

    def test_biases_that_are_inputs_go_when_they_are_corrected(self) -> None:
        """Nothing would read them any more."""
        random = np.random.default_rng(9)
        weight = numpy_helper.from_array(random.normal(0, 0.3, (2, CHANNELS, 1, 1)).astype(np.float32), "w")
        bias = numpy_helper.from_array(np.ones(2, np.float32), "b")
        tensor = lambda name, *dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
        nodes = [helper.make_node("Conv", ["normal", "w", "b"], ["y"], "conv")]
        inputs = [tensor("normal", 1, CHANNELS, SIDE, SIDE), tensor("w", 2, CHANNELS, 1, 1), tensor("b", 2)]
        graph = helper.make_graph(nodes, "g", inputs, [tensor("y", 1, 2, SIDE, SIDE)], [weight, bias])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), self.folder / "i.onnx")
        (self.folder / "i.yaml").write_text(
            "method: jit\noutput: {dialect: qdq, form: both}\n"
            "calibration: {data: samples/normal, method: min_max, bias_correction: true}\n"
        )
        run = self.run_qprep("prepare", "i.onnx", "-c", "i.yaml", "-o", "i", "-v")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("input 'b' had a bias as its default, which was corrected; no longer an input", run.stderr)
        for form in ("calibrated", "fixed"):
            made = onnx.load(self.folder / f"i/i_{form}.onnx").graph
            read = {name for node in made.node for name in node.input}
            self.assertLessEqual({each.name for each in (*made.input, *made.initializer)}, read, form)

    def test_threads_and_shards_make_the_same_bytes(self) -> None:
        whole = self.bytes_of("all.qcal")
        for threads in ("1", "2", "4"):
            self.done("calibrate", "m.onnx", "-c", "all.yaml", "-o", "t.qcal", "--threads", threads)
            self.assertEqual(self.bytes_of("t.qcal"), whole, threads)
        parts = [f"part{i}.qcal" for i in range(1, 8)]
        for i, part in enumerate(parts, 1):
            self.done("calibrate", "m.onnx", "-c", "all.yaml", "-o", part, "--shard", f"{i}/7")
        for order in (parts, parts[::-1], parts[3:] + parts[:3]):
            self.done("stats", "merge", *order, "-o", "merged.qcal")
            self.assertEqual(self.bytes_of("merged.qcal"), whole)
        self.done("stats", "merge", *parts[:3], "-o", "first.qcal")
        self.done("stats", "merge", *parts[3:], "-o", "second.qcal")
        self.done("stats", "merge", "second.qcal", "first.qcal", "-o", "merged.qcal")
        self.assertEqual(self.bytes_of("merged.qcal"), whole)

    def test_an_interrupted_run_goes_on(self) -> None:
        """Parts that are there are taken if they are what would be collected, and nothing of them stays."""
        whole = self.bytes_of("all.qcal")
        call = ("calibrate", "m.onnx", "-c", "all.yaml", "--resume", "-o", "resumed.qcal")
        part = lambda i: self.folder / f"resumed.qcal.{i}of8"
        collect = lambda i: self.done("calibrate", "m.onnx", "-c", "all.yaml", "--shard", f"{i}/8", "-o", part(i))
        said = lambda: "".join((run := self.run_qprep(*call)).stdout + run.stderr)
        self.assertNotIn("a run before", said())
        self.assertEqual(self.bytes_of("resumed.qcal"), whole)
        (self.folder / "resumed.qcal").unlink()

        for i in (1, 2, 5):
            collect(i)
        collect(3)
        part(3).rename(part(4))
        part(6).write_bytes(part(2).read_bytes()[:-3])
        text = said()
        self.assertIn("3 of 8 parts were there from a run before", text)
        self.assertRegex(text, r"resumed.qcal.4of8: warning: collected anew: it has the sample \S+ instead of")
        self.assertRegex(text, "resumed.qcal.6of8: warning: collected anew: ")
        self.assertEqual(self.bytes_of("resumed.qcal"), whole)
        self.assertEqual([each.name for each in self.folder.glob("resumed.qcal*")], ["resumed.qcal"])

        collect(1)
        first = sorted((self.folder / "samples" / next(iter(self.data))).iterdir())[0]
        kept = first.read_bytes()
        np.save(first, np.load(first) + 1)
        self.assertRegex(said(), f"collected anew: the sample {first.name} has changed since")
        first.write_bytes(kept)
        (self.folder / "notes.qcal.3of8").write_text("my own")
        notes = self.refused(*call[:-1], "notes.qcal")
        self.assertIn("notes.qcal.3of8: error: there is a file already, and it is no .qcal file", notes)
        self.assertEqual((self.folder / "notes.qcal.3of8").read_text(), "my own")
        self.assertIn("--shard excludes --resume", self.run_qprep(*call, "--shard", "1/8").stderr)

    def test_what_is_kept_of_an_interrupted_run_is_told(self) -> None:
        part = lambda i: self.folder / f"stopped.qcal.{i}of8"
        for i in (2, 5):
            self.done("calibrate", "m.onnx", "-c", "all.yaml", "--shard", f"{i}/8", "-o", part(i))
        os.mkfifo(part(3))  # where the run stops until somebody writes into it
        call = [QPREP, "calibrate", "m.onnx", "-c", "all.yaml", "--resume", "-o", "stopped.qcal"]
        run = subprocess.Popen(call, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        writer = None
        while writer is None and run.poll() is None:
            try:
                writer = os.open(part(3), os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=60)[1]
        if writer is not None:
            os.close(writer)
        self.assertEqual(run.returncode, -signal.SIGINT, said)
        self.assertIn("qprep: interrupted; 3 of 8 parts are kept, and the same call goes on from them\n", said)
        self.assertTrue(part(1).is_file())
        part(3).unlink()
        again = self.run_qprep(*call[1:])
        self.assertIn("3 of 8 parts were there from a run before", again.stdout + again.stderr)
        self.assertEqual(self.bytes_of("stopped.qcal"), self.bytes_of("all.qcal"))

    def test_in_one_go_or_from_a_file(self) -> None:
        for method in ("min_max", "mse"):
            self.configuration("go.yaml", f"  method: {method}\n  keep: true\n  compare: false\n")
            self.done("prepare", "m.onnx", "-c", "go.yaml", "-o", "go")
            self.done("prepare", "m.onnx", "-c", "go.yaml", "--stats", "all.qcal", "-o", "file")
            self.assertEqual(self.bytes_of("go/m.qcal"), self.bytes_of("all.qcal"))
            self.assertEqual(self.bytes_of("go/m_calibrated.onnx"), self.bytes_of("file/m_calibrated.onnx"))
            go, file = (json.loads(self.bytes_of(f"{out}/model_check_result.json")) for out in ("go", "file"))
            # Of the samples, one reaches far beyond the others.
            self.assertEqual([each["code"] for each in go.pop("diagnostics")], ["bad-sample"])
            self.assertEqual(file.pop("diagnostics"), [])
            self.assertEqual(go, file)

    def test_no_sample_is_read_with_statistics(self) -> None:
        (self.folder / "gone.yaml").write_text("method: jit\ncalibration: {method: mse}\n")
        self.done("prepare", "m.onnx", "-c", "gone.yaml", "--stats", "all.qcal", "-o", "gone")
        self.assertIn("no 'data'", self.refused("prepare", "m.onnx", "-c", "gone.yaml", "-o", "gone"))
        (self.folder / "none.yaml").write_text("method: jit\n")
        self.done("prepare", "m.onnx", "-c", "none.yaml", "--stats", "all.qcal", "-o", "gone")

    def test_auto_takes_the_method_with_the_nearest_results(self) -> None:
        """Each method's calibrated model in ONNX Runtime, beside the float model."""
        random = np.random.default_rng(4)
        weights = {"w1": random.normal(0, 0.3, (8, CHANNELS, 3, 3)), "w2": random.normal(0, 0.2, (5, 8, 1, 1))}
        weights["k"] = random.normal(1, 0.5, (1, 8, 1, 1))
        constants = [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()]
        nodes = [
            helper.make_node("Conv", ["x", "w1"], ["h"], "first", pads=[1, 1, 1, 1]),
            helper.make_node("Sigmoid", ["h"], ["s"], "sigmoid"),
            helper.make_node("Mul", ["h", "s"], ["g"], "gate"),
            helper.make_node("Mul", ["g", "k"], ["gk"], "scaled"),
            helper.make_node("Conv", ["gk", "w2"], ["y"], "second"),
        ]
        tensor = lambda name, channels: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, SIDE, SIDE])
        graph = helper.make_graph(nodes, "g", [tensor("x", CHANNELS)], [tensor("y", 5)], constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, self.folder / "auto.onnx")
        (self.folder / "auto").mkdir()
        data = self.data["outliers"]
        for i, sample in enumerate(data):
            np.save(self.folder / f"auto/{i:02d}.npy", sample)
        results = lambda path: [self.session(path).run(["y"], {"x": each})[0].astype(np.float64) for each in data]
        exact = results(self.folder / "auto.onnx")
        signal = float(np.stack(exact).var() * np.stack(exact).size)
        methods = {
            "mse": "mse", "kl, 2048 bins": "kl", "min_max": "min_max", "percentile 99.9": "percentile, percentile: 99.9",
            "percentile 99.99": "percentile, percentile: 99.99", "percentile 99.999": "percentile, percentile: 99.999",
        }
        errors, models = {}, {}
        for name, method in {**methods, "auto": "auto"}.items():
            config = (
                "method: jit\ncalibration: "
                f"{{data: auto, bias_correction: true, weight_rounding: least_error, method: {method}}}\n"
            )
            (self.folder / "auto.yaml").write_text(config)
            self.done("prepare", "auto.onnx", "-c", "auto.yaml", "-o", "autoed")
            models[name] = self.bytes_of("autoed/auto_calibrated.onnx")
            there = results(self.folder / "autoed/auto_calibrated.onnx")
            errors[name] = sum(float(((a - b) ** 2).sum()) for a, b in zip(there, exact)) / signal
        report = json.loads(self.bytes_of("autoed/model_check_result.json"))
        compared = {row["method"]: row for row in report["methods_compared"]}
        self.assertEqual(set(compared), set(methods))
        for name, row in compared.items():
            self.assertAlmostEqual(row["error"] / errors[name], 1.0, delta=1e-3, msg=name)
            self.assertEqual((row["samples"], row["results"]), (SAMPLES, 1))
        best = max(methods, key=lambda name: compared[name]["cosine_similarity"])
        self.assertEqual(models["auto"], models[best])
        self.assertEqual(errors["auto"], errors[best])
        for threads in ("1", "2", "4"):
            self.done("prepare", "auto.onnx", "-c", "auto.yaml", "-o", "autoed", "--threads", threads)
            self.assertEqual(self.bytes_of("autoed/auto_calibrated.onnx"), models["auto"])

    def test_auto_leaves_biases_where_results_are_nearer_so(self) -> None:
        """A convolution that strides over the large half of its data does not see the mean of all."""
        random = np.random.default_rng(3)
        weight = numpy_helper.from_array(random.normal(0, 0.3, (5, CHANNELS, 1, 1)).astype(np.float32), "w")
        for i in range(SAMPLES):
            sample = random.normal(1, 1, (1, CHANNELS, SIDE, SIDE)).astype(np.float32)
            for offset, folder in ((0, "even"), (8, "hidden")):
                sample[..., 1::2] += np.float32(offset)
                (self.folder / folder).mkdir(exist_ok=True)
                np.save(self.folder / folder / f"{i:02d}.npy", sample)
        tensor = lambda name, channels, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, SIDE, width])
        node = helper.make_node("Conv", ["x", "w"], ["y"], "conv", strides=[1, 2])
        graph = helper.make_graph([node], "g", [tensor("x", CHANNELS, SIDE)], [tensor("y", 5, -(-SIDE // 2))], [weight])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), self.folder / "b.onnx")
        for folder, stays in (("even", False), ("hidden", True)):
            reports = {}
            for biases in ("", "bias_correction: true, ", "bias_correction: false, "):
                (self.folder / "b.yaml").write_text(
                    f"activations: {{dtype: qint16}}\nmethod: jit\n"
                    f"calibration: {{data: {folder}, {biases}weight_rounding: nearest}}\n"
                )
                self.done("prepare", "b.onnx", "-c", "b.yaml", "-o", "biases")
                reports[biases] = json.loads(self.bytes_of("biases/model_check_result.json"))
            errors = {
                name: {
                    (row["method"], row["corrects_biases"]): 1 - row["cosine_similarity"]
                    for row in report["methods_compared"]
                }
                for name, report in reports.items()
            }
            asked = errors["bias_correction: true, "]
            best = min(asked, key=asked.get)[0]
            without = errors["bias_correction: false, "][best, True]
            self.assertEqual(errors[""], {**asked, (best, False): without})
            self.assertEqual(without < asked[best, True], stays)
            because = ["results are nearer to the float model's with biases as they were"]
            self.assertEqual([row["because"] for row in reports[""]["not_corrected"]], because if stays else [])
            self.assertEqual(reports[""]["corrected_biases"], [] if stays else ["conv"])

    @staticmethod
    def session(path: Path) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def test_scales_are_the_same_in_every_dialect(self) -> None:
        """Of activations and, per channel, of weights; as each dialect stores them."""
        found = {}
        for dtype, zero in (("qint8", np.int8), ("qint16", np.int16)):
            for dialect in ("function", "qdq", "horizon"):
                form = "both" if dialect == "qdq" else "qat"
                (self.folder / "dialect.yaml").write_text(
                    f"method: jit\noutput: {{dialect: {dialect}, form: {form}}}\nactivations: {{dtype: {dtype}}}\n"
                    "calibration: {method: mse, bias_correction: true}\n"
                )
                self.done("prepare", "m.onnx", "-c", "dialect.yaml", "--stats", "all.qcal", "-o", dialect)
                found[dialect] = self.scales_in(f"{dialect}/m_calibrated.onnx", zero)
            self.assertEqual(found["function"], found["qdq"])
            self.assertEqual(found["function"], found["horizon"])
            self.assertEqual(len(found["function"]), 2 * len(self.data))
            self.read_back(found["function"], zero)

    def read_back(self, scales: dict[str, list[float]], zero: type) -> None:
        """The vendor's dialect, in every other one again; the fixed point as if it had never been the vendor's."""
        for dialect in ("function", "qdq", "horizon"):
            form = "both" if dialect == "qdq" else "qat"
            (self.folder / "back.yaml").write_text(f"method: jit\noutput: {{dialect: {dialect}, form: {form}, prefix: m}}\n")
            self.done("prepare", "horizon/m_calibrated.onnx", "-c", "back.yaml", "-o", f"back_{dialect}")
            self.assertEqual(self.scales_in(f"back_{dialect}/m_calibrated.onnx", zero), scales)
        random = np.random.default_rng(0)
        for file in ("m_calibrated.onnx", "m_fixed.onnx"):
            first, again = (self.session(self.folder / folder / file) for folder in ("qdq", "back_qdq"))
            feeds = {each.name: random.normal(0, 1, each.shape).astype(np.float32) for each in first.get_inputs()}
            for a, b in zip(first.run(None, feeds), again.run(None, feeds)):
                np.testing.assert_array_equal(a, b)

    def scales_in(self, path: str, zero: type) -> dict[str, list[float]]:
        """By the tensor that is quantised."""
        model = onnx.load(self.folder / path)
        values = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        scales = {}
        domains = {each.domain for each in model.opset_import}
        self.assertEqual("horizon" in domains, any(node.domain == "horizon" for node in model.graph.node))
        for node in model.graph.node:
            if node.op_type not in ("FakeQuantize", "QuantizeLinear", "HzQuantize"):
                continue
            scales[node.input[0]] = values[node.input[1]].ravel().tolist()
            attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
            if node.op_type == "HzQuantize":
                is_weight = node.input[0].endswith("_weight")
                self.assertEqual(node.domain, "horizon")
                self.assertEqual(attributes["axis"], 0 if is_weight else 1)
                self.assertEqual(attributes["bits"], 8 if is_weight or zero == np.int8 else 16)
                self.assertEqual(values[node.input[2]].dtype, np.int8 if is_weight else zero)
                self.assertEqual((values[node.input[2]] == 0).all(), True)
                self.assertEqual(values[node.input[1]].shape, values[node.input[2]].shape)
                self.assertEqual({each.domain: each.version for each in model.opset_import}, {"": 17, "horizon": 1})
        return scales

    def test_shown(self) -> None:
        shown = json.loads(self.done("stats", "show", "all.qcal", "--json"))
        self.assertEqual([each["name"] for each in shown["tensors"][: len(self.data)]], list(self.data))
        self.assertEqual(len(shown["samples"]), SAMPLES)
        x = self.data["outliers"]
        one = json.loads(self.done("stats", "show", "all.qcal", "outliers", "--json"))
        self.assertEqual([np.float32(one["min"]), np.float32(one["max"])], [x.min(), x.max()])
        self.assertEqual(one["finite"], x.size)
        self.assertEqual(sum(count for _, _, count in one["histogram"]), x.size)
        for i, row in enumerate(one["samples"]):
            self.assertEqual([np.float32(row["min"]), np.float32(row["max"])], [x[i].min(), x[i].max()])
        for channel, row in enumerate(one["channels"]):
            mine = x[:, 0, channel].astype(np.float64)
            self.assertAlmostEqual(row["mean"], mine.mean(), delta=1e-9)
            self.assertEqual([np.float32(row["min"]), np.float32(row["max"])], [mine.min(), mine.max()])
        self.assertIn("99.99", self.done("stats", "show", "all.qcal", "outliers"))
        self.assertIn("did you mean 'outliers'?", self.refused("stats", "show", "all.qcal", "outlier"))

    def test_what_does_not_belong_together_is_said(self) -> None:
        other = model_of(list(self.data))
        other.doc_string = "another one"
        onnx.save(other, self.folder / "other.onnx")
        refused = self.refused("prepare", "other.onnx", "-c", "all.yaml", "--stats", "all.qcal", "-o", "o")
        self.assertIn("these are statistics of another model: m.onnx", refused)
        self.done("calibrate", "other.onnx", "-c", "all.yaml", "-o", "other.qcal")
        self.assertIn("of two models", self.refused("stats", "merge", "all.qcal", "other.qcal", "-o", "x.qcal"))
        copies = self.folder / "copies"
        for name in self.data:
            (copies / name).mkdir(parents=True)
            (copies / name / "again.npy").write_bytes((self.folder / "samples" / name / "03.npy").read_bytes())
        (self.folder / "copies.yaml").write_text("method: jit\ncalibration: {data: copies}\n")
        self.done("calibrate", "m.onnx", "-c", "copies.yaml", "-o", "copies.qcal")
        (self.folder / "other").mkdir()
        for name in self.data:
            (self.folder / "other" / name).mkdir()
            (self.folder / "other" / name / "00.npy").write_bytes((self.folder / "samples" / name / "01.npy").read_bytes())
        (self.folder / "other.yaml").write_text("method: jit\ncalibration: {data: other}\n")
        self.done("calibrate", "m.onnx", "-c", "other.yaml", "-o", "other.qcal")
        said = self.refused("stats", "merge", "all.qcal", "other.qcal", "-o", "y.qcal")
        self.assertIn("two different samples are called '00.npy'", said)
        merged = self.run_qprep("stats", "merge", "all.qcal", "copies.qcal", "-o", "y.qcal")
        self.assertEqual(merged.returncode, 0, merged.stderr)
        self.assertIn("copies.qcal: warning: 1 of its 1 sample is in the files before it under another name ('again.npy' is '03.npy')", merged.stderr)
        self.done("calibrate", "m.onnx", "-c", "all.yaml", "-o", "third.qcal", "--shard", "1/3")
        self.done("calibrate", "m.onnx", "-c", "all.yaml", "-o", "fourth.qcal", "--shard", "2/4")
        said = self.refused("stats", "merge", "third.qcal", "fourth.qcal", "-o", "x.qcal")
        self.assertIn("they are no parts of one whole: shard 1 of 3; shard 2 of 4", said)
        self.assertIn("both saw the sample '00.npy'", self.refused("stats", "merge", "all.qcal", "all.qcal", "-o", "x.qcal"))
        (self.folder / "less.yaml").write_text(
            "method: jit\ncalibration: {data: samples}\nqconfig_setter: [{module_name: {far: float}}]\n"
        )
        self.done("calibrate", "m.onnx", "-c", "less.yaml", "-o", "less.qcal")
        refused = self.refused("prepare", "m.onnx", "-c", "all.yaml", "--stats", "less.qcal", "-o", "o")
        self.assertIn("the tensor 'far' was not observed", refused)
        self.assertFalse((self.folder / "o").exists())
        # Nothing but statistics is replaced by statistics.
        for target in ("m.onnx", "all.yaml"):
            before = self.bytes_of(target)
            refused = self.refused("calibrate", "m.onnx", "-c", "all.yaml", "-o", target)
            self.assertIn(f"{target}: error: there is a file already, and it is no .qcal file", refused)
            self.assertIn("[overwrites-input]", self.refused("stats", "merge", "all.qcal", "-o", target))
            self.assertEqual(self.bytes_of(target), before)
        self.assertIn("take the place of what is merged", self.refused("stats", "merge", "all.qcal", "-o", "all.qcal"))
        self.assertFalse((self.folder / "x.qcal").exists())
        self.assertEqual(self.run_qprep("calibrate", "m.onnx", "-c", "all.yaml", "-o", "x", "--shard", "3/2").returncode, 2)
        self.assertIn(
            "21 samples cannot be parted in 99 shards",
            self.refused("calibrate", "m.onnx", "-c", "all.yaml", "-o", "x.qcal", "--shard", "99/99"),
        )

    def test_a_spoiled_file_is_refused(self) -> None:
        good = self.bytes_of("all.qcal")
        random = np.random.default_rng(3)
        for trial in range(60):
            bad = bytearray(good)
            if trial < 20:
                bad = bad[: int(random.integers(0, len(bad)))]
            else:
                at = int(random.integers(0, 60 if trial < 40 else len(bad)))
                bad[at] ^= 1 << int(random.integers(0, 8))
            (self.folder / "bad.qcal").write_bytes(bad)
            self.assertIn("bad.qcal: error:", self.refused("stats", "show", "bad.qcal"))


if __name__ == "__main__":
    unittest.main()
