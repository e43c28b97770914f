"""config show, init and schema: what they print is a configuration, and means what it says."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "testdata/models/digits.onnx"
GOLDEN = ROOT / "testdata/golden/config"
QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None


def qprep(*arguments, cwd=None):
    return subprocess.run(
        [QPREP, *map(str, arguments)], capture_output=True, text=True, timeout=120, cwd=cwd, env=dict(os.environ)
    )


class Case(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="qprep_config_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def done(self, *arguments, warns=False):
        result = qprep(*arguments, cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        if not warns:
            self.assertEqual(result.stderr, "")
        return result.stdout

    def qat_bytes(self, *arguments):
        self.done("prepare", DIGITS, "-q", "-o", self.folder / "out", *arguments, warns=True)
        (written,) = (self.folder / "out").glob("*_qat.onnx")
        content = written.read_bytes()
        written.unlink()
        return content


class Show(Case):
    def shown(self, path):
        """What `show --json` says, without the places."""
        answer = json.loads(self.done("config", "show", path, "--json", warns=True))
        values = [(value["path"], value["value"]) for value in answer["values"]]
        settings = [
            (re.sub(r"^\S+ ", "", setting["setting"]), setting["slot"], setting["says"])
            for setting in answer["settings"]
            if not setting["setting"].startswith("default")
        ]
        return values, settings

    def test_names_the_origin_of_each_value(self):
        config = self.write("qprep.yaml", "march: meta\nweights: {dtype: int16}\n")
        text = self.done("config", "show", config.name)
        for line in [
            "march: meta          # qprep.yaml:1:8",
            "  dtype: int16       # qprep.yaml:2:18",
            "method: jit_strip    # default",
            "#   2. qprep.yaml:2:18 weights.dtype: weight qint16",
        ]:
            self.assertIn(line + "\n", text)
        answer = json.loads(self.done("config", "show", config.name, "--json"))
        self.assertIn({"path": ["weights", "dtype"], "value": "int16", "origin": "qprep.yaml:2:18"}, answer["values"])
        self.assertIn({"path": ["output", "form"], "value": "qat", "origin": "default"}, answer["values"])

    def test_the_example_of_the_manual(self):
        manual = (ROOT / "docs/config.md").read_text()
        section = manual[manual.index("## Checking and showing") : manual.index("## Mistakes")]
        blocks = re.findall(r"^```\w*\n(.*?)^```\n", section, flags=re.M | re.S)
        config = self.write("qprep.yaml", blocks[0])
        self.assertEqual(self.done("config", "show", config.name), blocks[1])

    def test_what_it_prints_means_the_same(self):
        config = self.write(
            "deep/qprep.yaml",
            "version: 1\nmethod: jit\nqconfig_setter:\n"
            "  - sensitive_op: {table: sens.csv, topk: 1}\n"
            "  - module_name: &x {'conv[01]': {output: {dtype: qint16, observer: min_max}}, \"re:conv(2|3)\": float}\n"
            "  - module_type: {Gemm: {weight: qint8, output: qint16}}\n"
            "  - qat_8bit_weight_16bit_act\nactivations: {dtype: qint8}\n",
        )
        self.write("deep/sens.csv", "conv4,activation,Conv,1.0,qint8\n")
        shown = self.write("shown.yaml", self.done("config", "show", config))
        self.assertEqual(self.qat_bytes("-c", config), self.qat_bytes("-c", shown))
        values, settings = self.shown(shown)
        self.assertEqual(values, self.shown(config)[0])
        # The defaults that were not in the file are now.
        defaults = [("weights.dtype", "weight", "qint8")]
        self.assertEqual([each for each in settings if each not in defaults], self.shown(config)[1])
        self.assertIn((["qconfig_setter", 0, "sensitive_op", "table"], str(self.folder / "deep/sens.csv")), values)

    def test_every_correct_configuration_can_be_shown_and_read_again(self):
        paths = sorted((ROOT / "configs/examples").glob("*.yaml"))
        for case in sorted(GOLDEN.glob("*.txt")):
            parts = re.split(r"^--- (\S+)\n", case.read_text(), flags=re.M)
            parts = dict(zip(parts[1::2], parts[2::2]))
            if case.name.startswith("fail_") or parts["args"].split() != ["config-check"]:
                continue
            for name in parts.keys() - {"args", "expect"}:
                self.write(f"{case.stem}/{name}", parts[name])
            paths.append(self.folder / case.stem / "qprep.yaml")
        self.assertGreater(len(paths), 8)
        for path in paths:
            with self.subTest(path=path.name, folder=path.parent.name):
                again = self.write("again.yaml", self.done("config", "show", path, warns=True))
                self.assertEqual(self.shown(again)[0], self.shown(path)[0])

    def test_a_model_says_what_the_selectors_match(self):
        config = self.write("qprep.yaml", "qconfig_setter:\n  - module_name: {conv0: qint16}\n  - default_qat\n")
        text = self.done("config", "show", config.name, "-m", DIGITS)
        self.assertIn("module_name 'conv0': output qint16\n#       matches 1: conv0\n", text)
        answer = json.loads(self.done("config", "show", config.name, "-m", DIGITS, "--json"))
        self.assertEqual(answer["settings"][0]["matches"], ["conv0"])
        self.assertIsNone(answer["settings"][-1]["matches"])
        wrong = self.write("wrong.yaml", "qconfig_setter: [{module_name: {cnv0: qint16}}]\n")
        result = qprep("config", "show", wrong, "-m", DIGITS)
        self.assertEqual(result.returncode, 1)
        self.assertIn("[no-match]", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_a_wrong_configuration_is_not_shown(self):
        result = qprep("config", "show", self.write("wrong.yaml", "marhc: bayes\n"))
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("did you mean 'march'?", result.stderr)


class Init(Case):
    def test_does_what_no_configuration_does(self):
        for arguments in [[], [DIGITS], [DIGITS, "--march", "meta"]]:
            with self.subTest(arguments=arguments):
                config = self.write("qprep.yaml", self.done("config", "init", *arguments))
                self.assertEqual(self.done("config", "check", config.name), "qprep.yaml: ok\n")
                self.assertEqual(self.qat_bytes("-c", config), self.qat_bytes())

    def test_says_what_defaults_yaml_says(self):
        config = self.write("qprep.yaml", self.done("config", "init"))
        empty = self.write("empty.yaml", "version: 1\n")
        values = [
            sorted((tuple(value["path"]), value["value"]) for value in json.loads(text)["values"])
            for text in (self.done("config", "show", path, "--json") for path in (config, empty))
        ]
        self.assertEqual(*values)

    def test_its_comments_are_examples_that_fit_the_model(self):
        text = self.done("config", "init", DIGITS)
        self.assertIn("#   input image: float32[batch,1,28,28]\n", text)
        self.assertIn("#   layer conv0\n", text)
        # Everything below this line is an example with nothing but comments.
        begin = text.index("# qconfig_setter:")
        examples = "".join(
            line[2:] + "\n" for line in text[begin:].splitlines() if line.startswith("# ") and not line.endswith(".")
        )
        config = self.write("qprep.yaml", text[:begin] + examples)
        self.done("explain", DIGITS, "-c", config, warns=True)
        self.assertIn("gemm0", examples)

    def test_the_march_is_checked(self):
        result = qprep("config", "init", "--march", "bays")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("not 'bays' (did you mean 'bayes'?)", result.stderr)


class Schema(Case):
    def test_is_the_file(self):
        self.assertEqual(self.done("config", "schema"), (ROOT / "configs/schema.json").read_text())


class Usage(Case):
    def test_help_has_examples_and_mistakes_the_nearest_word(self):
        for verb in ["check", "show", "init", "schema"]:
            self.assertIn("Examples:", self.done("config", verb, "--help"))
        for arguments, words in [
            (["config", "shwo"], ["unknown verb 'shwo'", "did you mean 'show'"]),
            (["config", "show"], ["FILE is required"]),
            (["config", "schema", "a"], ["one argument too many"]),
            (["config", "init", "--mrch", "bayes"], ["unknown option '--mrch'", "did you mean '--march'"]),
        ]:
            result = qprep(*arguments)
            self.assertEqual(result.returncode, 2, result.stderr)
            for word in words:
                self.assertIn(word, result.stderr)


if __name__ == "__main__":
    unittest.main()
