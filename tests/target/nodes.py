"""One-node models for table_test.py: each function makes a model of one operator from the sizes that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Dims = Sequence[int]
UNARY_ATTRIBUTES: dict[str, dict[str, Any]] = {"GlobalLpPool": {"p": 2}}


class Const:
    """A constant operand: its shape, or its values."""

    def __init__(self, value: Dims | np.ndarray, dtype: Any = np.float32, fill: float = 1) -> None:
        self.array = value if isinstance(value, np.ndarray) else np.full(tuple(value), fill, dtype)


class Fed:
    """An operand that is fed, of another element type than float32."""

    def __init__(self, dims: Dims, dtype: int) -> None:
        self.dims, self.dtype = dims, dtype


Operand = Dims | Const | Fed | None


def model(op: str, operands: Sequence[Operand], outputs: int = 1, opset: int = 13, inner: bool = False,
          result: Dims | None = None, **attributes: Any) -> onnx.ModelProto:
    """`inner`: the result is no output of the model. `result`: the shape of the result, where the model states it."""
    inputs, initializers, names = [], [], []
    for i, operand in enumerate(operands):
        names.append("" if operand is None else f"i{i}")
        if isinstance(operand, Const):
            initializers.append(numpy_helper.from_array(operand.array, names[-1]))
        elif isinstance(operand, Fed):
            inputs.append(helper.make_tensor_value_info(names[-1], operand.dtype, list(operand.dims)))
        elif operand is not None:
            inputs.append(helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, list(operand)))
    results = [f"o{i}" for i in range(outputs)]
    attributes = {name: value for name, value in attributes.items() if value is not None}
    nodes = [helper.make_node(op, names, results, **attributes)]
    ends = results
    if inner:
        nodes.append(helper.make_node("Identity", [results[0]], ["end"]))
        ends = ["end", *results[1:]]
    made = [onnx.ValueInfoProto(name=name) for name in ends]
    if result is not None:
        made[0] = helper.make_tensor_value_info(ends[0], TensorProto.FLOAT, list(result))
    graph = helper.make_graph(nodes, "g", inputs, made, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def unary(op: str, dims: Dims = (1, 16, 8, 8), **attributes: Any) -> onnx.ModelProto:
    extra: list[Operand] = []
    if op == "PRelu":
        extra = [Const([1])]
    if op == "Pow":
        extra = [Const(attributes.pop("exponent", []))]
    return model(op, [dims, *extra], **attributes)


def binary(op: str, a: Operand = (1, 16, 8, 8), b: Operand = (1, 16, 8, 8), **more: Any) -> onnx.ModelProto:
    return model(op, [a, b], **more)


def conv(k: Dims = (3, 3), s: Dims = (1, 1), d: Dims = (1, 1), p: int | Dims = 0, group: int = 1, cin: int = 16,
         cout: int = 8, feature: Dims = (1, 16, 16, 16), transposed: bool = False, output_padding: Dims | None = None,
         ) -> onnx.ModelProto:
    """cin, cout: of one group, as the weight has them; the feature's C is what that needs."""
    feature = [feature[0], cin * group, *feature[2:]]
    weight = [cin * group, cout, *k] if transposed else [cout * group, cin, *k]
    pads = [p] * (2 * len(k)) if isinstance(p, int) else list(p)
    return model("ConvTranspose" if transposed else "Conv", [feature, Const(weight)], kernel_shape=list(k),
                 strides=list(s), dilations=list(d), pads=pads, group=group, output_padding=output_padding)


def pool(op: str, k: Dims = (3, 3), s: Dims = (1, 1), p: int = 0, d: Dims | None = None,
         dims: Dims = (1, 16, 600, 600)) -> onnx.ModelProto:
    return model(op, [dims], kernel_shape=list(k), strides=list(s), pads=[p] * 4, dilations=d, opset=13)


def ints(*values: int) -> Const:
    return Const(np.array(values, np.int64))


def reduce(op: str, dims: Dims = (1, 16, 8, 8), axes: Dims | None = (1,), keepdims: int = 1) -> onnx.ModelProto:
    if op in ("ReduceSum",):
        return model(op, [dims, None if axes is None else ints(*axes)], keepdims=keepdims)
    return model(op, [dims], axes=None if axes is None else list(axes), keepdims=keepdims)


def resize(scales: Sequence[float] = (1, 1, 2, 2), mode: str = "nearest", dims: Dims = (1, 16, 8, 8),
           coordinates: str = "asymmetric", roi: Operand = None) -> onnx.ModelProto:
    result = [round(a * b) for a, b in zip(dims, scales)]
    return model("Resize", [dims, roi, Const(np.array(scales, np.float32))], mode=mode, result=result,
                 coordinate_transformation_mode=coordinates)


def pad(pads: Dims = (0, 0, 1, 1, 0, 0, 1, 1), mode: str = "constant", dims: Dims = (1, 16, 8, 8)) -> onnx.ModelProto:
    return model("Pad", [dims, ints(*pads)], mode=mode)


def split(dims: Dims = (1, 16, 8, 8), axis: int = 1, parts: Dims = (8, 8)) -> onnx.ModelProto:
    return model("Split", [dims, ints(*parts)], outputs=len(parts), axis=axis)


def gemm(h: int = 1, w: int = 1, c: int = 16, n: int = 8) -> onnx.ModelProto:
    """A Gemm behind the Flatten of a map of that size."""
    flatten = helper.make_node("Flatten", ["x"], ["rows"])
    node = helper.make_node("Gemm", ["rows", "w"], ["y"])
    info = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, c, h, w])
    weight = numpy_helper.from_array(np.zeros((c * h * w, n), np.float32), "w")
    graph = helper.make_graph([flatten, node], "g", [info], [onnx.ValueInfoProto(name="y")], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def gather(indices: Operand, dims: Dims = (4, 5, 6)) -> onnx.ModelProto:
    return model("Gather", [dims, indices])


def lstm(batch: int) -> onnx.ModelProto:
    return model("LSTM", [(5, batch, 4), Const((1, 12, 4)), Const((1, 12, 3))], hidden_size=3)


def grid_sample(dims: Dims = (1, 16, 8, 8), mode: str = "bilinear", padding: str = "zeros") -> onnx.ModelProto:
    return model("GridSample", [dims, (dims[0], 4, 4, 2)], mode=mode, padding_mode=padding, opset=16)


def tile(repeats: Dims, dims: Dims = (1, 16, 8, 8)) -> onnx.ModelProto:
    return model("Tile", [dims, ints(*repeats)])


def expand(target: Dims, dims: Dims = (1, 1, 8, 8)) -> onnx.ModelProto:
    return model("Expand", [dims, ints(*target)])


def topk(dims: Dims = (4, 8), is_sorted: int = 1, indices: int = TensorProto.INT64) -> onnx.ModelProto:
    made = model("TopK", [dims, ints(2)], outputs=2, sorted=is_sorted)
    made.graph.output[1].CopyFrom(helper.make_tensor_value_info(made.graph.output[1].name, indices, None))
    return made
