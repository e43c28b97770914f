"""Loads models and their copies in ONNX Runtime and compares what they compute, bit for bit, on the same inputs.

    python tests/corpus/copies.py FOLDER COPIES [--every N]

COPIES is what `round_trip FOLDER COPIES` wrote. A model that ONNX Runtime does not load or run must fail with the same
words as a copy. --every N takes each Nth model only.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

TYPES = {
    "float": np.float32, "double": np.float64, "float16": np.float16, "int64": np.int64, "int32": np.int32,
    "int16": np.int16, "int8": np.int8, "uint64": np.uint64, "uint32": np.uint32, "uint16": np.uint16,
    "uint8": np.uint8, "bool": np.bool_, "string": np.str_,
}  # fmt: skip


def tensor(kind: str, shape: list, random: np.random.Generator) -> np.ndarray:
    """Numbers that every operator can do something with: integers are 1, so that they are small counts and indices."""
    dims = [size if isinstance(size, int) else 2 for size in shape]
    dtype = TYPES[kind]
    if np.issubdtype(dtype, np.floating):
        return random.standard_normal(dims).astype(dtype)
    return np.full(dims, "a") if dtype is np.str_ else np.ones(dims, dtype)


def feed(session: ort.InferenceSession) -> dict[str, np.ndarray] | None:
    random = np.random.default_rng(0)
    values = {}
    for value in session.get_inputs():
        kind = value.type.removeprefix("tensor(").removesuffix(")")
        if kind not in TYPES:
            return None
        values[value.name] = tensor(kind, value.shape or [], random)
    return values


def outcome(path: Path) -> tuple[str, object]:
    """What happens to the model, and with which result."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    ort.set_seed(1)
    try:
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as failure:  # noqa: BLE001
        return "not loaded", str(failure).replace(str(path), "MODEL").replace(str(path.parent), "FOLDER")
    values = feed(session)
    signature = [(v.name, v.type, v.shape) for v in [*session.get_inputs(), *session.get_outputs()]]
    if values is None:
        return "loaded", signature
    try:
        return "run", (signature, [flat(value) for value in session.run(None, values)])
    except Exception as failure:  # noqa: BLE001
        return "not run", (signature, str(failure))


def flat(value: object) -> object:
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tolist() if value.dtype == object else value.tobytes())
    if isinstance(value, list):
        return [flat(item) for item in value]
    if isinstance(value, dict):
        return sorted((str(key), flat(item)) for key, item in value.items())
    return repr(value)


def is_random(path: Path) -> bool:
    model = onnx.load(path, load_external_data=False)
    return any(op in str(model) for op in ("Random", "Bernoulli", "Multinomial", "Dropout"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("copies", type=Path)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    for path in sorted(arguments.folder.rglob("*.onnx"))[:: arguments.every]:
        copy = arguments.copies / path.relative_to(arguments.folder)
        kind, result = outcome(path)
        counts[kind] += 1
        if (kind, result) == outcome(copy) or is_random(path) and outcome(path) != outcome(path):
            continue
        counts["DIFFERENT"] += 1
        print("DIFFERENT", path)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    sys.exit(1 if counts["DIFFERENT"] or not counts["run"] else 0)


if __name__ == "__main__":
    main()
