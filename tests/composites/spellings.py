"""Counts which exporters' spellings of composite operators, sequences and blocks `qprep prepare` recognises.

    python tests/composites/spellings.py QPREP [--only TEXT] [-v] [--by group] [--write TABLE | --check TABLE]

A spelling of the shared folder is recognised if its operator is there: as a unit or a block, by itself or written out;
and, of a unit, nothing else of the model computes but what the spelling has beside it. Prints a line for each kind of
block and exporter (or for each group), and for each spelling that is not recognised what its units are.

--write makes docs/spellings.md of it; --check says whether that page still holds.

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
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
SPELLINGS = SHARED / "models/spellings"
SKIPPED = 77
LEAST = 0.95  # of the spellings of each kind of block

# Why spellings are not recognised, by names of files; the first that matches counts.
REASONS: list[tuple[str, str]] = [
    ("*_train__*", "the batch norm is in training form, which normalises by the statistics of its batch: it cannot be folded"),
    ("batch_norm_2d_batchstats*", "the batch norm normalises by the statistics of its batch"),
    (
        "adaptive_avg_uneven__dy18*",
        "its bins overlap and differ in size; the exporter gathers each and takes a masked mean, which no AveragePool does",
    ),
    ("conv2d_const_pad*", "the border is not zeros, which a convolution cannot add: the Pad stays a unit of its own"),
    (
        "batch_norm_1d__tf13*",
        "written as Mul and Add by constants without a layer beside it; nothing tells that from any other scale and shift",
    ),
    ("c2f_chunk*__dy18*", "SplitToSequence and SequenceAt, whose results are no tensors"),
    ("resize_linear_1d__dy18*", "interpolation by computed indices and weights (Gather, Sub, Mul, Add); a Resize elsewhere"),
    ("resize_nearest_exact__dy18*", "rows and columns gathered by constant indices"),
    ("upsampling1d__tf13*", "each element repeated by Unsqueeze and Concat with itself, in place of Expand or Tile"),
]
EXPORTERS = {
    "ts9v1 ts11v1 ts13v1 ts16v1": "TorchScript, PyTorch 1.13",
    "ts11 ts13 ts17": "TorchScript, PyTorch 2.15",
    "dy18 dy20": "dynamo, PyTorch 2.15",
    "tf13 tf17": "tf2onnx",
    "pd11 pd15": "paddle2onnx",
    "os18": "onnxscript",
}

UNIT = re.compile(r"^  unit \d+ ([^:]+): ", re.M)
NAMED = re.compile(r"^  block ([^:]+): ", re.M)
OPERATOR = re.compile(r'^  "[^=]*= (\w+)\(', re.M)

SEQUENCE = re.compile(
    r"(?P<head>conv[123]d|convt2d|conv_transpose[123]d|linear(_[1-4]d)?)(_depthwise|_grouped|_nobias)?(?P<bn>_bn)?"
    r"(?P<add>_addl|_addr)?(?P<relu>_relu6?)?"
    r"(_keepbn|_dyn|_train|_dilated|_zero_pad|_const_pad|_causal|_same|_same_even|_tf_same|_outpad|_size|_unbatched)?"
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
    block("group_norm_silu_conv", "GroupNormalization", "SiLU conv"),
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
    block("rnn_cell_loop", "RNNCell", None, "cells"),
    *(block(f"batch_norm_{n}d{tail}", "BatchNormalization") for n in (1, 2, 3) for tail in ("", "_keepbn", "_dyn", "_noaffine")),
    block("batch_norm_2d_train", "BatchNormalization"),
    *(block(names, "Split", None, "splits") for names in ("split_equal", "split_sizes", "split", "chunk", "c2f_chunk", "c2f_split")),
    block("einsum_linear", "Einsum linear", "", "sequences"),
    block("einsum_dense", "Einsum linear", "", "sequences"),
]


def sequence(name: str) -> Block | None:
    """A head with its tail is one unit, batch norms folded or not; Gemm may add by itself."""
    match = SEQUENCE.fullmatch(name)
    if not match:
        return None
    head = "linear" if match["head"].startswith("linear") else "conv"
    parts = [(part,) for part in ("add" * bool(match["add"]), "relu" * bool(match["relu"]))]
    tails = {"-".join(filter(None, (bn, add, relu))) for bn in ("", "bn") for (add,), (relu,) in [parts]}
    if head == "linear":
        tails |= {tail.replace("add", "").strip("-") for tail in set(tails)}
    names = {f"{head}-{tail}" if tail else head for tail in tails}
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


class Page:
    """docs/spellings.md."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], list[int]] = {}  # by block and exporter: recognised, seen
        self.groups: dict[str, str] = {}  # of a block
        self.missed: dict[str, list[str]] = {}  # by reason: names of files
        self.others: set[str] = set()

    def add(self, row: dict[str, str], wanted: Block, good: bool, found: Found) -> None:
        tag = row["file"].removesuffix(".onnx").rpartition("__")[2]
        exporter = next(name for tags, name in EXPORTERS.items() if tag in tags.split())
        count = self.counts.setdefault((row["block"], exporter), [0, 0])
        count[0] += good
        count[1] += 1
        self.groups[row["block"]] = wanted.group
        if not good:
            why = next((why for names, why in REASONS if fnmatch.fnmatch(row["file"], names)), "")
            why = why or f"not known: its units are {', '.join(sorted(set(found.units))) or 'none'}"
            self.missed.setdefault(why, []).append(row["file"].removesuffix(".onnx"))

    def shares(self) -> dict[str, float]:
        totals: dict[str, list[int]] = {}
        for (block_name, _), (good, seen) in self.counts.items():
            total = totals.setdefault(self.groups[block_name], [0, 0])
            total[0] += good
            total[1] += seen
        return {group: good / seen for group, (good, seen) in sorted(totals.items())}

    def text(self) -> str:
        names = list(dict.fromkeys(EXPORTERS.values()))
        good, seen = (sum(count[i] for count in self.counts.values()) for i in (0, 1))
        lines = [
            "# Spellings",
            "",
            "How exporters write building blocks, and whether qprep sees each as what it is: as one unit, as a sequence, or as",
            "a block with a name (docs/placement.md). Each cell counts files: recognised of all. The page is made by",
            "`tests/composites/spellings.py QPREP --write docs/spellings.md`, and a test keeps it true.",
            "",
            f"{good} of {seen} spellings are recognised. By kind:",
            "",
            *(f"- {group}: {share:.1%}" for group, share in self.shares().items()),
            "",
            f"| block | {' | '.join(names)} |",
            f"|---|{'---|' * len(names)}",
        ]
        for block_name in sorted(self.groups):
            cells = [self.counts.get((block_name, name)) for name in names]
            lines.append(f"| {block_name} | {' | '.join(f'{c[0]} of {c[1]}' if c else '' for c in cells)} |")
        lines += ["", "## Not recognised", ""]
        for why, files in sorted(self.missed.items()):
            lines.append(f"- {', '.join(f'`{file}`' for file in sorted(files))}: {why}")
        lines += [
            "",
            "## Without a block of their own",
            "",
            "Operators that every exporter writes as the one node that ONNX has, and whole models and border cases for other tests:",
            "",
            textwrap.fill(", ".join(sorted(self.others)) + ".", 120),
            "",
        ]
        return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep")
    parser.add_argument("--only", default="", metavar="TEXT", help="blocks whose names hold TEXT")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the units of every spelling")
    parser.add_argument("--write", type=Path, metavar="TABLE", help="write the page of documentation")
    parser.add_argument("--check", type=Path, metavar="TABLE", help="fail where that page says something else")
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
    page = Page()
    wanted_of = {row["block"]: block_of(row["block"]) for row in rows}
    page.others = {name for name, wanted in wanted_of.items() if not wanted}
    rows = [row for row in rows if wanted_of[row["block"]]]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda row: found_in(arguments.qprep, SPELLINGS / row["file"]), rows))
    for row, found in zip(rows, results, strict=True):
        wanted = wanted_of[row["block"]]
        assert wanted
        key = (row["block"], row["exporter"]) if arguments.by == "block" else (wanted.group, "")
        good = is_recognised(found, wanted)
        page.add(row, wanted, good, found)
        seen[key] += 1
        recognised[key] += good
        if not good or arguments.verbose:
            missed.append(f"{row['file']}: {', '.join(found.units) or 'no unit'}")
    for key, count in sorted(seen.items()):
        print(f"{key[0]:28} {key[1]:48} {recognised[key]} of {count}")
    print("\n".join(["", *missed, ""]))
    print(f"{sum(recognised.values())} of {sum(seen.values())} spellings are recognised")
    if arguments.write:
        arguments.write.write_text(page.text())
    if arguments.check and arguments.check.read_text() != page.text():
        print(f"{arguments.check.name} does not say that; --write makes it anew")
        return 1
    if not arguments.only:
        for group, share in page.shares().items():
            if share < LEAST:
                print(f"{group}: only {share:.1%} are recognised")
                return 1
    return 0 if seen else 1


if __name__ == "__main__":
    sys.exit(main())
