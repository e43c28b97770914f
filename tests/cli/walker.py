"""Walks a QAT model that was written and says where FakeQuantize stands wrong.

    python tests/cli/walker.py QPREP MODEL [-c CONFIG]

It shares nothing with the passes: what is a unit and what runs on the BPU is what `qprep explain` tells the user, the
rest is read from the written file. Rules: nothing inside a unit is quantised; what goes from one unit on the BPU to
another, over operators that move data and over the borders of bodies, passes a FakeQuantize; no unit has parts in two
graphs; the scales of a FakeQuantize in a body stand in the main graph.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import onnx

COMPUTES = ("gemm_like", "active")
# Of these operators, the inputs that carry data; of others all do.
DATA = {"Conv": (0, 1), "ConvTranspose": (0, 1), "Gemm": (0, 1), "MatMul": (0, 1), "Where": (1, 2), "Clip": (0,)}


CONTROL_FLOW = ("If", "Loop", "Scan")


class Scope:
    """A graph, and what its names mean."""

    def __init__(self, graph: onnx.GraphProto, outer: Scope | None, holder: onnx.NodeProto | None) -> None:
        self.graph, self.outer, self.holder = graph, outer, holder
        self.maker = {name: node for node in graph.node for name in node.output if name}
        self.inputs = [value.name for value in graph.input]
        self.outputs = [value.name for value in graph.output]
        self.bodies: dict[int, list[Scope]] = {}  # by the identity of the node that holds them

    def of(self, tensor: str) -> Scope | None:
        """The graph that makes the tensor, or takes it as an input."""
        scope: Scope | None = self
        while scope is not None and tensor not in scope.maker and tensor not in scope.inputs:
            scope = scope.outer
        return scope

    def fed(self, tensor: str) -> Iterator[tuple[Scope, str]]:
        """What an input of this body is: what entered at the first turn, and what the turn before left."""
        if self.holder is None or self.outer is None:
            return
        at = self.inputs.index(tensor)
        read = list(self.holder.input)
        first = max(len(read) - len(self.inputs), 0) if self.holder.op_type == "Scan" else 0
        if first + at < len(read) and read[first + at]:
            yield self.outer, read[first + at]
        left = at - 1 if self.holder.op_type == "Loop" else at
        scanned = next((a.i for a in self.holder.attribute if a.name == "num_scan_inputs"), 0)
        if 1 <= left < len(self.outputs) if self.holder.op_type == "Loop" else at + scanned < len(self.inputs):
            yield self, self.outputs[left]

    def left(self, output: int) -> str:
        """What the body makes of the holder's result."""
        return self.outputs[output + (1 if self.holder is not None and self.holder.op_type == "Loop" else 0)]


class Walker:
    """Over the graphs of a written model."""

    def __init__(self, model: onnx.ModelProto, explained: list[dict]) -> None:
        self.written: list[onnx.NodeProto] = []  # those of a body before the node that holds it
        self.scope: dict[int, Scope] = {}  # by the identity of a node
        self.main = self.enter(Scope(model.graph, None, None))
        self.told = dict(self.matched([node for node in explained if node["op"] != "input"]))

    def enter(self, scope: Scope) -> Scope:
        for node in scope.graph.node:
            if node.op_type in CONTROL_FLOW and node.domain in ("", "ai.onnx"):
                bodies = sorted((a.name, a.g) for a in node.attribute if a.type == onnx.AttributeProto.GRAPH)
                scope.bodies[id(node)] = [self.enter(Scope(body, scope, node)) for _, body in bodies]
            self.written.append(node)
            self.scope[id(node)] = scope
        return scope

    def matched(self, explained: list[dict]) -> Iterator[tuple[int, dict]]:
        """By the identity of a written node, what was told of it: in order, or by name where an operator set was raised."""
        rest = [node for node in self.written if node.op_type != "FakeQuantize"]
        if [node.op_type for node in rest] == [node["op"].split("::")[-1] for node in explained]:
            for node, told in zip(rest, explained, strict=True):
                yield id(node), told
            return
        by_name = {told["name"]: told for told in explained}
        for node in rest:
            if node.name in by_name:
                yield id(node), by_name[node.name]

    def is_fake_quantize(self, node: onnx.NodeProto | None) -> bool:
        return node is not None and node.op_type == "FakeQuantize"

    def kind(self, node: onnx.NodeProto) -> str:
        """The class of the operator that it runs as on the BPU; empty: it is on the CPU."""
        told = self.told.get(id(node))
        return told["because"].split(":")[0] if told and told["device"] == "BPU" else ""

    def name(self, node: onnx.NodeProto) -> str:
        told = self.told.get(id(node))
        return told["name"] if told else node.name

    def unit(self, node: onnx.NodeProto) -> frozenset[str]:
        told = self.told.get(id(node))
        return frozenset(told["unit"] if told and told["unit"] else [self.name(node)])

    def sources(self, scope: Scope, tensor: str) -> Iterator[tuple[onnx.NodeProto, bool]]:
        """Who made the numbers of a tensor, back over what moves data and over borders, and whether they were
        quantised on the way."""
        waiting = [(scope, tensor, False)]
        seen = set()
        while waiting:
            scope, tensor, quantised = waiting.pop()
            found = scope.of(tensor)
            if found is None or (id(found), tensor, quantised) in seen:
                continue
            seen.add((id(found), tensor, quantised))
            node = found.maker.get(tensor)
            if node is None:
                waiting += [(where, name, quantised) for where, name in found.fed(tensor)]
            elif self.is_fake_quantize(node):
                waiting.append((found, node.input[0], True))
            elif id(node) in found.bodies:
                at = list(node.output).index(tensor)
                waiting += [(body, body.left(at), quantised) for body in found.bodies[id(node)]]
            elif self.kind(node) == "passive":
                waiting.append((found, node.input[0], quantised))
            else:
                yield node, quantised

    def faults(self) -> Iterator[str]:
        units: dict[frozenset[str], Scope] = {}
        for node in self.written:
            if self.is_fake_quantize(node) and self.scope[id(node)] is not self.main:
                yield from self.faults_of_scales(node)
            if self.kind(node) not in COMPUTES:
                continue
            if units.setdefault(self.unit(node), self.scope[id(node)]) is not self.scope[id(node)]:
                yield f"the unit of '{self.name(node)}' has parts in two graphs"
            for number in DATA.get(node.op_type, range(len(node.input))):
                if number < len(node.input) and node.input[number]:
                    yield from self.faults_of(node, node.input[number])

    def faults_of_scales(self, node: onnx.NodeProto) -> Iterator[str]:
        main = {tensor.name for tensor in self.main.graph.initializer}
        for name in node.input[1:]:
            if name not in main or self.scope[id(node)].of(name) is not None:
                yield f"'{name}' of '{node.name}' is no initializer of the main graph"

    def faults_of(self, node: onnx.NodeProto, tensor: str) -> Iterator[str]:
        scope = self.scope[id(node)]
        made_in = scope.of(tensor)
        before = made_in.maker.get(tensor) if made_in else None
        inside = made_in.maker.get(before.input[0]) if made_in and self.is_fake_quantize(before) else None
        if inside is not None and inside is not node and self.name(inside) in self.unit(node):
            yield f"'{before.input[0]}' is quantised inside the unit of '{self.name(node)}'"
        for source, quantised in self.sources(scope, tensor):
            between = self.kind(source) in COMPUTES and self.name(source) not in self.unit(node)
            if between and not quantised:
                yield f"what '{self.name(source)}' makes enters '{self.name(node)}' and is not quantised"


def explain(qprep: str, model: Path, config: Path | None) -> list[dict]:
    command = [qprep, "explain", str(model), "--json", "-q", *(["-c", str(config)] if config else []), "*"]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)["nodes"]


def faults(qprep: str, model: Path, config: Path | None, written: Path) -> list[str]:
    """What is wrong in the QAT model that prepare wrote of the model."""
    return list(Walker(onnx.load(written, load_external_data=False), explain(qprep, model, config)).faults())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep")
    parser.add_argument("model", type=Path)
    parser.add_argument("-c", "--config", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qprep_walker_") as folder:
        config = ["-c", str(arguments.config)] if arguments.config else []
        command = [arguments.qprep, "prepare", str(arguments.model), "-o", folder, "-q", *config]
        subprocess.run(command, check=True)
        written = Path(folder) / f"{arguments.model.stem}_qat.onnx"
        found = faults(arguments.qprep, arguments.model, arguments.config, written)
    for fault in found:
        print(fault)
    print(f"{len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
