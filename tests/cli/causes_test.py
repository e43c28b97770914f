"""What stands behind a reason: batch norms that are written out, sizes, what runs only where asked for, who on the CPU
follows, and what a node becomes.

    python tests/cli/causes_test.py QPREP
"""

import json
import unittest

import numpy as np
import onnxruntime
from told_test import Case, model, norms, swishes, weights

# A batch norm that is written out behind a layer.
SCALED = """
<ir_version: 8, opset_import: ["" : 13]>
scaled (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [scale] b = Mul (a, factor)
    [shift] c = Add (b, moved)
    [relu] d = Relu (c)
    [conv2] y = Conv <pads = [1,1,1,1]> (d, w2)
}
"""

# A Mul that becomes a Conv once the channels are known.
HALF = """
<ir_version: 8, opset_import: ["" : 13]>
half (float[1,C,6,6] x) => (float[1,C,6,6] y) {
    [scale] a = Mul (x, half)
    [sigmoid] y = Sigmoid (a)
}
"""

# What a target takes over some axes only, or at the end of the model.
AXES = """
<ir_version: 8, opset_import: ["" : 13]>
axes (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [mean] m = ReduceMean <axes = [3]> (a)
    [means] n = ReduceMean <axes = [1, 2]> (a)
    [soft] s = Softmax <axis = 3> (a)
    [mul1] t = Mul (s, m)
    [mul2] u = Mul (t, n)
    [conv2] y = Conv <pads = [1,1,1,1]> (u, w1)
}
"""

# A Relu that a target runs in the kernel of the layer before it, and a tail.
ENDS = """
<ir_version: 8, opset_import: ["" : 13]>
ends (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [relu] r = Relu (a)
    [conv2] b = Conv <pads = [1,1,1,1]> (r, w1)
    [sigmoid] s = Sigmoid (b)
    [mul] y = Mul (s, b)
}
"""

# A tensor of known sizes, of which the sizes are read again; and numbers that nothing of the model says.
SIZES = """
<ir_version: 8, opset_import: ["" : 13]>
sizes (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv] a = Conv <pads = [1,1,1,1]> (x, w1)
    [sizes] s = Shape (a)
    [filled] f = ConstantOfShape (s)
    [again] t = Shape (f)
    [other] u = Add (one, one)
    [target] v = Mul (t, ones)
    [flat] b = Reshape (a, v)
    [add] y = Add (b, c)
}
"""

# A class token for each of a batch whose size is open, joined to what a layer makes.
TOKEN = """
<ir_version: 8, opset_import: ["" : 13]>
token (float[N,3,4,4] x) => (float[N,6,3] y) {
    [conv] a = Conv <kernel_shape = [2,2], strides = [2,2]> (x, w1)
    [sizes] s = Shape (a)
    [batch] n = Gather <axis = 0> (s, first)
    [target] t = Concat <axis = 0> (n, channels, minus)
    [flat] b = Reshape (a, t)
    [turn] c = Transpose <perm = [0,2,1]> (b)
    [many] m = Concat <axis = 0> (n, one, channels)
    [zeros] z = ConstantOfShape (m)
    [tokens] k = Add (z, token)
    [join] j = Concat <axis = 1> (k, c)
    [dense] d = MatMul (j, w)
    [relu] e = Relu (d)
    [last] y = Concat <axis = 1> (e, k)
}
"""

# A size that follows from data beside one that follows from the input's.
COUNTED = """
<ir_version: 8, opset_import: ["" : 13]>
counted (float[N,4] x) => (int64[2] y) {
    [places] p = NonZero (x)
    [many] m = Shape (p)
    [sizes] s = Shape (x)
    [both] y = Add (m, s)
}
"""

# Scale and shift of one number each in front of layers: one sees them everywhere, the other has a border.
FRONT = """
<ir_version: 8, opset_import: ["" : 13]>
front (float[1,4,6,6] x) => (float[1,4,4,4] y) {
    [sigmoid] g = Sigmoid (x)
    [scale1] a = Mul (g, factor)
    [shift1] b = Add (a, moved)
    [conv1] c = Conv (b, w1)
    [tanh] t = Tanh (c)
    [scale2] d = Mul (factor, t)
    [shift2] e = Add (d, moved)
    [conv2] y = Conv <pads = [1,1,1,1]> (e, w2)
}
"""

# A tail whose ends only move elements.
TAIL = """
<ir_version: 8, opset_import: ["" : 13]>
tail (float[1,4,6,6] x) => (float[1,36,4] y) {
    [conv] a = Conv <pads = [1,1,1,1]> (x, w1)
    [flat] b = Reshape (a, sizes)
    [sigmoid] c = Sigmoid (b)
    [turn] y = Transpose <perm = [0,2,1]> (c)
}
"""

# Means over axes that a target takes nowhere, and over the same as it takes them.
MEANS = """
<ir_version: 8, opset_import: ["" : 13]>
means (float[1,4,6,6] x) => (float[1,4,6] y, float[1,6,6] z) {
    [conv] a = Conv <pads = [1,1,1,1]> (x, w1)
    [last] y = ReduceMean <axes = [3], keepdims = 0> (a)
    [first] z = ReduceMean <axes = [1], keepdims = 0> (a)
}
"""
MEANS_MOVED = """
<ir_version: 8, opset_import: ["" : 13]>
means (float[1,4,6,6] x) => (float[1,4,6] y, float[1,6,6] z) {
    [conv] a = Conv <pads = [1,1,1,1]> (x, w1)
    [rows] b = Reshape (a, by_rows)
    [last] c = ReduceMean <axes = [2, 3], keepdims = 0> (b)
    [made] y = Reshape (c, of_rows)
    [turn] d = Transpose <perm = [0, 2, 3, 1]> (a)
    [pixels] e = Reshape (d, by_pixels)
    [first] f = ReduceMean <axes = [2, 3], keepdims = 0> (e)
    [made2] z = Reshape (f, of_pixels)
}
"""

# A Softmax that a target takes over channels only, where the model hands out what it makes.
SCORES = """
<ir_version: 8, opset_import: ["" : 13]>
scores (float[1,4,6,6] x) => (float[1,4,36] y) {
    [conv] a = Conv <pads = [1,1,1,1]> (x, w1)
    [flat] b = Reshape (a, sizes)
    [soft] y = Softmax <axis = 2> (b)
}
"""
SCORES_MOVED = """
<ir_version: 8, opset_import: ["" : 13]>
scores (float[1,4,6,6] x) => (float[1,36,4,1] y) {
    [conv] a = Conv <pads = [1,1,1,1]> (x, w1)
    [flat] b = Reshape (a, sizes)
    [turn] c = Transpose <perm = [0,2,1]> (b)
    [image] d = Reshape (c, image)
    [soft] y = Softmax <axis = 1> (d)
}
"""

# Constants that are added: in front of a layer with a border and one without, and where no layer is.
SHIFTED = """
<ir_version: 8, opset_import: ["" : 13]>
shifted (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [tanh1] b = Tanh (a)
    [bordered] c = Add (b, shift)
    [conv2] d = Conv <pads = [1,1,1,1]> (c, w1)
    [tanh2] e = Tanh (d)
    [inside] f = Add (shift, e)
    [conv3] g = Conv (f, w2)
    [tanh3] h = Tanh (g)
    [between] i = Add (h, shift)
    [tanh4] j = Tanh (i)
    [conv4] y = Conv (j, w2)
}
"""

# A sum of what no layer makes.
SUM = """
<ir_version: 8, opset_import: ["" : 13]>
sum (float[1,4,6,6] x) => (float[1,4,4,4] y) {
    [sigmoid] g = Sigmoid (x)
    [tanh] t = Tanh (x)
    [sum] s = Add (g, t)
    [conv] y = Conv (s, w1)
}
"""

# What ends a segment before an operator on the CPU.
DECONV = """
<ir_version: 8, opset_import: ["" : 13]>
deconv (float[1,4,6,6] x) => (float[1,4,7,7] y) {
    [up] a = ConvTranspose (x, w1)
    [soft] y = Softmax <axis = 1> (a)
}
"""

DILATED = """
<ir_version: 8, opset_import: ["" : 13]>
dilated (float[1,4,5,6] x) => (float[1,4,5,6] y) {
    [conv] y = Conv <pads = [2,2,2,2], dilations = [2,2]> (x, w1)
}
"""

GATE = """
<ir_version: 8, opset_import: ["" : 13]>
gate (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [sigmoid] g = Sigmoid (a)
    [silu] t = Mul (a, g)
    [conv2] y = Conv <pads = [1,1,1,1]> (t, w2)
}
"""

TURNED = """
<ir_version: 8, opset_import: ["" : 13]>
turned (float[1,4,6] x) => (float[1,6,3] y) {
    [relu] r = Relu (x)
    [norm] n = BatchNormalization (r, scale, shift, mean, variance)
    [turn] t = Transpose <perm = [0,2,1]> (n)
    [dense] y = MatMul (t, v)
}
"""


def scaled():
    return model(SCALED, weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3), factor=(1, 4, 1, 1), moved=(1, 4, 1, 1)))


def sizes():
    constants = {"one": np.array([1]), "ones": np.array([1, 1, 1, 1])}
    return model(SIZES, weights(w1=(4, 4, 3, 3), c=(1, 4, 6, 6)) | constants)


def token():
    constants = {name: np.array([value]) for name, value in (("first", 0), ("channels", 3), ("minus", -1), ("one", 1))}
    return model(TOKEN, weights(w1=(3, 3, 2, 2), w=(3, 3), token=(1, 1, 3)) | constants)


def soft():
    text = DECONV.replace("[up] a = ConvTranspose (x, w1)", "[up] a = Conv (x, w1)").replace("[1,4,7,7]", "[1,4,5,5]")
    return model(text, weights(w1=(4, 4, 2, 2)))


class WrittenOut(Case):
    def test_a_norm_that_is_written_out_counts_as_one(self) -> None:
        report = self.report(scaled(), "fuse: none")
        why = ("written out as Mul and Add: the configuration fuses nothing (fuse: none, qprep.yaml:1:7); without that line "
               "it would be folded into Conv 'conv1'")
        self.assertEqual(report["batch_norms"], [{"because": why, "times": 1, "nodes": ["scale"]}])
        self.assertIn("1 batch norm could be folded and is not",
                      next(each["finding"] for each in report["summary"] if each["topic"] == "fuse"))
        for name in ("scale", "shift"):
            self.assertIn(f"  stays   folded into no layer: {why}\n", self.run_qprep("explain", scaled(), "fuse: none", name))
        self.assertIn("scale", {each["name"] for each in self.report(scaled(), "fuse: all")["gone"]})

    def test_its_layer_is_told_with_it(self) -> None:
        names = ["conv1", "scale", "shift", "relu"]
        for line in ("fuse: none", "method: eager"):
            for march, first in (("", 1), ("march: bernoulli2\n", 2)):
                why = f"the configuration fuses nothing ({line}, qprep.yaml:{first}:{line.index(':') + 3})"
                report = self.report(scaled(), march + line)
                # There the Mul is a layer of its own, which takes in the Add behind it where 'fuse' lists the two.
                own = [("conv-relu", names[1:], why)] if march else []
                self.assertEqual([(each["pattern"], each["nodes"], each["because"]) for each in report["not_fused"]],
                                 [("conv-bn-relu", names, why), *own])
                for layer in ("conv1", "scale"):
                    self.assertNotIn(layer, {name for each in report["ends"] for name in each["layers"]})
                    self.assertNotIn("  ends ", self.run_qprep("explain", scaled(), march + line, layer))
                self.assertIn(f"  missed  conv-bn-relu: {', '.join(names)}: {why}\n",
                              self.run_qprep("explain", scaled(), march + line, "conv1"))
        self.assertEqual(self.report(scaled(), "fuse: all")["not_fused"], [])

    def test_what_stands_between_is_named(self) -> None:
        constants = weights(scale=(4,), shift=(4,), mean=(4,), v=(4, 3)) | {"variance": np.full(4, 2, "f4")}
        report = self.report(model(TURNED, constants), "fuse: all")
        self.assertIn("after it, Transpose 'turn' stands between it and MatMul 'dense'", report["batch_norms"][0]["because"])


class InFront(Case):
    BORDER = ("written out as Mul and Add: before it, no Conv, ConvTranspose, Gemm or MatMul stands there; after it, the "
              "layer pads with zeros, which the shift would not reach")

    def front(self):
        return model(FRONT, weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3)) | {name: np.array([value], "f4") for name, value in
                                                                         (("factor", -2.5), ("moved", 0.75))})

    def test_a_layer_without_a_border_takes_them_in(self) -> None:
        made = self.front()
        report = self.report(made, "fuse: all")
        self.assertEqual({each["name"]: each["because"] for each in report["gone"]},
                         {name: "was folded into 'conv1'" for name in ("scale1", "shift1")})
        self.assertEqual(report["batch_norms"], [{"because": self.BORDER, "times": 1, "nodes": ["scale2"]}])
        for name in ("scale2", "shift2"):
            self.assertIn(f"  stays   folded into no layer: {self.BORDER}\n",
                          self.run_qprep("explain", made, "fuse: all", name))
        self.report(made, "fuse: all\nweights: {dtype: float}")
        feed = {"x": np.random.default_rng(5).normal(size=(1, 4, 6, 6)).astype("f4")}
        results = [onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, feed)[0]
                   for file in (made.SerializeToString(), next(self.folder.rglob("*_qat.onnx")))]
        np.testing.assert_allclose(results[1], results[0], rtol=1e-4, atol=1e-5)

    def test_one_that_runs_as_a_conv_says_so(self) -> None:
        constants = weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3)) | {name: np.array([value], "f4") for name, value in
                                                                 (("factor", -2.5), ("moved", 0.75))}
        rows = self.report(model(FRONT, constants), "march: bernoulli2\nmethod: jit")["batch_norms"]
        self.assertEqual([each["because"] for each in rows], [self.BORDER + "; it runs on the BPU all the same, as a Conv"])

    def test_the_line_that_keeps_them_is_told(self) -> None:
        nothing = "written out as Mul and Add: the configuration fuses nothing (fuse: none, qprep.yaml:1:7)"
        self.assertEqual(self.report(self.front(), "fuse: none")["batch_norms"], [
            {"because": f"{nothing}; without that line it would be folded into Conv 'conv1'", "times": 1, "nodes": ["scale1"]},
            {"because": self.BORDER, "times": 1, "nodes": ["scale2"]}])
        listed = self.report(self.front(), "fuse: [[conv1, tanh]]")["batch_norms"]
        self.assertEqual([each["because"] for each in listed], [
            "written out as Mul and Add: with lists of 'fuse', only what stands behind a layer is folded", self.BORDER])


class Remedies(Case):
    def remedies(self, made, config: str) -> dict[str, str | None]:
        return {name: row["remedy"] for row in self.report(made, config)["on_cpu"] for name in row["nodes"]}

    def on_bpu(self, made, config: str) -> set[str]:
        return {each["name"] for each in self.report(made, config)["nodes"] if each["device"] == "BPU"}

    def ends(self):
        return model(ENDS, weights(w1=(4, 4, 3, 3)))

    def test_there_is_none_where_it_would_not_be_enough(self) -> None:
        told = self.remedies(model(AXES, weights(w1=(4, 4, 3, 3))), "march: bernoulli2")
        self.assertEqual({name: told[name] for name in ("mean", "means", "soft")},
                         {"mean": "transpose and reshape its data so that the axes are 2 and 3",
                          "means": "transpose its data so that the axes are 2 and 3", "soft": None})

    def test_axes_of_another_number_take_a_reshape(self) -> None:
        config = "march: bernoulli2\nmethod: jit"
        told = self.remedies(model(MEANS, weights(w1=(4, 4, 3, 3))), config)
        remedy = "transpose and reshape its data so that the axes are 2 and 3"
        self.assertEqual((told["last"], told["first"]), (remedy, remedy))
        sizes = {"by_rows": np.array([1, 24, 6, 1]), "of_rows": np.array([1, 4, 6]), "by_pixels": np.array([1, 36, 4, 1]),
                 "of_pixels": np.array([1, 6, 6])}
        moved = model(MEANS_MOVED, weights(w1=(4, 4, 3, 3)) | sizes)
        self.assertLessEqual({"last", "first"}, self.on_bpu(moved, config))
        both = [made.SerializeToString() for made in (model(MEANS, weights(w1=(4, 4, 3, 3))), moved)]
        feed = {"x": np.random.default_rng(3).normal(size=(1, 4, 6, 6)).astype("f4")}
        results = [onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, feed) for file in both]
        for was, now in zip(*results):
            np.testing.assert_allclose(now, was, rtol=1e-5, atol=1e-6)

    def test_what_has_to_be_an_output_is_told_to_stay_one(self) -> None:
        sizes = {"sizes": np.array([1, 4, 36]), "image": np.array([1, 36, 4, 1])}
        asked = "march: bernoulli2\nmethod: jit\nqconfig_setter: [{module_type: {Softmax: qint8}}]"
        remedy = "keep its branch at rank 4; transpose its data so that the axis is 1; hand its result out of the model as it is then"
        made = model(SCORES, weights(w1=(4, 4, 3, 3)) | sizes)
        self.assertEqual(self.remedies(made, "march: bernoulli2\nmethod: jit")["soft"],
                         remedy + "; give it a precision of its own, by type or name")
        self.assertEqual(self.remedies(made, asked)["soft"], remedy)
        self.assertIn("soft", self.on_bpu(model(SCORES_MOVED, weights(w1=(4, 4, 3, 3)) | sizes), asked))

    def test_a_constant_is_folded_only_where_a_layer_takes_it(self) -> None:
        made = model(SHIFTED, weights(w1=(4, 4, 3, 3), w2=(4, 4, 1, 1), shift=(1, 4, 1, 1)))
        told = self.remedies(made, "march: bernoulli2\nmethod: jit")
        self.assertEqual([told[name] for name in ("bordered", "inside", "between")],
                         [None, "fold its constant into Conv 'conv3'", None])

    def test_what_moves_elements_in_the_tail_is_told_the_line_too(self) -> None:
        made = model(TAIL, weights(w1=(4, 4, 3, 3)) | {"sizes": np.array([1, 4, 36])})
        for march in ("", "march: bayes\n"):
            told = self.remedies(made, march + "method: jit_strip")
            self.assertEqual({name: told[name] for name in ("flat", "sigmoid", "turn")},
                             dict.fromkeys(("flat", "sigmoid", "turn"), "quantise all: 'method: jit'"))
            self.assertIn("  remedy  quantise all: 'method: jit'\n",
                          self.run_qprep("explain", made, march + "method: jit_strip", "turn"))
            self.assertLessEqual(set(told), self.on_bpu(made, march + "method: jit"))
        told = self.remedies(model(ENDS.replace("[relu] r = Relu (a)", "[relu] r = Transpose <perm = [0, 1, 3, 2]> (a)"),
                                   weights(w1=(4, 4, 3, 3))), "stubs: {outputs: [a]}")
        self.assertEqual((told["relu"], told["conv2"]), ("leave out 'stubs'", "leave out 'stubs'"))
        told = self.remedies(made, "march: bernoulli2\nmethod: jit_strip")
        self.assertEqual((told["flat"], told["sigmoid"], told["turn"]), (None, None, None))

    def test_another_target_that_runs_it_is_named(self) -> None:
        made = model(AXES, weights(w1=(4, 4, 3, 3)))
        self.assertIn("On the BPU of bayes: mean, mul1, mul2.\n", self.run_qprep("check", made, "march: bernoulli2"))
        better, = json.loads(self.run_qprep("check", made, "march: bernoulli2", "--json"))["models"]
        self.assertEqual({each["march"]: each["runs"] for each in better["better_targets"]},
                         {"bayes": ["mean", "mul1", "mul2"], "bayes-e": ["mean", "mul1", "mul2"]})
        self.assertLessEqual({"mean", "mul1", "mul2"}, self.on_bpu(made, "march: bayes"))

    def test_what_a_line_keeps_there_is_told_the_line(self) -> None:
        made = self.ends()
        for march in ("", "march: bayes\n", "march: bernoulli2\n"):
            told = self.remedies(made, march + "version: 1")
            self.assertEqual(told["sigmoid"], "quantise all: 'method: jit'")
            bpu = self.on_bpu(made, march + "method: jit")
            self.assertLessEqual({name for name, remedy in told.items() if remedy}, bpu)
        told = self.remedies(made, "stubs: {outputs: [a]}")
        self.assertEqual((told["conv2"], told["sigmoid"]), ("leave out 'stubs'", "quantise all: 'method: jit' without 'stubs'"))
        for line in ("fuse: none", "method: eager"):
            self.assertEqual(self.remedies(made, "march: bernoulli2\n" + line)["relu"], f"leave out '{line}'")
        self.assertIsNone(self.remedies(made, "hybrid: {module_name: [mul]}")["mul"])


# A Sigmoid of three axes, of which the last may be open.
SWISH = """
<ir_version: 8, opset_import: ["" : 13]>
line (float[%s] x) => (float[%s] y) {
    [conv] a = Conv <pads = [1,1]> (x, w1)
    [sigmoid] b = Sigmoid (a)
    [conv2] y = Conv <pads = [1,1]> (b, w1)
}
"""


class Sizes(Case):
    def test_what_follows_from_sizes_is_said_to(self) -> None:
        gone = {each["name"]: each["because"] for each in self.report(sizes(), "fuse: all")["gone"]}
        for name in ("sizes", "filled", "again", "target"):
            self.assertIn("but on sizes that are known", gone[name], name)

    def test_they_are_the_remedy_where_a_replacement_waits_for_them(self) -> None:
        made = model(HALF, {"half": np.array([0.5], "f4")})
        config = "march: bernoulli2\nmethod: jit\n"
        row, = self.report(made, config)["on_cpu"]
        self.assertEqual((row["nodes"], row["remedy"]), (["scale"], "fix the open sizes: 'dims: {C: SIZE}'"))
        self.assertEqual(self.report(made, config + "dims: {C: 4}")["on_cpu"], [])

    def test_open_ones_are_the_remedy(self) -> None:
        remedy = "fix the open sizes: 'dims: {N: SIZE}'"
        of_sizes = {"sizes", "batch", "target", "many", "zeros", "tokens"}
        for config, others in (("method: jit", {"join", "last"}), ("march: bayes\nmethod: jit", {"join", "last", "flat", "turn"}),
                               ("march: bayes\nmethod: jit\nreplace: []", set())):
            on_cpu = {name: row["remedy"] for row in self.report(token(), config)["on_cpu"] for name in row["nodes"]}
            told = {name for name, said in on_cpu.items() if said == remedy}
            self.assertEqual(told & (of_sizes | {"join", "last", "flat", "turn"}), of_sizes | others, config)
            self.assertIn(f"  remedy  {remedy}\n", self.run_qprep("explain", token(), config, "tokens"))
            fixed = self.report(token(), config + "\ndims: {N: 1}")
            self.assertEqual({name for row in fixed["on_cpu"] for name in row["nodes"]} & told, set(), config)

    def test_what_else_stands_against_it_is_said_instead_of_a_remedy(self) -> None:
        config = "march: bayes\nmethod: jit\nreplace: []"
        nodes = {each["name"]: each["because"]["device"] for each in self.report(token(), config)["nodes"]}
        self.assertEqual(nodes["join"], "'k' stays float: it is computed from shapes, integers and constants alone; rank 3 is "
                                        "not 4, the only one that bayes' Concat takes")
        self.assertNotIn("remedy", self.run_qprep("explain", token(), config, "turn", "flat"))

    def test_sizes_and_what_is_needed_besides_are_told_together(self) -> None:
        sizes = "fix the open sizes: 'dims: {N: SIZE}'"
        for march, besides in (("bayes", "reshape it to rank 4"), ("bernoulli2", "keep its branch at rank 4")):
            config = f"march: {march}\nmethod: jit\nreplace: []"
            self.assertIn(f"  remedy  {sizes}; {besides}\n", self.run_qprep("explain", token(), config, "join"))
            fixed = self.report(token(), config + "\ndims: {N: 1}")
            told = {name: row["remedy"] for row in fixed["on_cpu"] for name in row["nodes"]}
            self.assertEqual(told["join"], besides)

    def test_limits_on_open_sizes_are_told_not_to_be_judged(self) -> None:
        constants = weights(w1=(4, 4, 3))
        for shape, end in (("1,4,H", "; its open sizes are not judged"), ("1,4,6", "")):
            made = model(SWISH % (shape, shape), constants)
            row, = [row for row in self.report(made, "march: bernoulli2\nmethod: jit")["on_cpu"] if "sigmoid" in row["nodes"]]
            self.assertEqual(row["remedy"], "keep its branch at rank 4" + end)

    def test_sizes_that_follow_from_data_have_no_remedy(self) -> None:
        rows = self.report(model(COUNTED, {}), "fuse: all")["on_cpu"]
        told = {name: row["remedy"] for row in rows for name in row["nodes"]}
        self.assertEqual(told["sizes"], "fix the open sizes: 'dims: {N: SIZE}'")
        self.assertEqual([told[name] for name in ("places", "many", "both")], [None] * 3)

    def test_who_on_the_cpu_follows(self) -> None:
        nodes = {each["name"]: each["because"] for each in
                 self.report(token(), "march: bayes\nmethod: jit\nreplace: []")["nodes"]}
        self.assertEqual(nodes["conv"]["output"], "high-precision output: only nodes on the CPU follow, first Concat 'join'")
        for name in ("flat", "turn"):
            self.assertTrue(nodes[name]["device"].endswith("is not quantised, and leads to Concat 'join' on the CPU"), name)
        told = self.run_qprep("explain", token(), "march: bayes\nmethod: jit\nreplace: []", "conv")
        self.assertNotIn("no setting decides this", told)

    def test_open_limits_have_one_row_for_an_operator(self) -> None:
        self.report(token(), "march: bayes\nmethod: jit")
        rows = self.text().split("they are taken to hold:\n")[1].split("\n\n")[0].split("\n")
        self.assertEqual(rows[0].split(), ["times", "type", "nodes", "unknown", "limits"])
        self.assertEqual(len({row.split()[1] for row in rows[2:]}), len(rows[2:]))
        self.assertNotIn("takes only what fits", "\n".join(rows))


class Targets(Case):
    def test_what_runs_only_where_asked_for_can_run(self) -> None:
        said = self.run_qprep("check", soft(), "march: bayes\nmethod: jit")
        self.assertIn("1 node runs on the BPU of bayes only where asked for.\n", said)
        self.assertNotIn("cannot run", said)
        told = json.loads(self.run_qprep("check", soft(), "march: bayes\nmethod: jit", "--json"))["models"][0]
        self.assertEqual((told["refused_by_target"], told["run_if_asked"]), (0, 1))

    def test_no_hint_asks_for_what_the_target_cannot_make(self) -> None:
        made = model(DECONV, weights(w1=(4, 4, 2, 2)))
        report = self.report(made, "march: bayes\nmethod: jit")
        self.assertEqual([each for each in report["hints"] if "high-precision" in str(each)], [])

    def test_limits_read_like_sentences(self) -> None:
        made = model(DILATED, weights(w1=(4, 4, 3, 3)))
        row = self.report(made, "march: bayes")["on_cpu"][0]
        self.assertIn("H = 5 is no multiple of dilation height 2, as bayes' Conv needs it", row["because"])
        self.assertEqual(row["remedy"], "bring H to a multiple of 2")

    def test_a_part_stays_only_where_the_replacement_is_for_it(self) -> None:
        made = model(GATE, weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3)))
        rows = self.report(made, "replace: [mul-to-conv]")["not_replaced"]
        self.assertEqual([(each["replacement"], each["nodes"]) for each in rows], [("mul-to-conv", [])])
        steep = model(GATE.replace("Sigmoid (a)", "Sigmoid (s)").replace("[sigmoid]", "[steep] s = Mul (a, beta)\n    [sigmoid]"),
                      weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3)) | {"beta": np.array(1.702, "f4")})
        rows = self.report(steep, "replace: [mul-to-conv]")["not_replaced"]
        self.assertEqual([each["nodes"] for each in rows], [["steep"]])
        self.assertIn("one unit as it is", rows[0]["because"])


    def test_parts_that_cannot_run_are_named(self) -> None:
        because = {each["name"]: each["because"]["device"] for each in
                   self.report(norms(), "march: bernoulli2\nmethod: jit")["nodes"]}
        self.assertTrue(because["silu"].endswith("; Mul 'silu' cannot run there either"), because["silu"])
        # Those of the whole unit are named in its list.
        self.assertTrue(because["root"].endswith("; none of its other parts can run there either"), because["root"])


class Sums(Case):
    def test_explain_says_why_no_layer_adds_it(self) -> None:
        made = model(SUM, weights(w1=(4, 4, 3, 3)))
        why = "Sigmoid 'sigmoid' is no layer; Tanh 'tanh' is no layer"
        self.assertEqual(self.report(made, "fuse: all")["sums"][0]["because"], why)
        self.assertIn(f"  alone   no layer adds it: {why}\n", self.run_qprep("explain", made, "fuse: all", "sum"))
        told = json.loads(self.run_qprep("explain", made, "fuse: all", "sum", "conv", "--json"))["nodes"]
        self.assertEqual([each["alone"] for each in told], [why, ""])


class Modern(Case):
    def test_explain_says_what_a_node_becomes(self) -> None:
        told = self.run_qprep("explain", swishes(), "rewrite: modern", "swish1", "mul1")
        self.assertIn("  becomes HardSwish, by 'rewrite: modern'\n", told)
        self.assertIn("  becomes a part of HardSwish 'swish1', by 'rewrite: modern'\n", told)
        self.assertNotIn("becomes", self.run_qprep("explain", swishes(), "rewrite: keep", "swish1"))

    def test_explain_says_why_one_stays(self) -> None:
        self.assertIn("  stays   as written, in SiLU: Swish needs operator set 24, and 'newest_opset' is 17 "
                      "(qprep.yaml:2:15)\n",
                      self.run_qprep("explain", norms(), "rewrite: modern\nnewest_opset: 17", "silu"))


if __name__ == "__main__":
    unittest.main()
