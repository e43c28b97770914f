"""What fold-constants computes is what ONNX says: the node tests of the Python package with their inputs made
constants, and the older versions of the operators against ONNX's reference implementation.

    python tests/passes/evaluate_test.py REWRITE_TOOL
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test.loader
from onnx import TensorProto, helper, numpy_helper
from rewrites import Tool

# Every operator of evaluate_*.cc, with how many of its node tests are computed at least.
COMPUTED = {
    "Abs": 1, "Add": 8, "And": 8, "Cast": 10, "CastLike": 5, "Ceil": 2, "Clip": 12, "Concat": 12,
    "ConstantOfShape": 3, "Div": 10, "Equal": 5, "Exp": 2, "Expand": 2, "Flatten": 9, "Floor": 2, "Gather": 4,
    "GatherElements": 3, "Greater": 5, "GreaterOrEqual": 5, "Identity": 1, "Less": 5, "LessOrEqual": 5, "Log": 2,
    "Max": 8, "Min": 8, "Mod": 10, "Mul": 8, "Neg": 2, "NonZero": 1, "Not": 3, "Or": 8, "Pow": 10, "Range": 2,
    "Reciprocal": 2, "ReduceMax": 6, "ReduceMean": 6, "ReduceMin": 6, "ReduceProd": 6, "ReduceSum": 7, "Relu": 1,
    "Reshape": 10, "Round": 1, "Shape": 8, "Sign": 1, "Size": 2, "Slice": 8, "Split": 12, "Sqrt": 2, "Squeeze": 2,
    "Sub": 8, "Sum": 3, "Tile": 2, "Transpose": 7, "Unsqueeze": 7, "Where": 2, "Xor": 8,
}  # fmt: skip


def constant_model(node: onnx.NodeProto, inputs: dict[str, np.ndarray], opset: int) -> onnx.ModelProto:
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    # A reader of each output, since a node that makes several graph outputs stays.
    readers = [helper.make_node("Identity", [value.name], [f"{value.name}_out"]) for value in outputs]
    graph = helper.make_graph(
        [node, *readers], "g", [], [onnx.ValueInfoProto(name=reader.output[0]) for reader in readers],
        [numpy_helper.from_array(value, name) for name, value in inputs.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def arrays(values: list[Any]) -> list[np.ndarray] | None:
    """None if one is a sequence, text, or of a type that NumPy has not by itself."""
    tensors = [numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value) for value in values]
    return tensors if all(tensor.dtype.kind in "fiub" for tensor in tensors) else None


class Evaluation:
    def __init__(self, program: str) -> None:
        self.tool = Tool(program)
        self.folder = tempfile.TemporaryDirectory()
        self.computed: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        self.faults: list[str] = []

    def fold(self, model: onnx.ModelProto) -> dict[str, np.ndarray] | None:
        """The outputs, if all were computed."""
        source, result = (Path(self.folder.name) / name for name in ("in.onnx", "out.onnx"))
        onnx.save(model, source)
        answer = self.tool.rewrite(("fold-constants",), source, result)
        if answer[0] != "done":
            self.faults.append(answer[0])
            return None
        folded = onnx.load(result).graph
        if any(node.op_type != "Constant" for node in folded.node):
            return None
        return {node.output[0].removesuffix("_out"): numpy_helper.to_array(node.attribute[0].t) for node in folded.node}

    def compare(self, what: str, node: onnx.NodeProto, inputs: dict[str, np.ndarray], opset: int,
                expected: list[np.ndarray]) -> None:
        found = self.fold(constant_model(node, inputs, opset))
        if found is None:
            self.left[node.op_type] += 1
            return
        self.computed[node.op_type] += 1
        for name, wanted in zip([name for name in node.output if name], expected):
            value = found[name]
            if value.dtype != wanted.dtype or value.shape != wanted.shape:
                self.faults.append(f"{what}: {value.dtype}{value.shape}, not {wanted.dtype}{wanted.shape}")
            elif wanted.dtype.kind == "f" or wanted.dtype.name == "bfloat16":
                a, b = value.astype(np.float64), wanted.astype(np.float64)
                if not np.allclose(a, b, rtol=3e-7, atol=0, equal_nan=True):
                    self.faults.append(f"{what}: {np.nanmax(np.abs(a - b))} off")
            elif not np.array_equal(value, wanted):
                self.faults.append(f"{what}: {value} is not {wanted}")

    def node_tests(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cases = onnx.backend.test.loader.load_model_tests(kind="node")
        for case in cases:
            graph = case.model.graph
            opset = next((entry.version for entry in case.model.opset_import if entry.domain in ("", "ai.onnx")), 0)
            if len(graph.node) != 1 or graph.node[0].op_type not in COMPUTED:
                continue
            for inputs, outputs in case.data_sets:
                inputs, outputs = map(arrays, (inputs, outputs))
                if inputs is not None and outputs is not None:
                    feed = dict(zip([value.name for value in graph.input], inputs))
                    self.compare(case.name, graph.node[0], feed, opset, outputs)

    def old_versions(self) -> None:
        """Operators whose parameters were attributes, or that had other rules."""
        x = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
        row = x[0, 0, 0]
        cases: list[tuple[str, int, dict[str, Any], list[np.ndarray], list[np.ndarray] | None]] = [
            ("Reshape", 1, {"shape": [2, -1]}, [x], [x.reshape(2, 12)]),
            ("Squeeze", 1, {"axes": [0]}, [x], [x[0]]),
            ("Squeeze", 11, {}, [x], [x[0]]),
            ("Unsqueeze", 1, {"axes": [0, 5]}, [x], [x[None, ..., None]]),
            ("Slice", 1, {"starts": [1, -3], "ends": [9, -1], "axes": [2, 3]}, [x], [x[:, :, 1:, -3:-1]]),
            ("Slice", 1, {"starts": [0, 1], "ends": [1, 2]}, [x], [x[0:1, 1:2]]),
            ("Split", 2, {"axis": 3, "split": [1, 3]}, [x], [x[..., :1], x[..., 1:]]),
            ("Split", 2, {"axis": 1}, [x], [x[:, :1], x[:, 1:]]),
            ("Clip", 6, {"min": 3.0, "max": 20.0}, [x], [np.clip(x, 3, 20)]),
            ("Clip", 6, {"max": 20.0}, [x], [np.minimum(x, 20)]),
            ("ReduceSum", 1, {"axes": [1, 3], "keepdims": 0}, [x], [x.sum((1, 3))]),
            ("ReduceMax", 1, {"keepdims": 0}, [x], [x.max()]),
            ("ReduceMean", 13, {"axes": [-1]}, [x], [x.mean(-1, keepdims=True)]),
            ("Concat", 1, {}, [x, x], [np.concatenate([x, x], 1)]),
            ("Add", 6, {}, [x, x], [x + x]),
            ("Add", 6, {"broadcast": 1, "axis": 3}, [x, row], None),
            ("Max", 6, {}, [x, -x], [np.maximum(x, -x)]),
            ("Max", 6, {}, [x, row], None),
            ("Tile", 1, {}, [x, np.float32([2]), np.float32([1])], None),
            ("Cast", 1, {"to": "INT32"}, [x], None),
            ("Div", 13, {}, [np.int64([7, -7, 7, -7]), np.int64([2, 2, -2, -2])], [np.int64([3, -3, -3, 3])]),
            ("Div", 13, {}, [np.int32([-(2**31)]), np.int32([-1])], None),
            ("Div", 13, {}, [np.int32([1]), np.int32([0])], None),
            ("Div", 13, {}, [np.float32([1, -1]), np.float32([0, 0])], [np.float32([np.inf, -np.inf])]),
            ("Mod", 13, {}, [np.int64([7, -7, 7, -7]), np.int64([3, 3, -3, -3])], [np.int64([1, 2, -2, -1])]),
            ("Add", 13, {}, [np.int32([2**31 - 1]), np.int32([1])], [np.int32([-(2**31)])]),
            ("Mul", 14, {}, [np.uint8([200]), np.uint8([2])], [np.uint8([144])]),
            ("Cast", 13, {"to": TensorProto.INT32}, [np.float32([2.9, -2.9, -0.5])], [np.int32([2, -2, 0])]),
            ("Cast", 13, {"to": TensorProto.INT8}, [np.float32([127.9, -128.9])], [np.int8([127, -128])]),
            ("Cast", 13, {"to": TensorProto.INT8}, [np.float32([128])], None),
            ("Cast", 13, {"to": TensorProto.INT64}, [np.float32([2.0**63])], None),
            ("Cast", 13, {"to": TensorProto.INT32}, [np.float32([np.nan])], None),
            ("Cast", 13, {"to": TensorProto.INT8}, [np.int64([300, -129])], [np.int8([44, 127])]),
            ("Cast", 13, {"to": TensorProto.BOOL}, [np.float32([0.0, -0.0, 0.3, np.nan])], [np.array([0, 0, 1, 1], bool)]),
            ("Cast", 13, {"to": TensorProto.FLOAT16}, [np.float32([1.0009765, 65519.0, 1e-7])], [np.float16([1.001, 65504, 1.19e-7])]),
            ("Gather", 13, {"axis": 1}, [x, np.int64([-1])], [x[:, -1:]]),
            ("Gather", 13, {"axis": 1}, [x, np.int64([2])], None),
            ("Gather", 13, {"axis": 1}, [x, np.int64([-3])], None),
            ("Slice", 13, {}, [x, np.int64([2**62, -1]), np.int64([-(2**63), -(2**63)]), np.int64([2, 3]), np.int64([-1, -(2**63)])], [x[:, :, ::-1, -1:]]),
            ("Slice", 13, {}, [x, np.int64([0]), np.int64([2**63 - 1]), np.int64([3]), np.int64([2**63 - 1])], [x[..., :1]]),
            ("Slice", 13, {}, [x[:0], np.int64([0]), np.int64([-9]), np.int64([0]), np.int64([-1])], [x[:0]]),
            ("Slice", 13, {}, [x, np.int64([0]), np.int64([1]), np.int64([3]), np.int64([0])], None),
            ("Reshape", 14, {"allowzero": 1}, [x[:0], np.int64([0, 7])], [x[:0].reshape(0, 7)]),
            ("Reshape", 14, {}, [x, np.int64([0, -1, 0])], [x.reshape(1, 8, 3)]),
            ("Reshape", 14, {}, [x, np.int64([-1, -1])], None),
            ("Range", 11, {}, [np.int64(10), np.int64(4), np.int64(-3)], [np.int64([10, 7])]),
            ("Range", 11, {}, [np.int64(1), np.int64(1), np.int64(1)], [np.int64([])]),
            ("Range", 11, {}, [np.int64(0), np.int64(5), np.int64(0)], None),
            ("ReduceProd", 18, {"noop_with_empty_axes": 1}, [x], [x]),
            ("ReduceProd", 18, {}, [np.zeros((2, 0), np.int64), np.int64([1])], [np.int64([[1], [1]])]),
            ("ReduceMax", 18, {}, [np.zeros((2, 0), np.float32), np.int64([1])], None),
            ("Expand", 13, {}, [x[:, :, :, :1], np.int64([3, 1, 1, 1, 5])], [np.broadcast_to(x[:, :, :, :1], (3, 1, 2, 3, 5))]),
            ("Where", 16, {}, [np.array([True, False]), np.int64([[1], [2]]), np.int64([9])], [np.int64([[1, 9], [2, 9]])]),
            ("Min", 13, {}, [np.float32([np.nan, 1]), np.float32([0, np.nan])], [np.float32([np.nan, np.nan])]),
            ("Pow", 15, {}, [np.int64([3, 2**40]), np.int64([2, 1])], [np.int64([9, 2**40])]),
            ("Pow", 15, {}, [np.int64([2**40]), np.int64([2])], None),
            ("Neg", 13, {}, [np.int8([-128, 5])], [np.int8([-128, -5])]),
            ("Sqrt", 13, {}, [np.float32([-1, 4])], [np.float32([np.nan, 2])]),
        ]  # fmt: skip
        for op, opset, attributes, inputs, expected in cases:
            names = [f"i{i}" for i in range(len(inputs))]
            outputs = [f"o{i}" for i in range(len(expected or [0]))]
            node = helper.make_node(op, names, outputs, **attributes)
            what = f"{op}-{opset} {attributes} of {[value.tolist() for value in inputs[1:]]}"
            before = self.computed.total()
            self.compare(what, node, dict(zip(names, map(np.asarray, inputs))), opset, list(map(np.asarray, expected or [])))
            if (self.computed.total() > before) != (expected is not None):
                self.faults.append(f"{what}: {'not ' if expected is not None else ''}computed")


def main() -> int:
    evaluation = Evaluation(sys.argv[1])
    evaluation.node_tests()
    for op, least in COMPUTED.items():
        if evaluation.computed[op] < least:
            evaluation.faults.append(f"{op}: only {evaluation.computed[op]} of its tests were computed")
    evaluation.old_versions()
    print(f"{evaluation.computed.total()} computed, {evaluation.left.total()} left: {dict(evaluation.left)}")
    print("\n".join(evaluation.faults))
    return 1 if evaluation.faults else 0


if __name__ == "__main__":
    sys.exit(main())
