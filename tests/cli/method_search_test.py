"""What method auto compares and by what, against the same figures in NumPy from each method's own model.

    python tests/cli/method_search_test.py QPREP
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
SAMPLES, CHANNELS, SIDE = 20, 3, 24
METHODS = {
    "min_max": "min_max",
    "percentile 99.995": "{method: percentile, percentile: 99.995}",
    "percentile 95": "{method: percentile, percentile: 95}",
    "kl, 1024 bins": "{method: kl, bins: 1024}",
}
OUTPUTS = ("small", "large")
COMPARED_ALONE = 16  # samples, of a method that is not compared with others


def model() -> onnx.ModelProto:
    """Two results of which one is a thousand times the other."""
    random = np.random.default_rng(4)
    weights = {
        "w1": random.normal(0, 0.3, (8, CHANNELS, 3, 3)),
        "w2": random.normal(0, 0.2, (5, 8, 1, 1)),
        "w3": random.normal(0, 200, (2, 8, 1, 1)),
    }
    constants = [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()]
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["h"], "first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("Conv", ["r", "w2"], ["small"], "second"),
        helper.make_node("Conv", ["r", "w3"], ["large"], "third"),
    ]
    tensor = lambda name, channels: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, SIDE, SIDE])
    graph = helper.make_graph(nodes, "g", [tensor("x", CHANNELS)], [tensor("small", 5), tensor("large", 2)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def figures(there: dict[str, np.ndarray], exact: dict[str, np.ndarray]) -> dict[str, float]:
    """By metric, of all samples."""
    noise, cosine, mse, mae, largest = [], [], [], [], []
    for name in OUTPUTS:
        r, f = there[name].ravel(), exact[name].ravel()
        noise.append(((r - f) ** 2).sum() / ((f - f.mean()) ** 2).sum())
        cosine.append((r * f).sum() / np.sqrt((r * r).sum() * (f * f).sum()))
        mse.append(((r - f) ** 2).mean())
        mae.append(np.abs(r - f).mean())
        largest.append(np.abs(r - f).max())
    return {
        "error": np.mean(noise), "cosine_similarity": np.mean(cosine), "mse": np.mean(mse), "mae": np.mean(mae),
        "chebyshev": max(largest),
    }


class Search(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.temporary.name)
        onnx.save(model(), cls.folder / "m.onnx")
        random = np.random.default_rng(5)
        cls.data = random.laplace(0, 0.5, (SAMPLES, 1, CHANNELS, SIDE, SIDE)).astype(np.float32)
        (cls.folder / "data").mkdir()
        for i, sample in enumerate(cls.data):
            np.save(cls.folder / f"data/{i:02d}.npy", sample)
        exact = cls.results(cls.folder / "m.onnx")
        cls.alone = {}
        few = [i * SAMPLES // COMPARED_ALONE for i in range(COMPARED_ALONE)]
        cls.models, cls.figures = {}, {}
        for name, method in METHODS.items():
            said = method.strip("{}") if method.startswith("{") else f"method: {method}"
            cls.prepared(said, "one")
            cls.models[name] = (cls.folder / "one/m_calibrated.onnx").read_bytes()
            made = cls.results(cls.folder / "one/m_calibrated.onnx")
            cls.figures[name] = figures(made, exact)
            told = json.loads((cls.folder / "one/model_check_result.json").read_text())["methods_compared"]
            cls.alone[name] = told, figures(*({key: all[few] for key, all in results.items()} for results in (made, exact)))

    @classmethod
    def tearDownClass(cls) -> None:
        cls.temporary.cleanup()

    @classmethod
    def results(cls, path: Path) -> dict[str, np.ndarray]:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        runs = [session.run(list(OUTPUTS), {"x": sample}) for sample in cls.data]
        return {name: np.stack([run[i] for run in runs]).astype(np.float64) for i, name in enumerate(OUTPUTS)}

    @classmethod
    def run_qprep(cls, calibration: str, out: str, *more: str) -> subprocess.CompletedProcess[str]:
        """`calibration`: lines of a map of YAML, in one."""
        text = f"method: jit\ncalibration: {{bias_correction: true, weight_rounding: nearest, data: data, {calibration}}}\n"
        (cls.folder / "c.yaml").write_text(text)
        command = [QPREP, "prepare", "m.onnx", "-c", "c.yaml", "-o", out, *more]
        return subprocess.run(command, cwd=cls.folder, capture_output=True, text=True, check=False)

    @classmethod
    def prepared(cls, calibration: str, out: str, *more: str) -> subprocess.CompletedProcess[str]:
        run = cls.run_qprep(calibration, out, *more)
        assert run.returncode == 0, run.stderr
        return run

    def searched(self, search: str, *more: str) -> tuple[dict[str, dict], bytes, str]:
        """The compared methods, the model, and what was said."""
        run = self.prepared(f"search: {{methods: [{', '.join(METHODS.values())}], {search}}}", "all", *more)
        report = json.loads((self.folder / "all/model_check_result.json").read_text())
        compared = {row["method"]: row for row in report["methods_compared"]}
        return compared, (self.folder / "all/m_calibrated.onnx").read_bytes(), run.stderr

    def test_the_nearest_by_each_metric_is_taken(self) -> None:
        """And the figures that are told are those of the models that the methods make."""
        taken = set()
        for metric in ("sqnr", "cosine_similarity", "mse", "mae", "chebyshev"):
            compared, written, _ = self.searched(f"metric: {metric}")
            self.assertEqual(list(compared), list(METHODS))
            for name, row in compared.items():
                for figure, value in self.figures[name].items():
                    self.assertAlmostEqual(row[figure] / value, 1, delta=1e-3, msg=f"{name} {figure}")
            key = "error" if metric == "sqnr" else metric
            best = (max if key == "cosine_similarity" else min)(METHODS, key=lambda name: compared[name][key])
            self.assertEqual(written, self.models[best], metric)
            taken.add(best)
        self.assertGreater(len(taken), 1, "every metric took the same: the test tells nothing")

    def test_a_method_by_itself_is_held_against_the_float_model(self) -> None:
        for name, (told, expected) in self.alone.items():
            (row,) = told
            self.assertEqual((row["method"], row["samples"], row["results"]), (name, COMPARED_ALONE, 2))
            for figure, value in expected.items():
                self.assertAlmostEqual(row[figure] / value, 1, delta=1e-3, msg=f"{name} {figure}")

    def test_what_is_told_of_a_method_by_itself(self) -> None:
        advice = "'calibration.sensitivity: true' finds the tensors that cost them most"

        def told(calibration: str) -> tuple[str, str]:
            said = self.prepared(calibration, "told").stderr
            lines = (self.folder / "told/model_check_result.txt").read_text().splitlines()
            return "".join(line for line in lines if line.startswith("Over ")), said

        near, said = told("method: min_max")
        self.assertRegex(near, r"^Over 16 samples at 2 results \(small, large\), the quantised model's results have a cosine similarity of 0\.999\d+ .* signal to error of 3\d\.\d\d dB")
        self.assertNotIn(advice, near)
        self.assertEqual(said, "")
        far, said = told("method: clip, clip_min: -0.2, clip_max: 0.2")
        self.assertIn(advice, far)
        self.assertRegex(said, r"c\.yaml:2:\d+: warning: the quantised model's results are far from the float model's: .*; 'calibration\.sensitivity: true' finds")
        far, said = told("method: clip, clip_min: -0.2, clip_max: 0.2, sensitivity: true")
        self.assertNotIn(advice, far)
        self.assertRegex(said, r"warning: the quantised model's results are far from .*; the check result says which tensors cost the most")
        far, said = told("method: clip, clip_min: -0.2, clip_max: 0.2, sensitivity: false")
        self.assertNotIn("sensitivity", far + said)
        none, said = told("method: clip, clip_min: -0.2, clip_max: 0.2, compare: false")
        self.assertEqual(none, "")
        self.assertNotIn("low-similarity", said)

    def test_the_method_is_called_as_the_configuration_calls_it(self) -> None:
        for name in ("mix", "mse"):
            self.prepared(f"method: {name}", "told")
            report = json.loads((self.folder / "told/model_check_result.json").read_text())
            self.assertEqual(report["methods_compared"][0]["method"].split(",")[0].split()[0], name)
        run = self.prepared("method: mse, tensors: [{name: h, method: min_max}, {name: x, method: kl}]", "told")
        self.assertIn("each tensor's own: cosine similarity", run.stdout)
        text = "activations: {dtype: float}\ncalibration: {data: data}\n"
        (self.folder / "w.yaml").write_text(text)
        run = subprocess.run([QPREP, "prepare", "m.onnx", "-c", "w.yaml", "-o", "told"], cwd=self.folder, capture_output=True, text=True)
        self.assertIn("weights alone", run.stdout)

    def test_what_compares_must_compare(self) -> None:
        for calibration, who in {"method: auto": "method auto", "method: mse, sensitivity: true": "the sensitivity"}.items():
            said = self.run_qprep(f"{calibration}, compare: false", "none").stderr
            self.assertRegex(said, rf"c\.yaml:2:\d+: error: 'calibration\.compare' cannot be false: {who} compares")

    def test_threads_make_the_same_bytes(self) -> None:
        made = {self.searched("metric: cosine_similarity", "--threads", threads)[1] for threads in ("1", "2", "4")}
        self.assertEqual(len(made), 1)

    def test_a_similarity_that_is_not_reached_is_told(self) -> None:
        compared, _, said = self.searched("metric: cosine_similarity, similarity: 0.9")
        self.assertNotIn("low-similarity", said)
        best = max(row["cosine_similarity"] for row in compared.values())
        _, _, said = self.searched("metric: cosine_similarity, similarity: 0.9999999")
        column = (self.folder / "c.yaml").read_text().splitlines()[1].index("{methods") + 1
        self.assertIn(f"c.yaml:2:{column}: warning: no method makes results as near", said)
        self.assertIn(f"comes nearest with {best:.6f}", said)

    def method_line(self, calibration: str, *more: str) -> str | None:
        lines = self.prepared(calibration, "all", *more).stdout.splitlines()
        said = [line.split(None, 1)[1] for line in lines if line.startswith("  method ")]
        self.assertLess(len(said), 2)
        return said[0] if said else None

    def test_the_summary_names_the_method_with_its_figures(self) -> None:
        for metric, words in (("cosine_similarity", ""), ("sqnr", ""), ("mae", "mean absolute error {mae:.5g}, ")):
            search = f"search: {{methods: [{', '.join(METHODS.values())}], metric: {metric}}}"
            compared, _, _ = self.searched(f"metric: {metric}")
            key = "error" if metric == "sqnr" else metric
            best = (max if key == "cosine_similarity" else min)(compared.values(), key=lambda row: row[key])
            figures = words.format(**best) + f"cosine similarity {best['cosine_similarity']:.6f}"
            self.assertEqual(
                self.method_line(search),
                f"{best['method']}, best of {len(METHODS)} methods: {figures}, "
                f"signal to error {-10 * np.log10(best['error']):.2f} dB",
            )
            run = self.prepared(search, "all", "--json")
            self.assertEqual(json.loads(run.stdout)["calibration"]["method"], best)
        self.assertTrue(self.method_line("search: {methods: [min_max]}").startswith("min_max, alone: cosine similarity 0."))
        self.assertRegex(self.method_line("method: mse") or "", r"^mse: cosine similarity 0\.\d{6}, signal to error \d\d\.\d\d dB$")
        self.assertIsNone(self.method_line("method: mse, compare: false"))
        self.prepared("keep: true, search: {methods: [mse, min_max]}", "kept")
        self.assertEqual(
            self.method_line("search: {methods: [mse, min_max]}", "--stats", "kept/m.qcal"),
            "mse, compared with none: statistics have no samples to run",
        )

    def test_the_table_tells_the_metric(self) -> None:
        self.searched("metric: mae")
        text = (self.folder / "all/model_check_result.txt").read_text()
        self.assertIn("at 2 results (small, large); the best by mean absolute error was taken.", text)
        head = text.split("was taken.", 1)[1].splitlines()[1]
        for word in ("signal to error (dB)", "cosine similarity", "mean absolute error"):
            self.assertIn(word, head)

    def test_scales_for_channels_are_tried_where_the_similarity_is_not_reached(self) -> None:
        """Of a depthwise layer whose channels reach 1 to 1000."""
        random = np.random.default_rng(6)
        reach = np.array([1, 10, 100, 1000], np.float32).reshape(4, 1, 1, 1)
        weights = {
            "w1": (random.normal(0, 0.3, (4, CHANNELS, 1, 1)) * reach).astype(np.float32),
            "w2": (random.normal(0, 0.3, (4, 1, 3, 3)) / reach).astype(np.float32),
        }
        constants = [numpy_helper.from_array(w, name) for name, w in weights.items()]
        nodes = [
            helper.make_node("Conv", ["x", "w1"], ["h"], "wide"),
            helper.make_node("Conv", ["h", "w2"], ["y"], "depthwise", group=4),
        ]
        tensor = lambda name, *dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *dims])
        graph = helper.make_graph(
            nodes, "g", [tensor("x", CHANNELS, SIDE, SIDE)], [tensor("y", 4, SIDE - 2, SIDE - 2)], constants
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), self.folder / "d.onnx")

        def made(calibration: str, rest: str = "", *more: str) -> tuple[bytes, list[dict], str]:
            data = "bias_correction: true, weight_rounding: nearest, data: data"
            (self.folder / "d.yaml").write_text(f"method: jit\ncalibration: {{{data}, {calibration}}}\n{rest}")
            command = [QPREP, "prepare", "d.onnx", "-c", "d.yaml", "-o", "d", *more]
            run = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stderr)
            report = json.loads((self.folder / "d/model_check_result.json").read_text())
            return (self.folder / "d/d_calibrated.onnx").read_bytes(), report.get("methods_compared", []), run.stderr

        _, rows, said = made("search: {methods: [min_max]}")
        self.assertGreater(rows[0]["error"], 0.1)
        self.assertIn("the quantised model's results are far from the float model's: cosine similarity 0.", said)
        self.assertNotIn("are far from", made("search: {methods: [min_max]}", "activations: {per_channel: true}\n")[2])
        one, _, _ = made("method: min_max")
        own, _, _ = made("method: min_max", "activations: {per_channel: true}\n")
        self.assertNotEqual(one, own)
        found, rows, _ = made("search: {methods: [min_max], per_channel: true}")
        self.assertEqual(found, own)
        self.assertEqual([row["per_channel"] for row in rows], [True, False])
        _, rows, _ = made("search: {methods: [min_max, kl], per_channel: true}")
        self.assertEqual([(row["method"], row["per_channel"]) for row in rows], [
            (method, channels) for channels in (True, False) for method in ("min_max", "kl, 2048 bins")
        ])
        _, rows, _ = made("search: {methods: [min_max], per_channel: true}", "activations: {per_channel: true}\n")
        self.assertEqual([row["per_channel"] for row in rows], [True])
        _, rows, _ = made("search: {methods: [min_max], per_channel: true}")
        self.assertLess(rows[0]["error"], rows[1]["error"])
        self.assertIn("min_max, scales for channels", (self.folder / "d/model_check_result.txt").read_text())
        for threads in ("1", "4"):
            self.assertEqual(made("search: {methods: [min_max], per_channel: true}", "", "--threads", threads)[0], own)
        # One scale is near enough.
        reached = rows[1]["cosine_similarity"] - 1e-3
        found, rows, said = made(f"search: {{methods: [min_max], similarity: {reached}, per_channel: true}}")
        self.assertEqual(found, one)
        self.assertEqual([row["per_channel"] for row in rows], [False])
        self.assertNotIn("low-similarity", said)
        # It is not; what comes nearest is told.
        found, rows, said = made("search: {methods: [min_max], similarity: 1, per_channel: true}")
        self.assertEqual(found, own)
        self.assertIn(f"comes nearest with {rows[0]['cosine_similarity']:.6f}", said)
        # No tensor of the other model can have them.
        compared, written, _ = self.searched("per_channel: true")
        self.assertEqual([row["per_channel"] for row in compared.values()], [False] * len(METHODS))
        self.assertIn(written, self.models.values())

    def test_methods_that_cannot_differ_are_one(self) -> None:
        """Where the configuration leaves none to auto, the table has no row for what was not tried."""
        for rest, method in (
            ("activations: {dtype: qint16}\n", "min_max"),
            ("activations: {observer: percentile}\n", "percentile 99.99"),
            ("qconfig_setter: [{module_name: {x: {output: {observer: kl}}, relu: {output: {observer: mse}}}}]\n", "each tensor's own"),
        ):
            (self.folder / "c.yaml").write_text(f"method: jit\ncalibration: {{bias_correction: true, data: data}}\n{rest}")
            command = [QPREP, "prepare", "m.onnx", "-c", "c.yaml", "-o", "all"]
            subprocess.run(command, cwd=self.folder, capture_output=True, check=True)
            report = json.loads((self.folder / "all/model_check_result.json").read_text())
            self.assertEqual([row["method"] for row in report["methods_compared"]], [method])
        run = self.prepared("search: {methods: [min_max, kl]}, tensors: [{name: 're:.*', method: mse}]", "all")
        self.assertIn("'calibration.search' decides nothing: the configuration or the model gives every tensor", run.stderr)
        self.assertEqual(run.stderr.count("decides nothing"), 1)

    def test_a_model_that_has_all_scales_is_held_against_itself(self) -> None:
        (self.folder / "q.yaml").write_text("method: jit\noutput: {dialect: qdq}\ncalibration: {data: data}\n")
        for model, out in (("m.onnx", "q"), ("q/m_calibrated.onnx", "q2")):
            command = [QPREP, "prepare", model, "-c", "q.yaml", "-o", out]
            run = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stderr)
        report = json.loads((self.folder / "q2/model_check_result.json").read_text())
        self.assertEqual(report["calibrated"], [])
        self.assertIn("the scales that the model has", [row["method"] for row in report["methods_compared"]])

    def test_results_without_numbers_are_not_compared(self) -> None:
        """A logarithm of what is negative is NaN, and so is all that it reaches."""
        nodes = [
            helper.make_node("Conv", ["x", "w1"], ["h"], "first", pads=[1, 1, 1, 1]),
            helper.make_node("Abs", ["h"], ["a"], "abs"),
            helper.make_node("Neg", ["a"], ["n"], "neg"),
            helper.make_node("Log", ["n"], ["l"], "log"),
            helper.make_node("Conv", ["l", "w2"], ["small"], "second"),
        ]
        made = model()
        graph = helper.make_graph(nodes, "g", made.graph.input, [made.graph.output[0]], made.graph.initializer)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), self.folder / "n.onnx")
        (self.folder / "n.yaml").write_text("calibration: {data: data, sensitivity: true}\n")
        command = [QPREP, "prepare", "n.onnx", "-c", "n.yaml", "-o", "n"]
        run = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("have no finite element, so methods cannot be compared, and mse is taken", run.stderr)
        report = json.loads((self.folder / "n/model_check_result.json").read_text())
        self.assertEqual(report["methods_compared"], [])

    def test_statistics_alone_cannot_compare(self) -> None:
        command = [QPREP, "calibrate", "m.onnx", "-c", "c.yaml", "-o", "m.qcal"]
        self.prepared("method: auto", "all")
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)
        run = self.prepared("search: {metric: mse}", "all", "--stats", "m.qcal")
        self.assertIn("'calibration.search' runs samples, of which --stats has only the statistics", run.stderr)
        self.prepared("search: {methods: [kl, min_max]}", "all", "--stats", "m.qcal")
        text = (self.folder / "all/model_check_result.txt").read_text()
        self.assertIn("had statistics without samples to compare methods with, and took kl, 2048 bins", text)

    def test_mistakes(self) -> None:
        for said, words in {
            "method: mse, search: {metric: mse}": "'calibration.search' is what method auto compares, and the method is mse",
            "search: {metric: cosine}": "'calibration.search.metric' must be one of sqnr, cosine_similarity,",
            "search: {metric: sqnr, similarity: 0.9}": "'calibration.search.similarity' is for 'metric: cosine_similarity', not sqnr",
            "search: {methods: []}": "'calibration.search.methods' must be a list of methods, not an empty one",
            "search: {methods: mse}": "'calibration.search.methods' must be a list of methods, not 'mse'",
            "search: {methods: [msi]}": "not 'msi' (did you mean 'mse'?)",
            "search: {methods: [auto]}": "an entry of 'calibration.search.methods' cannot be auto: it is what compares these",
            "search: {methods: [mse, mse]}": "'calibration.search.methods' has mse twice",
            "search: {methods: [{percentile: 99}]}": "an entry of 'calibration.search.methods' has no 'method'",
            "search: {methods: [{method: kl, percentile: 99}]}": "'calibration.search.methods.percentile' is for method percentile",
            "search: {method: mse}": "unknown key 'method' in 'calibration.search' (did you mean 'methods'?)",
        }.items():
            run = self.run_qprep(said, "none")
            self.assertEqual(run.returncode, 1, said)
            self.assertIn(words, run.stderr)


if __name__ == "__main__":
    unittest.main()
