"""What a reader of the check result and of explain finds: names of his own file, the reasons where he looks for them, what
runs where, and how that is changed.

    python tests/cli/reader_test.py QPREP
"""

import json
import os
import unittest
from pathlib import Path

import numpy as np
import onnx
from told_test import CALLS, Case, model, norms, swishes, weights

GTCRN = Path(os.environ.get("QPREP_SHARED", "absent")) / "models" / "audio_gtcrn.onnx"

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
wide (float[1,4,6,6] x) => (float[1,88,6,6] y) {
%s
    [join] j = Concat <axis = 1> (%s)
    [tail] y = Sigmoid (j)
}
"""


BEHIND = """
<ir_version: 8, opset_import: ["" : 13]>
behind (float[1,4,6,6] x) => (float[1,4,4,4] y) {
    [conv1] a = Conv (x, w1)
    [norm1] b = BatchNormalization (a, scale, shift, mean, variance)
    [sigmoid] y = Sigmoid (b)
}
"""


def head():
    constants = weights(w1=(4, 4, 3, 3), scale=(4,), shift=(4,), mean=(4,), v=(4, 3), c=(3,))
    return model(HEAD, constants | {"variance": np.full(4, 2, "f4")})


def soft():
    return model(SOFT, weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3)))


def wide():
    convs = "\n".join(f"    [conv{i}] a{i} = Conv <pads = [1,1,1,1]> (x, w{i})" for i in range(22))
    text = WIDE % (convs, ", ".join(f"a{i}" for i in range(22)))
    return model(text, weights(**{f"w{i}": (4, 4, 3, 3) for i in range(22)}))


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

    def test_one_right_behind_its_layer_is_counted_once_more(self) -> None:
        made = model(BEHIND, weights(w1=(4, 4, 3, 3), scale=(4,), shift=(4,), mean=(4,)) | {"variance": np.full(4, 2, "f4")})
        for line in ("method: eager", "fuse: none"):
            nothing = f"the configuration fuses nothing ({line}, qprep.yaml:1:{len(line.split()[0]) + 2})"
            row = {"because": f"{nothing}; without that line it would be folded into Conv 'conv1'", "times": 1, "nodes": ["norm1"]}
            report = self.report(made, line)
            self.assertEqual(report["batch_norms"], [row])
            self.assertIn(["conv1", "norm1"], [each["nodes"][:2] for each in report["not_fused"]])
            self.assertTrue(report["summary"][1]["finding"].endswith(
                "is not; 1 batch norm could be folded and is not, in one of these sequences"), report["summary"][1])
            alone, text = report["not_fused"], self.text()
            # The batch norm is a Conv there, which no sequence goes on with; without the line, it would be none.
            report = self.report(made, line + "\nmarch: bayes")
            self.assertEqual(report["batch_norms"], [row])
            self.assertEqual(report["not_fused"], alone)
            self.assertEqual(self.text().split("\n\n")[0], text.split("\n\n")[0])
            self.assertNotIn("conv1", {layer for end in report["ends"] for layer in end["layers"]})
            self.assertIn("; 1 batch norm could be folded and is not", report["summary"][1]["finding"])
            self.assertIn("  stays   folded into no layer: the configuration fuses nothing",
                          self.run_qprep("explain", made, line + "\nmarch: bayes", "norm1"))

    def test_each_names_its_own_layer(self) -> None:
        twice = BEHIND.replace("    [sigmoid] y = Sigmoid (b)\n", "    [conv2] c = Conv <pads = [1,1,1,1]> (b, w1)\n"
                               "    [norm2] y = BatchNormalization (c, scale, shift, mean, variance)\n")
        made = model(twice, weights(w1=(4, 4, 3, 3), scale=(4,), shift=(4,), mean=(4,)) | {"variance": np.full(4, 2, "f4")})
        row, = self.report(made, "fuse: none")["batch_norms"]
        why = "the configuration fuses nothing (fuse: none, qprep.yaml:1:7); without that line it would be folded into Conv "
        self.assertEqual((row["because"], row["each"]), (why + "'...'", [why + "'conv1'", why + "'conv2'"]))

    def test_no_reshape_of_others_makes_an_operator_of_them(self) -> None:
        self.assertEqual([unit for unit in self.report(head(), "fuse: none\nmarch: bayes")["units"] if
                          "norm2" in unit["nodes"]], [])


class NothingFused(Case):
    def test_no_blocks_are_looked_for_by_method_eager(self) -> None:
        line = "\nBlocks are not looked for: method 'eager' recognises nothing that the configuration does not list.\n"
        for config, said in (("method: eager", True), ("fuse: none", False)):
            self.report(norms(), config)
            self.assertEqual(line in self.text(), said)

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


def is_float(slot: dict | None) -> bool:
    return slot is not None and slot["dtype"].startswith(("float", "qint", "?"))


def borders(report: dict) -> dict[str, tuple[tuple[int, int], set[str]]]:
    """How much lies on the other side of each border, and the tensors there, as the reasons of the nodes tell it."""
    nodes = report["nodes"]
    maker = {slot["name"]: node["name"] for node in nodes for slot in node["outputs"] if slot}
    readers: dict[str, list[str]] = {}
    for node in nodes:
        for slot in filter(None, node["inputs"]):
            readers.setdefault(slot["name"], []).append(node["name"])
    side = {}
    moves = {node["name"] for node in nodes
             if node["device"] == "CPU" and node["because"]["device"].startswith("passive:")}
    for node in nodes:
        for words, which in (("in the head:", "from"), ("in the tail:", "to")):
            if node["device"] == "CPU" and node["because"]["device"].startswith(words):
                side[node["name"]] = which
        if node["name"] in moves and side.get(maker.get(node["inputs"][0]["name"])) == "to":
            side[node["name"]] = "to"
    results = {slot["name"] for slot in report["outputs"]}
    for node in reversed(nodes):
        made = [slot["name"] for slot in node["outputs"] if slot]
        use = [each for name in made for each in readers.get(name, [])]
        beyond = use and all(each in side for each in use) and not results.intersection(made)
        if node["name"] in moves and node["name"] not in side and is_float(node["inputs"][0]) and beyond:
            side[node["name"]] = "to" if "to" in {side[each] for each in use} else "from"
    given = {slot["name"] for slot in report["inputs"]}
    tensors: dict[str, set[str]] = {"from": set(), "to": set()}
    for node in nodes:
        within = node["name"] not in side
        for slot in filter(is_float, node["inputs"]):
            name = slot["name"]
            if within and any(map(is_float, node["outputs"])) and (name in given or side.get(maker.get(name)) == "from"):
                tensors["from"].add(name)
            if side.get(node["name"]) == "to" and name in maker and maker[name] not in side:
                tensors["to"].add(name)
        if within:
            tensors["to"].update(slot["name"] for slot in filter(is_float, node["outputs"]) if slot["name"] in results)
    # What the tensors come from, and what comes from them.
    before, behind = set(tensors["from"]), set(tensors["to"])
    for node in reversed(nodes):
        if before.intersection(slot["name"] for slot in node["outputs"] if slot):
            before.update([node["name"], *(slot["name"] for slot in node["inputs"] if slot)])
    for node in nodes:
        if behind.intersection(slot["name"] for slot in node["inputs"] if slot):
            behind.update([node["name"], *(slot["name"] for slot in node["outputs"] if slot)])
    lies = {"from": before, "to": behind}
    counts = {which: [name in lies[which] for name in side if side[name] == which] for which in tensors}
    return {which: ((sum(count), len(count) - sum(count)), tensors[which]) for which, count in counts.items() if count}


# The head changes one of two inputs, the tail takes what a Slice moves, and a result of the region leaves the model.
ENDS = """
<ir_version: 8, opset_import: ["" : 13]>
ends (float[1,4,6,6] x, float[1,4,6,6] state) => (float[1,2,6,6] y, float[1,4,6,6] next) {
    [moved] m = Transpose <perm = [0,1,3,2]> (x)
    [scaled] h = Sqrt (m)
    [conv1] a = Conv <pads = [1,1,1,1]> (h, w1)
    [sum] s = Add (a, state)
    [conv2] b = Conv <pads = [1,1,1,1]> (s, w2)
    [tanh] next = Tanh (b)
    [conv3] c = Conv <pads = [1,1,1,1]> (next, w1)
    [relu] r = Relu (c)
    [pool] p = MaxPool <kernel_shape = [1,1]> (r)
    [conv4] d = Conv (p, w3)
    [slice] t = Slice (p, zero, two, one)
    [sigmoid] g = Sigmoid (d)
    [mul] y = Mul (g, t)
}
"""


# Of another input than the layer's, the tail takes what it adds.
BESIDE = """
<ir_version: 8, opset_import: ["" : 13]>
beside (float[1,4,6,6] x, float[1,4,6,6] z) => (float[1,4,6,6] y) {
    [head1] h = Sqrt (x)
    [head2] i = Sqrt (z)
    [turned] j = Transpose <perm = [0,1,3,2]> (i)
    [conv1] a = Conv <pads = [1,1,1,1]> (h, w1)
    [sum] y = Sub (a, j)
}
"""


def ends():
    constants = weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3), w3=(2, 4, 1, 1))
    return model(ENDS, constants | {"zero": np.array([0]), "two": np.array([2]), "one": np.array([1])})


class Region(Case):
    def check(self, report: dict) -> dict:
        told = {each["side"]: ((each["beyond"], each["beside"]), {tensor["name"] for tensor in each["tensors"]})
                for each in report["region"]}
        self.assertEqual(told, borders(report))
        devices = {each["name"]: each["device"] for each in report["nodes"]}
        for each in report["region"]:
            self.assertEqual([tensor["device"] for tensor in each["tensors"]],
                             [devices[tensor["node"]] for tensor in each["tensors"]])
        return told

    def test_each_tensor_of_a_border_has_its_line(self) -> None:
        self.check(self.report(wide(), "method: jit_strip"))
        self.assertIn("Only a region of the graph may be quantised; the rules of head and tail, or stubs, leave the rest "
                      "float.\nIt begins at the inputs of the model.\n"
                      "It ends at the tensors below; 2 operators behind them stay float:\n"
                      "tensor      made by  type  on   since\n"
                      "----------  -------  ----  ---  ---------------------\n"
                      "a0          conv0    Conv  BPU  qprep.yaml:1:9 method\n", self.text())
        self.assertIn("\nand 2 more\n", self.text())

    def test_what_computes_from_no_tensor_of_a_border_is_told_apart(self) -> None:
        told = self.check(self.report(model(BESIDE, weights(w1=(4, 4, 3, 3))), "method: jit_strip"))
        self.assertEqual(told, {"from": ((1, 0), {"h"}), "to": ((1, 2), {"a"})})
        self.assertIn("It ends at the tensor below; 1 operator behind it stays float, and 2 that compute from another "
                      "tensor:\n", self.text())

    def test_nodes_on_the_cpu_within_it_are_told_where_there_are_any(self) -> None:
        told = "For other reasons, listed below, modules within it run on the CPU, too.\n"
        for config, said in (("version: 1", False), ("hybrid: {module_name: [sum]}", True),
                             ("stubs: {inputs: [a], outputs: [r]}", False),
                             ("{stubs: {inputs: [a], outputs: [r]}, hybrid: {module_name: [conv3]}}", True)):
            self.report(ends(), config)
            self.assertEqual(told in self.text(), said, config)

    def test_its_borders_say_which_rule_draws_them(self) -> None:
        def why(config: str) -> dict[str, str | None]:
            region = self.report(ends(), config)["region"]
            return {tensor["name"]: tensor["because"] for each in region for tensor in each["tensors"]}

        default = "default: method jit_strip"
        self.assertEqual(why("version: 1"), {"h": default, "state": None, "next": None, "d": default, "t": default})
        self.assertEqual(why("stubs: {inputs: [a], outputs: [r]}"),
                         {"s": "qprep.yaml:1:18 stubs.inputs", "next": None, "r": "qprep.yaml:1:32 stubs.outputs"})

    def test_it_begins_at_inputs_and_ends_at_outputs_too(self) -> None:
        for march in ("", "march: bayes\n", "march: bernoulli2\n"):
            told = self.check(self.report(ends(), march + "method: jit_strip"))
            self.assertEqual(told["from"], ((2, 0), {"h", "state"}))
            self.assertEqual(told["to"], ((2, 0), {"next", "d", "t"}))

    def test_stubs_draw_it_too(self) -> None:
        region = self.report(ends(), "stubs: {inputs: [a], outputs: [r]}")["region"]
        self.assertEqual([(each["side"], each["beyond"], [tensor["name"] for tensor in each["tensors"]]) for each in region],
                         [("from", 4, ["s"]), ("to", 5, ["next", "r"])])

    @unittest.skipUnless(GTCRN.exists(), "the shared models are absent")
    def test_a_real_one(self) -> None:
        for config in ("version: 1", "march: bayes", "march: bernoulli2", "march: bayes-e"):
            told = self.check(self.report(onnx.load(GTCRN), config))
            self.assertLessEqual({"mix", "conv_cache", "tra_cache", "inter_cache"}, told["from"][1])

    def test_the_whole_graph_is_told(self) -> None:
        for config in ("method: jit", "method: eager"):
            self.assertEqual(self.report(wide(), config)["region"], [])
            self.assertIn("\nThe whole graph may be quantised; no head, tail or stub leaves a part of it float.\n",
                          self.text())


# Attention, whose scale is a Mul.
HEADS = """
<ir_version: 8, opset_import: ["" : 13]>
heads (float[1,3,8,8] q, float[1,3,8,8] k, float[1,3,8,8] v) => (float[1,3,8,8] y) {
    [product] s = MatMul (q, k)
    [scale] t = Mul (s, factor)
    [soft] p = Softmax <axis = -1> (t)
    [values] y = MatMul (p, v)
}
"""


class Blocks(Case):
    def test_one_is_found_where_its_scale_became_a_layer(self) -> None:
        heads = model(HEADS, {"factor": np.array(0.25, "f4")})
        for march in ("bayes", "bayes-e", "bernoulli2"):
            report = self.report(heads, f"march: {march}")
            self.assertEqual([(each["pattern"], each["nodes"]) for each in report["blocks"]],
                             [("Attention", ["product", "scale", "soft", "values"])])
        self.assertIn({"name": "scale", "op": "Mul", "now": "Conv", "because": "is a Conv now, by mul-to-conv"},
                      report["became"])

    def test_it_says_what_of_it_runs_on_the_cpu(self) -> None:
        heads = model(HEADS, {"factor": np.array(0.25, "f4")})
        self.report(heads, "qconfig_setter: [{module_name: {soft: float}}]")
        self.assertIn("Modules below form a block; each is quantised, or runs on the CPU, by itself:\n", self.text())
        self.assertRegex(self.text(), r"\nvalues +Attention +product, scale, soft, values +soft\n")
        self.report(heads, "method: jit")
        self.assertIn("Modules below form a block; each is quantised by itself:\n", self.text())
        self.assertRegex(self.text(), r"\nvalues +Attention +product, scale, soft, values\n")


# Nodes that hand on what they read, one behind the other, and two Transposes that undo each other.
IDLE = """
<ir_version: 8, opset_import: ["" : 13]>
idle (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [same1] b = Identity (a)
    [same2] c = Cast <to = 1> (b)
    [there] d = Transpose <perm = [0,1,3,2]> (c)
    [back] e = Transpose <perm = [0,1,3,2]> (d)
    [conv2] y = Conv <pads = [1,1,1,1]> (e, w2)
}
"""


class WhatIsGone(Case):
    def gone(self, made, config: str = "version: 1") -> dict[str, str]:
        return {each["name"]: each["because"] for each in self.report(made, config)["gone"]}

    def test_it_names_what_the_node_reads_in_the_file(self) -> None:
        idle = model(IDLE, weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3)))
        gone = self.gone(idle)
        self.assertEqual(gone["same1"], "hands on what it reads, 'a', and is left out")
        self.assertEqual(gone["same2"], "hands on what it reads, 'b', and is left out")
        self.assertEqual(gone["back"], "undoes what those before it did to 'a', and is left out")
        self.assertEqual(list(gone), ["same1", "same2", "there", "back"])

    def test_nobody_does_the_work_of_what_did_none(self) -> None:
        idle = model(IDLE, weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3)))
        report = self.report(idle, "version: 1")
        left_out = {each["name"] for each in report["gone"] if each["because"].endswith("and is left out")}
        for node in report["nodes"]:
            self.assertFalse(left_out.intersection(node.get("absorbed", [])), node)
        self.assertNotIn("holds   same1", self.run_qprep("explain", idle, "version: 1", "conv1"))

    def test_what_replacements_put_in_holds_nothing_that_is_elsewhere(self) -> None:
        report = self.report(head(), "march: bayes")
        there = {each["name"] for each in report["nodes"]}
        holders: dict[str, list[str]] = {}
        for node in report["nodes"]:
            for name in node.get("absorbed", []):
                self.assertNotIn(name, there)
                holders.setdefault(name, []).append(node["name"])
        self.assertEqual(holders, {"norm2": ["fc"]})
        self.assertNotIn("  holds ", self.run_qprep("explain", head(), "march: bayes", "y"))

    @unittest.skipUnless(GTCRN.exists(), "the shared models are absent")
    def test_a_real_one(self) -> None:
        made = onnx.load(GTCRN)
        reads = {node.name: list(node.input) for node in made.graph.node}
        order = {node.name: i for i, node in enumerate(made.graph.node)}
        gone = self.gone(made)
        for name, because in gone.items():
            if because.startswith("hands on what it reads, '"):
                self.assertIn(because.split("'")[1], reads[name], name)
        places = [order[name] for name in gone]
        self.assertEqual(places, sorted(places))


class Generated(Case):
    def test_names_of_inference_are_told_nowhere(self) -> None:
        text = """
<ir_version: 8, opset_import: ["" : 13]>
open (float[N,4,6,6] x, int64[1] size) => (float[A,B,C,D] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [big] b = Resize <mode = "nearest"> (a, , scales)
    [some] s = Slice (b, zero, size)
    [soft] e = Softmax <axis = 1> (s)
    [conv2] y = Conv <pads = [1,1,1,1]> (e, w2)
}
"""
        made = model(text, weights(w1=(4, 4, 3, 3), w2=(4, 4, 3, 3)) |
                     {"scales": np.array([1, 1, 2, 2], "f4"), "zero": np.array([0])})
        for march in ("bayes", "bayes-e", "bernoulli2"):
            report = self.report(made, f"march: {march}")
            self.assertIn("?", json.dumps(report["crossings"]))
            for told in (self.text(), json.dumps(report), self.run_qprep("check", made, f"march: {march}"),
                         self.run_qprep("explain", made, f"march: {march}", "some", "soft", "conv2")):
                self.assertNotIn("unk__", told)


class Checked(Case):
    def test_the_table_of_check_agrees_with_the_report(self) -> None:
        config = "march: bayes"
        table = json.loads(self.run_qprep("check", soft(), config, "--json"))["models"][0]["table"]
        report = {each["name"]: each for each in self.report(soft(), config)["nodes"]}
        for row in table:
            node = report[row["name"]]
            self.assertEqual(row["dtype"], f"{node['inputs'][0]['dtype']}/{node['outputs'][0]['dtype']}", row)
        self.assertEqual((report["soft"]["device"], report["soft"]["outputs"][0]["dtype"]), ("CPU", "qint8"))


class Written(Case):
    def test_what_was_folded_into_a_part_is_told_with_the_whole(self) -> None:
        text = """
<ir_version: 8, opset_import: ["" : 18]>
grouped (float[1,4,6,6] x) => (float[1,4,6,6] y) {
    [conv1] a = Conv <pads = [1,1,1,1]> (x, w1)
    [rows] b = Reshape (a, whole)
    [groups] c = Reshape (b, two)
    [norm] d = InstanceNormalization (c, one, zero)
    [back] e = Reshape (d, shape)
    [scaled] f = Mul (e, w2)
    [shifted] g = Add (f, w3)
    [conv2] y = Conv <pads = [1,1,1,1]> (g, w1)
}
"""
        constants = {"whole": np.array([1, 4, 36]), "two": np.array([1, 2, -1]), "shape": np.array([1, 4, 6, 6]),
                     "one": np.ones(2, "f4"), "zero": np.zeros(2, "f4")}
        made = model(text, weights(w1=(4, 4, 3, 3), w2=(4, 1, 1), w3=(4, 1, 1)) | constants)
        report = self.report(made, "rewrite: modern")
        self.assertEqual([(each["op"], each["folded"]) for each in report["rewritten"]],
                         [("GroupNormalization", ["rows"])])
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
