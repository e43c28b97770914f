"""What each clause of the table asks, as nodes: pairs of one just inside and one just outside, for table_test.py.

Read from the table's own words, not from the marches' files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from re import Match

import numpy as np
import onnx
from nodes import (
    Const, Dims, Fed, binary, conv, expand, gather, gemm, grid_sample, ints, lstm, model, pad, pool, reduce, resize,
    split, tile, topk, unary,
)
from onnx import TensorProto

USUAL = "last=no add=no output=int8"
BINARY = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"}
REDUCE = {"ReduceMax", "ReduceMean", "ReduceSum"}
MAP = (1, 16, 8, 8)
GIGA = 1 << 30


@dataclass(frozen=True)
class Cell:
    march: str
    op: str
    raw: str  # the table's text
    text: str  # with what it says by reference


@dataclass
class Probe:
    what: str
    inside: onnx.ModelProto | None = None
    outside: onnx.ModelProto | None = None
    names: str = ""  # what a reason of the one outside must say
    covers: set[int] = field(default_factory=set)  # the text's numbers that it is about
    situation: str = USUAL


Clause = tuple[str, Callable[[Cell, "Match[str]"], Iterable[Probe]]]


def of_dims(op: str, dims: Dims) -> onnx.ModelProto:
    """A plain node on data of that shape."""
    ones = [1] * len(dims)
    if op in BINARY:
        return binary(op, dims, dims)
    if op == "Upsample":
        scales = Const(np.array(ones[:-1] + [2], np.float32))
        return model(op, [dims, scales], opset=9)
    if op in REDUCE:
        return reduce(op, dims, (1,) if len(dims) > 1 else (0,))
    special: dict[str, Callable[[], onnx.ModelProto]] = {
        "GatherElements": lambda: model(op, [dims, Fed(dims, TensorProto.INT32)], axis=0),
        "Expand": lambda: expand(dims, dims),
        "Tile": lambda: tile(ones, dims),
        "TopK": lambda: topk(dims),
        "Reshape": lambda: model(op, [dims, ints(-1)]),
        "Squeeze": lambda: model(op, [(*dims, 1) if not dims else dims], opset=11),
        "Unsqueeze": lambda: model(op, [dims, ints(0)]),
        "Flatten": lambda: model(op, [dims], axis=0),
        "Gather": lambda: gather(Fed([2], TensorProto.INT32), dims),
        "Concat": lambda: model(op, [dims, dims], axis=1),
        "Pad": lambda: pad([0] * (2 * len(dims)), dims=dims),
        "ArgMax": lambda: model(op, [dims], axis=1),
        "ArgMin": lambda: model(op, [dims], axis=1),
        "DepthToSpace": lambda: model(op, [dims], blocksize=2),
        "SpaceToDepth": lambda: model(op, [dims], blocksize=2),
        "BatchNormalization": lambda: model(op, [dims, *[Const([dims[1]])] * 4]),
        "Slice": lambda: model(op, [dims, ints(0), ints(1)]),
        "Softmax": lambda: model(op, [dims], axis=len(dims) - 1),
    }
    return special.get(op, lambda: unary(op, dims))()


def base_of(cell: Cell) -> onnx.ModelProto:
    """A plain node that every limit lets through."""
    made: dict[str, Callable[[], onnx.ModelProto]] = {
        "Conv": conv,
        "ConvTranspose": lambda: conv(k=(4, 4), s=(2, 2), p=1, transposed=True),
        "AveragePool": lambda: pool("AveragePool"),
        "MaxPool": lambda: pool("MaxPool"),
        "Gemm": gemm,
        "MatMul": lambda: model("MatMul", [(1, 3, 4, 5), (1, 1, 5, 6)]),
        "LSTM": lambda: lstm(1),
        "GridSample": grid_sample,
        "Resize": resize,
        "Split": split,
        "ReduceMean": lambda: reduce("ReduceMean", axes=(2, 3)),
        "Softmax": lambda: model("Softmax", [MAP], axis=1 if cell.march == "bernoulli2" else 3),
        "Gather": lambda: gather(Fed([2], TensorProto.INT32)),
    }
    return made.get(cell.op, lambda: of_dims(cell.op, MAP))()


def none(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield from ()


def ranks(least: int, most: int) -> Callable[[Cell, Match[str]], Iterator[Probe]]:
    def make(cell: Cell, match: Match[str]) -> Iterator[Probe]:
        def ranked(rank: int) -> onnx.ModelProto:
            return of_dims(cell.op, [1] * (rank - 1) + [8] if rank else [])

        yield Probe(f"{most} axes", ranked(most), ranked(most + 1), str(most), {least, most})
        below = ranked(least - 1) if least > 1 or cell.op not in ("GatherElements", "TopK", "Flatten", "Squeeze") else None
        yield Probe(f"{least} axes", ranked(least), below, str(least), {least, most})
        if "merg" in match[0]:
            apart = binary(cell.op, (2, 1, 2, 1, 2), (2, 2, 2, 2, 2))
            joined = binary(cell.op, (2, 1, 1, 2, 2), (2, 2, 2, 2, 2))
            yield Probe("axes that merge", joined, apart, "4", {4, 5})
    return make


def highest(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    first, others = int(match[1]), int(match[2])
    yield Probe("the highest dim", of_dims(cell.op, [first, 2]), of_dims(cell.op, [first + 1, 2]), str(first), {first})
    yield Probe("others", of_dims(cell.op, [1, others]), of_dims(cell.op, [1, others + 1]), str(others), {others})


def one_constant(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    const = Const(MAP)
    yield Probe("constants", binary(cell.op, MAP, const), binary(cell.op, const, const), "1", {1})


def broadcast_but_first(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    inside = binary(cell.op, (2, 16, 8, 8), (2, 1, 8, 8))
    yield Probe("broadcast of dim 0", inside, binary(cell.op, (2, 16, 8, 8), (1, 16, 8, 8)), "0", {0})


def broadcast_all(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("broadcast of dim 0", binary(cell.op, (2, 16, 8, 8), (1, 16, 8, 8)))


def mutual(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("mutual broadcast", binary(cell.op, (1, 16, 1, 8), (1, 1, 8, 8)))


def one_sided(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    inside = binary(cell.op, MAP, (1, 16, 1, 8))
    yield Probe("one-sided broadcast", inside, binary(cell.op, (1, 16, 1, 8), (1, 1, 8, 8)), "1")


def table_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    most = int(match[1])
    yield Probe("size", unary(cell.op, (1, 8, 32, 32)), unary(cell.op, (1, 8, 32, 33)), str(most), {8192})
    yield Probe("batch", None, unary(cell.op, (2, 8, 8, 8)), "1", {1})
    yield Probe("rank", None, unary(cell.op, (1, 8, 8)), "4")


def sigmoid_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("8W4C", unary(cell.op, (1, 4, 16, 128)), unary(cell.op, (1, 4, 17, 128)), "8192", {8192})
    yield Probe("8W4C, aligned", unary(cell.op, (1, 1, 16, 121)), unary(cell.op, (1, 5, 16, 121)), "8192")
    yield Probe("32C", unary(cell.op, (1, 32, 256, 1)), unary(cell.op, (1, 32, 257, 1)), "8192")
    yield Probe("32C, aligned", unary(cell.op, (1, 20, 256, 1)), unary(cell.op, (1, 33, 256, 1)), "8192")
    yield Probe("batch", None, unary(cell.op, (2, 8, 8, 8)), "1")


def arg(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    most = int(match[1])

    def made(dims: Dims, axis: int = 1) -> onnx.ModelProto:
        return model(cell.op, [dims], axis=axis)

    yield Probe("C", made((1, most, 8, 8)), made((1, most + 1, 8, 8)), str(most), {most, 4, 1})
    yield Probe("axis", None, made(MAP, 2), "1")
    yield Probe("rank", None, made((1, 16, 8)), "4")
    if match[2]:
        n = int(match[2])
        yield Probe("N", made((n, 1, 1, 1)), made((n + 1, 1, 1, 1)), str(n), {n})


def add_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    def both(channels: int) -> onnx.ModelProto:
        return binary(cell.op, (1, channels, 2, 2), (1, channels, 2, 2))

    yield Probe("C", both(2048), both(2049), "2048", {2048})
    yield Probe("NC11", binary(cell.op, (2, 4, 8, 8), (2, 4, 1, 1)), binary(cell.op, (2, 4, 8, 8), (1, 4, 1, 1)),
                "NxCx1x1")
    yield Probe("not N1HW", None, binary(cell.op, MAP, (1, 1, 8, 8)), "NxCxHxW")
    yield Probe("both computed", None, binary(cell.op, MAP, Const(MAP)), "a constant")


def mul_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    def both(channels: int) -> onnx.ModelProto:
        return binary(cell.op, (1, channels, 2, 2), (1, channels, 2, 2))

    yield Probe("C", both(2048), both(2049), "2048", {2048, 4})
    yield Probe("1C11", binary(cell.op, MAP, (1, 16, 1, 1)), binary(cell.op, MAP, (1, 1, 8, 8)), "1xCx1x1")
    yield Probe("1111", binary(cell.op, MAP, (1, 1, 1, 1)), binary(cell.op, MAP, (1,)), "4")
    yield Probe("batch", None, binary(cell.op, (2, 16, 8, 8), (2, 16, 8, 8)), "1xCxHxW")
    if cell.op == "Mul":
        yield Probe("zeros", binary("Mul", MAP, Const((1, 16, 1, 1))),
                    binary("Mul", MAP, Const((1, 16, 1, 1), fill=0)), "0", {0})
    else:
        yield Probe("zeros: Div has no constant", covers={0})


def no_constant(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("no constant", binary(cell.op), binary(cell.op, MAP, Const(MAP)), "a constant")


def window(cell: Cell, kernel: tuple[int, int], stride: tuple[int, int], pads: tuple[int, int | None] | None
           ) -> Iterator[Probe]:
    def made(**sizes: object) -> onnx.ModelProto:
        return pool(cell.op, **sizes)  # type: ignore[arg-type]

    least, most = kernel
    yield Probe("kernel height", made(k=(most, 2)), made(k=(most + 1, 2)), str(most), {least, most})
    yield Probe("kernel width", made(k=(2, most)), made(k=(2, most + 1)), str(most))
    least, most = stride
    yield Probe("stride", made(s=(most, 1)), made(s=(most + 1, 1)), str(most), {least, most})
    yield Probe("stride", made(s=(1, most)), made(s=(1, most + 1)), str(most))
    if pads and pads[1]:
        yield Probe("pad", made(p=pads[1]), made(p=pads[1] + 1), str(pads[1]), {*pads})


def lower_ends(cell: Cell) -> Iterator[Probe]:
    yield Probe("kernel", pool(cell.op, k=(1, 2)), pool(cell.op, k=(0, 2)), "1")
    yield Probe("stride", pool(cell.op, s=(1, 1)), pool(cell.op, s=(0, 1)), "1")


def average_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield from window(cell, (1, 7), (1, 185), None)
    yield from lower_ends(cell)
    yield Probe("planes", covers={2})


def average_of_x5(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield from window(cell, (1, 256), (1, 256), (0, 255))
    yield from lower_ends(cell)
    yield Probe("volume", pool(cell.op, k=(64, 128)), pool(cell.op, k=(64, 129)), "8192", {8192})
    yield Probe("volume", pool(cell.op, k=(1, 2)), pool(cell.op, k=(1, 1)), "1")
    yield Probe("pad", None, pool(cell.op, p=-1), "0")


def pool_to_256(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield from window(cell, (1, 256), (1, 256), (0, 256))


def max_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield from window(cell, (1, 64), (1, 185), None)
    yield from lower_ends(cell)
    yield Probe("pad", pool(cell.op, p=40), pool(cell.op, p=-1), "0", {0, 2})
    yield from no_dilation(cell, match)


def no_dilation(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("dilation", pool(cell.op, d=(1, 1)), pool(cell.op, d=(2, 1)), "1")


def concat_channels(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    def made(*channels: int) -> onnx.ModelProto:
        return model("Concat", [(1, each, 2, 2) for each in channels], axis=1)

    yield Probe("output C", made(1024, 1024), made(1024, 1025), "2048", {2048})
    yield Probe("input C", None, model("Concat", [(1, 2049, 2, 2), (1, 2049, 2, 2)], axis=2), "2048")


def not_first(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    if cell.op == "Split":
        yield Probe("axis", split(axis=1), split(dims=(16, 4, 4, 4), axis=0), "0")
    else:
        yield Probe("axis", model(cell.op, [MAP, MAP], axis=1), model(cell.op, [MAP, MAP], axis=0), "0")


def conv_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("kernel height", conv(k=(7, 1)), conv(k=(8, 1)), "7", {1, 7, 2})
    yield Probe("kernel width", conv(k=(1, 7)), conv(k=(1, 8)), "7")
    yield Probe("kernel", None, conv(k=(0, 1)), "1")
    yield Probe("rank", None, conv(k=(3,), s=(1,), d=(1,), feature=(1, 16, 16)), "4", {4})
    yield Probe("C in", conv(k=(1, 1), cin=4096), conv(k=(1, 1), cin=4097), "4096", {4096})
    yield Probe("C out", conv(k=(1, 1), cout=4096), conv(k=(1, 1), cout=4097), "4096")
    yield Probe("C in of a group", conv(k=(1, 1), cin=2048, group=2), conv(k=(1, 1), cin=2049, group=2), "2048", {2048})
    yield Probe("C out, dilated", conv(k=(1, 1), cout=2048, d=(2, 2)), conv(k=(1, 1), cout=2049, d=(2, 2)), "2048")
    yield Probe("stride", conv(s=(9, 5)))
    yield Probe("stride before an Add", conv(s=(2, 1)), conv(s=(3, 1)), "1 or 2", {1, 2}, "add=yes last=no output=int8")
    yield Probe("dilation", conv(d=(4, 4)), conv(d=(3, 4)), "a power of 2")
    yield Probe("dilation by stride", conv(d=(4, 4), s=(2, 4)), conv(d=(4, 4), s=(3, 1)), "no multiple of stride height 3")
    yield Probe("dilations", conv(d=(2, 4)), conv(d=(4, 2)), "dilation width = 2")
    yield Probe("volume", conv(k=(4, 4), cin=2048), conv(k=(4, 4), cin=2049), "32768", {32768})


def conv_of_bayes(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    volume = int(match[1])
    at_end = "last=yes add=no output=int8"
    point = {"k": (1, 1), "cin": 1, "cout": 1}
    yield Probe("rank", None, conv(k=(3,), s=(1,), d=(1,), feature=(1, 16, 16)), "4 or 5")
    yield Probe("N", conv(**{**point, "cout": 8192}), conv(**{**point, "cout": 8193}), "8192", {1, 8192})
    yield Probe("N", None, conv(**{**point, "cout": 0}), "1")
    yield Probe("C", conv(**{**point, "cin": 8192}), conv(**{**point, "cin": 8193}), "8192")
    yield Probe("C", None, conv(**{**point, "cin": 0}), "1")
    yield Probe("C at the end", conv(**{**point, "cout": 65536}), conv(**{**point, "cout": 65537}), "65536", {65536},
                at_end)
    yield Probe("kernel height", conv(k=(31, 1)), conv(k=(32, 1)), "31", {1, 31})
    yield Probe("kernel width", conv(k=(1, 31)), conv(k=(1, 32)), "31")
    yield Probe("kernel", None, conv(k=(0, 1)), "1")
    inside, outside = {65535: (((3, 5), 4369), ((4, 4), 4096)), 32767: (((7, 31), 151), ((4, 8), 1024))}[volume]
    yield Probe("volume", conv(k=inside[0], cin=inside[1], cout=1), conv(k=outside[0], cin=outside[1], cout=1),
                str(volume), {volume})
    yield Probe("stride", conv(s=(256, 1)), conv(s=(257, 1)), "256", {1, 256})
    yield Probe("stride", conv(s=(1, 256)), conv(s=(1, 257)), "256")
    yield Probe("stride", None, conv(s=(0, 1)), "1")
    yield Probe("stride before an Add", conv(s=(2, 2)), conv(s=(2, 3)), "1 or 2", {1, 2}, "add=yes last=no output=int8")
    yield Probe("stride, dilated", conv(d=(2, 2)), conv(d=(2, 2), s=(2, 2)), "1", {1})
    yield Probe("dilation", conv(d=(16, 16)), conv(d=(17, 16), feature=(1, 16, 17, 16)), "16", {1, 16})
    yield Probe("dilation", None, conv(d=(0, 1)), "1")
    yield Probe("int8, dilated", None, conv(d=(2, 2)), "int8", set(), "last=no add=no output=int16")
    yield Probe("int16", conv(), None, "", set(), "last=no add=no output=int16")
    yield Probe("H by dilation", conv(d=(4, 1)), conv(d=(4, 1), feature=(1, 16, 18, 16)), "no multiple of dilation height 4", {16})
    yield Probe("W by dilation", conv(d=(1, 4)), conv(d=(1, 4), feature=(1, 16, 16, 18)), "no multiple of dilation width 4")
    yield Probe("pad", conv(p=256), conv(p=257), "256", {0, 256})
    yield Probe("pad", None, conv(p=-1), "0")
    yield from conv3d(match)


def conv3d(match: Match[str]) -> Iterator[Probe]:
    def made(k: Dims = (3, 3, 3), s: Dims = (1, 1, 1), d: Dims = (1, 1, 1), depth_pad: int = 0,
             feature: Dims = (1, 16, 8, 8, 8), **more: int) -> onnx.ModelProto:
        return conv(k=k, s=s, d=d, p=(depth_pad, 0, 0, depth_pad, 0, 0), feature=feature, **more)

    yield Probe("3d: N", made(feature=(128, 16, 4, 4, 4)), made(feature=(129, 16, 4, 4, 4)), "128", {128})
    yield Probe("3d: kernel H", made(k=(1, 31, 1)), made(k=(1, 32, 1)), "31", {31})
    yield Probe("3d: kernel W", made(k=(1, 1, 31)), made(k=(1, 1, 32)), "31")
    yield Probe("3d: kernel D", made(k=(8191, 1, 1), cin=1), made(k=(8192, 1, 1), cin=1), "8191", {8191})
    yield Probe("3d: pad", made(depth_pad=1), made(depth_pad=2), "kernel depth / 2 = 3/2", {2})
    yield Probe("3d: strides", made(s=(1, 2, 2)), made(s=(1, 1, 2)), "stride width = 2", {1, 2})
    yield Probe("3d: stride", None, made(s=(1, 3, 3)), "1 or 2")
    yield Probe("3d: group", None, made(group=2), "1")
    yield Probe("3d: dilation", None, made(d=(1, 2, 1)), "1")
    if match[2]:
        yield Probe("3d: kD*Cin", made(k=(512, 1, 1)), made(k=(513, 1, 1)), "8192", {8192})
        yield Probe("3d: size", made(feature=(1, 16, 257, 1019, 200)), made(feature=(1, 16, 257, 1021, 200)),
                    str(GIGA), {1, 4096})
        yield Probe("3d: size, few channels", made(feature=(1, 16, 256, 3000, 200)))


def transposed_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    def made(k: Dims = (4, 4), s: Dims = (2, 2), p: int | Dims = 1, **more: object) -> onnx.ModelProto:
        return conv(k=k, s=s, p=p, transposed=True, **more)  # type: ignore[arg-type]

    yield Probe("kernel", made(k=(14, 4)), made(k=(15, 4)), "14", {2, 14})
    yield Probe("kernel", made(k=(4, 2), p=0), made(k=(4, 1), p=0), "2")
    yield Probe("C", made(cin=2048), made(cin=2049), "2048", {2048})
    yield Probe("C out", made(cout=2048), made(cout=2049), "2048")
    yield Probe("pad", made(k=(5, 5), p=2), made(k=(5, 5), p=3), "2", {0, 1, 2})
    yield Probe("pad, even kernel", made(k=(4, 4), p=1), made(k=(4, 4), p=(0, 0, 2, 0)), "3/2")
    yield Probe("pad, even kernel", None, made(k=(4, 4), p=(0, 2, 0, 0)), "3/2")
    yield Probe("pad", None, made(p=-1), "0")
    yield Probe("stride", made(s=(4, 4)), made(s=(3, 4)), "2 or 4", {2, 4})
    yield Probe("strides", made(s=(2, 4)), made(s=(4, 2)), "stride width = 2")
    yield Probe("dilation", None, made(d=(1, 2)), "1", {1})


def transposed_of_bayes(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    def made(k: Dims = (4, 4), s: Dims = (2, 2), p: int | Dims = 1, **more: object) -> onnx.ModelProto:
        return conv(k=k, s=s, p=p, transposed=True, **more)  # type: ignore[arg-type]

    volume = int(match[1])
    small = {"k": (2, 2), "p": 0}
    yield Probe("N", made(feature=(128, 16, 8, 8)), made(feature=(129, 16, 8, 8)), "128", {128})
    yield Probe("C", made(**small, cin=2048), made(**small, cin=2049), "2048", {2048})
    yield Probe("weight C", made(**small, cout=2048), made(**small, cout=2049), "2048")
    yield Probe("size", made(feature=(1, 16, 8192, 8192)), made(feature=(1, 16, 8192, 8193)), str(GIGA), {1})
    yield Probe("kernel", made(k=(14, 4)), made(k=(15, 4)), "14", {1, 14})
    yield Probe("kernel", made(k=(1, 2), p=0), made(k=(1, 1), p=0), "1")
    yield Probe("kernel", None, made(k=(0, 2), p=0), "1")
    most = volume // 196
    yield Probe("volume", made(k=(14, 14), cin=most), made(k=(14, 14), cin=most + 1), str(volume), {volume})
    yield Probe("pad, even stride", made(p=2), made(p=(3, 0, 0, 0)), "kernel height / stride height = 2", {0})
    yield Probe("pad, even stride", None, made(p=(0, 0, 0, 3)), "kernel width / stride width = 2")
    yield Probe("pad, odd stride", made(k=(6, 6), s=(3, 3), p=1), made(k=(6, 6), s=(3, 3), p=2),
                "kernel height / stride height = 2")
    yield Probe("pad, odd stride", None, made(k=(6, 6), s=(3, 3), p=(0, 2, 0, 0)), "kernel width / stride width = 2")
    yield Probe("pad", made(p=0), made(p=-1), "0")
    yield Probe("output padding", made(output_padding=(1, 0)), made(output_padding=(2, 0)), "0 or 1", {0, 1})
    yield Probe("stride", made(s=(14, 1), p=0), made(s=(15, 1), p=0), "14", {1, 14})
    yield Probe("stride", made(s=(1, 2)), made(s=(1, 1)), "1")
    yield Probe("dilation", None, made(d=(2, 1)), "1", {1})


def gemm_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("H", gemm(h=7), gemm(h=8), "7", {7})
    yield Probe("W", gemm(w=7), gemm(w=8), "7")
    yield Probe("C of a point", gemm(c=16384), gemm(c=16385), "16384", {1, 16384})
    yield Probe("C", gemm(h=2, c=2048), gemm(h=2, c=2049), "2048", {2048})
    yield Probe("int8", gemm(h=7, w=7, c=668), gemm(h=7, w=7, c=669), "1024", {8, 4, 1024})
    yield Probe("int32", gemm(h=7, w=7, c=1337), gemm(h=7, w=7, c=1338), "2048", {2048}, "output=int32 last=yes")


def matmul_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    for a in ((5,), (4, 5), (1, 4, 5), (1, 1, 4, 5), (3, 4, 5), (1, 3, 4, 5), (2, 3, 4, 5)):
        for b in ((5, 6), (1, 1, 5, 6)):
            yield Probe(f"{a} with a weight {b}", model("MatMul", [a, Const(b)]), None, "", {1})
    yield Probe("weight", None, model("MatMul", [(2, 3, 4, 5), Const((1, 3, 5, 6))]), "1x1xKxN")
    yield Probe("rank", None, model("MatMul", [(1, 2, 3, 4, 5), Const((5, 6))]), "AxBxMxK")
    yield Probe("features", model("MatMul", [(1, 3, 4, 5), (1, 1, 5, 6)]),
                model("MatMul", [(2, 3, 4, 5), (1, 1, 5, 6)]), "1xBxMxK")
    yield Probe("weight first", model("MatMul", [Const((1, 3, 4, 5)), (1, 1, 5, 6)]),
                model("MatMul", [Const((1, 3, 4, 5)), (1, 3, 5, 6)]), "1x1xKxN")


def matmul_of_bayes(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    def made(a: Dims, b: Dims) -> onnx.ModelProto:
        return model("MatMul", [a, b])

    yield Probe("rank", made((3, 4), (4, 5)), made((2, 3, 4), (4, 5)), "rank of input 1 = 2")
    yield Probe("M", made((8192, 4), (4, 5)), made((8193, 4), (4, 5)), "8192", {1, 8192})
    yield Probe("K", made((3, 8192), (8192, 5)), made((3, 8193), (8193, 5)), "8192")
    yield Probe("N", made((3, 4), (4, 8192)), made((3, 4), (4, 8193)), "8192")
    yield Probe("M", made((1, 4), (4, 1)), made((0, 4), (4, 5)), "1")
    yield Probe("K", made((3, 1), (1, 5)))
    yield Probe("higher", made((4096, 1, 1), (4096, 1, 1)), made((4097, 1, 1), (4097, 1, 1)), "4096", {4096})
    yield Probe("all ones", made((2, 3, 4, 5), (1, 1, 5, 6)), made((2, 3, 4, 5), (1, 3, 5, 6)), "ones")
    yield Probe("trailing ones", made((2, 3, 4, 5), (2, 1, 5, 6)), made((2, 1, 4, 5), (1, 3, 5, 6)), "trailing")


def grid(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    h, w = int(match[1]), int(match[2])
    yield Probe("N", grid_sample((4096, 1, 2, 2)), grid_sample((4097, 1, 2, 2)), "4096", {4096})
    yield Probe("C", grid_sample((1, 65536, 2, 2)), grid_sample((1, 65537, 2, 2)), "65536", {65536})
    yield Probe("H", grid_sample((1, 1, 1024, 2)), grid_sample((1, 1, 1025, 2)), "1024", {1024})
    yield Probe("W", grid_sample((1, 1, 2, 1024)), grid_sample((1, 1, 2, 1025)), "1024")
    yield Probe("H*W", grid_sample((1, 1, h, w)), grid_sample((1, 1, h + 1, w)), str(h * w), {h, w})
    yield Probe("mode", grid_sample(mode="nearest"), grid_sample(mode="bicubic"), "bilinear")
    yield Probe("padding", grid_sample(padding="border"), grid_sample(padding="reflection"), "zeros or border")
    yield Probe("rank", None, model("GridSample", [(1, 2, 4, 4, 4), (1, 2, 2, 2, 3)], opset=20), "4", {4})


def gather_row(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    int32, int64 = TensorProto.INT32, TensorProto.INT64
    yield Probe("rank", gather(Fed([2], int32), (2, 2, 2, 2)), gather(Fed([2], int32), (2, 2, 2, 2, 2)), "4", {4})
    yield Probe("indices", gather(Fed([2], int32)), gather(Fed([2], int64)), "int32")
    yield Probe("constant indices", gather(ints(0, 1)), gather(Const([2], np.uint8)), "int32 or int64")


def indices_of_types(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    if cell.op == "TopK":
        yield Probe("indices", topk(), topk(indices=TensorProto.INT8), "int16, int32 or int64")
        return
    for dtype in (TensorProto.INT16, TensorProto.INT32, TensorProto.INT64):
        yield Probe("indices", model(cell.op, [(4, 5), Fed((4, 5), dtype)]))
    yield Probe("indices", None, model(cell.op, [(4, 5), Fed((4, 5), TensorProto.UINT8)]), "int16, int32 or int64")


def indices_within(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    def made(dims: Dims) -> onnx.ModelProto:
        return model(cell.op, [(4, 5), Fed(dims, TensorProto.INT32)], axis=0)

    yield Probe("indices", made((9, 5)), made((2, 6)), "5")


def one_changes(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    if cell.op == "Tile":
        yield Probe("axes", tile((1, 3, 1, 1)), tile((1, 3, 2, 1)), "1")
    else:
        yield Probe("axes", expand((1, 16, 8, 8)), expand((5, 16, 8, 8)), "1")


def pad_planes(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield from pad_constant(cell, match)
    yield Probe("axes", pad((0, 0, 1, 0, 0, 0, 0, 2)), pad((0, 1, 0, 0, 0, 0, 0, 0)), "2 or 3")


def pad_constant(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("mode", pad(), pad(mode="reflect"), "constant")


def pad_all(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield from pad_constant(cell, match)
    yield Probe("axes", pad((1, 1, 1, 1, 1, 1, 1, 1)))


def exponent(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("exponent", unary("Pow", exponent=[1]), unary("Pow", exponent=[8]), "1")


def one_axis(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("axes", reduce(cell.op, axes=(3,)), reduce(cell.op, axes=(1, 2)),
                "2 and 3" if cell.op == "ReduceMean" else "1", {1})
    if "H+W" in match[0]:
        yield Probe("H and W", reduce(cell.op, axes=(2, 3)))


def planes(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("axes", reduce(cell.op, axes=(2, 3)), reduce(cell.op, axes=(3,)), "2 and 3", {4, 2, 3})
    yield Probe("rank", None, reduce(cell.op, (1, 2, 3, 4, 5), (2, 3)), "4")


def axis_size(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    most = int(match[1])
    yield Probe("axis size", reduce(cell.op, (1, most, 2, 2)), reduce(cell.op, (1, most + 1, 2, 2)), str(most), {most})


def keepdims(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("keepdims", reduce(cell.op), reduce(cell.op, keepdims=0), "1", {1})


def batch_one(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("batch", lstm(1), lstm(2), "1", {1})


def softmax_of_x3(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("axis", model("Softmax", [MAP], axis=1), model("Softmax", [MAP], axis=2), "1", {1, 4})
    yield Probe("rank", None, model("Softmax", [(1, 8, 8)], axis=1), "4")
    yield Probe("output", None, model("Softmax", [MAP], axis=1, inner=True), "output of the model")


def softmax_of_bayes(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    def made(axis: int, opset: int, dims: Dims = MAP) -> onnx.ModelProto:
        return model("Softmax", [dims], axis=axis, opset=opset)

    yield Probe("onnx", made(3, 12), made(2, 12), "3", {4, 3})
    for axis in (1, 2, 3):
        yield Probe("pytorch", made(axis, 13), made(0, 13), "1", {axis})
    yield Probe("rank", None, made(2, 13, (1, 8, 8)), "4")


def split_row(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    for axis in (1, 2, 3):
        yield Probe("axis", split((16, 16, 16, 16), axis), split((16, 16, 16, 16), 0), "1", {axis})
    yield Probe("rank", None, split((16, 16, 16), 1), "4")


def equal_parts(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("parts", split(parts=(8, 8)), split(parts=(4, 12)), "4 and 12")


def is_sorted(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("sorted", topk(), topk(is_sorted=0), "1", {1})


def blocks(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    wide = (1, 36, 6, 6)
    yield Probe("block size", model(cell.op, [MAP], blocksize=2), model(cell.op, [wide], blocksize=3), "2", {2})
    if cell.op == "DepthToSpace":
        yield Probe("mode", model(cell.op, [MAP], blocksize=2, mode="CRD"),
                    model(cell.op, [MAP], blocksize=2, mode="RCD"), "DCR or CRD")


def out_channels(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("output C", model(cell.op, [(1, 32, 4, 4)], blocksize=2),
                model(cell.op, [(1, 20, 4, 4)], blocksize=2), "no multiple of 4", {0, 4})


def plane_to(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("H*W", unary(cell.op, (1, 4, 64, 128)), unary(cell.op, (1, 4, 64, 129)), match[1], {int(match[1])})


def sides_to(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    most = int(match[2])
    yield Probe("H", unary(cell.op, (1, 4, most, 8)), unary(cell.op, (1, 4, most + 1, 8)), match[2], {most})
    yield Probe("W", unary(cell.op, (1, 4, 8, most)), unary(cell.op, (1, 4, 8, most + 1)), match[2])
    if match[1]:
        yield Probe("H", unary(cell.op, (1, 4, 1, 8)), unary(cell.op, (1, 4, 0, 8)), "1", {1})
        yield Probe("W", unary(cell.op, (1, 4, 8, 1)), unary(cell.op, (1, 4, 8, 0)), "1")


def four_only(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    yield Probe("rank", of_dims(cell.op, MAP), of_dims(cell.op, (1, 8, 8)), "4", {4})


def resize_row(cell: Cell, match: Match[str]) -> Iterator[Probe]:
    crop = "tf_crop_and_resize"
    on = Const(np.array([0, 0, 0.25, 0.5, 1, 1, 0.75, 1], np.float32))
    off = Const(np.array([0, 0, 0.3, 0.5, 1, 1, 0.75, 1], np.float32))
    yield Probe("rank", None, model("Resize", [(1, 8, 8), None, Const(np.array([1, 1, 2], np.float32))],
                                    result=(1, 8, 16)), "4", {4})
    yield Probe("axes", None, resize((1, 2, 2, 2)), "2 or 3")
    yield Probe("mode", resize(mode="linear", scales=(1, 1, 3, 1.5)), resize(mode="cubic"), "nearest or linear")
    yield Probe("factor", resize((1, 1, 2, 4)), resize((1, 1, 3, 4)), "a power of 2", {2})
    yield Probe("factor", None, resize((1, 1, 1, 3)), "a power of 2")
    yield Probe("factors", resize((1, 1, 2, 8)), resize((1, 1, 4, 2)), "W of the output / W = 2")
    for mode in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"):
        yield Probe(mode, resize(coordinates=mode), resize(coordinates="tf_half_pixel_for_nn"), mode)
    yield Probe(crop, resize(coordinates=crop, roi=on, dims=(1, 16, 9, 9)),
                resize(coordinates=crop, roi=off, dims=(1, 16, 9, 9)), "between pixels")
    yield Probe(crop, None, resize(coordinates=crop, roi=(8,), dims=(1, 16, 9, 9)), "constant")


# In this order; what one has read is gone for the next.
CLAUSES: list[Clause] = [
    (r"4-D; k in \[1,7\]\^2; Cin.*", conv_of_x3),
    (r"2d: kernel N,C.*C\*H\*W<=(\d+);.*no group/dilation(; 3d: .*)?", conv_of_bayes),
    (r"k in \[2,14\].*", transposed_of_x3),
    (r"feature N<=128.*(?:size|ksc)<=(\d+);.*", transposed_of_bayes),
    (r"-> Conv; H,W<=7.*", gemm_of_x3),
    (r"feature x weight: .*", matmul_of_x3),
    (r"same rank; .*", matmul_of_bayes),
    (r"4-D; N<=4096,C<=65536,H,W<=1024 and H\*W<=(\d+)\*(\d+); bilinear/nearest; zeros/border; custom-op export", grid),
    (r"4-D NCHW, H/W only.*", resize_row),
    (r"C<=2048; NCHW\+NCHW or NCHW\+NC11 \(both op outputs\)", add_of_x3),
    (r"both 4-D, C<=2048: 1CHW\*1CHW, 1CHW\*1C11, 1CHW\*1111(; input value 0 not allowed)?", mul_of_x3),
    (r"both inputs feature maps( \(no constant\))?", no_constant),
    (r"rank<=4; indices int32 if feature, int32/int64 if const", gather_row),
    (r"indices int16/32/64", indices_of_types),
    (r"indices\.shape\[i\]<=input\.shape\[i\] for i!=axis", indices_within),
    (r"CPU by default; run_on_bpu if 4-D, axis=1 and model output", softmax_of_x3),
    (r"CPU by default; run_on_bpu if 4-D and axis=3.*", softmax_of_bayes),
    (r"4-D, axis=1, C<=(\d+)(?:, N<=(\d+))?", arg),
    (r"4-D, axes=\[2,3\]", planes),
    (r"1CHW, C\*H\*W<=(\d+)", table_of_x3),
    (r"1CHW, min\(.*", sigmoid_of_x3),
    (r"k HxW in \[1,7\]\^2, stride in \{1\.\.185\}", average_of_x3),
    (r"k \[1,256\], kH\*kW.*", average_of_x5),
    (r"k,stride,pad<=256", pool_to_256),
    (r"k \[1,64\]\^2.*", max_of_x3),
    (r"no dilation", no_dilation),
    (r"in/out C<=2048", concat_channels),
    (r"not on N|not N", not_first),
    (r"1-10 dims( if mergeable to 4-D)?", ranks(1, 10)),
    (r"2-5 dims( \(5-D must merge to 4-D\))?", ranks(2, 5)),
    (r"highest dim<=(\d+), others<=(\d+)", highest),
    (r"(at most 1|<=1) const input", one_constant),
    (r"bcast on all dims but dim0", broadcast_but_first),
    (r"bcast on ALL dims", broadcast_all),
    (r"mutual bcast( ok)?", mutual),
    (r"one-sided bcast", one_sided),
    (r"only one dim changes", one_changes),
    (r"constant mode, H/W only", pad_planes),
    (r"constant; all dims", pad_all),
    (r"exponent (single value|scalar)", exponent),
    (r"(?:exactly )?1 axis( \(or H\+W together\))?", one_axis),
    (r"axis size<=(\d+)", axis_size),
    (r"keepdims=1", keepdims),
    (r"batch=1", batch_one),
    (r"NCHW; axis 1/2/3", split_row),
    (r"equal parts", equal_parts),
    (r"sorted=1", is_sorted),
    (r"DCR/CRD, blocksize=2(, H/W only)?", blocks),
    (r"out C %4==0", out_channels),
    (r"H\*W<=(\d+)", plane_to),
    (r"H,W ?(?:in (\[1),|<=)(\d+)\]?", sides_to),
    (r"4-D only", four_only),
    # What asks nothing of a node, or is read of the row as a whole.
    (r"(resnet )?shortcut Add fused into prev Conv", none),
    (r"(only )?fused into prev Conv", none),
    (r"CPU by default( \(run_on_bpu\))?", none),
    (r"split to \w+\+\w+|-> (Conv|Reshape)", none),
    (r"int16 (ok|in)|int8 only|no limit|any rank|^-$", none),
]


def four_axes(*ops: str) -> Iterator[tuple[str, Probe]]:
    """Tensors have 4 axes, where a row does not say otherwise."""
    for op in ops:
        if op in ("AveragePool", "MaxPool"):
            yield op, Probe("rank", None, pool(op, k=(3,), s=(1,), dims=(1, 8, 8)), "4")
        elif op == "ConvTranspose":
            yield op, Probe("rank", None, conv(k=(4,), s=(2,), d=(1,), feature=(1, 16, 16), transposed=True), "4")
        else:
            yield op, Probe("rank", None, of_dims(op, (1, 8, 8)), "4")


def general_of_x3() -> Iterator[tuple[str, Probe]]:
    yield "Clip", Probe("batch", unary("Clip", (128, 4, 4, 4)), unary("Clip", (129, 4, 4, 4)), "128")
    yield from four_axes("Exp", "LeakyRelu", "PRelu", "Reciprocal", "Concat", "Pad", "DepthToSpace", "AveragePool",
                         "MaxPool", "ConvTranspose", "GlobalAveragePool", "GlobalMaxPool", "Pow", "Upsample", "Sigmoid")


def general_of_bayes() -> Iterator[tuple[str, Probe]]:
    yield "Relu", Probe("N", unary("Relu", (4096, 4, 4, 4)), unary("Relu", (4097, 4, 4, 4)), "4096")
    for axis in (1, 2, 3):
        inside, outside = [1, 1, 1, 1], [1, 1, 1, 1]
        inside[axis], outside[axis] = 65536, 65537
        yield "Relu", Probe(f"axis {axis}", unary("Relu", inside), unary("Relu", outside), "65536")
    yield "Relu", Probe("none", None, unary("Relu", (1, 0, 4, 4)), "1")
    yield "Relu", Probe("1 G", unary("Relu", (1, 1, 32768, 32768)), unary("Relu", (1, 1, 32768, 32769)), str(GIGA))
    yield "Gemm", Probe("rows of the weight", gemm(c=8192, n=1), gemm(c=8193, n=1), "8192")
    yield "Gemm", Probe("columns of the weight", gemm(c=1, n=8192), gemm(c=1, n=8193), "8192")
    yield from four_axes("Concat", "Pad", "Tile", "AveragePool", "MaxPool", "GlobalMaxPool", "DepthToSpace",
                         "SpaceToDepth", "Upsample")


GENERAL: dict[str, Callable[[], Iterator[tuple[str, Probe]]]] = {
    "bernoulli2": general_of_x3, "bayes": general_of_bayes, "bayes-e": general_of_bayes}
