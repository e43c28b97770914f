"""Counts which exporters' spellings of composite operators, sequences and blocks `qprep prepare` recognises.

    python tests/composites/spellings.py QPREP [--only TEXT] [-v] [--by group]

A spelling of the shared folder is recognised if its operator is there: as a unit or a block, by itself or written out;
and, of a unit, nothing else of the model computes but what the spelling has beside it. Prints a line for each kind of
block and exporter (or for each group), and for each spelling that is not recognised what its units are.

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
NAMED = re.compile(r"^  block ([^:]+): ", re.M)
OPERATOR = re.compile(r'^  "[^=]*= (\w+)\(', re.M)

SEQUENCE = re.compile(
    r"(?P<head>conv2d|convt2d|linear)(_depthwise|_grouped|_nobias)?(?P<bn>_bn)?(?P<add>_addl|_addr)?(?P<relu>_relu6?)?"
    r"(_keepbn|_dyn|_train)?"
)


@dataclass(frozen=True)
class Block:
    """Blocks whose names match: the operator under the names that are right for it, and what else they compute."""

    names: str
    operators: frozenset[str]
    beside: frozenset[str] | None = frozenset()  # None: whatever
    group: str = "composite operators"


def block(names: str, operators: str, beside: str | None = "", group: str = "composite operators") -> Block:
    others = None if beside is None else frozenset(beside.split())
    return Block(names, frozenset(operators.split()), others, group)


# The first that matches counts.
BLOCKS = [
    block("layer_norm_last2_noaffine", "LayerNormalization InstanceNormalization"),
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
    block("global_response_norm", "GlobalResponseNormalization"),
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
    *(
        block(names, "Attention", None, "attention")
        for names in ("mha*", "attention_*", "sdpa*", "einsum_attention", "encoder_layer*", "decoder_layer*")
    ),
    *(block(names, "Attention", None, "attention") for names in ("vit_block*", "swin_block*")),
    block("*pixel_shuffle*", "PixelShuffle DepthToSpace", None, "shuffles"),
    block("pixel_unshuffle*", "PixelUnshuffle SpaceToDepth", None, "shuffles"),
    block("depth_to_space*", "DepthToSpace", None, "shuffles"),
    block("space_to_depth*", "SpaceToDepth", None, "shuffles"),
    block("channel_shuffle*", "ChannelShuffle", None, "shuffles"),
    block("shuffle_unit", "ChannelShuffle", None, "shuffles"),
    block("resize_area", "AveragePool", "", "resizing"),
    block("resize_*", "Resize Upsample NearestUpsample", None, "resizing"),
    block("upsampling*", "Resize Upsample NearestUpsample", None, "resizing"),
    block("adaptive_avg_1*", "GlobalAveragePool", "ReduceMean", "average pooling"),
    block("adaptive_avg_3d", "GlobalAveragePool", "ReduceMean", "average pooling"),
    block("adaptive_avg_*", "AveragePool", "", "average pooling"),
    block("global_avg*", "GlobalAveragePool", "ReduceMean", "average pooling"),
    block("mean_*", "GlobalAveragePool", "ReduceMean", "average pooling"),
    block("lstm_cell_loop", "LSTMCell", None, "cells"),
    block("lstm_unrolled", "LSTMCell", None, "cells"),
    block("gru_cell_loop", "GRUCell", None, "cells"),
    block("einsum_linear", "Einsum linear Gemm MatMul", "", "sequences"),
    block("einsum_dense", "Einsum linear Gemm MatMul", "", "sequences"),
]


def sequence(name: str) -> Block | None:
    """A head with its tail is one unit, batch norms folded or not; Gemm may add by itself."""
    match = SEQUENCE.fullmatch(name)
    if not match:
        return None
    head = "linear" if match["head"] == "linear" else "conv"
    parts = [(part,) for part in ("add" * bool(match["add"]), "relu" * bool(match["relu"]))]
    tails = {"-".join(filter(None, (bn, add, relu))) for bn in ("", "bn") for (add,), (relu,) in [parts]}
    if head == "linear":
        tails |= {tail.replace("add", "").strip("-") for tail in set(tails)}
    names = {f"{head}-{tail}" if tail else head for tail in tails}
    if head in names:
        names |= {"Conv", "ConvTranspose"} if head == "conv" else {"Gemm", "MatMul"}
    return Block(name, frozenset(names), frozenset(), "sequences")


def block_of(name: str) -> Block | None:
    return next((each for each in BLOCKS if fnmatch.fnmatch(name, each.names)), None) or sequence(name)


@dataclass(frozen=True)
class Found:
    units: list[str]
    names: frozenset[str]  # of blocks, and of operators that are no units


def found_in(qprep: str, model: Path) -> Found:
    command = [qprep, "prepare", str(model), "--stop-after", "find-blocks", "--dump-after", "find-blocks"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if result.returncode != 0:
        raise RuntimeError(f"{model.name}: {result.stderr.strip()}")
    names = NAMED.findall(result.stdout) + OPERATOR.findall(result.stdout)
    return Found(UNIT.findall(result.stdout), frozenset(names))


def is_recognised(found: Found, wanted: Block) -> bool:
    if wanted.beside is None:
        return bool(wanted.operators & (found.names | set(found.units)))
    is_there = any(unit in wanted.operators for unit in found.units) or bool(wanted.operators & found.names)
    return is_there and all(unit in wanted.operators | wanted.beside for unit in found.units)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep")
    parser.add_argument("--only", default="", metavar="TEXT", help="blocks whose names hold TEXT")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the units of every spelling")
    parser.add_argument("--by", choices=("block", "group"), default="block", help="what the lines count")
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
        key = (row["block"], row["exporter"]) if arguments.by == "block" else (wanted.group, "")
        found = found_in(arguments.qprep, SPELLINGS / row["file"])
        good = is_recognised(found, wanted)
        seen[key] += 1
        recognised[key] += good
        if not good or arguments.verbose:
            missed.append(f"{row['file']}: {', '.join(found.units) or 'no unit'}")
    for key, count in sorted(seen.items()):
        print(f"{key[0]:28} {key[1]:48} {recognised[key]} of {count}")
    print("\n".join(["", *missed, ""]))
    print(f"{sum(recognised.values())} of {sum(seen.values())} spellings are recognised")
    return 0 if seen else 1


if __name__ == "__main__":
    sys.exit(main())
