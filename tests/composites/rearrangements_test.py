"""What `qprep prepare` calls a PixelShuffle is one, and every one is found: chains of Reshape, Transpose and Reshape
in random orders, and of Unsqueeze, Expand or Tile and Reshape, are run in ONNX Runtime and compared with numpy. And one
whose shapes are computed in the graph, which are known only after folding.

    python tests/composites/rearrangements_test.py QPREP [--seed N]
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import yaml
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^  block ([^:]+): (.*)$", re.M)
CHAINS = 200


@dataclass
class Rearrangement:
    """An expression of configs/composites.yaml, by the factors of its axes."""

    name: str
    left: list[list[str]]
    right: list[list[str]]

    @property
    def factors(self) -> list[str]:
        return [factor for axis in self.left for factor in axis]

    @property
    def repeats(self) -> bool:
        return any(factor not in self.factors for axis in self.right for factor in axis)

    def of(self, data: np.ndarray, sizes: dict[str, int]) -> np.ndarray:
        """What it makes of the data, where the factors have these sizes."""
        moved = data.reshape([sizes[factor] for factor in self.factors])
        wanted = [factor for axis in self.right for factor in axis]
        kept = [factor for factor in wanted if factor in self.factors]
        moved = moved.transpose([self.factors.index(factor) for factor in kept])
        for place, factor in enumerate(wanted):
            if factor not in self.factors:
                moved = np.repeat(np.expand_dims(moved, place), sizes[factor], place)
        return moved.reshape([math.prod(sizes[factor] for factor in axis) for axis in self.right])


def expressions() -> list[Rearrangement]:
    table = yaml.safe_load((ROOT / "configs/composites.yaml").read_text())["rearrangements"]
    sides = lambda text: [re.findall(r"\w+", part) for part in re.findall(r"\([^)]*\)|\w+", text)]  # noqa: E731
    return [
        Rearrangement(entry["name"], *map(sides, text.split("->")))
        for entry in table
        for text in entry["any_of"]
    ]


def ways(product: int, count: int) -> Iterator[tuple[int, ...]]:
    if count == 1:
        yield (product,)
        return
    for first in range(1, product + 1):
        if product % first == 0:
            yield from ((first, *rest) for rest in ways(product // first, count - 1))


def sizes_of(each: Rearrangement, source: np.ndarray, result: np.ndarray) -> Iterator[dict[str, int]]:
    """Every choice of sizes with which the shapes fit; factors in upper case are more than 1."""
    if len(each.left) != source.ndim or len(each.right) != result.ndim:
        return
    for axes in itertools.product(*(ways(n, len(axis)) for n, axis in zip(source.shape, each.left, strict=True))):
        sizes = dict(zip(each.factors, itertools.chain(*axes), strict=True))
        for axis, n in zip(each.right, result.shape, strict=True):
            new = [factor for factor in axis if factor not in sizes]
            known = math.prod(sizes[factor] for factor in axis if factor not in new)
            if len(new) > 1 or n % known or (not new and n != known):
                break
            sizes.update(dict.fromkeys(new, n // known))
        else:
            if all(size > 1 for factor, size in sizes.items() if factor.isupper()):
                yield sizes


def names_of(source: np.ndarray, result: np.ndarray, table: list[Rearrangement]) -> set[str]:
    return {
        each.name
        for each in table
        for sizes in sizes_of(each, source, result)
        if np.array_equal(each.of(source, sizes), result)
    }


class Builder:
    """Chains beside each other; each has an input and an output of its own."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []

    def start(self, chain: int, shape: list[int]) -> str:
        name = f"x{chain}"
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def add(self, op: str, value: str, numbers: list[int] | None = None, **attributes: list[int]) -> str:
        name = f"n{len(self.nodes)}"
        inputs = [value]
        if numbers is not None:
            inputs.append(f"{name}_shape")
            self.initializers.append(helper.make_tensor(inputs[1], TensorProto.INT64, [len(numbers)], numbers))
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def end(self, value: str, rank: int) -> None:
        self.outputs.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, [None] * rank))

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "chains", self.inputs, self.outputs, self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def products(axes: list[list[str]], sizes: dict[str, int]) -> list[int]:
    return [math.prod(sizes[factor] for factor in axis) for axis in axes]


def moved_chain(builder: Builder, chain: int, each: Rearrangement, rng: random.Random) -> None:
    """Reshape, Transpose, Reshape as the expression says; some with two factors confused, which makes it another one."""
    sizes = {factor: rng.choice((1, 2, 2, 3)) for factor in each.factors}
    value = builder.add("Reshape", builder.start(chain, products(each.left, sizes)), list(sizes.values()))
    right = [list(axis) for axis in each.right]
    if rng.random() < 0.4:
        (i, a), (j, b) = rng.choices([(i, a) for i, axis in enumerate(right) for a in range(len(axis))], k=2)
        right[i][a], right[j][b] = right[j][b], right[i][a]
    value = builder.add("Transpose", value, perm=[each.factors.index(factor) for axis in right for factor in axis])
    builder.end(builder.add("Reshape", value, products(right, sizes)), len(right))


def repeated_chain(builder: Builder, chain: int, each: Rearrangement, rng: random.Random) -> None:
    """Unsqueeze, Expand or Tile, Reshape; some repeat before another axis than the expression says."""
    sizes = {factor: rng.choice((1, 2, 3)) for axis in each.right for factor in axis}
    value = builder.start(chain, products(each.left, sizes))
    order = [factor for axis in each.right for factor in axis]
    new = [place for place, factor in enumerate(order) if factor not in each.factors]
    if rng.random() < 0.4:
        new = sorted(rng.sample(range(1, len(order)), len(new)))
    value = builder.add("Unsqueeze", value, new)
    times = [sizes[factor] for factor in order if factor not in each.factors]
    repeats = [times[new.index(place)] if place in new else 1 for place in range(len(order))]
    value = builder.add(rng.choice(("Expand", "Tile")), value, repeats)
    builder.end(builder.add("Reshape", value, products(each.right, sizes)), len(each.right))


def computed_shapes() -> onnx.ModelProto:
    """A channel shuffle of what a Slice makes, whose end is half of a Shape; before opset 13, inference gives that up."""
    constants = {"half": [2], "begin": [0], "axis": [1], "split": [1, 2, 4, 3, 3], "whole": [1, 8, 3, 3]}
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "axis"], ["channels"]),
        helper.make_node("Div", ["channels", "half"], ["end"]),
        helper.make_node("Slice", ["x", "begin", "end", "axis"], ["first"]),
        helper.make_node("Reshape", ["first", "split"], ["parts"]),
        helper.make_node("Transpose", ["parts"], ["moved"], perm=[0, 2, 1, 3, 4]),
        helper.make_node("Reshape", ["moved", "whole"], ["y"], name="last"),
    ]
    initializers = [
        helper.make_tensor(name, TensorProto.INT64, [len(numbers)], numbers) for name, numbers in constants.items()
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 3, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 3, 3])
    graph = helper.make_graph(nodes, "computed", [x], [y], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)


def found_blocks(qprep: str, model: Path) -> dict[str, str]:
    """By the name of a chain's last node."""
    command = [qprep, "prepare", str(model), "--stop-after", "find-blocks", "--dump-after", "find-blocks"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    return {nodes.split(", ")[-1]: name for name, nodes in BLOCK.findall(text)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    builder = Builder()
    table = expressions()
    for chain in range(CHAINS):
        each = rng.choice(table)
        (repeated_chain if each.repeats else moved_chain)(builder, chain, each, rng)
    faults, named = [], 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "computed.onnx"
        onnx.save(computed_shapes(), path)
        if found_blocks(arguments.qprep, path) != {"last": "ChannelShuffle"}:
            faults.append("the channel shuffle whose shapes are computed has no name")
        path = Path(folder) / "chains.onnx"
        onnx.save(builder.model(), path)
        found = found_blocks(arguments.qprep, path)
        session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        feeds = {
            each.name: np.arange(math.prod(each.shape), dtype=np.float32).reshape(each.shape)
            for each in session.get_inputs()
        }
        results = session.run(None, feeds)
        for source, output, result in zip(feeds.values(), session.get_outputs(), results, strict=True):
            names = names_of(source, result, table)
            name = found.get(output.name)
            named += name is not None
            keeps_order = np.array_equal(source.ravel(), result.ravel())
            if name and name not in names:
                faults.append(f"{output.name} {source.shape} -> {result.shape}: called {name}, is {names or 'none'}")
            if names and not name and not keeps_order:
                faults.append(f"{output.name} {source.shape} -> {result.shape}: has no name, is {names}")
    print("\n".join(faults))
    print(f"{named} of {CHAINS} chains have a name; {len(faults)} faults")
    return 1 if faults or not named else 0


if __name__ == "__main__":
    sys.exit(main())
