"""The command line as its user meets it: exit statuses, what goes to stdout and to stderr, what is left behind."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnx.parser

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "testdata/models/digits.onnx"
SAMPLES = ROOT / "tests/models/digits/samples.py"
QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
VERBS = ["prepare", "check", "inspect", "explain", "config", "targets", "dump", "copy"]


def qprep(*arguments, cwd=None, **environment):
    return subprocess.run(
        [QPREP, *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        cwd=cwd,
        env={**os.environ, **environment},
    )


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="qprep_cli_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.out = self.folder / "out"

    def config(self, text):
        path = self.folder / "qprep.yaml"
        path.write_text(text)
        return path

    def samples(self):
        folder = self.folder / "samples"
        subprocess.run([sys.executable, SAMPLES, folder], check=True, capture_output=True)
        return folder

    def files(self):
        return sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []

    def assert_done(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")

    def assert_failed(self, result, *words, status=1):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stdout, "")
        for word in words:
            self.assertIn(word, result.stderr)


class Usage(Case):
    def test_version_is_quick(self):
        taken = []
        for _ in range(20):
            start = time.perf_counter()
            result = qprep("--version")
            taken.append(time.perf_counter() - start)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertRegex(result.stdout, r"^qprep \d+\.\d+\.\d+\n$")
        # The best of many runs: others may keep the machine busy. A sanitizer's start-up takes longer.
        self.assertLess(min(taken), 0.02 if b"__asan_init" not in QPREP.read_bytes() else 2)

    def test_help_has_examples_everywhere(self):
        for arguments in [["--help"], *([verb, "--help"] for verb in VERBS)]:
            result = qprep(*arguments)
            self.assert_done(result)
            self.assertIn("Examples:", result.stdout)

    def test_wrong_usage_is_status_2_with_the_nearest_word(self):
        for arguments, words in [
            ([], ["Usage:"]),
            (["prepar"], ["unknown verb 'prepar'", "did you mean 'prepare'"]),
            (["prepare"], ["MODEL is required"]),
            (["prepare", DIGITS, "--dumpafter=x"], ["unknown option '--dumpafter'", "did you mean '--dump-after'"]),
            (["prepare", DIGITS, "--jsn"], ["unknown option '--jsn'", "did you mean '--json'"]),
            (["prepare", DIGITS, "-x"], ["unknown option '-x'"]),
            (["--verion"], ["unknown option '--verion'", "did you mean '--version'"]),
            (["prepare", DIGITS, "second"], ["one argument too many: 'second'"]),
            (["prepare", DIGITS, "--dump-after", "group-unit"], ["'group-unit'", "did you mean 'group-units'"]),
            (["prepare", DIGITS, "--stop-after", "nonsense"], ["'nonsense'", "there are", "drop-identity"]),
            (["prepare", DIGITS, "--threads", "many"], ["--threads", "'many'"]),
            (["prepare", DIGITS, "--threads", "-1"], ["--threads"]),
            (["prepare", DIGITS, "--threads", "1025"], ["--threads", "'1025'"]),
            (["prepare", DIGITS, "-c"], ["--config"]),
            (["prepare", DIGITS, "-q", "-v"], ["--quiet", "--verbose"]),
            (["prepare", DIGITS, "-o", ""], ["--output", "the name is empty"]),
            (["prepare", DIGITS, "--dump-after", "group-units", "--json"], ["--dump-after", "--json"]),
            (["explain"], ["MODEL is required"]),
            (["config"], ["Usage:", "check"]),
            (["config", "chek", "a.yaml"], ["unknown verb 'chek'", "did you mean 'check'"]),
            (["config", "check"], ["FILE is required", "qprep config check --help"]),
            (["config", "check", "a.yaml", "--jso"], ["unknown option '--jso'", "did you mean '--json'"]),
            (["targets"], ["Usage:", "list", "show"]),
            (["targets", "show"], ["MARCH is required"]),
            (["targets", "show", "bayse"], ["there is no march 'bayse'", "did you mean 'bayes'", "nash-m"]),
            (["copy", DIGITS], ["TO is required"]),
            (["dump", DIGITS, "--json"], ["unknown option '--json'"]),
        ]:
            with self.subTest(arguments=arguments):
                self.assert_failed(qprep(*arguments, cwd=self.folder), *words, status=2)
        self.assertEqual(list(self.folder.iterdir()), [])


class Prepare(Case):
    def test_makes_the_folder_and_names_what_it_wrote(self):
        result = qprep("prepare", DIGITS, "-o", self.out / "deep")
        self.assert_done(result)
        names = ["digits_qat.onnx", "digits_qconfig_changelog.txt", "model_check_result.json", "model_check_result.txt"]
        self.assertEqual(sorted(path.name for path in (self.out / "deep").iterdir()), names)
        for name in names:
            self.assertIn(str(self.out / "deep" / name), result.stdout)
        self.assertRegex(result.stdout, r"quantised +\d+ activations qint8, \d+ weights qint8")

    def test_writes_into_the_working_directory_with_the_prefix_of_the_configuration(self):
        config = self.config("output: {prefix: net}\n")
        self.out.mkdir()
        self.assert_done(qprep("prepare", DIGITS, "-c", config, cwd=self.out))
        files = ["model_check_result.json", "model_check_result.txt", "net_qat.onnx", "net_qconfig_changelog.txt"]
        self.assertEqual(self.files(), files)

    def test_each_form_writes_its_files(self):
        self.samples()
        report = ["digits_qconfig_changelog.txt", "model_check_result.json", "model_check_result.txt"]
        for form, models in [
            ("qat", ["digits_calibrated.onnx", "digits_qat.onnx"]),
            ("fixed_point", ["digits_fixed.onnx"]),
            ("both", ["digits_calibrated.onnx", "digits_fixed.onnx", "digits_qat.onnx"]),
        ]:
            for dialect in ["function", "qdq"]:
                with self.subTest(form=form, dialect=dialect):
                    config = self.config(
                        f"output: {{form: {form}, dialect: {dialect}}}\ncalibration: {{data: samples}}\n"
                    )
                    self.out = self.folder / f"{form}_{dialect}"
                    result = qprep("prepare", DIGITS, "-c", config, "-o", self.out)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    in_vain = form == "fixed_point" and dialect == "function"
                    self.assertEqual("'output.dialect' has no effect" in result.stderr, in_vain)
                    self.assertEqual(self.files(), sorted(models + report))
                    self.assertRegex(result.stdout, r"calibrated +\d+ tensors from \d+ samples\n")

    def test_fixed_point_without_scales_is_refused(self):
        config = self.config("output:\n  form: fixed_point\n")
        result = qprep("prepare", DIGITS, "-c", config, "-o", self.out)
        self.assert_failed(result, f"{config}:2:9: error: ", "calibration.data", "[no-scales]")
        self.assertEqual(self.files(), [])

    def test_a_qat_model_without_scales_is_refused_as_fixed_point(self):
        self.assert_done(qprep("prepare", DIGITS, "-o", self.out))
        config = self.config("output: {form: fixed_point}\n")
        result = qprep("prepare", self.out / "digits_qat.onnx", "-c", config, "-o", self.folder / "again")
        self.assert_failed(result, "[no-scales]")

    def test_the_report_of_a_model_that_carries_scales_is_that_of_the_float_model(self):
        self.samples()
        config = self.config("output: {form: both}\ncalibration: {data: samples}\n")
        self.assert_done(qprep("prepare", DIGITS, "-c", config, "-o", self.out))
        config = self.config("output: {form: fixed_point}\n")
        again = self.folder / "again"
        self.assert_done(qprep("prepare", self.out / "digits_calibrated.onnx", "-c", config, "-o", again))
        formats = []
        for folder in (self.out, again):
            report = json.loads((folder / "model_check_result.json").read_text())
            layers = [node for node in report["nodes"] if node["op"] in ("Conv", "Gemm")]
            formats.append([[slot["dtype"] for slot in node["inputs"][:2]] for node in layers])
        self.assertEqual(*formats)
        self.assertIn(["qint8", "qint8"], formats[0])

    def test_fixed_point_of_weights_alone_needs_no_samples(self):
        config = self.config("output: {form: fixed_point}\nactivations: {dtype: float}\n")
        self.assert_done(qprep("prepare", DIGITS, "-c", config, "-o", self.out))
        self.assertIn("digits_fixed.onnx", self.files())
        self.assertLess((self.out / "digits_fixed.onnx").stat().st_size, 0.5 * DIGITS.stat().st_size)

    def test_a_calibrated_model_becomes_fixed_point_without_samples(self):
        self.samples()
        for dialect in ["function", "qdq"]:
            with self.subTest(dialect=dialect):
                config = self.config(f"output: {{form: both, dialect: {dialect}}}\ncalibration: {{data: samples}}\n")
                self.assert_done(qprep("prepare", DIGITS, "-c", config, "-o", self.out))
                again = self.folder / "again"
                config = self.config("output: {prefix: digits, form: fixed_point}\n")
                self.assert_done(qprep("prepare", self.out / "digits_calibrated.onnx", "-c", config, "-o", again))
                texts = [qprep("dump", folder / "digits_fixed.onnx").stdout for folder in (self.out, again)]
                self.assertEqual(texts[0].count("QuantizeLinear"), texts[1].count("QuantizeLinear"))

    def test_quiet_says_nothing_and_json_is_the_truth(self):
        result = qprep("prepare", DIGITS, "-o", self.out, "-q")
        self.assert_done(result)
        self.assertEqual(result.stdout, "")
        result = qprep("prepare", DIGITS, "-o", self.out, "--json")
        self.assert_done(result)
        answer = json.loads(result.stdout)
        self.assertTrue(answer["ok"])
        self.assertEqual(sorted(Path(file["path"]).name for file in answer["files"]), self.files())
        for file in answer["files"]:
            self.assertEqual(Path(file["path"]).stat().st_size, file["bytes"])
        nodes = json.loads((self.out / "model_check_result.json").read_text())["nodes"]
        self.assertEqual(answer["nodes"]["bpu"], sum(node["device"] == "BPU" for node in nodes))
        self.assertEqual(answer["nodes"]["cpu"], sum(node["device"] == "CPU" for node in nodes))

    def test_failures_are_json_too(self):
        result = qprep("prepare", self.folder / "missing.onnx", "--json")
        self.assertEqual(result.returncode, 1)
        answer = json.loads(result.stdout)
        self.assertFalse(answer["ok"])
        self.assertEqual(answer["diagnostics"][0]["code"], "file-access")
        self.assertIn("missing.onnx", result.stderr)

    def test_every_pass_can_be_dumped_and_stopped_after(self):
        passes = qprep("prepare", "--help").stdout.split("Passes: ")[1].split("\n")[0].split(", ")
        self.samples()
        config = self.config("rewrite: modern\noutput: {form: both, dialect: qdq}\ncalibration: {data: samples}\n")
        run = set()
        for name in passes:
            with self.subTest(name=name):
                result = qprep("prepare", DIGITS, "-c", config, "-o", self.out, "--dump-after", name, "--stop-after", name)
                if "[pass-not-run]" in result.stderr:
                    self.assertTrue(name.startswith("raise-opset"))
                    self.assert_failed(result, "nothing can stop after it")
                    continue
                self.assertEqual(result.returncode, 0, result.stderr)
                run.add(name)
                self.assertIn("Conv", result.stdout)
                self.assertIn(f"nothing: stopped after {name}", result.stderr)
                self.assertEqual(self.files(), [])
        self.assertGreaterEqual(len(run), len(passes) - 3)

    def test_a_pass_that_does_not_run_is_said(self):
        result = qprep("prepare", DIGITS, "-o", self.out, "--dump-after", "lower-qdq")
        self.assertEqual(result.returncode, 0)
        self.assertIn("warning: pass lower-qdq does not run with this configuration [pass-not-run]", result.stderr)

    def test_time_passes_names_each(self):
        result = qprep("prepare", DIGITS, "-o", self.out, "--time-passes")
        self.assert_done(result)
        for name in ["read", "infer-shapes", "fold-batch-norm", "insert-fake-quant", "write-qat", "report"]:
            self.assertRegex(result.stdout, rf"{name} +\d+\.\d+ ms")

    def test_same_input_same_bytes(self):
        self.samples()
        config = self.config("output: {form: both, dialect: qdq}\ncalibration: {data: samples}\n")
        seen = []
        for threads in [1, 1, 3, 0]:
            out = self.folder / f"out{len(seen)}"
            self.assert_done(qprep("prepare", DIGITS, "-c", config, "-o", out, "--threads", threads))
            seen.append({path.name: path.read_bytes() for path in out.iterdir()})
        self.assertEqual(len(seen[0]), 6)
        for other in seen[1:]:
            self.assertEqual(seen[0], other)

    def test_results_of_an_earlier_run_are_replaced(self):
        self.out.mkdir()
        (self.out / "digits_qat.onnx").write_text("old")
        self.assert_done(qprep("prepare", DIGITS, "-o", self.out))
        self.assertNotEqual((self.out / "digits_qat.onnx").read_bytes(), b"old")


class Failures(Case):
    def unreadable(self):
        garbage = self.folder / "garbage.onnx"
        garbage.write_bytes(b"this is no model, but it is quite some text" * 10)
        empty = self.folder / "empty.onnx"
        empty.write_bytes(b"")
        cut = self.folder / "cut.onnx"
        cut.write_bytes(DIGITS.read_bytes()[:40000])
        fifo = self.folder / "fifo.onnx"
        os.mkfifo(fifo)
        return [self.folder, self.folder / "missing.onnx", garbage, empty, cut, fifo, Path("/dev/zero")]

    def test_a_model_that_cannot_be_read_is_one_sentence_and_nothing_is_left(self):
        for model in self.unreadable():
            for arguments in (["prepare", model, "-o", self.out], ["inspect", model], ["dump", model],
                              ["copy", model, self.out / "copy.onnx"]):
                with self.subTest(arguments=arguments):
                    result = qprep(*arguments)
                    self.assert_failed(result, str(model), "error: ")
                    self.assertEqual(len(result.stderr.splitlines()), 1)
                    self.assertFalse(self.out.exists())

    def test_mistakes_of_a_configuration_are_listed_with_their_places(self):
        config = self.config("marhc: bayes\noutput: {form: fixd}\n")
        result = qprep("prepare", DIGITS, "-c", config, "-o", self.out)
        self.assert_failed(result, f"{config}:1:1: error: unknown key 'marhc' (did you mean 'march'?)",
                           f"{config}:2:16: error: 'output.form'")
        self.assertFalse(self.out.exists())
        for bad in [self.folder / "missing.yaml", self.folder]:
            self.assert_failed(qprep("prepare", DIGITS, "-c", bad, "-o", self.out), str(bad))

    def test_samples_that_are_missing_or_wrong(self):
        config = self.config("calibration: {data: nowhere}\n")
        self.assert_failed(qprep("prepare", DIGITS, "-c", config, "-o", self.out), "nowhere")
        samples = self.samples()
        for file in list(samples.rglob("*.npy"))[:1]:
            file.write_bytes(b"\x93NUMPY nonsense")
        config = self.config("calibration: {data: samples}\n")
        self.assert_failed(qprep("prepare", DIGITS, "-c", config, "-o", self.out), ".npy", "[bad-sample]")
        self.assertFalse(self.out.exists())

    def test_samples_that_give_no_scale_are_an_error(self):
        for file in self.samples().rglob("*.npy"):
            np.save(file, np.full_like(np.load(file), np.nan))
        config = self.config("output: {form: both}\ncalibration: {data: samples}\n")
        self.assert_failed(qprep("prepare", DIGITS, "-c", config, "-o", self.out), "no tensor a scale", "[no-scales]")
        self.assertFalse(self.out.exists())

    def test_an_input_without_a_scale_is_float_with_the_reason_and_not_counted(self):
        for file in self.samples().rglob("*.npy"):
            np.save(file, np.zeros_like(np.load(file)))
        config = self.config("output: {form: both, dialect: qdq}\ncalibration: {data: samples}\n")
        result = qprep("prepare", DIGITS, "-c", config, "-o", self.out, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        counted = json.loads(result.stdout)["quantised"]["activations"]["qint8"]
        report = json.loads((self.out / "model_check_result.json").read_text())
        self.assertIn("it was 0 in every sample", report["inputs"][0]["because"])
        self.assertIn("image (input)\n  float32: float, since", (self.out / "model_check_result.txt").read_text())
        plan = qprep("prepare", DIGITS, "-o", self.folder / "plan", "--json")
        planned = json.loads(plan.stdout)["quantised"]["activations"]["qint8"]
        self.assertEqual(counted, planned - json.loads(result.stdout)["calibration"]["uncalibrated"])

    def test_nothing_quantised_is_a_warning(self):
        config = self.config("weights: {dtype: float}\nactivations: {dtype: float}\n")
        result = qprep("prepare", DIGITS, "-c", config, "-o", self.out)
        self.assertEqual(result.returncode, 0)
        self.assertIn("[nothing-quantised]", result.stderr)
        self.assertIn("nothing is quantised", (self.out / "model_check_result.txt").read_text())

    def test_stopping_before_the_plan_is_whole_counts_nothing(self):
        result = qprep("prepare", DIGITS, "--stop-after", "group-units")
        self.assertEqual(result.returncode, 0)
        self.assertNotIn("on the BPU", result.stdout)

    def test_a_runtime_that_is_missing_is_said_only_where_it_is_needed(self):
        missing = ["--onnxruntime", self.folder / "no.so"]
        self.assert_done(qprep("prepare", DIGITS, "-o", self.out, *missing))
        self.samples()
        config = self.config("calibration: {data: samples}\noutput: {prefix: second}\n")
        result = qprep("prepare", DIGITS, "-c", config, "-o", self.out, *missing)
        self.assert_failed(result, "no.so", "[runtime-missing]")
        self.assertFalse(any(name.startswith("second") for name in self.files()))

    def test_folders_that_cannot_be_written(self):
        file = self.folder / "file"
        file.write_text("mine")
        self.assert_failed(qprep("prepare", DIGITS, "-o", file), str(file), "is a file")
        self.assert_failed(qprep("prepare", DIGITS, "-o", file / "deeper"), str(file))
        self.assert_failed(qprep("prepare", DIGITS, "-o", "/proc/nowhere"), "/proc/nowhere")
        self.assertEqual(file.read_text(), "mine")
        read_only = self.folder / "read_only"
        read_only.mkdir(mode=0o555)
        if os.access(read_only, os.W_OK):  # root may write anywhere
            return
        self.assert_failed(qprep("prepare", DIGITS, "-o", read_only), "cannot write into this folder")

    def test_an_output_is_never_the_input_unless_that_is_wanted(self):
        self.out.mkdir()
        model = self.out / "net_qat.onnx"
        model.write_bytes(DIGITS.read_bytes())
        config = self.config("output: {prefix: net}\n")
        result = qprep("prepare", model, "-c", config, "-o", self.out)
        self.assert_failed(result, "net_qat.onnx", "[overwrites-input]")
        self.assertEqual(model.read_bytes(), DIGITS.read_bytes())
        self.assertEqual(self.files(), ["net_qat.onnx"])
        self.assert_failed(qprep("copy", model, self.folder / "out" / "." / "net_qat.onnx"), "[overwrites-input]")
        self.assert_done(qprep("prepare", model, "-c", config, "-o", self.out, "--overwrite-input"))
        self.assertNotEqual(model.read_bytes(), DIGITS.read_bytes())

    def test_an_installation_without_configurations_is_said(self):
        result = qprep("prepare", DIGITS, "-o", self.out, QPREP_CONFIGS=str(self.folder))
        self.assert_failed(result, str(self.folder), "QPREP_CONFIGS", "op_classes.yaml")

    def test_standard_output_that_takes_no_more(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([QPREP, "dump", DIGITS], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(result.returncode, 1)
        self.assertIn("standard output", result.stderr)

    def test_a_reader_that_goes_away(self):
        for pipefail in ["", "trap '' PIPE; "]:
            command = f"{pipefail}'{QPREP}' dump '{DIGITS}' | head -n 1"
            result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertEqual(len(result.stdout.splitlines()), 1)


class OtherVerbs(Case):
    def test_check_says_what_runs_where(self):
        result = qprep("check", DIGITS, "--march", "bayes", "--dim", "batch=1")
        self.assert_done(result)
        self.assertIn("digits.onnx for bayes\n", result.stdout)
        self.assertRegex(result.stdout, r"conv0 +BPU +id\(0\) +Conv +qint8/float32\n")
        self.assertRegex(result.stdout, r"[\d,]{6,} +BPU +qint8\*qint8 +6\n")
        self.assertEqual(self.files(), [])

    def test_check_decides_at_the_operator_set_that_prepare_needs(self):
        model = onnx.parser.parse_model("""
            <ir_version: 8, opset_import: ["" : 9]>
            old (float[1,4,8,8] x) => (float[1,4,16,16] y) <float[4,4,1,1] w, float[4] s = {1,1,2,2}> {
                [conv] c = Conv (x, w)
                [larger] u = Upsample <mode = "nearest"> (c, s)
                [conv2] y = Conv (u, w)
            }""")
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((4, 4, 1, 1), np.float32), "w"))
        path = self.folder / "old.onnx"
        onnx.save(model, path)
        self.assert_done(qprep("prepare", path, "-c", self.config("march: bayes\n"), "-o", self.out, "-q"))
        prepared = json.loads((self.out / "model_check_result.json").read_text())["nodes"]
        checked = json.loads(qprep("check", path, "--march", "bayes", "--json", "-q").stdout)["models"][0]["table"]
        self.assertEqual([each["op"] for each in checked], ["Conv", "Resize", "Conv"])
        self.assertEqual([each["op"] for each in prepared if each["op"] != "Constant"], ["Conv", "Resize", "Conv"])

    def test_sizes_behind_an_operator_of_early_files_are_known_once_it_is_another(self):
        model = onnx.parser.parse_model("""
            <ir_version: 3, opset_import: ["" : 9]>
            old (float[1,4,80,80] x, float[4,4,1,1] w) => (float[1,4,78,78] y) {
                [crop] c = Crop <border = [1,1,1,1]> (x)
                [conv] d = Conv (c, w)
                [tanh] y = Tanh (d)
            }""")
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((4, 4, 1, 1), np.float32), "w"))
        path = self.folder / "old.onnx"
        onnx.save(model, path)
        config = self.config("march: bernoulli2\nmethod: jit\n")
        self.assert_done(qprep("prepare", path, "-c", config, "-o", self.out, "-q"))
        prepared = json.loads((self.out / "model_check_result.json").read_text())["nodes"]
        checked = json.loads(qprep("check", path, "-c", config, "--json", "-q").stdout)["models"][0]["table"]
        for told in (prepared[-1]["because"]["device"], checked[-1]["because"]):
            self.assertIn("C * H * W = 24336 is above 8192", told)

    def test_check_of_several_models_writes_a_folder_each(self):
        other = self.folder / "other.onnx"
        other.write_bytes(DIGITS.read_bytes())
        result = qprep("check", DIGITS, "-m", other, "-o", self.out, "--json")
        self.assert_done(result)
        models = json.loads(result.stdout)["models"]
        self.assertEqual([model["ok"] for model in models], [True, True])
        self.assertEqual(models[0]["nodes"]["segments"], 1)
        for name in ("digits", "other"):
            written = sorted(path.name for path in (self.out / name).iterdir())
            report = ["deploy_device.txt", "model_check_result.json", "model_check_result.txt"]
            picture = [f"{name}_segments.dot", f"{name}_segments.svg"]
            self.assertEqual(written, sorted(report + picture))
        self.assert_failed(qprep("check", DIGITS, self.folder / "a" / "digits.onnx", "-o", self.out), "the same name")

    def test_check_can_refuse_the_cpu(self):
        config = self.config("hybrid: {enabled: true, module_name: [gemm0], module_type: [GlobalAveragePool]}\n")
        self.assertEqual(qprep("check", DIGITS, "-c", config).returncode, 0)
        result = qprep("check", DIGITS, "-c", config, "--no-fallback")
        self.assertEqual(result.returncode, 1)
        self.assertIn("error: Gemm 'gemm0' runs on the CPU: ", result.stderr)
        self.assertIn("error: GlobalAveragePool 'globalaveragepool0' runs on the CPU: ", result.stderr)
        result = qprep("check", DIGITS, "-c", config, "--no-fallback", "--allow", "gemm*", "--json")
        self.assertEqual(json.loads(result.stdout)["models"][0]["refused"], ["globalaveragepool0"])
        allowed = qprep("check", DIGITS, "-c", config, "--no-fallback", "--allow", "gemm0", "--allow", "GlobalAveragePool")
        self.assert_done(allowed)
        unknown = qprep("check", DIGITS, "--no-fallback", "--allow", "MaxPol").stderr
        self.assertIn("called 'MaxPol' (did you mean 'MaxPool'?)", unknown)

    def test_check_goes_on_after_a_model_that_it_cannot_read(self):
        result = qprep("check", self.folder / "none.onnx", DIGITS, "--json")
        self.assertEqual(result.returncode, 1)
        self.assertEqual([model["ok"] for model in json.loads(result.stdout)["models"]], [False, True])

    def test_sizes_that_the_model_leaves_open(self):
        config = self.config("dims: {batch: 3}\n")
        self.assert_done(qprep("prepare", DIGITS, "-c", config, "-o", self.out, "-q"))
        written = onnx.load(self.out / "digits_qat.onnx")
        sizes = [axis.dim_value for axis in written.graph.input[0].type.tensor_type.shape.dim]
        self.assertEqual(sizes[0], 3)
        self.assertIn("qprep.yaml:1:8: error: no input has an axis 'bach' whose size is open (did you mean 'batch'?)",
                      qprep("prepare", DIGITS, "-c", self.config("dims: {bach: 3}\n")).stderr)
        wrong = qprep("config", "check", self.config("dims: {batch: 0, x: y}\n")).stderr
        self.assertIn("'dims.batch'", wrong)
        self.assertIn("'dims.x'", wrong)

    def test_sizes_that_no_input_leaves_open(self):
        self.assert_failed(qprep("check", DIGITS, "--dim", "bach=1"), "did you mean 'batch'?")
        several = qprep("check", DIGITS, DIGITS, "--dim", "bach=1")
        self.assertEqual(several.returncode, 0)
        self.assertIn("warning: no input has an axis 'bach'", several.stderr)
        for word in ("batch", "batch=0", "batch=x", "=1", ""):
            self.assert_failed(qprep("check", DIGITS, "--dim", word), "NAME=SIZE", status=2)

    def test_inspect(self):
        result = qprep("inspect", DIGITS)
        self.assert_done(result)
        self.assertIn("Conv", result.stdout)
        answer = json.loads(qprep("inspect", DIGITS, "--json").stdout)
        self.assertTrue(answer["ok"] and answer["inputs"] and answer["outputs"])

    def test_config_check_needs_no_model(self):
        good = self.config("qconfig_setter: [default_qat, all_fp16]\n")
        bad = self.folder / "bad.yaml"
        bad.write_text("marhc: bayes\nmethod: jitt\n")
        result = qprep("config", "check", good)
        self.assertEqual((result.returncode, result.stdout), (0, f"{good}: ok\n"), result.stderr)
        self.assertIn("[not-yet]", result.stderr)
        result = qprep("config", "check", good, bad, self.folder / "none.yaml")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{bad}: 2 mistakes\n", result.stdout)
        self.assertIn(f"{bad}:1:1: error: unknown key 'marhc'", result.stderr)
        answer = json.loads(qprep("config", "check", "--json", good, bad).stdout)
        self.assertEqual((answer["ok"], [file["ok"] for file in answer["files"]]), (False, [True, False]))

    def test_explain_names_the_line_that_won(self):
        config = self.config("qconfig_setter:\n  - module_type: {Gemm: {output: qint16}}\n  - default_qat\n")
        result = qprep("explain", DIGITS, "-c", config)
        self.assert_done(result)
        self.assertIn("module_type 'Gemm' output", result.stdout)
        answer = json.loads(qprep("explain", DIGITS, "-c", config, "scores", "--json").stdout)
        slot = answer["nodes"][0]["slots"][0]
        self.assertEqual((slot["slot"], slot["dtype"]), ("output", "qint16"))
        self.assertIn("module_type 'Gemm' output", slot["settings"][0]["setting"])
        self.assert_failed(qprep("explain", DIGITS, "score"), "did you mean 'scores'", "[no-match]")

    def test_explain_names_what_decides_and_speaks_of_something_else(self):
        config = self.config("qconfig_setter:\n  - module_type: {Relu: {output: qint16}}\n  - default_qat\n")
        answer = json.loads(qprep("explain", DIGITS, "-c", config, "MaxPool", "scores", "--json").stdout)
        pool, scores = answer["nodes"][0]["slots"][0], answer["nodes"][-1]["slots"][0]
        self.assertIn("module_type 'Relu' output", pool["settings"][0]["setting"])
        self.assertIn("default_qat", scores["settings"][0]["setting"])
        self.assertEqual((pool["rule"], scores["rule"]), (False, False))
        self.assertNotIn("no setting decides", qprep("explain", DIGITS, "scores").stdout)

    def test_what_a_float_node_makes_has_a_setting_that_wins(self):
        config = self.config(
            "hybrid: {enabled: true, module_type: [Relu]}\nqconfig_setter:\n  - module_type: {Relu: qint16}\n"
            "  - module_type: {MaxPool: qint8}\n"
        )
        result = qprep("explain", DIGITS, "-c", config, "Relu", "--json")
        self.assertNotIn("never-wins", result.stderr)
        self.assertIn("qint16", [node["slots"][0]["dtype"] for node in json.loads(result.stdout)["nodes"]])
        said = json.loads(qprep("explain", DIGITS, "-c", config, "MaxPool", "--json").stdout)["nodes"][0]["slots"][0]["settings"]
        self.assertEqual([each["no_effect"] for each in said if "MaxPool" in each["setting"]], [True])

    def test_explain_names_the_setting_that_keeps_a_reader_float(self):
        config = self.config("qconfig_setter:\n  - module_name: {conv0: float}\n")
        result = qprep("explain", DIGITS, "-c", config, "image", "--json")
        slot = json.loads(result.stdout)["nodes"][0]["slots"][0]
        self.assertIn("no quantised node reads it: Conv 'conv0' stays float", slot["because"])
        self.assertIn("module_name 'conv0'", slot["settings"][0]["setting"])

    def test_explain_knows_what_rewriting_took_out(self):
        for name in ("batchnormalization0", "batchnormalization0_out"):
            self.assertIn("conv0 (Conv): BPU", qprep("explain", DIGITS, name).stdout)
        result = qprep("explain", DIGITS, "bn1_scale")
        self.assert_done(result)
        read = "'bn1_scale' was read by 'batchnormalization0' (BatchNormalization), which was folded into 'conv0'"
        self.assertEqual(result.stdout, read + "\n")
        self.assertEqual(json.loads(qprep("explain", DIGITS, "bn1_scale", "--json").stdout)["gone"], [read])
        config = self.config("qconfig_setter:\n  - module_type: {BatchNormalization: float}\n  - default_qat\n")
        self.assertIn("has no effect: 'batchnormalization0' (BatchNorm", qprep("explain", DIGITS, "-c", config).stderr)
        self.assertIn("conv0_weight (constant)\n  value   qint8: weight of Conv", qprep("explain", DIGITS, "conv0_weight").stdout)

    def test_int16_beside_int16_is_a_warning(self):
        self.samples()
        text = "output: {{form: both}}\ncalibration: {{data: samples}}\nweights: {{dtype: qint16}}\nactivations: {{dtype: {}}}\n"
        for dtype, warns in (("qint16", True), ("qint8", False)):
            result = qprep("prepare", DIGITS, "-c", self.config(text.format(dtype)), "-o", self.out)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual("session.disable_quant_qdq = 1 [runtime-differs]" in result.stderr, warns)

    def test_a_configuration_is_no_model(self):
        config = self.config("march: bayes\n")
        self.assert_failed(qprep("prepare", config), "a configuration is named with -c", "[corrupt-model]")

    def test_check_says_what_the_run_would_miss(self):
        (self.folder / "a_file").touch()
        for text, words in [
            ("calibration: {data: a_file}\n", "is a file; what names samples is a folder, a .txt list of files, or a list here [file-access]"),
            ("output: {form: fixed_point}\n", "only a model that carries scales becomes fixed point [no-scales]"),
        ]:
            result = qprep("config", "check", self.config(text))
            self.assertEqual(result.returncode, 0)
            self.assertIn(words, result.stderr)

    def test_what_is_not_there_is_a_warning_of_check(self):
        config = self.config("calibration: {data: nowhere}\n")
        result = qprep("config", "check", config)
        self.assertEqual(result.returncode, 0)
        self.assertIn(f"{config}:1:21: warning: the folder of samples '{self.folder / 'nowhere'}' is not there", result.stderr)

    def test_dump_is_the_same_text_for_a_copy(self):
        copy = self.folder / "digits.onnx"
        self.assert_done(qprep("copy", DIGITS, copy))
        texts = [qprep("dump", DIGITS, cwd=DIGITS.parent).stdout, qprep("dump", copy, cwd=self.folder).stdout]
        self.assertEqual(*[text.replace(str(folder), "") for text, folder in zip(texts, [DIGITS.parent, self.folder])])
        self.assertGreater(len(qprep("dump", "--infer-shapes", DIGITS).stdout), len(texts[0]))

    def test_copy_says_nothing_or_json(self):
        result = qprep("copy", DIGITS, self.folder / "a.onnx")
        self.assert_done(result)
        self.assertEqual(result.stdout, "")
        answer = json.loads(qprep("copy", DIGITS, self.folder / "b.onnx", "--json").stdout)
        copy = self.folder / "b.onnx"
        self.assertEqual(answer["files"], [{"path": str(copy), "bytes": copy.stat().st_size}])
        self.assertEqual((self.folder / "b.onnx").stat().st_size, answer["bytes"])


class Targets(Case):
    def test_list_names_every_target(self):
        text = qprep("targets", "list")
        self.assert_done(text)
        listed = json.loads(qprep("targets", "list", "--json").stdout)["targets"]
        self.assertEqual([line.split()[0] for line in text.stdout.splitlines()[2:]], [each["march"] for each in listed])
        self.assertIn("nash-m", text.stdout)

    def test_every_file_of_the_checkout_is_sound(self):
        files = sorted((ROOT / "configs/march").glob("*.yaml"))
        result = qprep("targets", "check", *map(str, files))
        self.assert_done(result)
        self.assertEqual(len(result.stdout.splitlines()), len(files))

    def test_a_profile_says_how_it_quantises_and_what_is_not_carried_out(self):
        result = qprep("targets", "show", "nnie", "Conv")
        self.assert_done(result)
        self.assertIn("weights: qint8, per tensor", result.stdout)
        self.assertIn("not carried out: its own grid", result.stdout)
        self.assertIn("Conv is quantised", result.stdout)
        kinds = {each["march"]: each["kind"] for each in json.loads(qprep("targets", "list", "--json").stdout)["targets"]}
        self.assertEqual(kinds["snpe"], "how it quantises")
        self.assertEqual(kinds["nash-e"], "what it runs where, provisional")
        difference = qprep("targets", "diff", "snpe", "pplw8a16").stdout
        self.assertIn("+ activations: quint16", difference)

    def test_show_says_what_each_operator_can_have(self):
        result = qprep("targets", "show", "bayes", "Resize", "Conv")
        self.assert_done(result)
        self.assertIn("Resize    mode is nearest  0            repeats or drops elements, the nearest ones", result.stdout)
        everything = json.loads(qprep("targets", "show", "bayes", "--json").stdout)
        self.assertTrue(everything["ok"])
        conv = next(each for each in everything["operators"] if each["operator"] == "Conv")
        self.assertEqual(conv["precisions"]["weight"], ["qint8", "qint16", "float32"])
        self.assertEqual(conv["data"], "0, 1")

    def test_show_says_every_limit_as_a_sentence(self):
        text = qprep("targets", "show", "bernoulli2", "Conv", "Softmax").stdout
        self.assertIn("Conv runs on the BPU\n  input int8, weight int8, output int8 or int32\n", text)
        self.assertIn("  - each kernel size is 1 to 7\n", text)
        self.assertIn("Softmax runs on the CPU, and on the BPU where a configuration asks for it\n", text)
        rows = json.loads(qprep("targets", "show", "bernoulli2", "--json").stdout)["rows"]
        self.assertEqual(len(rows), 160)
        conv = next(each for each in rows if each["operator"] == "Conv")
        self.assertEqual((conv["runs"], conv["input"], conv["output"]), ("bpu", ["int8"], ["int8", "int32"]))
        kernel = next(each for each in conv["limits"] if each["text"] == "kernel in 1..7")
        self.assertEqual(kernel["rule"], "each kernel size is 1 to 7")
        self.assertIn("bernoulli2.yaml:", kernel["where"])

    def test_diff_says_what_changes(self):
        text = qprep("targets", "diff", "bayes", "bayes-e").stdout
        self.assertIn("\nAcos\n  runs: cpu -> bpu\n", text)
        self.assertIn("\nArgMax\n  - C is at most 64\n  + C is at most 8191\n", text)
        self.assertIn("0 operators differ", qprep("targets", "diff", "bayes", "bayes").stdout)
        operators = json.loads(qprep("targets", "diff", "bayes", "bayes-e", "--json").stdout)["operators"]
        acos = next(each for each in operators if each["operator"] == "Acos")
        self.assertEqual(acos["runs"], ["cpu", "bpu"])

    def test_fusions_scales_and_replacements_are_part_of_a_target(self):
        text = qprep("targets", "diff", "bayes", "bernoulli2").stdout
        self.assertIn("\nhow nodes are fused and replaced for them\n  - a layer that adds: takes no addend in int16\n", text)
        self.assertIn("  + replaces: ", text)
        text = qprep("targets", "show", "xnnpack").stdout
        self.assertIn("  fuses as units of their own: add-relu, mul-relu\n", text)
        self.assertIn("  one scale for data and results: Concat, GlobalAveragePool, ReduceMean\n", text)
        own = self.folder / "own.yaml"
        own.write_text("base: bayes\nsame_scale: [Concat, Add]\n")
        text = qprep("targets", "diff", "bayes", own).stdout
        self.assertEqual(text.splitlines()[0], "0 operators differ from bayes to own")
        self.assertIn("  + one scale for data and results: Concat, Add\n", text)

    def test_explain_tells_units_and_scales_that_differ(self):
        first, second = self.folder / "first.yaml", self.folder / "second.yaml"
        first.write_text("fuse: none\n")
        second.write_text("qconfig_setter: [{module_type: {MaxPool: {output: {same_scale: true}}}}]\n")
        rows = json.loads(qprep("explain", DIGITS, "--diff", first, second, "--json").stdout)
        units = [row for row in rows["differences"] if row["slot"] == "unit"]
        self.assertTrue(units)
        self.assertTrue(all(row["first"] == "-" for row in units))
        self.assertIn("relu", units[0]["second"])

    def test_a_file_that_extends_a_target(self):
        own = self.folder / "own.yaml"
        own.write_text("base: bayes\noperators: {Celu: {like: Elu}, Conv: {also: C <= 512}}\n")
        self.assert_done(qprep("targets", "check", own))
        self.assertIn("Celu runs on the BPU", qprep("targets", "show", own, "Celu").stdout)
        text = qprep("targets", "diff", "bayes", own).stdout
        self.assertEqual(text.splitlines()[0], "2 operators differ from bayes to own")
        self.assertIn("\nConv\n  + C is at most 512\n", text)
        (self.folder / "qprep.yaml").write_text("march: own.yaml\n")
        out = self.folder / "out"
        self.assert_done(qprep("config", "check", self.folder / "qprep.yaml"))
        result = qprep("prepare", DIGITS, "-c", self.folder / "qprep.yaml", "-o", out, "--json")
        self.assertEqual(json.loads(result.stdout)["march"], "own")

        own.write_text("base: bayes\noperators: {Celu: {like: Elu, also: kernl <= 3}}\n")
        for command in (["targets", "check", own], ["config", "check", self.folder / "qprep.yaml"]):
            result = qprep(*command)
            self.assertEqual((result.returncode, result.stdout[-12:]), (1, ": 1 mistake\n"))
            self.assertIn("own.yaml:2:37: error:", result.stderr)
            self.assertIn("'kernl' (did you mean 'kernel'?)", result.stderr)
        self.assert_failed(qprep("prepare", DIGITS, "-c", self.folder / "qprep.yaml", "-o", out), "own.yaml:2:37")
        (self.folder / "qprep.yaml").write_text("march: owm.yaml\n")
        result = qprep("prepare", DIGITS, "-c", self.folder / "qprep.yaml", "-o", out)
        self.assert_failed(result, "qprep.yaml:1:8: error: 'march': there is no file", "owm.yaml")

    def test_a_march_that_is_a_file_is_named_by_its_path(self):
        config = self.folder / "qprep.yaml"
        config.write_text("march: own\n")
        for hint in ("a file of your own is named by its path", "a file is named with its ending: 'own.yaml'"):
            result = qprep("check", DIGITS, "--march", "own", cwd=self.folder)
            self.assert_failed(result, "there is no march 'own'", hint, status=2)
            self.assert_failed(qprep("check", DIGITS, "-c", config), "qprep.yaml:1:8: error: 'march' must be one of",
                               "not 'own'", hint)
            (self.folder / "own.yaml").write_text("base: bayes\n")
        self.assert_done(qprep("check", DIGITS, "--march", "own.yaml", cwd=self.folder))

    def test_a_profile_says_what_its_devices_are(self):
        result = qprep("check", DIGITS, "--march", "tensorrt")
        self.assert_done(result)
        self.assertIn("BPU stands for what tensorrt runs quantised", result.stdout)
        self.assertNotIn("BPU stands for", qprep("check", DIGITS, "--march", "bayes").stdout)

    def test_rows_of_recurrent_operators_and_indices_are_told(self):
        text = """<ir_version: 8, opset_import: ["" : 13]>
                  g (float[1,8,4,4] x) => (int64[1,1,4,4] y) { y = ArgMax <axis = 1> (x) }"""
        onnx.save(onnx.parser.parse_model(text), self.folder / "m.onnx")
        for march in ("bernoulli2", "bayes", "nash-e"):
            result = qprep("check", self.folder / "m.onnx", "--march", march)
            self.assert_done(result)
            self.assertIn(f"integer: it gives indices; {march} has it on the BPU", result.stdout)

    def test_a_max_with_zero_is_the_relu_that_a_layer_takes_in(self):
        text = """<ir_version: 8, opset_import: ["" : 13]>
                  g (float[1,3,8,8] x) => (float[1,2,8,8] y)
                  <float[2,3,1,1] w = {1,2,3,4,5,6}, float[2,2,1,1] v = {1,2,3,4}, float zero = {0}>
                  { c = Conv (x, w)  m = Max (c, zero)  y = Conv (m, v) }"""
        onnx.save(onnx.parser.parse_model(text), self.folder / "m.onnx")
        result = qprep("check", self.folder / "m.onnx", "--march", "bernoulli2")
        self.assert_done(result)
        self.assertIn("3 nodes on the BPU in 1 segment, 0 on the CPU", result.stdout)

    def test_a_file_whose_operators_nobody_knows(self):
        own = self.folder / "own.yaml"
        own.write_text("base: bayes\nsame_scale: [Conca]\noperators: {Gellu: {like: Elu}, com.microsoft::Gelu: {like: Elu}}\n")
        result = qprep("targets", "check", own)
        self.assertEqual(result.returncode, 1)
        self.assertEqual([line.split("error: ")[1] for line in result.stderr.splitlines()],
                         [f"nothing is known of an operator '{word}'{where} (did you mean '{meant}'?) [no-match]"
                          for word, where, meant in (("Conca", " in 'same_scale'", "Concat"), ("Gellu", "", "Gelu"))])

    def test_an_operator_that_nobody_knows(self):
        self.assert_failed(qprep("targets", "show", "bayes", "Cnov"), "'Cnov'", "did you mean 'Conv'")


class Documents(Case):
    def test_every_configuration_that_a_document_shows_passes_check(self):
        (self.folder / "sens.csv").write_text("conv1,activation,Conv,2.5,qint8\n")
        (self.folder / "net.onnx").touch()
        for name in ("samples", "samples_f32"):
            (self.folder / name).mkdir(exist_ok=True)
        blocks = 0
        for document in sorted((ROOT / "docs").glob("config*.md")):
            for block in re.findall(r"^```yaml\n(.*?)^```", document.read_text(), re.S | re.M):
                with self.subTest(document=document.name, block=block):
                    self.assert_done(qprep("config", "check", self.config(block)))
                    blocks += 1
        self.assertGreater(blocks, 3)

    def test_every_target_that_its_document_shows_passes_check(self):
        blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "targets.md").read_text(), re.S | re.M)
        own = self.folder / "own.yaml"
        for block in blocks:
            own.write_text(block)
            result = qprep("targets", "check", own)
            self.assert_done(result)
        self.assertTrue(blocks)


class Terminal(Case):
    def on_a_terminal(self, *arguments, **environment):
        """What the program shows where both of its outputs are a terminal."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [QPREP, *map(str, arguments)], stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm", **environment}
        )
        os.close(slave)
        shown = b""
        while select.select([master], [], [], 60)[0]:
            try:
                chunk = os.read(master, 65536)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        process.wait()
        os.close(master)
        return shown.decode()

    def test_colours_only_on_a_terminal_that_wants_them(self):
        missing = self.folder / "missing.onnx"
        self.assertIn("\x1b[1;31merror:\x1b[0m", self.on_a_terminal("dump", missing))
        self.assertNotIn("\x1b", self.on_a_terminal("dump", missing, NO_COLOR="1"))
        self.assertNotIn("\x1b", self.on_a_terminal("dump", missing, TERM="dumb"))
        self.assertNotIn("\x1b", qprep("dump", missing).stderr)

    def test_long_work_shows_how_far_it_is(self):
        """Where there is no terminal in lines, whose time is made short here."""
        folder = self.folder / "many"
        folder.mkdir()
        for i in range(4000):
            np.save(folder / f"{i:04d}.npy", np.full((1, 1, 28, 28), i, np.float32))
        (self.folder / "many.yaml").write_text("calibration: {data: many, method: mse}\n")
        command = ["calibrate", DIGITS, "-c", self.folder / "many.yaml", "-o", self.folder / "many.qcal", "--threads", "1"]
        plain = r"calibrating: \d+ of 4000 \(\d+ %\), \d+ s (left|so far)"

        def said(**variables):
            return subprocess.run(
                [QPREP, *command], capture_output=True, text=True, env={**os.environ, **variables}, check=True
            ).stderr.splitlines()

        lines = said(QPREP_PROGRESS="0.05")
        self.assertGreater(len(lines), 1)
        for line in lines:
            self.assertRegex(line, f"^({plain}|reading.*|.* so far)$")
        self.assertTrue(any(re.fullmatch(plain, line) for line in lines), lines)
        for variable in ("0", ""):
            self.assertEqual(said(QPREP_PROGRESS=variable), [])
        for variable in ("often", "-1"):
            (line,) = said(QPREP_PROGRESS=variable)
            self.assertIn(f"QPREP_PROGRESS is '{variable}', and no number of seconds: 30 it is", line)

    def test_short_work_shows_no_progress(self):
        start = time.monotonic()
        shown = self.on_a_terminal("inspect", DIGITS)
        if time.monotonic() - start > 0.9:
            self.skipTest("this machine is too slow now for work to be short")
        self.assertNotIn("\x1b", shown)


if __name__ == "__main__":
    unittest.main()
