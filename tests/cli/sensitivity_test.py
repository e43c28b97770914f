"""Which tensors cost the results of a quantised model most, against models that quantise so.

    python tests/cli/sensitivity_test.py QPREP
"""

from __future__ import annotations

import csv
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
SAMPLES = 8


def model() -> onnx.ModelProto:
    """A concat of small and large numbers costs most; its inputs share a scale where the configuration says so."""
    random = np.random.default_rng(5)
    weight = lambda name, *shape: numpy_helper.from_array(random.normal(0, 0.3, shape).astype(np.float32), name)
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "conv_a", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["small"], "relu_a"),
        helper.make_node("Conv", ["x", "w2"], ["large"], "conv b, large"),
        helper.make_node("Concat", ["small", "large"], ["both"], "concat", axis=1),
        helper.make_node("Conv", ["both", "w3"], ["c"], "conv_c"),
        helper.make_node("Sigmoid", ["c"], ["gate"], "sigmoid"),
        helper.make_node("Conv", ["gate", "w4"], ["y"], "conv_y"),
    ]
    large = numpy_helper.from_array((40 * random.normal(0, 1, (4, 3, 1, 1))).astype(np.float32), "w2")
    heavy = random.normal(0, 0.3, (4, 8, 1, 1)).astype(np.float32)
    heavy[:, 4:] /= 8
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 16, 16])],
        [weight("w1", 4, 3, 3, 3), large, numpy_helper.from_array(heavy, "w3"), weight("w4", 2, 4, 1, 1)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


class Sensitivity(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.scratch.name)
        onnx.save(model(), cls.folder / "m.onnx")
        (cls.folder / "samples").mkdir()
        random = np.random.default_rng(6)
        cls.samples = [random.normal(0, 1, (1, 3, 16, 16)).astype(np.float32) for _ in range(SAMPLES)]
        for i, sample in enumerate(cls.samples):
            np.save(cls.folder / f"samples/{i}.npy", sample)
        cls.exact = cls.results(cls.folder / "m.onnx")
        cls.signal = float(np.stack(cls.exact).var() * np.stack(cls.exact).size)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.scratch.cleanup()

    @classmethod
    def results(cls, path: Path) -> list[np.ndarray]:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return [session.run(["y"], {"x": each})[0].astype(np.float64) for each in cls.samples]

    def prepare(self, config: str, *arguments: str, folder: str = "out") -> subprocess.CompletedProcess:
        (self.folder / "c.yaml").write_text(f"method: jit\n{config}")
        return subprocess.run(
            [QPREP, "prepare", "m.onnx", "-c", "c.yaml", "-o", folder, *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )

    def report(self, folder: str = "out") -> dict:
        return json.loads((self.folder / folder / "model_check_result.json").read_text())

    def error(self, config: str, reference: list[np.ndarray] | None = None) -> float:
        done = self.prepare(config, folder="one")
        self.assertEqual(done.returncode, 0, done.stderr)
        there = self.results(self.folder / "one/m_calibrated.onnx")
        return sum(float(((a - b) ** 2).sum()) for a, b in zip(there, reference or self.exact)) / self.signal

    CALIBRATION = "calibration: {data: samples, method: min_max, bias_correction: false"

    def test_costs_are_those_of_models_that_quantise_so(self) -> None:
        done = self.prepare(f"{self.CALIBRATION}, sensitivity: true}}\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = self.report()["sensitivity"]
        self.assertEqual((found["samples"], found["results"]), (SAMPLES, 1))
        self.assertEqual({each["tensor"] for each in found["tensors"]}, {"x", "small", "large", "both", "c", "gate"})
        self.assertEqual(found["tensors"][0]["tensor"], "both")
        costs = [each["error"] for each in found["tensors"]]
        self.assertEqual(costs, sorted(costs, reverse=True))

        unquantised = f"{self.CALIBRATION}}}\nactivations: {{dtype: float}}\n"
        self.assertEqual(self.prepare(unquantised, folder="base").returncode, 0)
        base = self.results(self.folder / "base/m_calibrated.onnx")
        for each in found["tensors"]:
            alone = f"{unquantised}qconfig_setter: [{{module_name: {{{each['tensor']}: {{output: qint8}}}}}}]\n"
            self.assertAlmostEqual(self.error(alone, base) / each["error"], 1, delta=2e-3, msg=each["tensor"])

        steps = found["steps"]
        self.assertEqual([each["tensors"] for each in steps], [0, 1, 2, 3, 4, 6])
        for each in steps[1:]:
            for dtype in ("int16", "float"):
                tip = f"{{table: out/m_sensitivity.csv, topk: {each['tensors']}, dtype: {dtype}}}"
                config = f"{self.CALIBRATION}}}\nqconfig_setter: [{{sensitive_op: {tip}}}]\n"
                said = each[f"error_{dtype}"]
                self.assertAlmostEqual(self.error(config) / said, 1, delta=5e-3, msg=tip)
        self.assertAlmostEqual(self.error(f"{self.CALIBRATION}}}\n") / steps[0]["error_int16"], 1, delta=2e-3)

    def test_the_table_and_the_text_say_the_same(self) -> None:
        self.prepare(f"{self.CALIBRATION}, sensitivity: true}}\n")
        found = self.report()["sensitivity"]["tensors"]
        with (self.folder / "out/m_sensitivity.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["op_name"] for row in rows], [each["tensor"] for each in found])
        self.assertEqual({row["sensitive_type"] for row in rows}, {"activation"})
        text = (self.folder / "out/model_check_result.txt").read_text()
        tip = "qconfig_setter: [{sensitive_op: {table: out/m_sensitivity.csv, topk: "
        self.assertIn(tip, text)
        line = text[text.index(tip):].splitlines()[0]
        self.assertEqual(self.prepare(line, folder="tip").returncode, 0)

    def advice(self, folder: str) -> tuple[str, list[str]]:
        """The sentence, and the lines to be written."""
        lines = (self.folder / folder / "model_check_result.txt").read_text().splitlines()
        at = next(i for i, line in enumerate(lines) if "; to have the first" in line)
        end = next(i for i in range(at + 1, len(lines)) if not lines[i].startswith("  "))
        return lines[at], [line[2:] for line in lines[at + 1 : end]]

    def dtype_of(self, tensor: str, folder: str) -> str:
        """As the node that makes it says; the most costly tensor in these tests."""
        outputs = [slot for node in self.report(folder)["nodes"] for slot in node["outputs"]]
        return next(slot["dtype"] for slot in outputs if slot["name"] == tensor)

    def test_advice_is_in_the_form_of_the_file(self) -> None:
        """What it says can be written where it says, and does what it says."""
        measured = f"{self.CALIBRATION}, sensitivity: true}}\n"
        indented = lambda lines, by: "".join(f"{' ' * by}{line}\n" for line in lines)
        for form, config, where, followed in (
            ("setter", "qconfig_setter:\n  - module_name: {concat: {output: qint8}}\n",
             "as the first entry of 'qconfig_setter' (line 3)",
             lambda config, lines: config.replace("setter:\n", "setter:\n" + indented(lines, 2))),
            ("templates", "templates:\n  - ModuleNameTemplate: {'': qint8, concat: qint8}\n",
             "as the last entry of 'templates' (line 3)", lambda config, lines: config + indented(lines, 2)),
            ("dict", "qconfig_dict:\n  '': {activation: qint8, weight: qint8}\n", "in 'qconfig_dict'",
             lambda config, lines: config + indented(lines, 2)),
            ("quantizers", "quantizers:\n  - global: {output_activation: int8, weight: int8}\n",
             "as the first entry of 'quantizers' (line 3)",
             lambda config, lines: config.replace("izers:\n", "izers:\n" + indented(lines, 2))),
            ("mqbench", "extra_qconfig_dict:\n  w_qscheme: {bit: 8, per_channel: true}\n", "in 'extra_qconfig_dict'",
             lambda config, lines: config + indented(lines, 2)),
        ):
            with self.subTest(form):
                done = self.prepare(measured + config, folder=form)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(self.dtype_of("both", form), "qint8")
                sentence, lines = self.advice(form)
                self.assertTrue(sentence.endswith(f"{where}:"), sentence)
                done = self.prepare(followed(measured + config, lines), folder=f"{form}2")
                self.assertEqual(done.returncode, 0, done.stderr)
                wanted = "qint16" if " in int16" in sentence else "float32"
                self.assertEqual(self.dtype_of("both", f"{form}2"), wanted, lines)

    def test_advice_for_hb_mapper_names_nodes(self) -> None:
        (self.folder / "raw").mkdir(exist_ok=True)
        for i, sample in enumerate(self.samples):
            sample.tofile(self.folder / f"raw/{i}.bin")

        def prepared(name: str, more_model: str = "", more_calibration: str = "") -> None:
            (self.folder / f"{name}.yaml").write_text(
                "model_parameters:\n  onnx_model: m.onnx\n  march: bayes\n  output_model_file_prefix: m\n"
                f"  working_dir: {name}\n{more_model}"
                "input_parameters: {input_type_train: featuremap, input_type_rt: featuremap, input_layout_train: NCHW,"
                " norm_type: no_preprocess}\n"
                f"calibration_parameters:\n  calibration_type: default\n  cal_data_dir: raw\n  cal_data_type: float32\n"
                f"{more_calibration}compiler_parameters: {{compile_mode: latency, optimize_level: O2}}\n")
            done = subprocess.run([QPREP, "prepare", "-c", f"{name}.yaml"], cwd=self.folder, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)

        prepared("hb")
        costly = self.report("hb")["sensitivity"]["tensors"][0]["tensor"]
        sentence, lines = self.advice("hb")
        self.assertNotIn("sensitive_op", "".join(lines))
        under = "".join(f"  {line}\n" for line in lines)
        if " in int16" in sentence:
            self.assertIn("'model_parameters'", sentence)
            prepared("hb2", more_model=under)
            self.assertEqual(self.dtype_of(costly, "hb2"), "qint16")
        else:
            self.assertIn("'calibration_parameters.run_on_cpu'", sentence)
            prepared("hb2", more_calibration=under)
            self.assertEqual(self.dtype_of(costly, "hb2"), "float32")

    def test_advice_goes_on_where_it_was_followed(self) -> None:
        """The new table begins with what the old one raised, so that a run may write over the table that it reads."""
        measured = f"{self.CALIBRATION}, sensitivity: true}}\n"
        raised = "qconfig_setter: [{sensitive_op: {table: again/m_sensitivity.csv, topk: 2}}]\n"
        rows = lambda: [line.split(",")[0] for line in (self.folder / "again/m_sensitivity.csv").read_text().splitlines()]
        self.prepare(measured, folder="again")
        first = rows()
        errors = []
        for _ in range(2):
            self.assertEqual(self.prepare(measured + raised, folder="again").returncode, 0)
            self.assertEqual(rows()[:3], first[:3])
            self.assertEqual(set(rows()), set(first))
            report = self.report("again")["sensitivity"]
            self.assertEqual(report["raised"], first[1:3])
            self.assertEqual(len(report["tensors"]), len(first) - 3)
            errors.append(report["steps"][0]["error_int16"])
        self.assertEqual(errors[0], errors[1])

    def test_int16_has_the_method_of_the_configuration(self) -> None:
        clipped = "calibration: {data: samples, method: clip_std, deviations: 1, bias_correction: false"
        self.prepare(f"{clipped}, sensitivity: true}}\n", folder="clipped")
        steps = self.report("clipped")["sensitivity"]["steps"]
        config = f"{clipped}}}\nactivations: {{dtype: qint16}}\n"
        self.assertAlmostEqual(self.error(config) / steps[-1]["error_int16"], 1, delta=5e-3)

    def test_what_cannot_be_measured_is_told(self) -> None:
        self.prepare("calibration: {data: samples, sensitivity: true}\nactivations: {dtype: qint16}\n", folder="wide")
        self.assertIn("measures activations of 8 bits", json.dumps(self.report("wide")))

    def test_tensors_of_one_scale_are_measured_together(self) -> None:
        shared = "qconfig_setter: [{module_name: {concat: {output: {same_scale: true}}}}]\n"
        done = self.prepare(f"{self.CALIBRATION}, sensitivity: true}}\n{shared}")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = self.report()["sensitivity"]
        scale = {each["tensor"]: each["scale"] for each in found["tensors"]}
        self.assertEqual(len({scale[name] for name in ("small", "large", "both")}), 1)
        self.assertEqual(len(set(scale.values())), 4)
        self.assertEqual([each["tensors"] for each in found["steps"]], [0, 3, 4, 5, 6])

    def test_when_it_runs(self) -> None:
        """As the configuration says; if it says nothing, where method auto is far off."""
        for calibration, wanted in (
            ("data: samples", True), ("data: samples, sensitivity: false", False), ("data: samples, method: mse", False),
            ("data: samples, method: mse, sensitivity: true", True),
        ):
            done = self.prepare(f"calibration: {{{calibration}}}\n", folder="when")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.report("when")["sensitivity"] is not None, wanted, calibration)
            self.assertEqual("sensitivity" in done.stdout, wanted, calibration)
        fine = "weights: {dtype: float}\nqconfig_setter: [{module_name: {concat: {output: qint16}}}]\n"
        self.prepare(f"calibration: {{data: samples}}\n{fine}", folder="fine")
        self.assertIsNone(self.report("fine")["sensitivity"])

    def test_tables_that_do_not_fit(self) -> None:
        def said(table: str, options: str) -> str:
            (self.folder / "t.csv").write_text(table)
            (self.folder / "t.yaml").write_text(f"qconfig_setter: [{{sensitive_op: {{table: t.csv, {options}}}}}]\n")
            return subprocess.run([QPREP, "prepare", "m.onnx", "-c", "t.yaml", "-o", "t"], cwd=self.folder,
                                  capture_output=True, text=True).stderr

        row = lambda name: f"{name},activation,Conv,1,qint8\n"
        head = "op_name,sensitive_type,op_type,L1,dtype\n"
        other = said(head + row("conv_a") + "".join(row(f"of_another_{i}") for i in range(9)), "topk: 10")
        self.assertEqual(other.count("error"), 1, other)
        self.assertIn("9 of the 10 nodes that are taken from this table are not in the model: 'of_another_0', "
                      "'of_another_1', 'of_another_2' and 6 more", other)
        self.assertIn("no node", said(head + row("conv_a") + row("conv_x"), "topk: 2"))
        self.assertIn("t.yaml:1:54: warning: 'sensitive_op.topk' is 7, but the table has only 1",
                      said(head + row("conv_a"), "topk: 7"))
        self.assertIn("changes nothing: rows of dtype qint8", said(head + row("conv_a"), "topk: 1, dtype: qint8"))

    def test_statistics_alone_cannot_tell(self) -> None:
        self.prepare("calibration: {data: samples, keep: true}\n", folder="kept")
        done = self.prepare("calibration: {sensitivity: true, weight_rounding: least_error}\n", "--stats", "kept/m.qcal", folder="stats")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("'calibration.sensitivity' runs samples", done.stderr + done.stdout + json.dumps(self.report("stats")))
        self.assertIn("'calibration.weight_rounding' runs samples", json.dumps(self.report("stats")))
        self.assertIsNone(self.report("stats")["sensitivity"])

    def test_threads_change_nothing(self) -> None:
        bytes_of = lambda: [(self.folder / "t" / name).read_bytes() for name in ("m_sensitivity.csv", "model_check_result.json")]
        seen = []
        for threads in ("1", "2", "4"):
            self.prepare("calibration: {data: samples, sensitivity: true}\n", "--threads", threads, folder="t")
            seen.append(bytes_of())
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(seen[0], seen[2])


if __name__ == "__main__":
    unittest.main()
