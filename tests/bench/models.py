"""Makes the models that the benchmarks need. The same arguments give the same bytes.

    python tests/bench/models.py weights FILE --bytes 100000000 [--kind gemm|conv-bn] [--external]
    python tests/bench/models.py nodes FILE --nodes 100000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]

OPSET, IR_VERSION = 17, 8


def model_of(nodes: list[Any], name: str, inputs: list[Any], outputs: list[Any], weights: list[Any]) -> Any:
    graph = helper.make_graph(nodes, name, inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def floats(name: str, shape: list[int | str]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


class Weights:
    """Initializers with one random block, rotated by the number of the weight; inside the model or beside it."""

    def __init__(self, data_file: Path | None) -> None:
        self.random = np.random.default_rng(0)
        self.blocks: dict[tuple[int, ...], Array] = {}
        self.tensors: list[Any] = []
        self.data = data_file.open("wb") if data_file else None

    def add(self, name: str, shape: tuple[int, ...]) -> str:
        if shape not in self.blocks:
            self.blocks[shape] = self.random.standard_normal(shape, np.float32) * np.float32(0.02)
        array = np.roll(self.blocks[shape], len(self.tensors))
        self.tensors.append(self.beside(name, array) if self.data else numpy_helper.from_array(array, name))
        return name

    def constant(self, name: str, array: Array) -> str:
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def beside(self, name: str, array: Array) -> Any:
        assert self.data
        self.data.write(b"\0" * (-self.data.tell() % 4096))
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=array.shape)
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": Path(self.data.name).name, "offset": self.data.tell(), "length": array.nbytes}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.data.write(array.data)
        return tensor

    def close(self) -> None:
        if self.data:
            self.data.close()


def gemm_chain(weights: Weights, size: int) -> Any:
    """Gemm and Relu in turn, each with a square weight of at most 64 MB."""
    width = 4096 if size >= 640_000_000 else 1024
    count = max(1, round(size / (4 * width * width)))
    nodes, x = [], "x"
    for i in range(count):
        inputs = [x, weights.add(f"w{i}", (width, width)), weights.add(f"b{i}", (width,))]
        nodes.append(helper.make_node("Gemm", inputs, [f"g{i}"], f"gemm{i}", transB=1))
        nodes.append(helper.make_node("Relu", [f"g{i}"], [x := f"r{i}"], f"relu{i}"))
    return model_of(nodes, "gemms", [floats("x", ["n", width])], [floats(x, ["n", width])], weights.tensors)


def conv_bn_chain(weights: Weights, size: int) -> Any:
    """Conv, BatchNormalization and Relu in turn, so that every weight is rewritten when the norm is folded."""
    channels = 1024 if size >= 640_000_000 else 256
    count = max(1, round(size / (4 * channels * channels * 9)))
    nodes, x = [], "x"
    for i in range(count):
        weight = weights.add(f"w{i}", (channels, channels, 3, 3))
        nodes.append(helper.make_node("Conv", [x, weight], [f"c{i}"], f"conv{i}", pads=[1, 1, 1, 1]))
        norm = [weights.add(f"{part}{i}", (channels,)) for part in ("scale", "bias", "mean")]
        norm.append(weights.constant(f"variance{i}", np.linspace(0.5, 2, channels, dtype=np.float32)))
        nodes.append(helper.make_node("BatchNormalization", [f"c{i}", *norm], [f"n{i}"], f"norm{i}"))
        nodes.append(helper.make_node("Relu", [f"n{i}"], [x := f"r{i}"], f"relu{i}"))
    shape: list[int | str] = ["n", channels, "h", "w"]
    return model_of(nodes, "convs", [floats("x", shape)], [floats(x, shape)], weights.tensors)


def block(weights: Weights, i: int, x: str) -> Iterator[Any]:
    """Ten nodes of many kinds that end in block{i}_out."""

    def node(op: str, inputs: list[str], out: str, **attributes: object) -> Any:
        return helper.make_node(op, inputs, [f"block{i}_{out}"], f"block{i}.{out}", **attributes)

    def name(part: str) -> str:
        return f"block{i}_{part}"

    yield node("Conv", [x, weights.add(name("w"), (4, 4, 3, 3))], "conv", pads=[1, 1, 1, 1])
    norm = [weights.constant(name(part), np.ones(4, np.float32)) for part in ("s", "b", "m", "v")]
    yield node("BatchNormalization", [name("conv"), *norm], "bn")
    yield node("Relu", [name("bn")], "relu")
    yield node("Conv", [name("relu"), weights.add(name("dw"), (4, 1, 3, 3))], "depthwise", group=4, pads=[1] * 4)
    yield node("Add", [name("depthwise"), x], "add")
    yield node("Sigmoid", [name("add")], "gate")
    yield node("Mul", [name("add"), name("gate")], "silu")
    yield node("Transpose", [name("silu")], "transpose", perm=[0, 1, 3, 2])
    yield node("Concat", [name("transpose"), name("relu")], "concat", axis=1)
    yield node("Conv", [name("concat"), weights.add(name("pw"), (4, 8, 1, 1))], "out")


def sequences(weights: Weights, i: int, x: str) -> Iterator[Any]:
    """Ten nodes, all in sequences, or nearly: a residual block, and a result that two read."""

    def node(op: str, inputs: list[str], out: str, **attributes: object) -> Any:
        return helper.make_node(op, inputs, [f"block{i}_{out}"], f"block{i}.{out}", **attributes)

    def name(part: str) -> str:
        return f"block{i}_{part}"

    def norm(x: str, out: str) -> Any:
        parts = [weights.constant(name(f"{out}_{part}"), np.ones(4, np.float32)) for part in "sbmv"]
        return node("BatchNormalization", [x, *parts], out)

    yield node("Conv", [x, weights.add(name("w1"), (4, 4, 3, 3))], "conv1", pads=[1] * 4)
    yield norm(name("conv1"), "bn1")
    yield node("Relu", [name("bn1")], "relu1")
    yield node("Conv", [name("relu1"), weights.add(name("w2"), (4, 4, 3, 3))], "conv2", pads=[1] * 4)
    yield node("Conv", [x, weights.add(name("w3"), (4, 4, 1, 1))], "down")
    yield node("Add", [name("conv2"), name("down")], "add")
    yield node("Relu", [name("add")], "relu2")
    yield node("Conv", [name("relu2"), weights.add(name("w4"), (4, 4, 3, 3))], "missed", pads=[1] * 4)
    yield node("Relu", [name("missed")], "relu3")
    yield node("Add", [name("missed"), name("relu3")], "out")


def composites(weights: Weights, i: int, x: str) -> Iterator[Any]:
    """Ten nodes: a layer norm of nine, and what leads to the next."""

    def node(op: str, inputs: list[str], out: str, **attributes: object) -> Any:
        return helper.make_node(op, inputs, [f"block{i}_{out}"], f"block{i}.{out}", **attributes)

    def name(part: str) -> str:
        return f"block{i}_{part}"

    def number(part: str, value: float) -> str:
        return weights.constant(name(part), np.asarray(value, np.float32))

    yield node("ReduceMean", [x], "mean", axes=[-1])
    yield node("Sub", [x, name("mean")], "sub")
    yield node("Pow", [name("sub"), number("two", 2)], "pow")
    yield node("ReduceMean", [name("pow")], "variance", axes=[-1])
    yield node("Add", [name("variance"), number("epsilon", 1e-5)], "raised")
    yield node("Sqrt", [name("raised")], "deviation")
    yield node("Div", [name("sub"), name("deviation")], "div")
    yield node("Mul", [name("div"), weights.add(name("gamma"), (8,))], "scaled")
    yield node("Add", [name("scaled"), weights.add(name("beta"), (8,))], "norm")
    yield node("Conv", [name("norm"), weights.add(name("w"), (4, 4, 3, 3))], "out", pads=[1] * 4)


BLOCKS: dict[str, Callable[[Weights, int, str], Iterator[Any]]] = {
    "blocks": block,
    "sequences": sequences,
    "composites": composites,
}


def many_nodes(weights: Weights, count: int, kind: str = "blocks") -> Any:
    """`count` nodes in blocks of ten."""
    nodes: list[Any] = []
    x = "x"
    for i in range(count // 10):
        nodes.extend(BLOCKS[kind](weights, i, x))
        x = nodes[-1].output[0]
    shape: list[int | str] = [1, 4, 8, 8]
    return model_of(nodes, "blocks", [floats("x", shape)], [floats(x, shape)], weights.tensors)


KINDS: dict[str, Callable[[Weights, int], Any]] = {"gemm": gemm_chain, "conv-bn": conv_bn_chain}


def make_weights(file: Path, size: int, kind: str = "gemm", external: bool = False) -> None:
    """A model whose weights take about `size` bytes; with `external`, in FILE.data beside it."""
    weights = Weights(Path(f"{file}.data") if external else None)
    onnx.save(KINDS[kind](weights, size), file)
    weights.close()


def make_nodes(file: Path, count: int, kind: str = "blocks") -> None:
    onnx.save(many_nodes(Weights(None), count, kind), file)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, dest="what")
    weights = verbs.add_parser("weights")
    weights.add_argument("file", type=Path)
    weights.add_argument("--bytes", type=int, required=True)
    weights.add_argument("--kind", choices=KINDS, default="gemm")
    weights.add_argument("--external", action="store_true")
    nodes = verbs.add_parser("nodes")
    nodes.add_argument("file", type=Path)
    nodes.add_argument("--nodes", type=int, required=True)
    args = parser.parse_args()
    if args.what == "weights":
        make_weights(args.file, args.bytes, args.kind, args.external)
    else:
        make_nodes(args.file, args.nodes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
