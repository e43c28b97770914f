"""What each clause of the table asks of a node, for any node. The clauses are those that probes.py reads; RULES has
one for each of its functions.

A rule yields limits: what it asks, and a test that raises Unknown where the node leaves it open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import prod
from re import Match

import numpy as np
import onnx
from facts import Node, Size, Tensor, Unknown, product, within
from probes import BINARY, GIGA

Limit = tuple[str, Callable[[], bool]]
Rule = Callable[[Node, "Match[str]"], Iterator[Limit]]
RULES: dict[str, Rule] = {}
INDICES = (onnx.TensorProto.INT16, onnx.TensorProto.INT32, onnx.TensorProto.INT64)


def rule(function: Rule) -> Rule:
    RULES[function.__name__] = function
    return function


def align(size: int, to: int) -> int:
    return -(-size // to) * to


def is_power_of_2(value: float) -> bool:
    return value >= 1 and float(value).is_integer() and int(value) & (int(value) - 1) == 0


def same(shape: tuple[Size, ...], pattern: str, known: dict[str, Size]) -> bool:
    """Whether the shape is spelled by the pattern, a letter for each size; letters mean the same again."""
    if len(shape) != len(pattern):
        return False
    for size, letter in zip(shape, pattern):
        wanted = 1 if letter == "1" else known.setdefault(letter, size)
        if size is not None and wanted is not None and size != wanted:
            return False
    return True


def fits(node: Node, *alternatives: tuple[str, str]) -> bool:
    """Whether the first two inputs have the shapes of one alternative."""
    a, b = node.input(0).shape, node.input(1).shape
    found = False
    for first, second in alternatives:
        known: dict[str, Size] = {}
        found = found or (same(a, first, known) and same(b, second, known))
    if found and None in (*a, *b):
        raise Unknown
    return found


def four_axes(node: Node) -> Iterator[Limit]:
    yield "4 axes", lambda: node.x.rank == 4


@rule
def none(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from ()


@rule
def ranks(node: Node, match: Match[str]) -> Iterator[Limit]:
    least, most = map(int, re.findall(r"\d+", match[0])[:2])
    ranked = node.y if len(node.operands()) > 1 and node.op in BINARY else node.x
    yield f"{least} to {most} axes", lambda: least <= ranked.rank <= most
    if "merg" in match[0]:
        yield "axes that merge to 4", lambda: ranked.rank <= 4 or node.merged_rank() <= 4


@rule
def highest(node: Node, match: Match[str]) -> Iterator[Limit]:
    first, others = int(match[1]), int(match[2])
    yield f"highest dim <= {first}", lambda: within(node.x.shape[:1], 0, first)
    yield f"other dims <= {others}", lambda: within(node.x.shape[1:], 0, others)


@rule
def one_constant(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "at most 1 constant", lambda: sum(each.constant for each in node.operands()) <= 1


@rule
def broadcast_but_first(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "no broadcast along axis 0", lambda: not any(node.stretched(each)[:1] == [True] for each in node.operands())


@rule
def broadcast_all(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from ()


@rule
def mutual(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from ()


@rule
def one_sided(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "one-sided broadcast", lambda: sum(any(node.stretched(each)) for each in node.operands()) <= 1


@rule
def table_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from four_axes(node)
    yield "batch of 1", lambda: within(node.x.shape[:1], 1, 1)
    yield f"C*H*W <= {match[1]}", lambda: product(node.x.shape[1:]) <= int(match[1])


@rule
def sigmoid_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    def aligned() -> bool:
        c, h, w = (node.x.size(axis) for axis in (1, 2, 3))
        return min(h * align(w, 8) * align(c, 4), h * w * align(c, 32)) <= 8192

    yield from four_axes(node)
    yield "batch of 1", lambda: within(node.x.shape[:1], 1, 1)
    yield "aligned size <= 8192", lambda: node.x.rank != 4 or aligned()


@rule
def arg(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from four_axes(node)
    yield "axis 1", lambda: node.axis() == 1
    yield f"C <= {match[1]}", lambda: within(node.x.shape[1:2], 1, int(match[1]))
    if match[2]:
        yield f"N <= {match[2]}", lambda: within(node.x.shape[:1], 1, int(match[2]))


@rule
def add_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "C <= 2048", lambda: within((size for each in node.operands() for size in each.shape[1:2]), 1, 2048)
    yield "no constant", lambda: not any(each.constant for each in node.operands())
    yield "shapes", lambda: fits(node, ("NCHW", "NCHW"), ("NCHW", "NC11"), ("NC11", "NCHW"))


@rule
def mul_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    pairs = [("1CHW", "1CHW"), ("1CHW", "1C11"), ("1CHW", "1111")]
    if node.op == "Mul":
        pairs += [(b, a) for a, b in pairs[1:]]
    yield "C <= 2048", lambda: within((size for each in node.operands() for size in each.shape[1:2]), 1, 2048)
    yield "shapes", lambda: fits(node, *pairs)
    yield "no zeros", lambda: all(each.value is None or bool(np.all(each.value != 0)) for each in node.operands())


@rule
def no_constant(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "no constant", lambda: not any(each.constant for each in node.operands())


def window(node: Node, kernel: tuple[int, int], stride: tuple[int, int], pad: tuple[float, float]) -> Iterator[Limit]:
    yield f"kernel in {kernel}", lambda: within(node.kernel(), *kernel)
    yield f"stride in {stride}", lambda: within(node.strides(), *stride)
    yield f"pad in {pad}", lambda: within(node.pads(), *pad)


UNLIMITED = (-float("inf"), float("inf"))


@rule
def average_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from window(node, (1, 7), (1, 185), UNLIMITED)


@rule
def average_of_x5(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from window(node, (1, 256), (1, 256), (0, 255))
    yield "kH*kW in (1,8192]", lambda: 1 < product(node.kernel()) <= 8192


@rule
def pool_to_256(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from window(node, (0, 256), (0, 256), (-float("inf"), 256))


@rule
def max_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from window(node, (1, 64), (1, 185), (0, float("inf")))
    yield from no_dilation(node, match)


@rule
def no_dilation(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "no dilation", lambda: set(node.dilations()) <= {1}


@rule
def concat_channels(node: Node, match: Match[str]) -> Iterator[Limit]:
    tensors = [*node.operands(), node.y]
    yield "C <= 2048", lambda: within((size for each in tensors for size in each.shape[1:2]), 1, 2048)


@rule
def not_first(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "not along axis 0", lambda: node.axis() != 0


@rule
def conv_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    weight, group = node.input(1), node.get("group", 1)
    plain = group == 1 and set(node.dilations()) <= {1}
    channels = 4096 if plain else 2048

    def per_group() -> list[Size]:
        return [weight.shape[1], weight.size(0) // group]

    def divisible() -> bool:
        pairs = zip(node.dilations(), node.strides())
        return set(node.dilations()) == {1} or all(dilation % stride == 0 for dilation, stride in pairs)

    yield from four_axes(node)
    yield "kernel in [1,7]", lambda: within(node.kernel(), 1, 7)
    yield f"C of a group <= {channels}", lambda: within(per_group(), 0, channels)
    if node.feeds_add:
        yield "stride 1 or 2 before a shortcut", lambda: set(node.strides()) <= {1, 2}
    yield "dilation a power of 2", lambda: all(map(is_power_of_2, node.dilations()))
    yield "dilation divisible by stride", divisible
    yield "dil_h <= dil_w", lambda: node.dilations() == sorted(node.dilations())
    yield "kH*kW*C <= 32768", lambda: product(weight.shape[1:]) <= 32768


@rule
def conv_of_bayes(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "4 or 5 axes", lambda: node.x.rank in (4, 5)
    if node.x.rank == 4:
        yield from conv2d(node, int(match[1]))
    if node.x.rank == 5:
        yield from conv3d(node, bool(match[2]))


def conv2d(node: Node, volume: int) -> Iterator[Limit]:
    weight, group, dilated = node.input(1), node.get("group", 1), set(node.dilations()) != {1}
    channels = 65536 if node.last else 8192
    yield f"kernel N,C <= {channels}", lambda: within(weight.shape[:2], 1, channels)
    yield "C of a group", lambda: within([weight.shape[1], weight.size(0) // group], 1, channels)
    yield "kernel in [1,31]", lambda: within(node.kernel(), 1, 31)
    yield f"C*H*W <= {volume}", lambda: product(weight.shape[1:]) <= volume
    yield "stride in [1,256]", lambda: within(node.strides(), 1, 256)
    if node.feeds_add:
        yield "stride 1 or 2 before a shortcut", lambda: set(node.strides()) <= {1, 2}
    if dilated:
        yield "stride 1, dilated", lambda: set(node.strides()) == {1}
        yield "int8 out, dilated", lambda: node.output == "int8"
        for axis, dilation in zip((2, 3), node.dilations()):
            yield "size divisible by dilation", lambda: node.x.size(axis) % dilation == 0 if dilation > 1 else True
    yield "dilation in [1,16]", lambda: within(node.dilations(), 1, 16)
    yield "pad in [0,256]", lambda: within(node.pads(), 0, 256)


def conv3d(node: Node, limits_size: bool) -> Iterator[Limit]:
    kernel, strides = node.kernel(), node.strides()
    half = (kernel[0] or 0) / 2
    yield "3d: N <= 128", lambda: within(node.x.shape[:1], 1, 128)
    yield "3d: kernel H,W <= 31", lambda: within(kernel[1:], 1, 31)
    yield "3d: kernel D <= 8191", lambda: within(kernel[:1], 1, 8191)
    yield "3d: pad D <= kd/2", lambda: within([node.pads()[0], node.pads()[3]], 0, half)
    yield "3d: stride H=W in {1,2}", lambda: strides[1] == strides[2] and strides[1] in (1, 2)
    yield "3d: no group", lambda: node.get("group", 1) == 1
    yield "3d: no dilation", lambda: set(node.dilations()) == {1}
    if limits_size:
        def size() -> bool:
            _, c, d, h, w = (node.x.size(axis) for axis in range(5))
            return d * c <= 4096 or h * align(w, 256) * d * c < GIGA

        yield "3d: kD*Cin <= 8192", lambda: product(node.input(1).shape[1:3]) <= 8192
        yield "3d: size", size


@rule
def transposed_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "kernel in [2,14]", lambda: within(node.kernel(), 2, 14)
    yield "C <= 2048", lambda: within([node.x.shape[1], node.y.shape[1]], 1, 2048)
    for axis, kernel in enumerate(node.kernel() * 2):
        yield "pad in [0,(k-1)/2]", lambda: within([node.pads()[axis]], 0, ((kernel or 0) - 1) / 2)
    yield "stride 2 or 4", lambda: set(node.strides()) <= {2, 4}
    yield "stride_h <= stride_w", lambda: node.strides() == sorted(node.strides())
    yield "no dilation", lambda: set(node.dilations()) == {1}


@rule
def transposed_of_bayes(node: Node, match: Match[str]) -> Iterator[Limit]:
    weight, group = node.input(1), node.get("group", 1)
    yield "N <= 128", lambda: within(node.x.shape[:1], 1, 128)
    yield "C <= 2048", lambda: within([node.x.shape[1], *weight.shape[:2]], 1, 2048)
    yield "feature <= 1 G", lambda: product(node.x.shape) <= GIGA
    yield "kernel in [1,14], not both 1", lambda: within(node.kernel(), 1, 14) and product(node.kernel()) > 1
    yield f"volume <= {match[1]}", lambda: weight.size(0) // group * product(node.kernel()) <= int(match[1])
    for axis, (kernel, stride) in enumerate(zip(node.kernel() * 2, node.strides() * 2)):
        yield "pad in [0,k/stride]", lambda: 0 <= node.pads()[axis] and (
            node.pads()[axis] < (kernel or 0) / stride if stride % 2 else node.pads()[axis] <= (kernel or 0) / stride)
    yield "out_pad 0 or 1", lambda: set(node.get("output_padding", [0])) <= {0, 1}
    yield "stride in 1..14, not both 1", lambda: within(node.strides(), 1, 14) and prod(node.strides()) > 1
    yield "no dilation", lambda: set(node.dilations()) == {1}


@rule
def gemm_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    feature = node.feature or node.x
    shape = feature.shape + (1,) * (4 - feature.rank)
    c, h, w = shape[1], shape[-2], shape[-1]
    point = (h, w) == (1, 1)
    yield "H,W <= 7", lambda: within([h, w], 1, 7)
    yield "C", lambda: within([c], 1, 16384 if point else 2048)
    size = product([h, w, c]) / 32
    if node.output == "int8":
        yield "int8: H*W/8*C/4 <= 1024", lambda: size <= 1024
    else:
        yield "int32: H*W/8*C/4 < 2048", lambda: size < 2048


@rule
def matmul_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    features = ("K", "MK", "BMK", "ABMK")
    if node.input(1).constant and not node.x.constant:
        yield "shapes", lambda: fits(node, *((a, b) for a in features for b in ("KN", "11KN")))
    else:
        yield "shapes", lambda: fits(node, ("1BMK", "11KN"))


@rule
def matmul_of_bayes(node: Node, match: Match[str]) -> Iterator[Limit]:
    a, b = node.input(0), node.input(1)

    def restricted() -> bool:
        first, second = a.shape[:-2], b.shape[:-2]
        if None in (*first, *second):
            raise Unknown
        ones = all(size == 1 for size in first) or all(size == 1 for size in second)
        equal = [x == y for x, y in zip(first, second)]
        ahead = equal.index(False) if False in equal else len(equal)
        return ones or all(size == 1 for size in second[ahead:])

    yield "one rank", lambda: a.rank == b.rank
    yield "M,K,N in [1,8192]", lambda: within((*a.shape[-2:], *b.shape[-2:]), 1, 8192)
    yield "higher dims <= 4096", lambda: within((*a.shape[:-2], *b.shape[:-2]), 0, 4096)
    yield "restricted broadcast", lambda: a.rank != b.rank or restricted()


@rule
def grid(node: Node, match: Match[str]) -> Iterator[Limit]:
    h, w = int(match[1]), int(match[2])
    yield from four_axes(node)
    yield "N <= 4096", lambda: within(node.x.shape[:1], 1, 4096)
    yield "C <= 65536", lambda: within(node.x.shape[1:2], 1, 65536)
    yield "H,W <= 1024", lambda: within(node.x.shape[2:], 1, 1024)
    yield f"H*W <= {h}*{w}", lambda: product(node.x.shape[2:]) <= h * w
    yield "mode", lambda: node.get("mode", "bilinear") in ("bilinear", "linear", "nearest")
    yield "padding", lambda: node.get("padding_mode", "zeros") in ("zeros", "border")


def dtype_of(tensor: Tensor) -> int:
    if not tensor.dtype:
        raise Unknown
    return tensor.dtype


@rule
def gather_row(node: Node, match: Match[str]) -> Iterator[Limit]:
    indices = node.input(1)
    types = INDICES[1:] if indices.constant else INDICES[1:2]
    yield "rank <= 4", lambda: node.x.rank <= 4
    yield "indices", lambda: dtype_of(indices) in types


@rule
def indices_of_types(node: Node, match: Match[str]) -> Iterator[Limit]:
    indices = node.outputs[1] if node.op == "TopK" else node.input(1)
    yield "indices", lambda: dtype_of(indices) in INDICES


@rule
def indices_within(node: Node, match: Match[str]) -> Iterator[Limit]:
    for axis in range(node.x.rank):
        if axis != node.axis():
            yield "indices within", lambda: node.input(1).size(axis) <= node.x.size(axis)


@rule
def one_changes(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "one axis changes", lambda: len(node.changed_axes()) <= 1


@rule
def pad_constant(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "constant mode", lambda: node.get("mode", "constant") == "constant"


RULES["pad_all"] = pad_constant


@rule
def pad_planes(node: Node, match: Match[str]) -> Iterator[Limit]:
    def planes_only() -> bool:
        amounts = node.ints(1, "pads") or []
        padded = {i % (len(amounts) // 2) for i, amount in enumerate(amounts) if amount}
        if node.has(3):
            padded = {(node.ints(3, "axes") or [])[each] % node.x.rank for each in padded}
        return padded <= {2, 3}

    yield from pad_constant(node, match)
    yield "H/W only", planes_only


@rule
def exponent(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "one exponent", lambda: product(node.input(1).shape) == 1


def reduced(node: Node) -> list[int]:
    axes = node.ints(1, "axes")
    if not axes:
        return [] if node.get("noop_with_empty_axes") else list(range(node.x.rank))
    return sorted(axis % node.x.rank if node.x.rank else 0 for axis in axes)


@rule
def one_axis(node: Node, match: Match[str]) -> Iterator[Limit]:
    both = "H+W" in match[0]
    yield "1 axis", lambda: len(reduced(node)) == 1 or (both and reduced(node) == [2, 3])


@rule
def planes(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from four_axes(node)
    yield "axes 2 and 3", lambda: reduced(node) == [2, 3]


@rule
def axis_size(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield f"axis <= {match[1]}", lambda: within((node.x.shape[axis] for axis in reduced(node)), 0, int(match[1]))


@rule
def keepdims(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "keepdims", lambda: node.get("keepdims", 1) == 1


@rule
def batch_one(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "batch of 1", lambda: node.x.size(0 if node.get("layout", 0) else 1) == 1


@rule
def softmax_of_x3(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from four_axes(node)
    yield "axis 1", lambda: node.axis(1 if node.opset < 13 else -1) == 1
    yield "an output of the model", lambda: node.is_output


@rule
def softmax_of_bayes(node: Node, match: Match[str]) -> Iterator[Limit]:
    old = node.opset < 13
    yield from four_axes(node)
    yield "axis", lambda: node.axis(1 if old else -1) in ((3,) if old else (1, 2, 3))


@rule
def split_row(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from four_axes(node)
    yield "axis 1, 2 or 3", lambda: node.axis() in (1, 2, 3)


@rule
def equal_parts(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "equal parts", lambda: len({each.size(node.axis()) for each in node.outputs}) == 1


@rule
def is_sorted(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "sorted", lambda: node.get("sorted", 1) == 1


@rule
def blocks(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "block size 2", lambda: node.get("blocksize") == 2
    yield "DCR or CRD", lambda: node.get("mode", "DCR") in ("DCR", "CRD")


@rule
def out_channels(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield "out C % 4", lambda: node.y.size(1) % 4 == 0


@rule
def plane_to(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield f"H*W <= {match[1]}", lambda: product(node.x.shape[-2:]) <= int(match[1])


@rule
def sides_to(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield f"H,W <= {match[2]}", lambda: within(node.x.shape[-2:], 1 if match[1] else 0, int(match[2]))


@rule
def four_only(node: Node, match: Match[str]) -> Iterator[Limit]:
    yield from four_axes(node)


@rule
def resize_row(node: Node, match: Match[str]) -> Iterator[Limit]:
    modes = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "tf_crop_and_resize")
    coordinates, mode = node.get("coordinate_transformation_mode", "half_pixel"), node.get("mode", "nearest")

    def factor(axis: int) -> float:
        return node.y.size(axis) / node.x.size(axis)

    def on_pixels() -> bool:
        roi = node.input(1).value
        if roi is None:
            return False
        ends = roi.reshape(2, -1) * [size - 1 for size in product_free(node.x)]
        return bool(np.allclose(ends, np.round(ends), atol=1e-4))

    yield from four_axes(node)
    yield "H/W only", lambda: set(node.changed_axes()) <= {2, 3}
    yield "mode", lambda: mode in ("nearest", "linear")
    yield "coordinates", lambda: coordinates in modes
    if coordinates == "tf_crop_and_resize":
        yield "crop on pixels", on_pixels
    if mode == "nearest" and node.x.rank == 4:
        yield "factors powers of 2", lambda: all(is_power_of_2(factor(axis)) for axis in (2, 3))
        yield "H factor <= W factor", lambda: factor(2) <= factor(3)


def product_free(tensor: Tensor) -> list[int]:
    return [tensor.size(axis) for axis in range(tensor.rank)]
