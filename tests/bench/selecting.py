"""What selecting costs: `explain` with a thousand selectors beside `explain` without a configuration."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import models

NODES = 100_000
KINDS = {
    "names": lambda i: f"block{i}.conv",
    "scopes": lambda i: f"block{i}",
    "globs": lambda i: f"*{i}.[gs]*",
    "expressions": lambda i: f"re:block{i}[0-9]?\\.(conv|out|(a+)+b)",
}
TYPES = ["Conv", "Add", "Mul", "Relu", "Sigmoid"]


def entries(kind: str, count: int) -> list[str]:
    """Lines of qconfig_setter: `count` selectors of the kind."""
    if kind == "types":
        return [f"  - module_type: {{{TYPES[i % len(TYPES)]}: qint{8 if i % 2 else 16}}}" for i in range(count)]
    step = NODES // 10 // count
    names = [KINDS[kind](i * step) for i in range(count)]
    return ["  - module_name:"] + [f"      '{name}': {{output: qint16}}" for name in names]


def seconds(command: list[str | Path]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def rows(qprep: Path, work: Path, pairs: int) -> Iterator[str]:
    model, config = work / "model.onnx", work / "selectors.yaml"
    models.make_nodes(model, NODES)
    cases = {kind: entries(kind, 1000) for kind in [*KINDS, "types"]}
    cases["200 of each"] = [line for kind in [*KINDS, "types"] for line in entries(kind, 200)]
    yield "| 1,000 selectors on 100,000 nodes | explain without, s | explain with, s | selecting, s (median of pairs) |"
    yield "|---|---|---|---|"
    for kind, lines in cases.items():
        config.write_text("qconfig_setter:\n" + "\n".join(lines) + "\n")
        runs = [(seconds([qprep, "explain", model]), seconds([qprep, "explain", model, "-c", config])) for _ in range(pairs)]
        taken = median(b - a for a, b in runs)
        yield f"| {kind} | {median(a for a, _ in runs):.2f} | {median(b for _, b in runs):.2f} | {taken:.2f} |"
    model.unlink()

    models.make_weights(model, 1_500_000_000)
    runs = [(seconds(["cat", model]), seconds([qprep, "explain", model, "gemm3"])) for _ in range(pairs)]
    model.unlink()
    yield ""
    yield (
        f"`explain` of one node of a model of 1.5 GB: {median(b for _, b in runs):.2f} s; "
        f"`cat` of the file: {median(a for a, _ in runs):.2f} s."
    )
