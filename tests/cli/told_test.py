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

# A layer norm and a SiLU.
NORMS = """
<ir_version: 8, opset_import: ["" : 13]>
norms (float[2,6,8] x) => (float[2,6,8] y) {
    [dense] h = MatMul (x, w)
    [mean] m = ReduceMean <axes = [-1]> (h)
    [centred] d = Sub (h, m)
    [squares] s = Mul (d, d)
    [variance] v = ReduceMean <axes = [-1]> (s)
    [shifted] e = Add (v, eps)
    [root] r = Sqrt (e)
    [norm] n = Div (d, r)
    [sigmoid] g = Sigmoid (n)
    [silu] t = Mul (n, g)
    [dense2] y = MatMul (t, w)
}
"""


# Two HardSwishes, and a batch norm behind a layer.
SWISHES = """
<ir_version: 8, opset_import: ["" : 13]>
swishes (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [norm1] n = BatchNormalization (a, scale, shift, mean, variance)
    [relu1] r = Relu (n)
    [plus1] b = Add (r, three)
    [clip1] c = Clip (b, zero, six)
    [mul1] d = Mul (r, c)
    [swish1] e = Div (d, six)
    [plus2] f = Add (e, three)
    [clip2] g = Clip (f, zero, six)
    [mul2] h = Mul (e, g)
    [swish2] i = Div (h, six)
    [conv2] y = Conv <pads = [1,1,1,1]> (i, w2)
}
"""

# Open axes of the input; one of two Flattens has two sizes that nobody knows.
OPEN = """
<ir_version: 8, opset_import: ["" : 13]>
open (float[N,4,H,6] x) => (float[A,B] y, float[A,B] z) {
    [relu] r = Relu (x)
    [flat1] y = Flatten <axis = 1> (x)
    [flat2] z = Flatten <axis = 2> (r)
}
"""

# Nodes that hand on what they read, and the shape of something whose sizes are known.
SPELLED_NORMS = """
<ir_version: 8, opset_import: ["" : 13]>
norms (float[1,6,8] x) => (float[1,6,8] y) {
    [mean1] m1 = ReduceMean <axes = [-1]> (x)
    [centre1] c1 = Sub (x, m1)
    [square1] s1 = Pow (c1, two)
    [variance1] v1 = ReduceMean <axes = [-1]> (s1)
    [safe1] p1 = Add (v1, eps)
    [root1] q1 = Sqrt (p1)
    [norm1] h = Div (c1, q1)
    [mean2] m2 = ReduceMean <axes = [-1]> (h)
    [centre2] c2 = Sub (h, m2)
    [square2] s2 = Pow (c2, two)
    [variance2] v2 = ReduceMean <axes = [-1]> (s2)
    [safe2] p2 = Add (v2, eps)
    [root2] q2 = Sqrt (p2)
    [norm2] y = Div (c2, q2)
}
"""

# What older operator sets do over all axes from one on, and a SiLU.
OLD_SOFTMAX = """
<ir_version: 6, opset_import: ["" : 11]>
old (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv] a = Conv (x, w)
    [sigmoid] g = Sigmoid (a)
    [silu] s = Mul (a, g)
    [soft] y = Softmax <axis = 1> (s)
}
"""

SHAPES = """
<ir_version: 8, opset_import: ["" : 13]>
shapes (float[1,4,6,6] x) => (float[1,144] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [same] b = Identity (a)
    [relu1] c = Relu (b)
    [shape] s = Shape (c)
    [batch] n = Gather (s, zero)
    [rest] m = Mul (n, other)
    [target] t = Unsqueeze (m, axes)
    [whole] v = Concat <axis = 0> (t, all)
    [flat] y = Reshape (c, v)
}
"""

# A layer in a body.
BODY = """
<ir_version: 8, opset_import: ["" : 13]>
body (float[1,4,6,6] x, bool choice) => (float[1,4,6,6] y) {
    [either] y = If (choice) <
        then_branch = yes () => (float[1,4,6,6] r) { [conv] c = Conv (x, w) [relu] r = Relu (c) },
        else_branch = no () => (float[1,4,6,6] s) { [sigmoid] s = Sigmoid (x) }>
}
"""

# One weight is called three times, another once.
CALLS = """
<ir_version: 8, opset_import: ["" : 13]>
calls (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [first] a = Conv <pads = [1,1,1,1]> (x, w)
    [second] b = Conv <pads = [1,1,1,1]> (a, w)
    [alone] c = Conv <pads = [1,1,1,1]> (b, v)
    [third] y = Conv <pads = [1,1,1,1]> (c, w)
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


def norms() -> onnx.ModelProto:
    return model(NORMS, weights(w=(8, 8)) | {"eps": np.array(1e-5, "f4")})


def swishes() -> onnx.ModelProto:
    constants = weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3), scale=(4,), shift=(4,), mean=(4,))
    constants |= {"variance": np.full(4, 2, "f4")}
    return model(SWISHES, constants | {name: np.array(i, "f4") for name, i in (("zero", 0), ("three", 3), ("six", 6))})


def spelled_norms() -> onnx.ModelProto:
    constants = {"two": np.array(2, "f4"), "eps": np.array(1e-5, "f4")}
    return model(SPELLED_NORMS, constants)


def shapes() -> onnx.ModelProto:
    constants = {name: np.array(value) for name, value in
                 (("zero", 0), ("other", 1), ("axes", [0]), ("all", [-1]))}
    return model(SHAPES, weights(w1=(4, 4, 3, 3)) | constants)


class Case(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="qprep_told_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def run_qprep(self, verb: str, made: onnx.ModelProto, config: str, *arguments: str, status: int = 0) -> str:
        onnx.save(made, self.folder / "net.onnx")
        (self.folder / "qprep.yaml").write_text(config)
        result = subprocess.run([QPREP, verb, "net.onnx", "-c", "qprep.yaml", *arguments], cwd=self.folder,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, status, result.stderr)
        return result.stdout if status == 0 else result.stderr

    def refusal(self, made: onnx.ModelProto, config: str) -> str:
        return self.run_qprep("prepare", made, config, status=1)

    def text(self) -> str:
        return (self.folder / "model_check_result.txt").read_text()

    def report(self, made: onnx.ModelProto, config: str) -> dict:
        self.said = self.run_qprep("prepare", made, config)
        return json.loads((self.folder / "model_check_result.json").read_text())

    def notes(self, made: onnx.ModelProto, config: str, code: str) -> list[str]:
        return [each["message"] for each in self.report(made, config)["diagnostics"] if each["code"] == code]


class BatchNorms(Case):
    WHY = "before it, no Conv, ConvTranspose, Gemm or MatMul stands there; after it, more than one layer or an output uses it"

    def test_one_that_stays_stays(self) -> None:
        self.assertEqual(self.notes(net(), "fuse: all", "batch-norm-stays"), [f"batch norm 'norm' is folded into no layer: {self.WHY}"])

    def test_one_that_becomes_a_conv_does_not_stay(self) -> None:
        self.assertEqual(
            self.notes(net(), "march: bayes", "batch-norm-stays"),
            [
                f"batch norm 'norm' is folded into no layer: {self.WHY}",
                "batch norm 'norm' becomes a Conv, by batch-norm-to-conv",
            ],
        )

    def test_where_nothing_is_fused_that_is_why(self) -> None:
        why = (f"batch norm 'norm' is folded into no layer: {self.WHY}; the configuration fuses nothing (fuse: none, "
               "qprep.yaml:1:7)")
        self.assertEqual(self.notes(net(), "fuse: none", "batch-norm-stays"), [why])
        self.assertEqual(
            self.notes(net(), "fuse: none\nmarch: bayes", "batch-norm-stays"),
            [why, "batch norm 'norm' becomes a Conv, by batch-norm-to-conv"],
        )


class Modern(Case):
    def test_what_became_an_operator_of_onnx_is_listed(self) -> None:
        rewritten = self.report(norms(), "rewrite: modern")["rewritten"]
        self.assertEqual(
            [(each["name"], each["op"], each["pattern"]) for each in rewritten],
            [("norm", "LayerNormalization", "LayerNormalization"), ("silu", "Swish", "SiLU")],
        )
        self.assertEqual(rewritten[1]["nodes"], ["sigmoid", "silu"])
        self.assertIn("Modules below are one operator of ONNX each in the models that are written:\n", self.text())
        self.assertEqual(self.report(norms(), "rewrite: keep")["rewritten"], [])

    def test_what_the_operator_set_needs_is_listed(self) -> None:
        made = model(OLD_SOFTMAX, weights(w=(4, 4, 1, 1)))
        report = self.report(made, "rewrite: modern")
        self.assertEqual([(each["op"], each["made_for"]) for each in report["put_in"]],
                         [("Flatten", "soft"), ("Reshape", "soft")])
        written = onnx.load(self.folder / "net_qat.onnx")
        self.assertLessEqual({each["name"] for each in report["put_in"]},
                             {node.name or node.output[0] for node in written.graph.node})
        self.assertIn("Modules below are not in the file; the operator set of the models that are written needs them:\n",
                      self.text())
        self.assertEqual(self.report(made, "rewrite: keep")["put_in"], [])

    def test_unknown_sizes_have_their_remedy(self) -> None:
        constants = {"two": np.array(2, "f4"), "eps": np.array(1e-5, "f4")}
        made = model(SPELLED_NORMS.replace("float[1,6,8]", "float[1,6,D]"), constants)
        self.assertIn("; fix the open sizes: 'dims: {D: SIZE}'", self.notes(made, "rewrite: modern", "composite-stays")[0])

    def test_the_bound_is_named_where_it_holds_something_back(self) -> None:
        self.assertEqual(
            self.notes(norms(), "rewrite: modern\nnewest_opset: 17", "composite-stays"),
            ["SiLU 'silu' stays as written: Swish needs operator set 24, and 'newest_opset' is 17 (qprep.yaml:2:15)"],
        )


class Units(Case):
    def test_composites_are_no_sequences(self) -> None:
        report = self.report(net(), "fuse: none")
        self.assertIn("fused       nothing; 1 composite operator recognised; 1 sequence could be and is not\n", self.said)
        self.assertEqual([(unit["pattern"], unit["kind"]) for unit in report["units"]],
                         [("SiLU", "composite operator")])
        self.report(net(), "fuse: all")
        self.assertIn("fused       1 sequence, 1 composite operator; 1 sequence could be and is not\n", self.said)

    def test_a_sum_names_its_layer(self) -> None:
        self.assertEqual(self.report(net(), "fuse: all")["sums"],
                         [{"name": "sum", "unit": "conv-add", "layer": "conv2", "because": None}])
        self.assertEqual(self.report(net(), "fuse: none")["sums"][0]["because"],
                         "conv-add of Conv 'conv2': the configuration fuses nothing (fuse: none, qprep.yaml:1:7)")


class Replaced(Case):
    def test_explain_names_the_replacement(self) -> None:
        told = self.run_qprep("explain", net(), "march: bayes", "fc")
        self.assertIn("fc (Conv): ", told)
        self.assertIn("  was     Gemm, which is a Conv now, by gemm-to-conv\n", told)
        told = json.loads(self.run_qprep("explain", net(), "march: bayes", "fc", "--json"))
        self.assertEqual(told["nodes"][0]["was"], ["Gemm, which is a Conv now, by gemm-to-conv"])

    def test_what_is_held_is_gone_into_its_holder(self) -> None:
        self.assertIn("  holds   reshape\n", self.run_qprep("explain", net(), "fuse: all", "flat"))
        self.assertIn("'reshape' (Reshape) was folded into 'flat'", self.run_qprep("explain", net(), "fuse: all", "reshape"))
        gone = {each["name"]: each["because"] for each in self.report(net(), "fuse: all")["gone"]}
        self.assertEqual(gone["reshape"], "was folded into 'flat'")


class NotReplaced(Case):
    def test_what_was_asked_for_and_not_made_is_listed(self) -> None:
        report = self.report(model(OPEN, {}), "replace: [where-to-mul, flatten-to-reshape]")
        why = ("more sizes of its result are unknown than a Reshape infers; a fixed size of what is open in the "
               "model's inputs would decide it: 'dims: {N: SIZE, H: SIZE}' in the configuration, or 'qprep check --dim "
               "N=SIZE --dim H=SIZE'")
        self.assertEqual(report["not_replaced"],
                         [{"replacement": "flatten-to-reshape", "because": why, "times": 1, "nodes": ["flat2"]},
                          {"replacement": "where-to-mul", "because": "it is for no node of the model", "times": 0,
                           "nodes": []}])
        self.assertIn("Replacements below were asked for and not made:\n", self.text())
        self.assertEqual(report["became"], [{"name": "flat1", "op": "Flatten", "now": "Reshape",
                                             "because": "is a Reshape now, by flatten-to-reshape"}])
        self.assertEqual(self.report(model(OPEN, {}), "replace: none")["not_replaced"], [])

    def test_parts_of_one_unit_are_one_row(self) -> None:
        self.assertEqual(self.report(spelled_norms(), "replace: [pow-to-mul]")["not_replaced"],
                         [{"replacement": "pow-to-mul", "because": "it is a part of LayerNormalization, one unit as it is",
                           "times": 2, "nodes": ["square1", "square2"]}])

    def test_parts_that_may_be_replaced_are(self) -> None:
        report = self.report(swishes(), "replace: [div-to-mul]")
        self.assertEqual(report["not_replaced"], [])
        self.assertEqual([(each["name"], each["now"]) for each in report["became"]], [("swish1", "Mul"), ("swish2", "Mul")])
        self.assertEqual([unit["pattern"] for unit in report["units"]].count("HardSwish"), 2)


class Listed(Case):
    HARD_SWISH = ["plus1", "clip1", "mul1", "swish1"]

    def units(self, config: str) -> list[tuple[str, list[str]]]:
        return [(unit["pattern"], unit["nodes"]) for unit in self.report(swishes(), config)["units"]]

    def test_what_eager_leaves_apart_is_listed(self) -> None:
        report = self.report(swishes(), "method: eager")
        missed = [each for each in report["not_fused"] if each["pattern"] == "HardSwish"]
        self.assertEqual([each["nodes"] for each in missed],
                         [self.HARD_SWISH, ["plus2", "clip2", "mul2", "swish2"]])
        self.assertEqual({each["because"] for each in missed},
                         {"method 'eager' recognises nothing that the configuration does not list"})
        self.assertNotIn("All fusable modules are fused in model!", self.text())
        self.assertIn("2 composite operators could be and are not", self.said)

    def test_a_list_of_a_composite_is_a_unit(self) -> None:
        config = "{method: eager, fuse: [[plus1, clip1, mul1, swish1]]}"
        self.assertEqual(self.units(config), [("HardSwish", self.HARD_SWISH)])
        self.assertEqual(self.notes(swishes(), config, "fuse-list"), [])
        self.assertEqual(self.notes(swishes(), "fuse: [[plus1, clip1, mul1, swish1]]", "fuse-list"), [])

    def test_replacements_leave_what_it_could_be_as_the_file_has_it(self) -> None:
        for march in ("bayes", "bayes-e", "bernoulli2"):
            eager = f"method: eager\nmarch: {march}\n"
            report = self.report(swishes(), eager)
            self.assertIn(self.HARD_SWISH, [each["nodes"] for each in report["not_fused"]])
            self.assertRegex(self.text(), r"\nswish1 +Div *\n")
            listed = eager + "fuse: [[plus1, clip1, mul1, swish1]]"
            self.assertIn(("HardSwish", self.HARD_SWISH), self.units(listed))
            self.assertEqual(self.notes(swishes(), listed, "fuse-list"), [])
            self.assertEqual(self.notes(swishes(), eager + "fuse: [[mul1, swish1]]", "fuse-list"),
                             ["[mul1, swish1] is not fused: HardSwish 'swish1' is spelled out by Add 'plus1', Clip 'clip1', "
                              "Mul 'mul1', Div 'swish1', and the list does not name just these"])

    def test_a_part_of_a_composite_is_none(self) -> None:
        self.assertEqual(
            self.notes(swishes(), "{method: eager, fuse: [[plus1, clip1]]}", "fuse-list"),
            ["[plus1, clip1] is not fused: HardSwish 'swish1' is spelled out by Add 'plus1', Clip 'clip1', Mul 'mul1', "
             "Div 'swish1', and the list does not name just these"])

    def test_names_in_the_wrong_order_are_an_error(self) -> None:
        told = self.refusal(swishes(), "fuse: [[relu1, norm1, conv1]]")
        self.assertIn("qprep.yaml:1:8: error: [relu1, norm1, conv1] is no sequence: BatchNormalization 'norm1' does not "
                      "read what Relu 'relu1' makes, but makes what that reads; in the order of the data it is "
                      "[conv1, norm1, relu1] [fuse-list]", told)
        self.refusal(swishes(), "fuse: [[conv1, relu1, norm1]]")
        self.refusal(swishes(), "fuse: [[norm1, conv1]]")
        self.assertEqual(self.units("fuse: [[conv1, norm1, relu1]]")[0], ("conv-relu", ["conv1", "relu1"]))

    def test_a_list_may_name_nodes_of_a_body(self) -> None:
        units = self.report(model(BODY, weights(w=(4, 4, 1, 1))), "fuse: [[conv, relu]]")["units"]
        self.assertEqual([unit["nodes"] for unit in units], [["conv", "relu"]])

    def test_a_list_that_is_no_sequence_could_not_be_one(self) -> None:
        self.report(net(), "{method: jit, fuse: [[flat, fc]]}")
        self.assertIn("fused       1 composite operator; 1 sequence could be and is not\n", self.said)
        self.assertIn("1 list of 'fuse' is no sequence that the target fuses", self.text())

    def test_a_norm_that_stays_for_training_is_listed(self) -> None:
        self.assertEqual(self.units("{bn: with_bn, fuse: [[conv1, norm1, relu1]]}")[0],
                         ("conv-bn-relu", ["conv1", "norm1", "relu1"]))
        told = self.run_qprep("explain", swishes(), "bn: with_bn", "relu1")
        self.assertIn("  unit    conv-bn-relu: conv1, norm1, relu1\n", told)


class Json(Case):
    def test_names_are_plain(self) -> None:
        missed = self.report(net(), "fuse: all")["not_fused"]
        self.assertEqual([(each["nodes"], each["shared"]) for each in missed], [(["conv1", "sum"], True)])
        self.assertIn("(shared)", self.text())
        self.assertNotIn("(shared)", json.dumps(missed))

    def test_all_borders_are_there(self) -> None:
        count = 10
        nodes = "".join(f"[conv{i}] c{i} = Conv (x, w) [exp{i}] y{i} = Exp (c{i})\n" for i in range(count))
        outputs = ", ".join(f"float[1,4,6,6] y{i}" for i in range(count))
        made = model(f'<ir_version: 8, opset_import: ["" : 13]> g (float[1,4,6,6] x) => ({outputs}) {{ {nodes} }}',
                     weights(w=(4, 4, 1, 1)))
        border, = self.report(made, "method: jit_strip")["region"]
        self.assertEqual((border["side"], border["beyond"]), ("to", count))
        self.assertEqual(border["tensors"],
                         [{"name": f"c{i}", "node": f"conv{i}", "op": "Conv", "device": "BPU",
                           "because": "qprep.yaml:1:9 method"} for i in range(count)])


class Gone(Case):
    def test_what_hands_on_is_not_folded(self) -> None:
        gone = {each["name"]: each["because"] for each in self.report(shapes(), "fuse: all")["gone"]}
        self.assertEqual(gone["same"], "hands on what it reads, 'a', and is left out")
        sizes = "was computed in advance: its result does not depend on the data, but on sizes that are known"
        for name in ("shape", "batch", "rest", "target", "whole"):
            self.assertEqual(gone[name], sizes)

    def test_what_became_another_operator_is_not_gone(self) -> None:
        report = self.report(net(), "march: bayes")
        self.assertEqual({each["name"]: (each["op"], each["now"]) for each in report["became"]},
                         {"fc": ("Gemm", "Conv"), "norm": ("BatchNormalization", "Conv")})
        nodes = {each["name"] for each in report["nodes"]}
        names = [each["name"] for each in report["gone"] + report["became"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertFalse(nodes & {each["name"] for each in report["gone"]})
        self.assertIn("Modules below became other operators, or the same otherwise:\n", self.text())


class Shared(Case):
    def warnings(self, *names: str) -> list[str]:
        config = "qconfig_setter: [{module_name: {%s}}]" % ", ".join(f"{name}: {{output: {{share: true}}}}" for name in names)
        return self.notes(model(CALLS, weights(w=(4, 4, 3, 3), v=(4, 4, 3, 3))), config, "never-wins")

    def test_the_call_that_is_not_named_is_told(self) -> None:
        why = "output decides nothing: Conv 'third' reads the weight 'w' too and is not named; it takes all calls"
        self.assertEqual(self.warnings("first", "second"),
                         [f"module_name 'first' {why}", f"module_name 'second' {why}"])

    def test_it_takes_all_of_them(self) -> None:
        self.assertEqual(self.warnings("first", "second", "third"), [])

    def test_one_call_shares_nothing(self) -> None:
        self.assertEqual(self.warnings("alone"),
                         ["module_name 'alone' output decides nothing: only one call reads this weight, 'v'"])


class Stubs(Case):
    def test_exchanged_ones_are_told(self) -> None:
        self.assertEqual(
            self.notes(net(), "stubs: {inputs: [conv2], outputs: [conv1]}", "nothing-quantised"),
            ["nothing lies between the stubs: no way leads from the inputs ('conv2') to the outputs ('conv1'); one leads "
             "back, as if they were exchanged"])
        self.assertEqual(self.notes(net(), "stubs: {inputs: [conv1], outputs: [fc]}", "nothing-quantised"), [])

    def test_patterns_are_refused_as_such(self) -> None:
        self.assertIn("no node or tensor of the model is called 'conv*' (did you mean 'conv1'?); names here are whole, "
                      "and no patterns [no-match]", self.refusal(net(), "stubs: {inputs: ['conv*']}"))


class Explained(Case):
    def test_a_layer_says_what_its_unit_ends_before(self) -> None:
        told = self.run_qprep("explain", norms(), "fuse: all", "dense")
        self.assertIn("  ends    before LayerNormalization, which no sequence goes on with\n", told)

    def test_what_holds_for_ends_goes_before_what_holds_for_all(self) -> None:
        told = self.run_qprep("explain", norms(), "activations: {dtype: qint16}", "dense2")
        self.assertIn("says float32 of high_precision_output, and decides: it speaks of these alone\n", told)


if __name__ == "__main__":
    unittest.main()
