"""What a reader of the check result and of explain finds: names of his own file, the reasons where he looks for them, what
runs where, and how that is changed.

    python tests/cli/reader_test.py QPREP
"""

import json
import unittest

import numpy as np
from told_test import CALLS, Case, model, norms, swishes, weights

# A batch norm before a Gemm, and one between nothing that takes it in. For a march, the Gemm becomes a Conv
# between Reshapes, and the mean keeps its axes before one.
HEAD = """
<ir_version: 8, opset_import: ["" : 13]>
head (float[N,4,6,6] x) => (float[N,3] y) {
    [conv] a = Conv <pads = [1,1,1,1]> (x, w1)
    [sigmoid] b = Sigmoid (a)
    [norm1] n = BatchNormalization (b, scale, shift, mean, variance)
    [relu] r = Relu (n)
    [pool] p = ReduceMean <axes = [2,3], keepdims = 0> (r)
    [norm2] q = BatchNormalization (p, scale, shift, mean, variance)
    [fc] y = Gemm (q, v, c)
}
"""

# A Softmax between layers, which some marches run on the CPU unless they are asked.
SOFT = """
<ir_version: 8, opset_import: ["" : 13]>
soft (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [soft] s = Softmax <axis = 1> (a)
    [conv2] y = Conv <pads = [1,1,1,1]> (s, w2)
}
"""

# A Constant that stays a node, since files of IR 3 have no other place for what is no input.
OLD = """
<ir_version: 3, opset_import: ["" : 9]>
old (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [k] k = Constant <value = float[1] {0.5}> ()
    [half] h = Mul (x, k)
    [sigmoid] y = Sigmoid (h)
}
"""

# More results than a line holds leave the network, and its tail reads them.
WIDE = """
<ir_version: 8, opset_import: ["" : 13]>
wide (float[1,4,6,6] x) => (float[1,40,6,6] y) {
%s
    [join] j = Concat <axis = 1> (%s)
    [tail] y = Sigmoid (j)
}
"""


def head():
    constants = weights(w1=(4, 4, 3, 3), scale=(4,), shift=(4,), mean=(4,), v=(4, 3), c=(3,))
    return model(HEAD, constants | {"variance": np.full(4, 2, "f4")})


def soft():
    return model(SOFT, weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3)))


def wide():
    convs = "\n".join(f"    [conv{i}] a{i} = Conv <pads = [1,1,1,1]> (x, w{i})" for i in range(10))
    text = WIDE % (convs, ", ".join(f"a{i}" for i in range(10)))
    return model(text, weights(**{f"w{i}": (4, 4, 3, 3) for i in range(10)}))


class BatchNorms(Case):
    ALONE = "before and after it, no Conv, ConvTranspose, Gemm or MatMul stands there"

    def test_those_that_stay_stand_where_fusion_is_looked_for(self) -> None:
        report = self.report(head(), "fuse: all")
        self.assertEqual(report["batch_norms"], [{"because": self.ALONE, "times": 1, "nodes": ["norm1"]}])
        text = self.text()
        self.assertLess(text.index("All fusable modules are fused in model!\n"),
                        text.index("Batch norms below are folded into no layer:\n"))
        self.assertLess(text.index("Batch norms below are folded into no layer:\n"), text.index("Units of layers end"))
        self.assertIn(f"  stays   folded into no layer: {self.ALONE}\n",
                      self.run_qprep("explain", head(), "fuse: all", "norm1"))

    def test_each_has_its_own_reason_where_nothing_is_fused(self) -> None:
        nothing = "the configuration fuses nothing (fuse: none, qprep.yaml:1:7)"
        report = self.report(head(), "fuse: none")
        self.assertEqual(report["batch_norms"], [
            {"because": f"{nothing}; without that line it would be folded into Gemm 'fc'", "times": 1, "nodes": ["norm2"]},
            {"because": f"{self.ALONE}; {nothing}", "times": 1, "nodes": ["norm1"]}])
        self.assertIn({"topic": "fuse", "state": "check",
                       "finding": "nothing is fused, as the configuration says; no sequence could be; 1 batch norm could "
                                  "be folded and is not"}, report["summary"])

    def test_no_reshape_of_others_makes_an_operator_of_them(self) -> None:
        self.assertEqual([unit for unit in self.report(head(), "fuse: none\nmarch: bayes")["units"] if
                          "norm2" in unit["nodes"]], [])


class NothingFused(Case):
    def test_the_text_says_that_nothing_was_asked_for(self) -> None:
        self.report(norms(), "fuse: none")
        self.assertNotIn("All fusable modules are fused", self.text())
        self.assertIn("Nothing is fused in model: the configuration fuses nothing (fuse: none, qprep.yaml:1:7), and no "
                      "sequence could be one unit.\n", self.text())
        self.assertIn("The nodes that spell out one operator are one unit all the same, since that is no fusion.\n",
                      self.text())


class Names(Case):
    def test_what_replacements_put_in_is_looked_through(self) -> None:
        report = self.report(head(), "march: bayes")
        self.assertIn({"pattern": "conv", "before": ["output"], "layers": ["fc"]}, report["ends"])
        self.assertIn("  ends    at an output of the model\n", self.run_qprep("explain", head(), "march: bayes", "fc"))

    def test_it_names_whom_it_is_for(self) -> None:
        report = self.report(head(), "march: bayes")
        self.assertEqual(next(each for each in report["crossings"] if "made_by" in each)["made_by"], "fc")
        made = {each["name"]: each["made_for"] for each in report["nodes"] if "made_for" in each}
        self.assertEqual(made, {"y": "fc"})
        users = {"x", "w1", *"abnrpqyvc"}
        self.assertIn("Modules below are not in the file; replacements put them in for others:\n", self.text())
        for node in report["nodes"]:
            because = [each for each in node["because"].values() if each]
            for name in [each["name"] for each in report["nodes"] for each in each["outputs"] if each]:
                for sentence in because:
                    if name not in users and f"'{name}'" in sentence:
                        self.assertRegex(sentence, f"'{name}' (of|made for) ")

    def test_constants_run_nowhere(self) -> None:
        report = self.report(model(OLD, {}), "method: jit")
        self.assertIn("Constant", [each["op"] for each in report["nodes"]])
        self.assertNotIn("Constant", {op for each in report["on_cpu"] for op in each["operators"]})
        self.assertNotIn("Constant", self.text().split("Graph:")[0])
        self.assertNotIn("Constant", self.run_qprep("check", model(OLD, {}), "method: jit"))


class Limits(Case):
    def test_what_is_undecided_is_told_with_the_remedy(self) -> None:
        remedy = ("a fixed size of what is open in the model's inputs would decide it: 'dims: {N: SIZE}' in the "
                  "configuration, or 'qprep check --dim N=SIZE'")
        report = self.report(head(), "march: bayes")
        self.assertEqual(report["sizes_remedy"], remedy)
        self.assertIn("conv", [node for each in report["undecided"] for node in each["nodes"]])
        self.assertIn("Modules below run on the BPU only if limits hold that could not be decided; they are taken to "
                      "hold:\n", self.text())
        self.assertIn(f"Remedy: {remedy}.\n", self.text())
        self.assertIn(f"  remedy  {remedy}\n", self.run_qprep("explain", head(), "march: bayes", "conv"))
        fixed = self.report(head(), "{march: bayes, dims: {N: 1}}")
        self.assertEqual((fixed["undecided"], fixed["sizes_remedy"]), ([], None))


class Devices(Case):
    def device(self, report: dict, name: str) -> str:
        return next(each["device"] for each in report["nodes"] if each["name"] == name)

    def test_what_is_asked_for_says_how_and_that_works(self) -> None:
        for march in ("bayes", "bayes-e"):
            report = self.report(soft(), f"march: {march}")
            self.assertEqual(self.device(report, "soft"), "CPU")
            row = next(each for each in report["on_cpu"] if each["nodes"] == ["soft"])
            how = row["because"].split("'")[1]
            self.assertEqual(how, "qconfig_setter: [{module_type: {Softmax: qint8}}]")
            self.assertEqual(row["remedy"], "give it a precision of its own, by type or name")
            self.assertEqual(self.device(self.report(soft(), f"march: {march}\n{how}\n"), "soft"), "BPU")
            self.assertIn(f"  remedy  {row['remedy']}\n",
                          self.run_qprep("explain", soft(), f"march: {march}", "soft"))

    def test_units_are_listed_by_device(self) -> None:
        report = self.report(swishes(), "qconfig_setter: [{module_name: {swish1: float}}]")
        self.assertEqual([(unit["name"], unit["device"]) for unit in report["units"] if unit["pattern"] == "HardSwish"],
                         [("swish1", "CPU"), ("swish2", "BPU")])
        self.assertIn("HardSwish  composite operator           1           1\n", self.text())
        on_bpu, on_cpu = self.text().split("Modules below run on the CPU, in float")[0].split(
            "Modules below are one unit, too, but run on the CPU, in float, each by itself:\n")
        self.assertIn("plus2, clip2, mul2, swish2", on_bpu)
        self.assertNotIn("plus1, clip1, mul1, swish1", on_bpu)
        self.assertIn("plus1, clip1, mul1, swish1", on_cpu)

    def test_the_summary_checks_what_computes_on_the_cpu(self) -> None:
        for config, state in (("march: bayes", "check"), ("march: bayes\nqconfig_setter: [{module_type: {Softmax: qint8}}]",
                                                           "ok")):
            device = next(each for each in self.report(soft(), config)["summary"] if each["topic"] == "device")
            self.assertEqual(device["state"], state)
            self.assertIn("on the CPU", device["finding"])


class Region(Case):
    def test_each_tensor_of_a_border_has_its_line(self) -> None:
        self.report(wide(), "method: jit_strip")
        self.assertIn("Only a region of the graph is quantised.\n"
                      "It ends at the tensors below; 2 operators behind them stay float:\n"
                      "tensor      made by  type\n"
                      "----------  -------  ----\n"
                      "a0          conv0    Conv\n", self.text())
        self.assertIn("\nand 2 more\n", self.text())


class Written(Case):
    def test_what_was_folded_into_a_part_is_told_with_the_whole(self) -> None:
        text = """
<ir_version: 8, opset_import: ["" : 13]>
gate (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [sigmoid] g = Sigmoid (a)
    [same] h = Identity (g)
    [silu] t = Mul (a, h)
    [conv2] y = Conv <pads = [1,1,1,1]> (t, w2)
}
"""
        report = self.report(model(text, weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3))), "rewrite: modern")
        self.assertEqual([(each["name"], each["folded"]) for each in report["rewritten"]], [("silu", ["same"])])
        self.assertIn("folded into these\n", self.text())


class Shared(Case):
    def test_every_setting_that_it_takes_decides(self) -> None:
        config = ("qconfig_setter:\n" + "".join(
            f"  - module_name: {{{name}: {{output: {{share: true}}}}}}\n" for name in ("first", "second", "third"))
            + "activations: {dtype: qint8}\nmethod: jit\n")
        told = json.loads(self.run_qprep("explain", model(CALLS, weights(w=(4, 4, 3, 3), v=(4, 4, 3, 3))), config, "first", "second", "--json"))
        for node in told["nodes"]:
            said = [each for slot in node["slots"] if slot["slot"] == "output" for each in slot["settings"]]
            sharing = [each for each in said if "share" in each["says"] or "scale" in each["says"]]
            self.assertGreaterEqual(len(sharing), 2, said)
            self.assertTrue(all(each["decides"] for each in sharing), said)


if __name__ == "__main__":
    unittest.main()
