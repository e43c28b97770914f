"""Counts which exporters' spellings of composite operators `qprep prepare` sees as one unit.

    python tests/composites/spellings.py QPREP [--only TEXT] [-v]

A spelling of the shared folder is recognised if its block's operator is a unit, by itself or written out, and nothing
else of the model computes but what the block has beside it. Prints a line for each block and exporter, and for each
spelling that is not recognised what its units are.

Skips (status 77) where the shared folder is absent.
"""

from __future__ import annotations

import argparse
import collections
import csv
import fnmatch
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
SPELLINGS = SHARED / "models/spellings"
SKIPPED = 77

UNIT = re.compile(r"^  unit \d+ ([^:]+): ", re.M)


@dataclass(frozen=True)
class Block:
    """Blocks whose names match: the operator under the names that are right for it, and what else they compute."""

    names: str
    operators: frozenset[str]
    beside: frozenset[str] = frozenset()


def block(names: str, operators: str, beside: str = "") -> Block:
    return Block(names, frozenset(operators.split()), frozenset(beside.split()))


# The first that matches counts.
BLOCKS = [
    block("layer_norm_functional_dim1", "LayerNormalization", "Mul"),
    block("layer_norm*", "LayerNormalization"),
    block("rms_norm*", "RMSNormalization"),
    block("group_norm_silu_conv", "GroupNormalization", "SiLU Conv"),
    block("group_norm*", "GroupNormalization"),
    block("instance_norm_2d_stats", "BatchNormalization"),
    block("instance_norm*", "InstanceNormalization"),
    block("moments_norm", "InstanceNormalization"),
    block("l2_normalize_ssd", "L2Normalization", "Mul"),
    block("l2_normalize*", "L2Normalization"),
    block("unit_norm", "L2Normalization"),
    block("gelu_tanh*", "Gelu-tanh Gelu"),
    block("gelu_quick", "QuickGelu"),
    block("gelu*", "Gelu"),
    block("silu*", "SiLU"),
    block("swish*", "SiLU Swish"),
    block("mish*", "Mish"),
    block("hardswish*", "HardSwish"),
    block("hardsigmoid*", "HardSigmoid"),
    block("hard_sigmoid", "HardSigmoid"),
    block("softplus*", "Softplus"),
    block("softmax*", "Softmax"),
    block("log_softmax*", "LogSoftmax"),
    block("log_sigmoid", "LogSigmoid"),
    block("softsign", "Softsign"),
    block("relu6*", "Relu6 Clip"),
    block("relu_*", "Relu Clip"),
    block("relu", "Relu"),
    block("clip", "Clip"),
    block("clamp_const_tensors", "Clip"),
    block("hardtanh*", "Clip"),
    block("prelu*", "PRelu"),
    block("leaky_relu*", "LeakyRelu"),
]


def block_of(name: str) -> Block | None:
    return next((each for each in BLOCKS if fnmatch.fnmatch(name, each.names)), None)


def units(qprep: str, model: Path) -> list[str]:
    command = [qprep, "prepare", str(model), "--stop-after", "group-units", "--dump-after", "group-units"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if result.returncode != 0:
        raise RuntimeError(f"{model.name}: {result.stderr.strip()}")
    return UNIT.findall(result.stdout)


def is_recognised(found: list[str], wanted: Block) -> bool:
    return any(unit in wanted.operators for unit in found) and all(
        unit in wanted.operators | wanted.beside for unit in found
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep")
    parser.add_argument("--only", default="", metavar="TEXT", help="blocks whose names hold TEXT")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the units of every spelling")
    arguments = parser.parse_args()
    if not SPELLINGS.is_dir():
        print(f"skipped: there are no spellings at {SPELLINGS}")
        return SKIPPED
    with (SPELLINGS / "INDEX.tsv").open() as index:
        rows = [row for row in csv.DictReader(index, delimiter="\t") if arguments.only in row["block"]]
    seen: collections.Counter = collections.Counter()
    recognised: collections.Counter = collections.Counter()
    missed = []
    for row in rows:
        wanted = block_of(row["block"])
        if not wanted:
            continue
        key = (row["block"], row["exporter"])
        found = units(arguments.qprep, SPELLINGS / row["file"])
        good = is_recognised(found, wanted)
        seen[key] += 1
        recognised[key] += good
        if not good or arguments.verbose:
            missed.append(f"{row['file']}: {', '.join(found) or 'no unit'}")
    for key, count in sorted(seen.items()):
        print(f"{key[0]:28} {key[1]:48} {recognised[key]} of {count}")
    print("\n".join(["", *missed, ""]))
    print(f"{sum(recognised.values())} of {sum(seen.values())} spellings are one unit")
    return 0 if seen else 1


if __name__ == "__main__":
    sys.exit(main())
