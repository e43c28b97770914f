"""Walks a QAT model that was written and says where FakeQuantize stands wrong.

    python tests/cli/walker.py QPREP MODEL [-c CONFIG]

It shares nothing with the passes: what is a unit and what runs on the BPU is what `qprep explain` tells the user, the
rest is read from the written file. Two rules: nothing inside a unit is quantised, and what goes from one unit on the BPU
to another, over operators that move data, passes a FakeQuantize.
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


class Walker:
    """Over the main graph of a written model."""

    def __init__(self, model: onnx.ModelProto, explained: list[dict]) -> None:
        self.written = list(model.graph.node)  # kept, since they are known by their identity
        self.told = dict(self.matched([node for node in explained if node["op"] != "input"]))
        self.maker = {name: node for node in self.written for name in node.output if name}

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

    def sources(self, tensor: str) -> Iterator[tuple[onnx.NodeProto, bool]]:
        """Who made the numbers of a tensor, back over what moves data, and whether they were quantised on the way."""
        quantised = False
        while (node := self.maker.get(tensor)) is not None:
            if self.is_fake_quantize(node):
                quantised = True
            elif self.kind(node) != "passive":
                yield node, quantised
                return
            tensor = node.input[0]

    def faults(self) -> Iterator[str]:
        for node in self.written:
            if self.kind(node) not in COMPUTES:
                continue
            for number in DATA.get(node.op_type, range(len(node.input))):
                if number < len(node.input) and node.input[number]:
                    yield from self.faults_of(node, node.input[number])

    def faults_of(self, node: onnx.NodeProto, tensor: str) -> Iterator[str]:
        before = self.maker.get(tensor)
        inside = self.is_fake_quantize(before) and self.maker.get(before.input[0])
        if inside and inside is not node and self.name(inside) in self.unit(node):
            yield f"'{before.input[0]}' is quantised inside the unit of '{self.name(node)}'"
        for source, quantised in self.sources(tensor):
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
