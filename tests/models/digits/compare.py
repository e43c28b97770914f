"""Compares models made from testdata/models/digits.onnx with it, on pictures that no training or calibration saw.

    python tests/models/digits/compare.py [--within POINTS] FLOAT.onnx OTHER.onnx...

Prints a table; with --within, exit status 1 if one of them is more than POINTS percent points worse than float, or
not quantised at all.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from dataset import Array, draw

SEED, COUNT = 3, 2000


def scores(path: Path, pictures: Array) -> Array:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: pictures})[0]


def mean_cosine(a: Array, b: Array) -> float:
    return float(((a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))).mean())


def quantisers(path: Path) -> str:
    ops = Counter(node.op_type for node in onnx.load(path).graph.node)
    kinds = ("FakeQuantize", "QuantizeLinear", "DequantizeLinear")
    return " ".join(f"{ops[kind]} {kind}" for kind in kinds if ops[kind]) or "none"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--within", type=float, help="percent points that a model may lose")
    parser.add_argument("float", type=Path)
    parser.add_argument("others", type=Path, nargs="+", metavar="OTHER")
    args = parser.parse_args()

    pictures, labels = draw(SEED, COUNT)
    reference = scores(args.float, pictures)
    accuracy = float((reference.argmax(1) == labels).mean())
    print(f"{COUNT} held-out pictures, ONNX Runtime {ort.__version__}")
    print(f"{'model':<26}{'kB':>7}{'top-1':>9}{'same class':>12}{'cosine':>10}  quantisers")
    fell_short = False
    for path in (args.float, *args.others):
        result = scores(path, pictures)
        right = float((result.argmax(1) == labels).mean())
        agree = float((result.argmax(1) == reference.argmax(1)).mean())
        print(
            f"{path.name:<26}{path.stat().st_size / 1000:>7.1f}{right:>9.2%}{agree:>12.2%}"
            f"{mean_cosine(result, reference):>10.5f}  {quantisers(path)}"
        )
        if args.within is not None and path != args.float and quantisers(path) == "none":
            print(f"{path.name}: nothing is quantised", file=sys.stderr)
            fell_short = True
        if args.within is not None and 100 * (accuracy - right) > args.within:
            print(f"{path.name}: more than {args.within} points below float", file=sys.stderr)
            fell_short = True
    return 1 if fell_short else 0


if __name__ == "__main__":
    sys.exit(main())
