"""Trains the digits network with numpy and writes it as ONNX: what testdata/models/digits.onnx was made with.

    python tests/models/digits/train.py testdata/models/digits.onnx

The weights depend a little on the machine (the order in which its matrix library adds), so the result is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dataset import CLASSES, SIZE, Array, draw
from layers import AveragePool, BatchNorm, Conv, Layer, Linear, MaxPool, Relu, Residual, Sequence

STEPS, BATCH, RATE, MOMENTUM, DECAY = 600, 64, 0.08, 0.9, 5e-4
OPSET, IR_VERSION = 13, 8


def network(random: np.random.Generator) -> Sequence:
    """Plain, depthwise and pointwise convolutions with batch norm, a residual addition, pooling and a linear layer."""
    return Sequence(
        Conv(random, 1, 16, 3, stride=2), BatchNorm(16), Relu(),
        Conv(random, 16, 16, 3, depthwise=True), BatchNorm(16), Relu(),
        Conv(random, 16, 32, 1), BatchNorm(32), Relu(),
        MaxPool(),
        Residual(Sequence(
            Conv(random, 32, 32, 3), BatchNorm(32), Relu(),
            Conv(random, 32, 32, 3), BatchNorm(32),
        )),
        Relu(),
        AveragePool(),
        Linear(random, 32, CLASSES),
    )  # fmt: skip


def leaves(layer: Layer) -> Iterator[Layer]:
    if isinstance(layer, Sequence):
        for inner in layer.layers:
            yield from leaves(inner)
    elif isinstance(layer, Residual):
        yield from leaves(layer.branch)
    else:
        yield layer


def train(net: Sequence) -> None:
    pictures, labels = draw(seed=1, count=STEPS * BATCH)
    velocity = [{name: np.zeros_like(v) for name, v in leaf.parameters.items()} for leaf in leaves(net)]
    for step in range(STEPS):
        some = slice(step * BATCH, (step + 1) * BATCH)
        scores = net.forward(pictures[some])
        chances = np.exp(scores - scores.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        wanted = np.eye(CLASSES, dtype=np.float32)[labels[some]]
        net.backward((chances - wanted) / np.float32(BATCH))
        rate = np.float32(RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS)))
        for leaf, speeds in zip(leaves(net), velocity, strict=True):
            for name, parameter in leaf.parameters.items():
                speeds[name] = MOMENTUM * speeds[name] + leaf.gradients[name] + DECAY * parameter
                parameter -= rate * speeds[name]
        if step % 100 == 99:
            loss = -np.log(chances[np.arange(BATCH), labels[some]]).mean()
            print(f"step {step + 1:4} loss {loss:.3f}")


class Exporter:
    """Layers to ONNX nodes, one after the other."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Array) -> str:
        self.weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def node(self, op: str, inputs: list[str], **attributes: object) -> str:
        name = f"{op.lower()}{sum(node.op_type == op for node in self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [f"{name}_out"], name, **attributes))
        return f"{name}_out"

    def add(self, layer: Layer, x: str) -> str:
        number = len(self.nodes)
        match layer:
            case Sequence():
                for inner in layer.layers:
                    x = self.add(inner, x)
                return x
            case Residual():
                return self.node("Add", [self.add(layer.branch, x), x])
            case Conv():
                weight = self.constant(f"conv{number}_weight", layer.parameters["weight"])
                return self.node(
                    "Conv", [x, weight], kernel_shape=[layer.kernel] * 2, strides=[layer.stride] * 2,
                    pads=[layer.pad] * 4, group=layer.shape[1] if layer.depthwise else 1,
                )  # fmt: skip
            case BatchNorm():
                values = layer.parameters | {"mean": layer.mean, "variance": layer.variance}
                constants = [self.constant(f"bn{number}_{name}", value) for name, value in values.items()]
                return self.node("BatchNormalization", [x, *constants], epsilon=layer.EPSILON)
            case Relu():
                return self.node("Relu", [x])
            case MaxPool():
                return self.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
            case AveragePool():
                return self.node("Flatten", [self.node("GlobalAveragePool", [x])])
            case Linear():
                constants = [self.constant(f"fc_{name}", value) for name, value in layer.parameters.items()]
                return self.node("Gemm", [x, *constants], transB=1)
        raise TypeError(type(layer).__name__)


def export(net: Sequence) -> onnx.ModelProto:
    exporter = Exporter()
    scores = exporter.add(net, "image")
    exporter.nodes[-1].output[0] = scores = "scores"
    graph = helper.make_graph(
        exporter.nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info(scores, TensorProto.FLOAT, ["batch", CLASSES])],
        exporter.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name = "qprep tests/models/digits"
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    net = network(np.random.default_rng(0))
    train(net)
    Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(export(net), sys.argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
