"""Models of every form that an operator had and has no more: one node each, made at the version that had it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from harness import Case, Feed

Array = np.ndarray
RNG = np.random.default_rng(7)
X = RNG.standard_normal((2, 6, 9, 8)).astype(np.float32)
Y = RNG.standard_normal((2, 6, 9, 8)).astype(np.float32)
EDGES = np.array([-np.inf, np.inf, np.nan, -0.0, 0.0, 1e-45, -3.4e38, 3.4e38, 1, -1, 0.5, 6.5], np.float32)


@dataclass
class Const:
    """An input that is an initializer."""

    value: Array


@dataclass
class Open:
    """An input whose shape the model does not state: only its rank, or nothing at all."""

    value: Array
    rank: bool = True


Input = Array | Const | Open | None


def plain(value: Input) -> Array | None:
    return value.value if isinstance(value, (Const, Open)) else value


def ir_version(opset: int) -> int:
    table = {entry[2]: entry[1] for entry in reversed(helper.VERSION_TABLE)}
    return table[max(version for version in table if version <= opset)]


def declared(name: str, value: Input) -> onnx.ValueInfoProto:
    array = plain(value)
    dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
    if isinstance(value, Open):
        shape = [f"{name}_{axis}" for axis in range(array.ndim)] if value.rank else None
        return helper.make_tensor_value_info(name, dtype, shape)
    return helper.make_tensor_value_info(name, dtype, array.shape)


def model(op: str, opset: int, inputs: list[Input], attributes: dict[str, Any], outputs: int = 1) -> onnx.ModelProto:
    names = [f"x{i}" if value is not None else "" for i, value in enumerate(inputs)]
    given = [(name, value) for name, value in zip(names, inputs) if value is not None]
    old = ir_version(opset) < 4
    node = helper.make_node(op, names, [f"y{i}" for i in range(outputs)], name="the_node")
    for key, value in sorted(attributes.items()):
        kind = onnx.AttributeProto.INTS if value == [] else None
        node.attribute.append(helper.make_attribute(key, value, attr_type=kind))
    graph = helper.make_graph(
        [node],
        "g",
        [declared(name, value) for name, value in given if old or not isinstance(value, Const)],
        [onnx.ValueInfoProto(name=name) for name in node.output],
        [numpy_helper.from_array(value.value, name) for name, value in given if isinstance(value, Const)],
    )
    # Outputs need a type: ONNX's own inference tells it where it can, else the first input's is near enough.
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version(opset))
    inferred = onnx.shape_inference.infer_shapes(made)
    for value, known in zip(graph.output, inferred.graph.output):
        if known.type.WhichOneof("value"):
            value.type.CopyFrom(known.type)
        else:
            value.type.tensor_type.elem_type = made.graph.input[0].type.tensor_type.elem_type
    made.graph.CopyFrom(graph)
    return made


def feed_of(inputs: list[Input]) -> Feed:
    return {
        f"x{i}": plain(value)
        for i, value in enumerate(inputs)
        if value is not None and not isinstance(value, Const)
    }


def case(
    op: str, opset: int, inputs: list[Input], outputs: int = 1,
    expected: tuple[str, int, list[Input], dict[str, Any]] | None = None, **attributes: Any,
) -> Case:
    shown = " ".join(f"{key}={value}" for key, value in attributes.items())
    kinds = "".join(type(value).__name__[0] if value is not None else "-" for value in inputs)
    name = f"{op} {opset} {[list(plain(value).shape) for value in inputs if value is not None]} {kinds} {shown}"
    made = Case(name, model(op, opset, inputs, attributes, outputs), [feed_of(inputs)])
    if expected:
        made.expected = Case(name, model(*expected, outputs=outputs), [feed_of(expected[2])])
        for value, modern in zip(made.model.graph.output, made.expected.model.graph.output):
            value.CopyFrom(modern)
    return made


def floats(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


def unary() -> Iterator[Case]:
    for op in "Abs Ceil Elu Exp Floor HardSigmoid LeakyRelu Log Neg Reciprocal Relu Selu Sigmoid Sqrt Tanh".split():
        attributes: dict[str, Any] = {"consumed_inputs": [0]}
        if op in ("Elu", "LeakyRelu", "HardSigmoid", "Selu"):
            attributes["alpha"] = 0.3
        modern = {key: value for key, value in attributes.items() if key == "alpha"}
        if op == "Selu":
            modern["gamma"] = 1.0507
        yield case(op, 1, [X], expected=(op, 13, [X], modern), **attributes)
        yield case(op, 6, [EDGES])
    yield case("Selu", 1, [X], expected=("Selu", 6, [X], {"alpha": 1.6732, "gamma": 1.0507}))
    for op in ("Sum", "Mean", "Max", "Min"):
        yield case(op, 1, [X, Y], expected=(op, 13, [X, Y], {}), consumed_inputs=[0, 0])
        yield case(op, 6, [X, Y])
        yield case(op, 8, [X, floats(8)])


def broadcasts() -> Iterator[Case]:
    operands = [((), None), ((1,), None), ((8,), None), ((9, 8), None), ((6,), 1), ((6, 9), 1), ((2,), 0), ((8,), 3),
                ((8,), -1), ((1, 1), None), ((1,), 1), ((2, 6, 9, 8), 0), ((9, 8), 2)]
    for op in "Add Sub Mul Div Pow And Or Xor Equal Greater Less".split():
        boolean = op in ("And", "Or", "Xor")
        integer = op == "Equal"
        steps = (1, 6) if op in ("Add", "Sub", "Mul", "Div") else (1,)

        def convert(values: Array) -> Array:
            if boolean:
                return np.asarray(values > 0)
            return np.asarray(np.rint(values), np.int32) if integer else values

        a = convert(np.abs(X) if op == "Pow" else X)
        for opset in steps:
            yield case(op, opset, [a, convert(Y)], expected=(op, 13, [a, convert(Y)], {}))
            yield case(op, opset, [a, convert(Y)], expected=(op, 13, [a, convert(Y)], {}), broadcast=0)
            for shape, axis in operands:
                b = convert(floats(*shape))
                first = axis if axis is not None and axis >= 0 else 4 - len(shape)
                aligned = b if b.size == 1 else b.reshape(shape + (1,) * (4 - first - len(shape)))
                expected = (op, 13, [a, aligned], {})
                stated = {} if axis is None else {"axis": axis}
                yield case(op, opset, [a, b], expected=expected, broadcast=1, **stated)
                yield case(op, opset, [a, Const(b)], expected=(op, 13, [a, Const(aligned)], {}), broadcast=1, **stated)
        yield case(op, 7, [a, convert(floats(6, 1, 8))])
    for opset in (1, 6):
        for slope in (floats(1), floats(6)):
            shaped = slope.reshape(-1, 1, 1)
            yield case("PRelu", opset, [X, slope], expected=("PRelu", 9, [X, shaped], {}))
            yield case("PRelu", opset, [X, Const(slope)], expected=("PRelu", 9, [X, Const(shaped)], {}))
        flat = X.reshape(2, -1)
        yield case("PRelu", opset, [flat, floats(432)[:432]])
    yield case("PRelu", 7, [X, floats(6, 1, 1)])


def gemms() -> Iterator[Case]:
    a, b = floats(5, 7), floats(7, 3)
    for opset in (1, 6, 7, 9, 11):
        for shape in ((5, 3), (3,), (1,), (5, 1)):
            stated = {"broadcast": int(shape != (5, 3))} if opset < 7 else {}
            attributes = {"alpha": 0.7, "beta": 1.3}
            c = floats(*shape)
            yield case("Gemm", opset, [a, b, c], expected=("Gemm", 13, [a, b, c], attributes), **attributes, **stated)
        yield case("Gemm", opset, [floats(7, 5), floats(3, 7), Const(floats(3))], transA=1, transB=1,
                   **({"broadcast": 1} if opset < 7 else {}))


def shapes() -> Iterator[Case]:
    for opset in (1, 4, 11):
        stated = {} if opset == 1 else {"axis": 1}
        yield case("Concat", opset, [X, Y], expected=("Concat", 13, [X, Y], {"axis": 1}), **stated)
    yield case("Concat", 1, [X, Y], expected=("Concat", 13, [X, Y], {"axis": 3}), axis=3)
    for shape in ([2, -1], [0, 6, -1], [12, 72]):
        yield case("Reshape", 1, [X], expected=("Reshape", 13, [X, Const(ints(*shape))], {}), shape=shape)
        yield case("Reshape", 5, [X, Const(ints(*shape))])
        yield case("Reshape", 5, [X, ints(*shape)])
    for pads in ([0, 0, 1, 2, 0, 0, 3, 4], [0, 0, -1, 0, 0, 0, -2, 1], [0] * 8):
        for mode in ("constant", "reflect", "edge"):
            if mode != "constant" and min(pads) < 0:
                continue
            modern = ("Pad", 13, [X, Const(ints(*pads))], {"mode": mode})
            yield case("Pad", 1, [X], expected=modern, paddings=pads, mode=mode)
            yield case("Pad", 2, [X], pads=pads, mode=mode)
            yield case("Pad", 2, [X], pads=pads, mode=mode, value=1.25)
        yield case("Pad", 2, [X.astype(np.float64)], pads=pads, value=0.1)
        yield case("Pad", 11, [X, ints(*pads), np.array(2.5, np.float32)])
    for axis, tiles in ((0, 2), (2, 3), (-1, 2)):
        repeats = [1] * 4
        repeats[axis] = tiles
        inputs: list[Input] = [X, Const(np.array(tiles, np.float32)), Const(np.array(axis, np.float32))]
        yield case("Tile", 1, inputs, expected=("Tile", 13, [X, Const(ints(*repeats))], {}))
    yield case("Tile", 6, [X, ints(1, 2, 1, 3)])
    for starts, ends, axes in (([1], [4], [1]), ([0, -3], [2**31 - 1, -1], [1, 2]), ([1, 2], [2, 4], None),
                               ([-100], [100], [3]), ([3], [1], [2]), ([0], [-1], [-1])):
        stated = {} if axes is None else {"axes": axes}
        yield case("Slice", 1, [X], starts=starts, ends=ends, **stated)
        yield case("Slice", 10, [X, Const(ints(*starts)), Const(ints(*ends))] + ([Const(ints(*axes))] if axes else []))
    for axes in ([0], [0, 2], None, []):
        stated = {} if axes is None else {"axes": axes}
        yield case("Squeeze", 1, [floats(1, 3, 1, 5)], **stated)
        yield case("Squeeze", 11, [Open(floats(1, 3, 1, 5))], **stated)
        if axes:
            yield case("Unsqueeze", 1, [X], axes=axes)
    yield case("Squeeze", 11, [floats(1, 3, 1)], axes=[-1])
    yield case("Unsqueeze", 11, [X], axes=[-1, 0])
    for opset in (1, 2, 11):
        lengths = Const(np.array([1, 2, 3], np.float32))
        if opset == 1:
            modern = ("Split", 13, [X, Const(ints(1, 2, 3))], {"axis": 1})
            yield case("Split", 1, [X, lengths], 3, expected=modern, axis=1)
        yield case("Split", opset, [X], 3, expected=("Split", 13, [X, Const(ints(1, 2, 3))], {"axis": 1}), axis=1,
                   split=[1, 2, 3])
        yield case("Split", opset, [X], 3, expected=("Split", 13, [X], {"axis": 1}), axis=1)
    yield case("Split", 2, [X], 2)
    yield case("Split", 11, [X], 2, axis=-1)
    yield case("Split", 13, [X], 2, axis=-1)
    yield case("Split", 13, [X, ints(3, 5)], 2, axis=-1)
    for target, number in (("INT32", 6), ("DOUBLE", 11), ("BOOL", 9), ("FLOAT16", 10)):
        yield case("Cast", 1, [X], expected=("Cast", 13, [X], {"to": number}), to=target)
        yield case("Cast", 6, [X], to=number)


def reductions() -> Iterator[Case]:
    names = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"
    for op in (f"Reduce{name}" for name in names.split()):
        for opset in (1, 11, 13):
            if op == "ReduceSum" and opset == 13:
                continue
            for axes in ([1], [0, 2], [2, 3], [0, 1, 2, 3], None, []):
                for keepdims in (0, 1):
                    stated = {} if axes is None else {"axes": axes}
                    yield case(op, opset, [np.abs(X)], keepdims=keepdims, **stated)
            if opset > 1:
                yield case(op, opset, [Open(np.abs(X))], axes=[-1, 1])
    for op in ("ArgMax", "ArgMin"):
        for opset in (1, 11, 12):
            yield case(op, opset, [np.rint(X)], axis=2, keepdims=0)


def limits() -> Iterator[Case]:
    for stated in ({}, {"min": -0.5}, {"max": 0.5}, {"min": 0.0, "max": 6.0}, {"min": -3.4028234663852886e38},
                   {"max": 3.4028234663852886e38}):
        for data in (X, EDGES):
            modern = [data, Const(np.array(stated["min"], np.float32)) if "min" in stated else None]
            modern.append(Const(np.array(stated["max"], np.float32)) if "max" in stated else None)
            yield case("Clip", 1, [data], expected=("Clip", 13, modern, {}), **stated)
            yield case("Clip", 6, [data], **stated)
            yield case("Clip", 6, [Open(data, rank=False)], **stated)
            yield case("Clip", 11, modern)
    for opset in (1, 10, 11):
        for k in (1, 4):
            for axis in (-1, 1, 2):
                data = np.rint(X * 2)
                stated = {"k": k} if opset == 1 else {}
                inputs = [data] if opset == 1 else [data, ints(k)]
                yield case("TopK", opset, inputs, 2, axis=axis, **stated)
    yield case("TopK", 1, [X], 2, k=3)


def softmaxes() -> Iterator[Case]:
    inputs: list[Array] = [floats(5, 7), floats(2, 3, 4), X, floats(2, 7, 1, 1), floats(1, 1, 1, 5), floats(2, 3, 4, 2, 3)]
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        for opset in (1, 11):
            for data in inputs:
                axes: list[int | None] = [None, *range(-data.ndim, data.ndim)]
                for axis in axes:
                    stated = {} if axis is None else {"axis": axis}
                    for form in (data, Open(data), Open(data, rank=False)):
                        yield case(op, opset, [form], **stated)
        yield case(op, 11, [floats(4)], axis=0)
        yield case(op, 11, [floats(4) * 50], axis=-1)


def norms() -> Iterator[Case]:
    def parameters(*shape: int) -> list[Array]:
        return [floats(*shape), floats(*shape), floats(*shape), np.abs(floats(*shape)) + 0.1]

    for data in (X, floats(4, 6), floats(2, 6, 5), floats(2, 6, 3, 4, 5)):
        given = parameters(6)
        modern = ("BatchNormalization", 9, [data, *given], {})
        yield case("BatchNormalization", 1, [data, *given], expected=modern, is_test=1, consumed_inputs=[0, 0, 0, 1, 1])
        yield case("BatchNormalization", 6, [data, *given], expected=modern, is_test=1)
        yield case("BatchNormalization", 6, [data, *given], expected=modern)
        for opset in (7, 9, 14):
            yield case("BatchNormalization", opset, [data, *given], epsilon=1e-3)
            yield case("BatchNormalization", opset, [Open(data), *map(Const, given)])
        yield case("BatchNormalization", 7, [data, *given], spatial=1)
        own = parameters(*data.shape[1:])
        yield case("BatchNormalization", 7, [data, *own], spatial=0)
        yield case("BatchNormalization", 7, [Open(data), *map(Const, own)], spatial=0)
        flat_model = case("BatchNormalization", 7, [Open(data, rank=False), *map(Const, own)], spatial=0)
        yield flat_model
        for opset in (7, 9):
            training = case("BatchNormalization", opset, [data, *given], 5, momentum=0.8)
            del training.model.graph.output[3:]  # saved statistics have no successor
            yield training
    for opset in (1, 6, 7, 10, 12, 13):
        ratio = {"ratio": 0.3} if opset < 12 else {}
        test = {"is_test": 1} if opset < 7 else {}
        yield case("Dropout", opset, [X], expected=("Dropout", 13, [X], {}), **ratio, **test)
        if opset >= 7:
            yield case("Dropout", opset, [X], 2, **ratio)
            yield case("Dropout", opset, [Open(X, rank=False)], 2)
    inputs: list[Input] = [X, floats(6), floats(6)]
    yield case("InstanceNormalization", 1, inputs, expected=("InstanceNormalization", 6, inputs, {"epsilon": 1e-4}),
               consumed_inputs=[0, 0, 0], epsilon=1e-4)
    yield case("LRN", 1, [X], size=3)
    for groups in (1, 2, 3, 6):
        for data in (X, floats(2, 6, 5), floats(1, 6, 7, 3, 3), floats(2, 6, 33, 17)):
            for form in (data, Open(data)):
                yield case("GroupNormalization", 18, [form, floats(groups), floats(groups)], num_groups=groups)
                yield case("GroupNormalization", 18, [form, Const(floats(groups)), Const(floats(groups))],
                           num_groups=groups, epsilon=1e-3)


def pools() -> Iterator[Case]:
    kernels: list[dict[str, Any]] = [
        {"kernel_shape": [2, 2]}, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        {"kernel_shape": [3, 2], "auto_pad": "SAME_LOWER", "strides": [2, 2]}, {"kernel_shape": [9, 8]},
        {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"}, {"kernel_shape": [3, 3], "auto_pad": "VALID"},
    ]
    for attributes in kernels:
        for opset in (1, 7, 10, 11):
            yield case("AveragePool", opset, [X], expected=("AveragePool", 7, [X], attributes), **attributes)
            if opset >= 7:
                yield case("AveragePool", opset, [X], count_include_pad=1, **attributes)
            if opset >= 10:
                yield case("AveragePool", opset, [X], ceil_mode=1, **attributes)
        for opset in (1, 8, 10, 11, 12):
            yield case("MaxPool", opset, [X], **attributes)
            if opset >= 8:
                yield case("MaxPool", opset, [X], 2, **attributes)
            if opset >= 10:
                yield case("MaxPool", opset, [X], ceil_mode=1, **attributes)
        yield case("LpPool", 1, [np.abs(X)], p=2.0, expected=("LpPool", 11, [np.abs(X)], {"p": 2, **attributes}),
                   **attributes)
        for opset in (2, 11, 18):
            yield case("LpPool", opset, [X], p=3, **attributes)
    windows: list[dict[str, Any]] = [
        {"kernel_shape": [3, 3], "strides": [3, 3]}, {"kernel_shape": [4, 4], "strides": [1, 3], "pads": [1, 2, 2, 0]},
        {"kernel_shape": [9, 8], "strides": [9, 8]}, {"kernel_shape": [9, 8], "strides": [2, 2]},
        {"kernel_shape": [5, 1]}, {"kernel_shape": [1, 5], "pads": [0, 2, 0, 2]}, {"kernel_shape": [9, 1]},
        {"kernel_shape": [3, 3], "strides": [2, 4], "auto_pad": "SAME_LOWER"}, {"kernel_shape": [1, 1]},
        {"kernel_shape": [9, 8], "auto_pad": "SAME_UPPER"}, {"kernel_shape": [9, 8], "auto_pad": "VALID"},
    ]
    for attributes in windows:
        for data in (X, Open(X)):
            yield case("AveragePool", 7, [data], **attributes)
            yield case("AveragePool", 11, [data], count_include_pad=1, **attributes)
            yield case("AveragePool", 11, [data], ceil_mode=1, **attributes)
            yield case("AveragePool", 11, [data], ceil_mode=1, count_include_pad=1, **attributes)
    for data in (floats(1, 4, 7), Open(floats(1, 4, 7)), floats(1, 4, 60)):
        for strides in ([1], [2], [3]):
            yield case("AveragePool", 11, [data], kernel_shape=[7], strides=strides)
    yield case("AveragePool", 11, [floats(1, 4, 40, 41)], kernel_shape=[35, 33])
    yield case("AveragePool", 11, [floats(1, 4, 40, 41)], kernel_shape=[35, 3])
    yield case("AveragePool", 11, [floats(1, 4, 3, 4, 5)], kernel_shape=[3, 4, 5], strides=[1, 1, 1])
    yield case("GlobalLpPool", 1, [X], p=1.0, expected=("GlobalLpPool", 2, [X], {"p": 1}))
    rois = np.array([[0, 0, 7, 7], [1.5, 2, 6, 8], [0, 0, 0.5, 0.5]], np.float32)
    for mode in ("avg", "max"):
        for opset in (10, 16):
            yield case("RoiAlign", opset, [X, rois, ints(0, 1, 1)], mode=mode, output_height=3, output_width=2,
                       sampling_ratio=2, spatial_scale=0.9)


def resizes() -> Iterator[Case]:
    for height, width in ((2.0, 2.0), (1.7, 1.3), (3.0, 1.0)):
        scales = np.array([1, 1, height, width], np.float32)
        for old, mode in (("nearest", "nearest"), ("bilinear", "linear")):
            yield case("Upsample", 1, [X], expected=("Upsample", 9, [X, Const(scales)], {"mode": mode}), mode=old,
                       height_scale=height, width_scale=width)
            yield case("Upsample", 7, [X], scales=scales.tolist(), mode=mode)
            for form in (Const(scales), scales):
                yield case("Upsample", 9, [X, form], mode=mode)
    yield case("Upsample", 7, [X], scales=[1.0, 1.0, 2.0, 2.0])
    for factors in ([1, 1, 2, 2], [1, 1, 0.5, 0.5], [1, 1, 2, 0.6], [1, 1, 0.33, 0.7], [1, 1, 1.7, 0.4], [1, 1, 1, 1],
                    [1, 2, 0.5, 3]):
        scales = np.array(factors, np.float32)
        for form in (Const(scales), scales, Open(scales)):
            for data in (X, Open(X)):
                yield case("Resize", 10, [data, form], mode="nearest")
                yield case("Resize", 10, [data, form], mode="linear")
    roi = Const(np.array([], np.float32))
    for mode in ("nearest", "linear", "cubic"):
        for rule in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "tf_half_pixel_for_nn"):
            for rounding in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"):
                for factors in ([1, 1, 2, 2], [1, 1, 0.6, 1.5]):
                    yield case("Resize", 11, [X, roi, Const(np.array(factors, np.float32))], mode=mode,
                               coordinate_transformation_mode=rule, nearest_mode=rounding)
            yield case("Resize", 11, [X, roi, Const(np.array([], np.float32)), Const(ints(2, 6, 13, 5))], mode=mode,
                       coordinate_transformation_mode=rule)
    yield case("Resize", 13, [X, None, Const(np.array([1, 1, 2, 3], np.float32))])


def recurrent() -> Iterator[Case]:
    for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
        for directions, direction in ((1, "forward"), (1, "reverse"), (2, "bidirectional")):
            data, hidden = floats(5, 2, 3), 4
            weights: list[Input] = [floats(directions, gates * hidden, 3), floats(directions, gates * hidden, hidden),
                                    floats(directions, 2 * gates * hidden)]
            outputs = 3 if op == "LSTM" else 2
            attributes = {"hidden_size": hidden, "direction": direction}
            modern = (op, 7, [data, *weights], attributes)
            yield case(op, 1, [data, *weights], outputs, expected=modern, output_sequence=1, **attributes)
            yield case(op, 7, [data, *weights], outputs, **attributes)
            if op == "GRU":
                yield case(op, 3, [data, *weights], outputs, expected=modern, **attributes)
    data, given = floats(5, 2, 3), [floats(1, 12, 3), floats(1, 12, 4)]
    yield case("GRU", 1, [data, *given], 2, expected=("GRU", 7, [data, *given], {"hidden_size": 4}),
               hidden_size=4, direction="foward")


def others() -> Iterator[Case]:
    index = ints(0, 2, 1, 1, 0, 2).reshape(2, 3)
    yield case("Scatter", 9, [floats(3, 3), index, floats(2, 3)])
    yield case("Scatter", 9, [floats(3, 3), index, floats(2, 3)], axis=1)
    grid = RNG.uniform(-1.2, 1.2, (2, 4, 5, 2)).astype(np.float32)
    for mode in (None, "bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            stated = {} if mode is None else {"mode": mode}
            yield case("GridSample", 16, [X, grid], padding_mode=padding, **stated)
    signal = floats(2, 16, 8, 1)
    for axis in (None, 1, 2, -2):
        stated = {} if axis is None else {"axis": axis}
        yield case("DFT", 17, [signal], **stated)
        yield case("DFT", 17, [signal, np.array(8, np.int64)], onesided=1, **stated)
        yield case("DFT", 17, [floats(2, 16, 8, 2)], inverse=1, **stated)
    for values in (ints(0, 2, 1), ints(0, -1, 2), ints(5, -7, 1)):
        yield case("OneHot", 9, [values, ints(3), np.array([0, 1], np.float32)])
        yield case("OneHot", 9, [values, ints(3), np.array([0, 1], np.float32)], axis=0)
    yield case("Erf", 9, [X])
    yield case("Range", 11, [np.array(v, np.float32) for v in (0.1, 9, 0.7)])
    for op in ("Conv", "ConvTranspose"):
        yield case(op, 1, [X, floats(6, 6, 3, 3), floats(6)], pads=[1, 0, 1, 2], strides=[2, 1])
    for stated in ({"auto_pad": "SAME_UPPER"}, {"auto_pad": "SAME_LOWER"}, {"output_padding": [1, 1]},
                   {"output_shape": [20, 17]}, {"output_shape": [19, 17], "auto_pad": "SAME_UPPER"},
                   {"output_shape": [18, 17], "auto_pad": "SAME_LOWER"}):
        yield case("ConvTranspose", 1, [X, floats(6, 6, 3, 3)], strides=[2, 2], **stated)
        yield case("ConvTranspose", 11, [X, floats(6, 6, 3, 3)], strides=[2, 2], **stated)
    yield case("Conv", 1, [X, floats(6, 2, 3, 3)], group=3, auto_pad="SAME_UPPER", strides=[2, 2])


def widened() -> Iterator[Case]:
    """Operators whose newer versions only take more types, where the backend tests have no older form."""
    condition = np.array([True, False, True, True, False, False])
    for opset in (9, 11):
        yield case("Compress", opset, [X, condition], axis=1)
        yield case("Compress", opset, [X, condition])
    for opset in (11, 14):
        yield case("CumSum", opset, [X, np.array(1, np.int64)], reverse=1)
    blocks = floats(1, 8, 4, 6)
    for opset in (1, 11, 13):
        yield case("DepthToSpace", opset, [blocks], blocksize=2)
        yield case("SpaceToDepth", opset, [blocks], blocksize=2)
    yield case("DepthToSpace", 11, [blocks], blocksize=2, mode="CRD")
    steps = RNG.integers(0, 255, (2, 6, 9)).astype(np.uint8)
    scale, zero = np.array(0.3, np.float32), np.array(7, np.uint8)
    for opset in (10, 13, 19, 21, 23, 24, 25):
        yield case("DequantizeLinear", opset, [steps, scale, zero])
        yield case("QuantizeLinear", opset, [X * 40, scale, zero])
        if opset >= 13:
            each = [np.abs(floats(6)) + 0.1, RNG.integers(0, 9, 6).astype(np.uint8)]
            yield case("DequantizeLinear", opset, [steps, *each])
            yield case("QuantizeLinear", opset, [X * 40, *each], axis=-3)
    yield case("MaxRoiPool", 1, [X, np.array([[0, 1, 1, 5, 6], [1, 0, 2, 7, 7]], np.float32)], pooled_shape=[2, 3])
    for opset in (10, 13):
        yield case("Mod", opset, [ints(7, -7, 9), ints(4, 4, -4)])
        yield case("Mod", opset, [X, Y], fmod=1)
    for op in ("RandomNormalLike", "RandomUniformLike"):
        yield case(op, 1, [X], seed=3.0)
    yield case("Multinomial", 7, [X[0, 0]], seed=3.0, sample_size=5)
    yield case("Bernoulli", 15, [np.abs(X) / 10], seed=3.0)
    yield random_case("RandomNormal")
    yield random_case("RandomUniform")


def random_case(op: str) -> Case:
    node = helper.make_node(op, [], ["y"], seed=3.0, shape=[2, 3])
    return graph_case(op, 1, [node], {}, ["y"])


def retired() -> Iterator[Case]:
    for opset in (1, 7, 9):
        yield case("Affine", opset, [X], alpha=1.7, beta=0.3)
        yield case("Affine", opset, [X])
        yield case("ImageScaler", opset, [X], scale=1.7, bias=[0.1 * i for i in range(6)])
        yield case("Scale", opset, [X], scale=1.7)
        yield case("Scale", opset, [X])
        yield case("Crop", opset, [X], border=[1, 2, 3, 1])
        yield case("Crop", opset, [X], border=[1, 0, 0, 0])
        yield case("Crop", opset, [X], border=[1, 2, 0, 0], scale=[4, 3])
        yield case("ThresholdedRelu", opset, [X], alpha=0.4)
        yield case("ThresholdedRelu", opset, [X])
        yield case("DynamicSlice", opset, [X, ints(1, 1), ints(2, 3), ints(0, 2)])
        yield case("DynamicSlice", opset, [X, ints(1, 1), ints(2, 3)])
        yield case("ParametricSoftplus", opset, [X], alpha=1.7, beta=0.3)
        yield case("ScaledTanh", opset, [X], alpha=1.7, beta=0.3)
        if opset < 9:
            for across in (0, 1):
                for divides in (0, 1):
                    yield case("MeanVarianceNormalization", opset, [X], across_channels=across,
                               normalize_variance=divides)


def graph_case(name: str, opset: int, nodes: list[onnx.NodeProto], inputs: dict[str, Array], outputs: Iterable[str],
               functions: Iterable[onnx.FunctionProto] = (), **initializers: Array) -> Case:
    graph = helper.make_graph(
        nodes, "g", [declared(key, value) for key, value in inputs.items()],
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, None) for key in outputs],
        [numpy_helper.from_array(value, key) for key, value in initializers.items()],
    )
    imports = [helper.make_opsetid("", opset)] + ([helper.make_opsetid("own", 1)] if functions else [])
    made = helper.make_model(graph, opset_imports=imports, functions=list(functions),
                             ir_version=max(ir_version(opset), 8 if functions else 4))
    return Case(name, made, [inputs])


def body(nodes: list[onnx.NodeProto], inputs: dict[str, Any], outputs: dict[str, Any]) -> onnx.GraphProto:
    def infos(values: dict[str, Any]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(key, kind, shape) for key, (kind, shape) in values.items()]

    return helper.make_graph(nodes, "body", infos(inputs), infos(outputs))


def bodies() -> Iterator[Case]:
    node, number = helper.make_node, TensorProto.FLOAT
    data = floats(2, 3, 4)
    then = body([node("Softmax", ["x"], ["t"], axis=1)], {}, {"t": (number, [2, 3, 4])})
    other = body([node("Clip", ["x"], ["c"], min=0.0), node("Pad", ["c"], ["d"], pads=[0] * 6),
                  node("Dropout", ["d"], ["e"], ratio=0.4)], {}, {"e": (number, [2, 3, 4])})
    for flag in (True, False):
        yield graph_case(f"If {flag}", 10, [node("If", ["c"], ["y"], then_branch=then, else_branch=other)],
                         {"x": data, "c": np.array(flag)}, ["y"])
    step = body([node("Slice", ["s"], ["p"], starts=[0], ends=[2], axes=[1]), node("Sum", ["s", "x"], ["s_out"]),
                 node("Identity", ["go"], ["go_out"])],
                {"i": (TensorProto.INT64, []), "go": (TensorProto.BOOL, []), "s": (number, [2, 3, 4])},
                {"go_out": (TensorProto.BOOL, []), "s_out": (number, [2, 3, 4]), "p": (number, [2, 2, 4])})
    yield graph_case("Loop", 9, [node("Loop", ["n", "", "x"], ["y", "z"], body=step)],
                     {"x": data, "n": np.array(3, np.int64)}, ["y", "z"])
    add = body([node("Add", ["s", "v"], ["s_out"]), node("Softmax", ["s_out"], ["o"], axis=0)],
               {"s": (number, [4]), "v": (number, [4])}, {"s_out": (number, [4]), "o": (number, [4])})
    for directions in (None, [0], [1]):
        stated = {} if directions is None else {"directions": directions}
        yield graph_case(f"Scan {directions}", 8,
                         [node("Scan", ["", "h", "x"], ["y", "z"], body=add, num_scan_inputs=1, **stated)],
                         {"h": floats(2, 4), "x": data}, ["y", "z"])
    two = body([node("Add", ["s", "v"], ["a"]), node("Mul", ["a", "w"], ["s_out"]), node("Relu", ["a"], ["o"])],
               {"s": (number, [4]), "v": (number, [4]), "w": (number, [4])},
               {"s_out": (number, [4]), "o": (number, [4])})
    yield graph_case("Scan two", 8, [node("Scan", ["", "h", "x", "x"], ["y", "z"], body=two, num_scan_inputs=2,
                                          directions=[0, 1])],
                     {"h": floats(2, 4), "x": data}, ["y", "z"])
    for name in ("y", "z"):  # a graph output that is read inside the graph as well, and one that is not
        yield graph_case(f"Softmax {name}", 11, [node("Softmax", ["x"], ["y"], axis=1), node("Relu", ["y"], ["z"])],
                         {"x": data}, [name, "y"])


def functions() -> Iterator[Case]:
    node = helper.make_node
    data = floats(2, 3, 4)

    def refer(made: onnx.NodeProto, attribute: str, to: str, kind: int) -> onnx.NodeProto:
        made.attribute.append(onnx.AttributeProto(name=attribute, ref_attr_name=to, type=kind))
        return made

    ints_kind, int_kind = onnx.AttributeProto.INTS, onnx.AttributeProto.INT
    for opset in (12, 11, 13, 17):
        imports = [helper.make_opsetid("", opset)]
        plain_axes = opset < 13
        squeeze = node("Unsqueeze", ["a"], ["b"], axes=[0, 1]) if plain_axes else node("ReduceMean", ["a"], ["b"], axes=[1])
        fixed = helper.make_function("own", "fixed", ["a"], ["c"], [squeeze, node("Softmax", ["b"], ["c"], axis=1)], imports)
        yield graph_case(f"function {opset}", opset, [node("fixed", ["x"], ["y"], domain="own")], {"x": data}, ["y"], [fixed])
        inner = refer(node("ReduceMax", ["a"], ["b"], keepdims=0), "axes", "dims", ints_kind)
        last = refer(node("LogSoftmax", ["b"], ["c"]), "axis", "axis", int_kind)
        given = helper.make_function("own", "given", ["a"], ["c"], [inner, last], imports, ["dims", "axis"])
        calls = [node("given", ["x"], ["y"], domain="own", dims=[1], axis=1),
                 node("given", ["x"], ["z"], domain="own", dims=[0], axis=0)]
        yield graph_case(f"function given {opset}", opset, calls, {"x": data}, ["y", "z"], [given])
        del calls[1].attribute[:]
        calls[1].attribute.append(helper.make_attribute("axis", 0))
        yield graph_case(f"function not given {opset}", opset, calls, {"x": data}, ["y", "z"], [given])


def sweep() -> Iterator[Case]:
    for group in (unary, broadcasts, gemms, shapes, reductions, limits, softmaxes, norms, pools, resizes, recurrent,
                  others, widened, retired, bodies, functions):
        yield from group()
