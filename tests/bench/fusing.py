"""What finding units and blocks costs: the passes group-units and find-blocks, with all patterns, of `prepare --time-passes`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np

import models

NODES = (10_000, 30_000, 100_000, 300_000)
IN_MEMORY = 30_000  # of nodes: less lie in the caches of a processor
PASSES = ("group-units", "find-blocks")
KINDS = ("blocks", "sequences", "composites")


def seconds(qprep: Path, model: Path) -> float:
    """On one core: both passes run on one thread."""
    command = [qprep, "prepare", model, "--time-passes", "--stop-after", PASSES[-1]]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    taken = dict(re.findall(r"(\S+)\s+([0-9.]+) ms$", done.stdout, re.M))
    return sum(float(taken[name]) for name in PASSES) / 1000


def rows(qprep: Path, work: Path, pairs: int) -> Iterator[str]:
    yield "| nodes | " + " | ".join(f"{kind}, s" for kind in KINDS) + " |"
    yield "|---|" + "---|" * len(KINDS)
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for count in NODES:
        for kind in KINDS:
            model = work / "model.onnx"
            models.make_nodes(model, count, kind)
            taken[kind].append(median(seconds(qprep, model) for _ in range(pairs)))
            model.unlink()
        yield f"| {count:,} | " + " | ".join(f"{taken[kind][-1]:.3f}" for kind in KINDS) + " |"
    yield ""
    for first, which in ((IN_MEMORY, f"from {IN_MEMORY:,} nodes on"), (0, "over all")):
        used = [i for i, count in enumerate(NODES) if count >= first]
        slopes = {
            kind: np.polyfit(np.log([NODES[i] for i in used]), np.log([times[i] for i in used]), 1)[0]
            for kind, times in taken.items()
        }
        yield f"Exponents {which}: " + ", ".join(f"{kind} {slope:.2f}" for kind, slope in slopes.items()) + "."
