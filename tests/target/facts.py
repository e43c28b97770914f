"""What stands in a model about a node, for rules.py: sizes, element types, constants, attributes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

Size = int | None  # None: the model leaves it open


class Unknown(Exception):
    """A size or a number that the model does not tell."""


def within(values: Iterable[Size], least: float = 0, most: float = float("inf")) -> bool:
    """Whether all are; what is outside decides, however many others are unknown."""
    values = list(values)
    if any(value is not None and not least <= value <= most for value in values):
        return False
    if None in values:
        raise Unknown
    return True


def product(values: Iterable[Size]) -> int:
    made = 1
    for value in values:
        if value is None:
            raise Unknown
        made *= value
    return made


@dataclass(frozen=True)
class Tensor:
    name: str
    dims: tuple[Size, ...] | None = None
    dtype: int = 0  # of TensorProto; 0: unknown
    value: np.ndarray | None = field(default=None, compare=False)  # of a constant
    precision: str = ""  # qint8, qint16: as the node at hand reads or makes it

    @property
    def constant(self) -> bool:
        return self.value is not None

    @property
    def shape(self) -> tuple[Size, ...]:
        if self.dims is None:
            raise Unknown
        return self.dims

    @property
    def rank(self) -> int:
        return len(self.shape)

    def size(self, axis: int) -> int:
        found = self.shape[axis]
        if found is None:
            raise Unknown
        return found

    def at_least_ones(self, rank: int) -> tuple[Size, ...]:
        """The shape with ones before it, as broadcasting has it."""
        return (1,) * (rank - self.rank) + self.shape


@dataclass
class Node:
    op: str
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    attributes: dict[str, Any] = field(default_factory=dict)
    opset: int = 13
    fused: bool = False  # inside the kernel of the operator before it
    feeds_add: bool = False  # an Add of a second branch is fused with it
    last: bool = False  # nothing quantised reads its result
    output: str = "int8"  # as which its result leaves
    is_output: bool = False  # its first result is an output of the model
    feature: Tensor | None = None  # the first input before a Flatten or Reshape

    @property
    def x(self) -> Tensor:
        return self.input(0)

    @property
    def y(self) -> Tensor:
        return self.outputs[0]

    def input(self, number: int) -> Tensor:
        found = self.inputs[number] if number < len(self.inputs) else None
        if found is None:
            raise Unknown
        return found

    def has(self, number: int) -> bool:
        return number < len(self.inputs) and self.inputs[number] is not None

    def operands(self) -> list[Tensor]:
        return [each for each in self.inputs if each is not None]

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)

    def ints(self, number: int, attribute: str) -> list[int] | None:
        """A list that is an input of newer operator sets and an attribute of older ones; None: left out."""
        if attribute in self.attributes:
            return list(self.attributes[attribute])
        if not self.has(number):
            return None
        value = self.input(number).value
        if value is None:
            raise Unknown
        return [int(each) for each in value.reshape(-1)]

    def axis(self, default: int = 0) -> int:
        axis = self.get("axis", default)
        return axis if axis >= 0 else axis + self.x.rank

    def window(self) -> int:
        """How many axes it moves along."""
        return len(self.get("kernel_shape") or self.input(1).shape[2:])

    def kernel(self) -> list[Size]:
        return list(self.get("kernel_shape") or self.input(1).shape[2:])

    def strides(self) -> list[int]:
        return list(self.get("strides") or [1] * self.window())

    def dilations(self) -> list[int]:
        return list(self.get("dilations") or [1] * self.window())

    def pads(self) -> list[int]:
        """All begins, then all ends."""
        auto = self.get("auto_pad", "NOTSET")
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            return self.pads_for_same(upper=auto == "SAME_UPPER")
        if auto == "VALID":
            return [0] * 2 * self.window()
        return list(self.get("pads") or [0] * 2 * self.window())

    def pads_for_same(self, upper: bool) -> list[int]:
        begins, ends = [], []
        for axis, (kernel, stride, dilation) in enumerate(zip(self.kernel(), self.strides(), self.dilations())):
            size = self.x.size(axis + 2)
            if kernel is None or self.op == "ConvTranspose":
                raise Unknown
            total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
            begins.append(total // 2 if upper else total - total // 2)
            ends.append(total - begins[-1])
        return begins + ends

    def changed_axes(self) -> list[int]:
        """Those whose size in the result is another; the axes are aligned at their ends."""
        rank = max(self.x.rank, self.y.rank)
        pairs = list(zip(self.x.at_least_ones(rank), self.y.at_least_ones(rank)))
        if any((a is None) != (b is None) or (a is None and b is None) for a, b in pairs):
            raise Unknown
        return [axis for axis, (a, b) in enumerate(pairs) if a != b]

    def stretched(self, operand: Tensor) -> list[bool]:
        """Along which axes of the result the operand is repeated."""
        sizes = list(zip(operand.at_least_ones(self.y.rank), self.y.shape))
        if any(a is None or (b is None and a == 1) for a, b in sizes):
            raise Unknown
        return [a == 1 and b != 1 for a, b in sizes]

    def merged_rank(self) -> int:
        """How many axes are left of the result when neighbours that broadcast alike are one, and ones are dropped."""
        ways = list(zip(*(self.stretched(each) for each in self.operands()), self.y.shape))
        kinds = [way[:-1] for way in ways if way[-1] != 1]
        return sum(1 for i, kind in enumerate(kinds) if i == 0 or kind != kinds[i - 1])


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    made = {}
    for each in node.attribute:
        value = onnx.helper.get_attribute_value(each)
        made[each.name] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return made


def dims_of(kind: onnx.TypeProto) -> tuple[Size, ...] | None:
    if not kind.HasField("tensor_type") or not kind.tensor_type.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in kind.tensor_type.shape.dim)
