"""Each replacement of replace-operators, made in models of each operator set that has the operator, keeps what they
compute, edge values included; and all of them at once keep what the frameworks computed for their spellings.

    python tests/passes/replacements_test.py REWRITE_TOOL [NAME ... | spellings]
"""

from __future__ import annotations

import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rewrites import REWRITES, Tool

from corpora import SHARED
from harness import operators, run, session

EVERY = 4  # of the spellings, one in so many by default
OPSETS = range(7, 25)
F = np.float32
EDGES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 3e38, -3e38, 1e-38, 1e-42, 88.0, -104.0], F)
FINITE = EDGES[3:]


@dataclass
class Made:
    """A model whose one node is to be replaced, and what holds of the result."""

    name: str
    node: onnx.NodeProto
    opset: int
    data: dict[str, np.ndarray]  # inputs that are fed: one of their feeds
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    becomes: frozenset[str] = frozenset()  # empty: it stays
    relative: float = 0.0  # of the largest finite magnitude; 0: bit for bit, but for the sign of zero and of NaN
    elementwise: float = 0.0  # of each element
    edges: np.ndarray | None = None  # values to feed besides; None: finite ones of a usual size alone
    open: tuple[str, ...] = ()  # inputs whose first axis has no size


def model_of(case: Made) -> onnx.ModelProto:
    def info(name: str, value: np.ndarray) -> onnx.ValueInfoProto:
        shape: list[Any] = list(value.shape)
        if name in case.open:
            shape[0] = "N"
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), shape)

    outputs = [onnx.ValueInfoProto(name=name) for name in case.node.output]
    outputs = [helper.make_empty_tensor_value_info(value.name) for value in outputs]
    graph = helper.make_graph(
        [case.node], "g", [info(*item) for item in case.data.items()], outputs,
        [numpy_helper.from_array(value, name) for name, value in case.constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", case.opset)], ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(model)
    del model.graph.output[:]
    model.graph.output.extend(inferred.graph.output)
    for value in model.graph.output:
        if not value.type.HasField("tensor_type"):
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    return model


def feeds_of(case: Made) -> Iterator[dict[str, np.ndarray]]:
    yield case.data
    if case.edges is None:
        return
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    for _ in range(6):
        feed = {}
        for name, value in case.data.items():
            edged = value.copy()
            if value.dtype == F and value.size:
                share = rng.random(value.shape) < rng.choice([0.1, 0.5, 1.0])
                edged[share] = rng.choice(case.edges, value.shape)[share]
            feed[name] = edged
        yield feed


def is_same(case: Made, expected: np.ndarray, found: np.ndarray) -> bool:
    if expected.shape != found.shape or expected.dtype != found.dtype:
        return False
    if expected.dtype.kind != "f":
        return np.array_equal(expected, found)
    a, b = expected.astype("f8"), found.astype("f8")
    finite = np.isfinite(a)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return False
    magnitude = np.abs(np.where(finite, a, 0.0))
    bound = case.relative * np.max(magnitude, initial=0.0) + case.elementwise * magnitude
    if case.relative or case.elementwise:
        bound = bound + 1e-37  # where numbers lose precision
    return bool(np.all(np.abs(a[finite] - b[finite]) <= bound[finite]))


def random(*shape: int, low: float = -3, high: float = 3) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(repr(shape).encode())).uniform(low, high, shape).astype(F)


def node(op: str, inputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(","), ["y"], name="n", **attributes)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def axes_of(opset: int, since: int, axes: list[int]) -> tuple[str, dict[str, Any], dict[str, np.ndarray]]:
    """How a node of that operator set is told its axes: inputs, attributes, constants."""
    return (",axes", {}, {"axes": ints(*axes)}) if opset >= since else ("", {"axes": axes}, {})


def flatten_to_reshape() -> Iterator[Made]:
    for opset in OPSETS:
        for axis in (0, 1, 2, 4) if opset < 11 else (0, 1, 3, 4, -1, -4):
            for first in ((), ("x",)):
                if first and axis == 0:
                    continue
                yield Made(f"{axis}", node("Flatten", "x", axis=axis), opset, {"x": random(2, 3, 4, 5)},
                           becomes=frozenset({"Reshape"}), edges=EDGES, open=first)


def squeeze_to_reshape() -> Iterator[Made]:
    for opset in OPSETS:
        for axes in ([1], [1, 3], [3], [-1], [-3, -1]):
            if opset < 11 and min(axes) < 0:
                continue
            more, attributes, constants = axes_of(opset, 13, axes)
            for first in ((), ("x",)):
                yield Made(f"{axes}", node("Squeeze", "x" + more, **attributes), opset, {"x": random(2, 1, 4, 1)},
                           constants, frozenset({"Reshape"}), edges=EDGES, open=first)
        yield Made("all", node("Squeeze", "x"), opset, {"x": random(2, 1, 4, 1)}, {}, frozenset({"Reshape"}))
        yield Made("all of unknown", node("Squeeze", "x"), opset, {"x": random(2, 1, 4, 1)}, open=("x",))


def unsqueeze_to_reshape() -> Iterator[Made]:
    for opset in OPSETS:
        for axes in ([0], [1], [0, 3], [3, 0], [-1], [-4, -1]):
            if opset < 11 and min(axes) < 0:
                continue
            more, attributes, constants = axes_of(opset, 13, axes)
            for first in ((), ("x",)):
                yield Made(f"{axes}", node("Unsqueeze", "x" + more, **attributes), opset, {"x": random(2, 3)},
                           constants, frozenset({"Reshape"}), edges=EDGES, open=first)


def sum_to_add() -> Iterator[Made]:
    for opset in OPSETS:
        wide = [random(2, 3, 4), random(2, 3, 4, high=1), random(2, 3, 4, low=0), random(2, 3, 4, low=-9)]
        shapes = [wide] if opset < 8 else [wide, [random(3, 1), random(2, 1, 4), random(1), random(4)]]
        for terms in shapes:
            for count in (2, 3, 4):
                names = [f"x{i}" for i in range(count)]
                yield Made(f"{count}", node("Sum", ",".join(names)), opset, dict(zip(names, terms)),
                           becomes=frozenset({"Add"}), edges=EDGES)


def max_to_relu() -> Iterator[Made]:
    for opset in range(8, 25):
        for order in ("x,z", "z,x"):
            for zero in (np.zeros((), F), np.zeros(1, F), np.zeros((1, 1, 1), F)):
                yield Made(f"{order} {zero.shape}", node("Max", order), opset, {"x": random(2, 3, 4)}, {"z": zero},
                           frozenset({"Relu"}), edges=EDGES)
            yield Made(f"{order}, more axes", node("Max", order), opset, {"x": random(3, 4)}, {"z": np.zeros((1, 1, 1), F)})
            yield Made(f"{order}, wider", node("Max", order), opset, {"x": random(3, 1)}, {"z": np.zeros(4, F)})
            yield Made(f"{order}, one", node("Max", order), opset, {"x": random(3, 4)}, {"z": np.ones(1, F)})
        yield Made("three", node("Max", "x,b,z"), opset, {"x": random(3, 4), "b": random(3, 4)}, {"z": np.zeros(1, F)})
        yield Made("no constant", node("Max", "x,b"), opset, {"x": random(3, 4), "b": random(3, 4)})


def div_to_mul() -> Iterator[Made]:
    for opset in OPSETS:
        powers = np.array([1, 2, -4, 0.125], F)
        for name, divisor, bound in (("powers", powers, 0.0), ("others", random(3, 1) + 10, 2.4e-7), ("one", F(0.7), 2.4e-7)):
            yield Made(name, node("Div", "x,c"), opset, {"x": random(2, 3, 4)}, {"c": np.asarray(divisor, F)},
                       frozenset({"Mul"}), elementwise=bound, edges=FINITE if bound else EDGES)
        for name, divisor in (("zero", F(0)), ("tiny", F(1e-39)), ("huge", F(3e38)), ("inf", F(np.inf)), ("nan", F(np.nan))):
            yield Made(name, node("Div", "x,c"), opset, {"x": random(2, 3)}, {"c": np.asarray(divisor)})
        yield Made("integers", node("Div", "x,c"), opset, {"x": ints(7, 8, 9)}, {"c": ints(2)})
        yield Made("data", node("Div", "x,c"), opset, {"x": random(2), "c": random(2)})


def div_to_reciprocal() -> Iterator[Made]:
    for opset in OPSETS:
        yield Made("same", node("Div", "a,b"), opset, {"a": random(2, 3, 4), "b": random(2, 3, 4, low=0.2)},
                   becomes=frozenset({"Reciprocal", "Mul"}), elementwise=2.4e-7,
                   edges=np.array([1e-30, -1e30, 7, np.nan, np.inf, -np.inf], F))
        yield Made("constant over", node("Div", "c,b"), opset, {"b": random(3, low=0.2)}, {"c": random(2, 1)},
                   frozenset({"Reciprocal", "Mul"}), elementwise=2.4e-7)
        yield Made("integers", node("Div", "a,b"), opset, {"a": ints(7, 8), "b": ints(2, 3)})


def pow_to_mul() -> Iterator[Made]:
    for opset in OPSETS:
        for two in (F(2), np.full((1,), 2, F), np.full((1, 1), 2, F)):
            yield Made(f"{two.ndim}", node("Pow", "x,c"), opset, {"x": random(3, 4)}, {"c": np.asarray(two)},
                       frozenset({"Mul"}), elementwise=1.2e-7, edges=EDGES)
        if opset >= 12:
            yield Made("integer", node("Pow", "x,c"), opset, {"x": random(3, 4)}, {"c": np.int64(2).reshape(())},
                       frozenset({"Mul"}), elementwise=1.2e-7, edges=EDGES)
        yield Made("three", node("Pow", "x,c"), opset, {"x": random(3, 4)}, {"c": np.asarray(F(3))})
        yield Made("wider", node("Pow", "x,c"), opset, {"x": random(4)}, {"c": np.full((1, 1), 2, F)})


def reduce_mean_to_pool() -> Iterator[Made]:
    for opset in OPSETS:
        for axes in ([2, 3], [3, 2], [-2, -1]):
            if opset < 11 and min(axes) < 0:
                continue
            more, attributes, constants = axes_of(opset, 18, axes)
            for keeps in (0, 1):
                becomes = frozenset({"GlobalAveragePool"}) | (frozenset() if keeps else frozenset({"Reshape"}))
                for first in ((), ("x",)):
                    yield Made(f"{axes} {keeps}", node("ReduceMean", "x" + more, keepdims=keeps, **attributes), opset,
                               {"x": random(2, 3, 5, 7)}, constants, becomes, 1e-6, open=first)
                more1, attributes1, constants1 = axes_of(opset, 18, [1, 2])
                yield Made("others", node("ReduceMean", "x" + more1, keepdims=keeps, **attributes1), opset,
                           {"x": random(2, 3, 5, 7)}, constants1)


def reduce_to_kept_axes() -> Iterator[Made]:
    for opset in OPSETS:
        for op, since in (("ReduceMean", 18), ("ReduceMax", 18), ("ReduceSum", 13)):
            for axes in ([1], [0, 2], [1, 2, 3], [3]):
                more, attributes, constants = axes_of(opset, since, axes)
                for first in ((), ("x",)):
                    yield Made(f"{op} {axes}", node(op, "x" + more, keepdims=0, **attributes), opset,
                               {"x": random(2, 3, 5, 7)}, constants, frozenset({op, "Reshape"}), open=first, edges=FINITE[:4])
                yield Made(f"{op} {axes} kept", node(op, "x" + more, keepdims=1, **attributes), opset,
                           {"x": random(2, 3, 5, 7)}, constants)
            yield Made(f"{op} of all", node(op, "x", keepdims=0), opset, {"x": random(2, 3)})


def matmul_to_one_rank() -> Iterator[Made]:
    for opset in OPSETS:
        for shape in ((2, 3, 4), (2, 5, 3, 4)):
            yield Made(f"{shape}", node("MatMul", "x,w"), opset, {"x": random(*shape)}, {"w": random(4, 6)},
                       frozenset({"MatMul"}), open=("x",))
        yield Made("matrix", node("MatMul", "x,w"), opset, {"x": random(3, 4)}, {"w": random(4, 6)})
        yield Made("vector", node("MatMul", "x,w"), opset, {"x": random(2, 3, 4)}, {"w": random(4)})
        yield Made("weight first", node("MatMul", "w,x"), opset, {"x": random(2, 4, 3)}, {"w": random(6, 4)})
        yield Made("wider weight", node("MatMul", "x,w"), opset, {"x": random(3, 4)}, {"w": random(2, 4, 6)})


def gemm_to_conv() -> Iterator[Made]:
    for opset in OPSETS:
        for turned in (0, 1):
            for c in (None, random(6), random(1, 6), random(1), np.asarray(F(0.5))):
                if c is None and opset < 11:
                    continue
                for alpha, beta in ((1.0, 1.0), (0.5, 3.0)):
                    constants = {"w": random(6, 5) if turned else random(5, 6)}
                    if c is not None:
                        constants["c"] = c
                    yield Made(f"{turned} {None if c is None else c.shape} {alpha}",
                               node("Gemm", "x,w,c" if c is not None else "x,w", transB=turned, alpha=alpha, beta=beta),
                               opset, {"x": random(3, 5)}, constants, frozenset({"Reshape", "Conv"}), 1e-6,
                               open=("x",) if turned else ())
        yield Made("turned data", node("Gemm", "x,w,c", transA=1), opset, {"x": random(5, 3)},
                   {"w": random(5, 6), "c": random(6)})
        yield Made("c by row", node("Gemm", "x,w,c"), opset, {"x": random(3, 5)}, {"w": random(5, 6), "c": random(3, 1)})
        yield Made("c is data", node("Gemm", "x,w,c"), opset, {"x": random(3, 5), "c": random(6)}, {"w": random(5, 6)})


def batch_norm_to_conv() -> Iterator[Made]:
    for opset in OPSETS:
        parameters = {"s": random(4), "b": random(4, high=1), "m": random(4, low=0), "v": random(4, low=0.1)}
        for shape in ((2, 4, 5, 3), (1, 4, 2, 3, 2)):
            yield Made(f"{len(shape)}", node("BatchNormalization", "x,s,b,m,v", epsilon=1e-3), opset, {"x": random(*shape)},
                       parameters, frozenset({"Conv"}), 1e-6, open=("x",))
        yield Made("matrix", node("BatchNormalization", "x,s,b,m,v"), opset, {"x": random(2, 4)}, parameters)
        yield Made("series", node("BatchNormalization", "x,s,b,m,v"), opset, {"x": random(2, 4, 5)}, parameters)


def mul_to_conv() -> Iterator[Made]:
    for opset in OPSETS:
        for shape in ((1, 4, 1, 1), (4, 1, 1), (1,), ()):
            for order in ("x,c", "c,x"):
                yield Made(f"{shape} {order}", node("Mul", order), opset, {"x": random(2, 4, 3, 5)},
                           {"c": random(*shape)}, frozenset({"Conv"}), edges=EDGES, open=("x",))
        yield Made("3d", node("Mul", "x,c"), opset, {"x": random(2, 4, 3)}, {"c": random(4, 1)})
        for shape in ((5,), (3, 1), (2, 1, 1, 1), (1, 1, 1, 1, 1)):
            yield Made(f"{shape}", node("Mul", "x,c"), opset, {"x": random(2, 4, 3, 5)}, {"c": random(*shape)})
        yield Made("wider", node("Mul", "x,c"), opset, {"x": random(2, 1, 3, 5)}, {"c": random(4, 1, 1)})


def where_to_mul() -> Iterator[Made]:
    for opset in range(9, 25):
        mask = np.array([[True, False, True, False]])
        for fill in (F(0), F(-1e9), F(-np.inf), random(3, 1), random(2, 1, 4)):
            for order in ("m,x,k", "m,k,x"):
                yield Made(order, node("Where", order), opset, {"x": random(2, 3, 4)},
                           {"m": mask, "k": np.asarray(fill)}, frozenset({"Mul", "Add"}), edges=FINITE)
        yield Made("computed", node("Where", "m,x,k"), opset, {"x": random(2, 4), "m": mask}, {"k": np.asarray(F(0))})
        yield Made("of two", node("Where", "m,x,k"), opset, {"x": random(2, 4), "k": random(2, 4)}, {"m": mask})


def compare_to_not() -> Iterator[Made]:
    for opset in range(12, 25):
        for op, inner in (("GreaterOrEqual", "Less"), ("LessOrEqual", "Greater")):
            for data in ({"a": random(2, 3), "b": random(3)}, {"a": ints(1, 2, 3), "b": ints(2)}):
                yield Made(op, node(op, "a,b"), opset, data, becomes=frozenset({inner, "Not"}), edges=EDGES[1:])


def softmax_like(op: str, last: str, bound: dict[str, float]) -> Iterator[Made]:
    parts = frozenset({"ReduceMax", "Sub", "Exp", "ReduceSum"}) | frozenset(last.split())
    for opset in OPSETS:
        for axis in (None, 0, 1, 2, 3) if opset < 11 else (None, 0, 1, 3, -1, -2):
            attributes = {} if axis is None else {"axis": axis}
            for first in ((), ("x",)):
                yield Made(f"{axis}", node(op, "x", **attributes), opset, {"x": random(2, 3, 4, 5)}, {}, parts, **bound,
                           edges=np.array([88, -104, 3e38, 0, -0.0, 1e-42], F), open=first)
            yield Made(f"{axis} inf", node(op, "x", **attributes), opset, {"x": random(2, 3, 4, 5)}, {}, parts, **bound,
                       edges=np.array([-np.inf, 0, 1], F))
        yield Made("picture", node(op, "x", axis=1), opset, {"x": random(2, 3, 1, 1)}, {}, parts, **bound)


def softmax_to_parts() -> Iterator[Made]:
    yield from softmax_like("Softmax", "Reciprocal Mul", {"relative": 1e-6})


def softmax_to_four_axes() -> Iterator[Made]:
    for opset in OPSETS:
        for shape in ((3, 4), (2, 3, 4)):
            for axis in range(len(shape)):
                for first in ((), ("x",)):
                    yield Made(f"{axis} of {len(shape)}", node("Softmax", "x", axis=axis), opset, {"x": random(*shape)}, {},
                               frozenset({"Reshape", "Softmax"}), open=first)


def log_softmax_to_parts() -> Iterator[Made]:
    yield from softmax_like("LogSoftmax", "Log", {"relative": 1e-6})


def reduction(op: str, parts: str, bound: float) -> Iterator[Made]:
    for opset in OPSETS:
        for axes in ([1], [0, 2], [2, 1]) if opset < 11 else ([1], [0, 2], [-1, 1]):
            more, attributes, constants = axes_of(opset, 18, axes)
            for keeps in (0, 1):
                yield Made(f"{axes} {keeps}", node(op, "x" + more, keepdims=keeps, **attributes), opset,
                           {"x": random(2, 3, 4)}, constants, frozenset(parts.split()), bound, open=("x",),
                           edges=np.array([np.nan, np.inf, -np.inf, 0, 1e10, 1e-30], F))
        for keeps in (0, 1):
            yield Made("all", node(op, "x", keepdims=keeps), opset, {"x": random(2, 3, 4)}, {}, frozenset(parts.split()), bound)
        if opset >= 18:
            yield Made("nothing", node(op, "x", noop_with_empty_axes=1), opset, {"x": random(2, 3)})


def reduce_l1_to_parts() -> Iterator[Made]:
    yield from reduction("ReduceL1", "Abs ReduceSum", 1e-6)


def reduce_l2_to_parts() -> Iterator[Made]:
    yield from reduction("ReduceL2", "Mul ReduceSum Sqrt", 1e-6)


NORM = "ReduceMean Sub Mul Add Sqrt Reciprocal"


def layer_norm_to_parts() -> Iterator[Made]:
    for opset in range(17, 25):
        for axis, scale in ((-1, random(5)), (2, random(4, 5)), (1, random(3, 4, 5)), (-1, random(1))):
            for shift in (None, scale[::-1].copy()):
                constants = {"s": scale} | ({} if shift is None else {"b": shift})
                yield Made(f"{axis} {shift is not None}",
                           node("LayerNormalization", "x,s" if shift is None else "x,s,b", axis=axis, epsilon=1e-4), opset,
                           {"x": random(2, 3, 4, 5)}, constants, frozenset(NORM.split()), 1e-5, open=("x",),
                           edges=np.array([0, 100], F))
        yield Made("scale is data", node("LayerNormalization", "x,s"), opset, {"x": random(2, 5), "s": random(5)}, {},
                   frozenset(NORM.split()), 1e-5)


def rms_norm_to_parts() -> Iterator[Made]:
    for opset in range(23, 25):
        for axis, scale in ((-1, random(5)), (2, random(4, 5))):
            yield Made(f"{axis}", node("RMSNormalization", "x,s", axis=axis), opset, {"x": random(2, 3, 4, 5)},
                       {"s": scale}, frozenset("Mul ReduceMean Add Sqrt Reciprocal".split()), 1e-5, open=("x",))


def instance_norm_to_parts() -> Iterator[Made]:
    for opset in OPSETS:
        for shape in ((2, 3, 8), (2, 3, 4, 5), (2, 3, 2, 3, 4)):
            yield Made(f"{len(shape)}", node("InstanceNormalization", "x,s,b", epsilon=1e-3), opset, {"x": random(*shape)},
                       {"s": random(3), "b": random(3, high=1)}, frozenset(NORM.split()), 1e-5, open=("x",))
        yield Made("data", node("InstanceNormalization", "x,s,b"), opset,
                   {"x": random(2, 3, 4), "s": random(3), "b": random(3, high=1)})


def group_norm_to_parts() -> Iterator[Made]:
    for opset in range(18, 25):
        for shape in ((2, 6, 4), (2, 6, 4, 5)):
            count = 6 if opset >= 21 else 3
            yield Made(f"{len(shape)}", node("GroupNormalization", "x,s,b", num_groups=3), opset, {"x": random(*shape)},
                       {"s": random(count), "b": random(count, high=1)}, frozenset((NORM + " Reshape").split()), 1e-5,
                       open=("x",))


def interpolate() -> Iterator[Made]:
    modes = [("nearest", mode) for mode in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")]
    modes += [("linear", mode) for mode in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")]
    modes += [("cubic", "half_pixel")]
    for opset in range(11, 25):
        for mode, coordinates in modes:
            for to in ((10, 14), (5, 7), (8, 10), (2, 3), (1, 21)):
                gaps = "x,roi,none,sizes" if opset < 13 else "x,,,sizes"
                constants = {"sizes": ints(2, 3, *to)}
                if opset < 13:
                    constants |= {"roi": np.zeros(0, F), "none": np.zeros(0, F)}
                yield Made(f"{mode} {coordinates} {to}",
                           node("Resize", gaps, mode=mode, coordinate_transformation_mode=coordinates), opset,
                           {"x": random(2, 3, 5, 7)}, constants, frozenset({"Resize by scales"}), edges=FINITE[:4])
        if opset >= 18:
            yield Made("axes", node("Resize", "x,,,sizes", axes=[2, 3], mode="linear", antialias=1), opset,
                       {"x": random(2, 3, 8, 8)}, {"sizes": ints(4, 5)}, frozenset({"Resize by scales"}), open=("x",))
            yield Made("aspect", node("Resize", "x,,,sizes", axes=[2, 3], keep_aspect_ratio_policy="not_larger"), opset,
                       {"x": random(2, 3, 8, 8)}, {"sizes": ints(4, 5)})
        # float32(9) / 7 is less than 9 / 7.
        yield Made("inexact", node("Resize", "x,,,sizes" if opset >= 13 else "x,roi,none,sizes"), opset,
                   {"x": random(1, 1, 7, 2)},
                   {"sizes": ints(1, 1, 9, 2)} | ({} if opset >= 13 else {"roi": np.zeros(0, F), "none": np.zeros(0, F)}))


def conv_transpose_to_conv() -> Iterator[Made]:
    exact = 1e-6  # where the sums are in another order
    conv = frozenset({"Conv"})

    def made(name: str, group: int, kernel: tuple[int, ...], becomes: frozenset[str] = conv, bias: bool = True, opset: int = 7,
             **attributes: Any) -> Made:
        constants = {"w": random(4, 6 // group, *kernel)} | ({"b": random(6)} if bias else {})
        if group > 1:
            attributes["group"] = group
        return Made(f"{name}, {group} groups", node("ConvTranspose", "x,w,b" if bias else "x,w", **attributes), opset,
                    {"x": random(2, 4, *(5, 6, 4)[:len(kernel)])}, constants, becomes, exact, open=("x",))

    for opset in OPSETS:
        for group in (1, 2):
            yield made("plain", group, (3, 3), opset=opset)
            yield made("one axis", group, (4,), opset=opset, pads=[1, 2])
            yield made("three axes", group, (2, 3, 1), opset=opset, pads=[0, 1, 0, 1, 2, 0])
            yield made("single", group, (1, 1), opset=opset, strides=[1, 1])
            yield made("no bias", group, (2, 4), bias=False, opset=opset, kernel_shape=[2, 4])
            yield made("dilated", group, (3, 2), opset=opset, dilations=[2, 3], pads=[4, 0, 1, 3])
            yield made("valid", group, (3, 2), opset=opset, auto_pad="VALID")
            yield made("crops all that it adds", group, (3, 2), opset=opset, pads=[2, 1, 2, 1])
            yield made("crops more", group, (3, 2), frozenset(), opset=opset, pads=[0, 2, 0, 0])
            yield made("strides", group, (3, 3), frozenset(), opset=opset, strides=[1, 2])
            yield made("shape", group, (3, 3), frozenset(), opset=opset, output_shape=[5, 6])
            for same in ("SAME_UPPER", "SAME_LOWER"):
                yield made(same, group, (3, 5), opset=opset, auto_pad=same)
                yield made(f"{same}, odd", group, (3, 4), frozenset(), opset=opset, auto_pad=same)
        yield Made("depthwise", node("ConvTranspose", "x,w", group=4, pads=[1, 0, 1, 0]), opset, {"x": random(1, 4, 5, 6)},
                   {"w": random(4, 1, 3, 2)}, conv, exact)
        yield Made("infinite weight", node("ConvTranspose", "x,w"), opset, {"x": random(1, 4, 5, 6)},
                   {"w": np.full((4, 2, 2, 2), np.inf, F)})
        yield Made("computed weight", node("ConvTranspose", "x,w"), opset, {"x": random(1, 4, 5, 6), "w": random(4, 2, 2, 2)})


REPLACEMENTS: dict[str, Callable[[], Iterator[Made]]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        interpolate, sum_to_add, flatten_to_reshape, squeeze_to_reshape, unsqueeze_to_reshape, div_to_mul,
        div_to_reciprocal, pow_to_mul, max_to_relu, reduce_mean_to_pool, reduce_to_kept_axes,
        matmul_to_one_rank, conv_transpose_to_conv, gemm_to_conv, batch_norm_to_conv, mul_to_conv, where_to_mul,
        compare_to_not, softmax_to_four_axes, softmax_to_parts, log_softmax_to_parts, layer_norm_to_parts, rms_norm_to_parts,
        instance_norm_to_parts, group_norm_to_parts, reduce_l1_to_parts, reduce_l2_to_parts,
    )
}


def becomes(model: onnx.ModelProto) -> frozenset[str]:
    found = set(operators(model.graph))
    resized = [node for node in model.graph.node if node.op_type == "Resize"]
    if any(len(node.input) == 3 for node in resized):
        found = found - {"Resize"} | {"Resize by scales"}
    return frozenset(found)


def fault_of(path: Path) -> str | None:
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:
        return str(error).splitlines()[0]
    return None


class Test:
    def __init__(self, program: str) -> None:
        self.tool = Tool(program)
        self.folder = tempfile.TemporaryDirectory()
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []

    def made(self, replacement: str, case: Made) -> None:
        name = f"{replacement}, opset {case.opset}, {case.name}{', open' if case.open else ''}"
        self.counts["made"] += 1
        source, result = (Path(self.folder.name) / each for each in ("in.onnx", "out.onnx"))
        onnx.save(model_of(case), source)
        answer = self.tool.rewrite((f"replace-operators={replacement}",), source, result)
        if answer[0] != "done":
            self.faults.append(f"{name}: {answer[0]}")
            return
        after = onnx.load(result)
        wanted = case.becomes or frozenset({case.node.op_type})
        if becomes(after) != wanted:
            self.faults.append(f"{name}: is {sorted(becomes(after))}, not {sorted(wanted)}")
            return
        if fault_of(source) is None and (fault := fault_of(result)) is not None:
            self.faults.append(f"{name}: checker: {fault}")
        try:
            original = session(source)
        except Exception:
            self.counts["not run (ONNX Runtime lacks the original)"] += 1
            return
        try:
            rewritten = session(result)
            for feed in feeds_of(case):
                expected, found = run(original, feed), run(rewritten, feed)
                self.counts["runs"] += 1
                if not all(is_same(case, a, b) for a, b in zip(expected, found, strict=True)):
                    self.faults.append(f"{name}: differs\n  {feed}\n  {expected}\n  {found}")
                    return
        except Exception as error:
            self.faults.append(f"{name}: does not run: {str(error).splitlines()[0][:300]}")

    def spelling(self, path: Path) -> None:
        stored = np.load(path.with_suffix(".npz"))
        result = Path(self.folder.name) / "out.onnx"
        answer = self.tool.rewrite((*REWRITES, "replace-operators"), path, result)
        self.counts["spellings"] += 1
        if answer[0] != "done":
            self.faults.append(f"{path.name}: {answer[0]}")
            return
        names = [value.name for value in onnx.load(path, load_external_data=False).graph.output]
        feed = dict(stored)
        try:
            before = run(session(path), feed)
        except Exception:
            self.counts["spellings not run"] += 1
            return
        try:
            found = run(session(result), feed)
        except Exception as error:
            self.faults.append(f"{path.name}: does not run: {str(error).splitlines()[0][:300]}")
            return
        for name, was, made in zip(names, before, found):
            wanted = feed.get(name, was)
            if not isinstance(wanted, np.ndarray) or wanted.dtype.kind != "f" or not isinstance(made, np.ndarray):
                continue
            limit = 1e-4 * max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
            off = float(np.max(np.abs(made.astype("f8") - wanted.astype("f8")), initial=0.0)) if made.shape == wanted.shape else np.inf
            had = float(np.max(np.abs(was.astype("f8") - wanted.astype("f8")), initial=0.0)) if was.shape == wanted.shape else np.inf
            self.counts["outputs of spellings"] += 1
            if not off <= max(limit, had):
                self.faults.append(f"{path.name}: {name} is off by {off:.3g}, before by {had:.3g}")


def main() -> int:
    program, *wanted = sys.argv[1:]
    test = Test(program)
    for name, cases in REPLACEMENTS.items():
        if wanted and name not in wanted:
            continue
        for case in cases():
            test.made(name, case)
    if not wanted or "spellings" in wanted:
        if SHARED.exists():
            for path in sorted((SHARED / "models/spellings").glob("*.onnx")):
                if wanted or zlib.crc32(path.name.encode()) % EVERY == 0:
                    test.spelling(path)
        else:
            print(f"skipped the spellings: {SHARED} does not exist")
    print("\n".join(f"{count:7} {kind}" for kind, count in sorted(test.counts.items())))
    print("\n".join(test.faults[:40]))
    if len(test.faults) > 40:
        print(f"and {len(test.faults) - 40} more")
    return 1 if test.faults else 0


if __name__ == "__main__":
    sys.exit(main())
