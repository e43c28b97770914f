"""What the table says of a node: what table_test.py reads, asked of any node instead of one-node models.

It shares nothing with qprep: not the marches' files, and not the reading of sizes.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from facts import Node, Unknown, product, within
from probes import CLAUSES, GIGA
from rules import RULES, Limit, four_axes
from table_test import LETTERS, MARCHES, TABLE, resolved

# A row that says one of these names the number of axes, or has no limit.
RANKED = re.compile(r"4-D|\d dims\b|\brank\b|CHW|\dd:|no limit|->|feature x weight|batch=1|fused into prev Conv$")
# Rows whose precisions another table says.
OF_MODULES = ("Conv", "ConvTranspose", "Gemm", "MatMul", "GridSample", "Div")


@dataclass
class Verdict:
    asked: int = 0  # limits
    broken: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)  # what the model does not tell

    def take(self, limits: Iterable[Limit]) -> None:
        try:
            for what, holds in limits:
                self.asked += 1
                try:
                    if not holds():
                        self.broken.append(what)
                except Unknown:
                    self.open.append(what)
                except IndexError:
                    self.broken.append(f"{what}: it has no such axis")
        except Unknown:  # what the limits themselves depend on
            self.open.append("its shape")
        except IndexError:
            self.broken.append("it has not the axes for it")


class Row:
    def __init__(self, march: str, op: str, table: dict[str, dict[str, str]]) -> None:
        self.march, self.op = march, op
        self.letter = table[op][LETTERS[march]]
        raw = table[op][f"{MARCHES[march]}_constraint"]
        self.text = resolved(raw, march, op, table) if self.letter == "B" else ""
        self.gone = raw in ("constant-folded", "removed")
        self.fused = raw in ("only fused into prev Conv", "fused into prev Conv")
        self.manual = "CPU by default" in self.text or raw.startswith("split to")
        self.becomes = re.match(r"-> (\w+)", raw)
        self.rules = list(self.read())

    def read(self) -> Iterator[tuple[str, re.Match[str]]]:
        """The rules of its clauses, in their order."""
        rest = self.text
        for pattern, make in CLAUSES:
            while match := re.search(pattern, rest):
                rest = rest[:match.start()] + " ~ " + rest[match.end():]
                yield make.__qualname__.split(".")[0], match

    def takes_int16(self) -> bool:
        if self.march == "bernoulli2" or "int8 only" in self.text:
            return False
        return "int16" in self.text or "no limit" in self.text or self.op in OF_MODULES


class Table:
    """Of one march."""

    def __init__(self, march: str) -> None:
        with TABLE.open() as file:
            table = {row["op"]: row for row in csv.DictReader(file, delimiter="\t")}
        self.march = march
        self.rows = {op: Row(march, op, table) for op in table}

    def may_run(self, op: str) -> bool:
        return op in self.rows and self.rows[op].letter == "B"

    def of(self, node: Node) -> Verdict:
        """What of the limits the node breaks; an operator that the BPU does not run breaks one."""
        verdict = Verdict()
        row = self.rows.get(node.op)
        if row is None or row.letter != "B":
            verdict.asked = 1
            verdict.broken.append(f"{node.op} is '{row.letter if row else 'no row'}'")
            return verdict
        if row.gone:
            return verdict
        if row.fused and not node.fused:
            verdict.broken.append("it is fused with nothing")
        for name, match in row.rules:
            verdict.take(RULES[name](node, match))
        verdict.take(self.general(row, node))
        verdict.take(precisions(row, node))
        return verdict

    def general(self, row: Row, node: Node) -> Iterator[Limit]:
        """What holds for tensors, unless a row says otherwise."""
        if not RANKED.search(row.text):
            yield from four_axes(node)
        if node.op == "Gemm" and self.march != "bernoulli2":
            yield "weight as of Conv", lambda: within(node.input(1).shape, 1, 8192)
        if node.op == "LSTM" or node.x.rank != 4:
            return
        if self.march == "bernoulli2":
            yield "batch <= 128", lambda: within(node.x.shape[:1], 0, 128)
            return
        yield "N <= 4096", lambda: within(node.x.shape[:1], 0, 4096)
        yield "C,H,W in [1,65536]", lambda: within(node.x.shape[1:], 1, 65536)
        yield "at most 1 G", lambda: product(node.x.shape) <= GIGA


def precisions(row: Row, node: Node) -> Iterator[Limit]:
    if not row.takes_int16() and not row.becomes:  # what it becomes says that of itself
        data = [*node.inputs[:1], *node.outputs[:1]]
        yield "int8", lambda: not any(each and each.precision == "qint16" for each in data)
