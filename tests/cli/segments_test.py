"""The picture of the partition: what `check -o` and `prepare` draw of real models and of hostile ones."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
DIGITS = ROOT / "testdata/models/digits.onnx"
QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
QUICK_BYTES = 400_000
QUICK_SPELLINGS = 60  # every so many-th one


def qprep(*arguments, **environment):
    return subprocess.run(
        [QPREP, *map(str, arguments)], capture_output=True, text=True, timeout=300, env={**os.environ, **environment}
    )


def tooltips(svg):
    """Of each group: its title, and the tooltip of what is inside."""
    groups = [group for group in xml.parse(svg).iter(SVG + "g") if group.get("class") == "node"]
    return {
        group.find(SVG + "title").text: "".join(link.get(LINK + "title") for link in group.iter(SVG + "a"))
        for group in groups
    }


class Segments(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="qprep_segments_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.out = self.folder / "out"

    def config(self, text):
        path = self.folder / "qprep.yaml"
        path.write_text(text)
        return path

    def check(self, model, *arguments, **environment):
        result = qprep("check", "-m", model, "-o", self.out, *arguments, **environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stderr

    def picture(self, stem, end="svg"):
        return self.out / f"{stem}_segments.{end}"

    def test_each_node_on_the_cpu_has_its_reason(self):
        config = self.config("march: bayes\nhybrid: {enabled: true, module_name: [gemm0], module_type: [GlobalAveragePool]}\n")
        self.assertEqual(self.check(DIGITS, "-c", config), "")
        hints = tooltips(self.picture("digits"))
        table = json.loads(qprep("check", DIGITS, "-c", config, "--json").stdout)["models"][0]["table"]
        on_cpu = [row for row in table if row["device"] == "CPU"]
        self.assertGreaterEqual(len(on_cpu), 2)
        for row in on_cpu:
            about = [hint for hint in hints.values() if hint.splitlines()[0].endswith(" " + row["name"])]
            self.assertEqual(len(about), 1, row["name"])
            self.assertIn("CPU: " + row["because"], about[0])

    def test_prepare_draws_what_check_draws(self):
        config = self.config("march: bayes\noutput: {prefix: net}\n")
        self.check(DIGITS, "-c", config)
        result = qprep("prepare", DIGITS, "-c", config, "-o", self.folder / "prepared", "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        written = {Path(file["path"]).name: file["bytes"] for file in json.loads(result.stdout)["files"]}
        for name in ("net_segments.dot", "net_segments.svg", "deploy_device.txt"):
            made = (self.folder / "prepared" / name).read_bytes()
            self.assertEqual(made, (self.out / name).read_bytes(), name)
            self.assertEqual(written[name], len(made))

    def test_no_picture_where_none_is_wanted(self):
        self.check(DIGITS, "--no-picture")
        config = self.config("march: bayes\n")
        result = qprep("prepare", DIGITS, "-c", config, "-o", self.out, "--no-picture")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(qprep("prepare", DIGITS, "-o", self.out).returncode, 0)  # no march
        self.assertEqual(list(self.out.glob("*_segments.*")), [])

    def test_without_graphviz_all_else_is_written(self):
        self.check(DIGITS, "--march", "bayes")
        report = (self.out / "model_check_result.json").read_bytes()
        said = self.check(DIGITS, "--march", "bayes", QPREP_GRAPHVIZ="/nowhere")
        self.assertIn("digits_segments.svg: warning: the picture of the segments is not drawn: QPREP_GRAPHVIZ", said)
        self.assertIn("[not-drawn]", said)
        self.assertTrue(self.picture("digits", "dot").exists())
        self.assertFalse(self.picture("digits").exists())  # of the first run
        self.assertEqual((self.out / "model_check_result.json").read_bytes(), report)
        config = self.config("march: bayes\n")
        prepared = qprep("prepare", DIGITS, "-c", config, "-o", self.out, QPREP_GRAPHVIZ="/nowhere")
        self.assertEqual(prepared.returncode, 0)
        self.assertIn("[not-drawn]", prepared.stderr)

    def test_any_name_is_drawn(self):
        names = ["\"]}", "\\", "\\N\\G\\l", "a\nb\tc\r", "&amp;&#0;&", "<b>--></b><!--", "é漢字" * 30, "\x01\x7f", "\ufffe\uffff", "%", "", "😀"]
        weight = numpy_helper.from_array(np.ones((4, 4, 1, 1), "f4"), "w")
        nodes, last = [], "x"
        for i, name in enumerate(names):
            op, reads = ("Erf", [last]) if i % 2 else ("Conv", [last, "w"])
            nodes.append(helper.make_node(op, reads, [name + f" {i}"], name=name))
            last = name + f" {i}"
        info = helper.make_tensor_value_info
        graph = helper.make_graph(nodes, "g", [info("x", 1, [1, 4, 2, 2])], [info(last, 1, None)], [weight])
        path = self.folder / "odd & \"name\".onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
        self.assertEqual(self.check(path, "--march", "bayes"), "")
        hints = "\n".join(tooltips(self.picture(path.stem)).values())
        for shown in ("\"]}", "\\N\\G\\l", "a\\nb\\tc", "&amp;&#0;&", "<b>--></b>", "\\x01", "😀"):
            self.assertIn(shown, hints)

    def test_a_large_picture_has_the_same_bytes_each_time(self):
        """Several threads make the report of so many nodes, which must not show in what Graphviz makes."""
        model = SHARED / "models/olive_tfbert_qa.onnx"
        if not model.is_file():
            self.skipTest(f"there is no {model}")
        config = self.config("march: bayes-e\n")
        drawn = set()
        for _ in range(5):
            done = qprep("prepare", model, "-c", config, "-o", self.out, "-q")
            self.assertEqual(done.returncode, 0, done.stderr)
            drawn.add(self.picture(model.stem).read_bytes())
        self.check(model, "-c", config)
        drawn.add(self.picture(model.stem).read_bytes())
        self.assertEqual(len(drawn), 1)

    def test_real_models_are_drawn_the_same_twice(self):
        folder = SHARED / "models"
        if not folder.is_dir():
            self.skipTest(f"there are no models at {folder}")
        real = [path for path in sorted(folder.rglob("*.onnx")) if path.parent.name != "spellings"]
        paths = [path for path in real if path.stat().st_size < QUICK_BYTES or "--all" in sys.argv]
        paths += sorted((folder / "spellings").glob("*.onnx"))[::QUICK_SPELLINGS]
        for path in paths:
            with self.subTest(model=path.name):
                self.assertNotIn("not-drawn", self.check(path, "--march", "bayes"))
                before = self.picture(path.stem).read_bytes(), self.picture(path.stem, "dot").read_bytes()
                hints = tooltips(self.picture(path.stem))
                self.assertTrue(all(hint.strip() for title, hint in hints.items() if title.startswith("n")))
                self.check(path, "--march", "bayes")
                self.assertEqual(before, (self.picture(path.stem).read_bytes(), self.picture(path.stem, "dot").read_bytes()))


if __name__ == "__main__":
    unittest.main()
