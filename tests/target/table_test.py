"""The rows of the marches against the table they were made from: each cell's letter, and for each number of each
constraint a node just inside and one just outside, whose reason names the number.

    python tests/target/table_test.py TARGET_TOOL [CONFIGS]

The table is read here by a reader of its own, CLAUSES, which knows nothing of the marches' files; a text with a clause
or a number that no probe covers fails. Skips (status 77) where the shared folder is absent.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
from probes import CLAUSES, GENERAL, Cell, Probe, base_of

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
TABLE = SHARED / "reference" / "bpu_ops.tsv"
SKIPPED = 77
MARCHES = {"bernoulli2": "X3", "bayes": "ULTRA", "bayes-e": "X5"}
LETTERS = {"bernoulli2": "X3_BERNOULLI2", "bayes": "ULTRA_BAYES", "bayes-e": "X5_BAYES_E"}
LETTER_OF = {"bpu": "B", "manual": "B", "fused": "B", "gone": "B", "cpu": "C", "nowhere": "N", "unlisted": "?"}
# Numbers of a text that count axes or name something, and limit nothing.
NAMES = re.compile(r"opset\d+|int\d+(/\d+)*|\b[23]d\b|1CHW|NC11|1C11|1CHW|1111|2,3 \(pytorch|8W4C|32C|ceil256")


class Tool:
    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = tempfile.TemporaryDirectory()

    def ask(self, *fields: str) -> list[dict[str, Any]]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("\t".join(fields) + "\n")
        self.process.stdin.flush()
        answers = []
        while (line := self.process.stdout.readline().strip()):
            if line.startswith("failed"):
                raise RuntimeError(f"{fields}: {line}")
            answers.append(json.loads(line))
        return answers

    def judge(self, march: str, model: onnx.ModelProto, op: str, situation: str) -> dict[str, Any]:
        path = Path(self.folder.name) / "node.onnx"
        onnx.save(model, path)
        return next(each for each in self.ask(march, str(path), situation) if each["op"] == op)


@dataclass
class Report:
    letters: int = 0
    probes: int = 0
    faults: list[str] = field(default_factory=list)

    def check(self, holds: bool, what: str) -> None:
        if not holds:
            self.faults.append(what)


def resolved(text: str, march: str, op: str, table: dict[str, dict[str, str]]) -> str:
    """The text with what it says by reference put in."""
    def of(other: str, column: str) -> str:
        return resolved(table[other][f"{column}_constraint"], march, other, table)

    column = MARCHES[march]
    text = re.sub(r"\bas X3\b", lambda _: of(op, "X3"), text)
    text = re.sub(r"\bas Ultra but (H\*W<=512\*512)", lambda m: re.sub(r"H\*W<=720\*1024", m[1], of(op, "ULTRA")), text)
    text = re.sub(r"\bshapes as Mul( \(const allowed\))?", lambda m: "; ".join(
        each for each in of("Mul", column).split("; ") if not (m[1] and "const" in each) and "int16" not in each), text)
    if "feature maps" in text:  # and so no constant
        text = re.sub(r"at most 1 const input; ", "", text)
    return re.sub(r"^as (Add|Reshape|Equal|Max)\b", lambda m: of(m[1], column), text)


def probes_of(cell: Cell, report: Report) -> Iterator[Probe]:
    """Those of each clause; a clause that no pattern knows is a fault."""
    rest = cell.text
    for pattern, make in CLAUSES:
        while (match := re.search(pattern, rest)):
            rest = rest[:match.start()] + " ~ " + rest[match.end():]
            yield from make(cell, match)
    left = re.sub(r"[~;,\s.]", "", rest)
    report.check(not left, f"{cell.march} {cell.op}: no probe reads '{left}' of '{cell.text}'")


def run_probe(tool: Tool, cell: Cell, probe: Probe, report: Report) -> None:
    report.probes += 1
    where = f"{cell.march} {cell.op} ({probe.what})"
    if probe.inside is not None:
        verdict = tool.judge(cell.march, probe.inside, cell.op, probe.situation)
        report.check(verdict["verdict"] == "holds", f"{where}: refused inside: {verdict['reasons']}")
    if probe.outside is not None:
        verdict = tool.judge(cell.march, probe.outside, cell.op, probe.situation)
        report.check(verdict["verdict"] == "broken", f"{where}: {verdict['verdict']} outside: {verdict['reasons']}")
        said = any(re.search(rf"(?<![\w.]){re.escape(probe.names)}(?!\d)", reason) for reason in verdict["reasons"])
        report.check(said, f"{where}: no reason names {probe.names}: {verdict['reasons']}")


def check_row(cell: Cell, row: dict[str, Any], report: Report) -> None:
    """What a text says of the row as a whole."""
    text, where = cell.raw, f"{cell.march} {cell.op}"
    runs = "bpu"
    if "CPU by default" in cell.text or text.startswith("split to"):
        runs = "manual"
    if text in ("constant-folded", "removed"):
        runs = "gone"
    if text in ("only fused into prev Conv", "fused into prev Conv"):
        runs = "fused"
    report.check(row["runs"] == runs, f"{where}: runs {row['runs']}, not {runs}")
    if re.search(r"int16 (ok|in)\b", cell.text):
        report.check("int16" in row["input"], f"{where}: no int16 input")
    if "int16 ok" in cell.text and cell.op not in ("ArgMax", "ArgMin"):
        report.check("int16" in row["output"], f"{where}: no int16 output")
    if "int8 only" in text or cell.march == "bernoulli2":
        report.check("int16" not in row["input"] + row["output"], f"{where}: takes int16")
    becomes = re.search(r"-> (Conv|Reshape)|split to (\w+)\+(\w+)", text)
    if becomes:
        wanted = [each for each in becomes.groups() if each]
        report.check(row["becomes"] == wanted, f"{where}: becomes {row['becomes']}, not {wanted}")


def check_cell(tool: Tool, cell: Cell, row: dict[str, Any], report: Report) -> None:
    check_row(cell, row, report)
    if row["runs"] == "gone":
        return
    fused = "fused=yes" if row["runs"] == "fused" else ""
    base = base_of(cell)
    verdict = tool.judge(cell.march, base, cell.op, f"last=no add=no output=int8 {fused}")
    report.check(verdict["verdict"] == "holds", f"{cell.march} {cell.op}: a plain node is refused: {verdict['reasons']}")
    if fused:
        verdict = tool.judge(cell.march, base, cell.op, "fused=no")
        report.check(verdict["verdict"] == "broken", f"{cell.march} {cell.op}: stands alone")
        return
    covered: set[int] = set()
    for probe in probes_of(cell, report):
        covered |= probe.covers
        run_probe(tool, cell, probe, report)
    numbers = {int(each) for each in re.findall(r"\d+", NAMES.sub(" ", cell.text))}
    report.check(numbers <= covered, f"{cell.march} {cell.op}: no probe for {sorted(numbers - covered)} of '{cell.text}'")


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    if not TABLE.exists():
        print(f"skipped: {TABLE} is not there (QPREP_SHARED names the shared folder)")
        return SKIPPED
    with TABLE.open() as file:
        table = {row["op"]: row for row in csv.DictReader(file, delimiter="\t")}
    tool, report = Tool(*sys.argv[1:]), Report()
    for march, column in MARCHES.items():
        rows = {row["op"]: row for row in tool.ask(march, "", "")}
        report.check(set(rows) == set(table), f"{march}: rows that differ: {sorted(set(rows) ^ set(table))}")
        for op, line in table.items():
            report.letters += 1
            letter, raw = line[LETTERS[march]], line[f"{column}_constraint"]
            report.check(LETTER_OF[rows[op]["runs"]] == letter, f"{march} {op}: {rows[op]['runs']}, not {letter}")
            if letter == "B":
                text = resolved(raw, march, op, table)
                check_cell(tool, Cell(march, op, raw, text), rows[op], report)
        for op, probe in GENERAL[march]():
            run_probe(tool, Cell(march, op, "", ""), probe, report)
    print("\n".join(report.faults))
    print(f"{report.letters} cells, {report.probes} probes, {len(report.faults)} faults")
    return 1 if report.faults or report.letters != 480 else 0


if __name__ == "__main__":
    sys.exit(main())
