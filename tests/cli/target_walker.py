"""Walks what prepare and check decide for a march, and says where it is not what the table and the report's words say.

    python tests/cli/target_walker.py QPREP [MODEL...] [--march M] [--setup RE] [--spellings N] [--quick] [-v]

It shares nothing with the passes: the limits are those of the vendor's table, as tests/target/judge.py reads them;
sizes are ONNX's shape inference over the written model, and what ONNX Runtime makes where the inputs leave nothing
open. Rules:

- what runs on the BPU breaks no limit of its row: every node of a unit, where it stands in it;
- every node on the CPU has a reason of a known kind; one that names a limit has a broken limit;
- segments are connected, numbered in order, and as one vertex each they make no cycle;
- the crossings are the tensors that go from one place to another, with their bytes;
- the same model and configuration give the same bytes again.

Without MODEL, the real models of the shared folder. Exit status 1 with faults; 77 where the shared folder is absent.
"""

from __future__ import annotations

import argparse
import collections
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from written_model import Written

from facts import Node, Tensor, Unknown  # noqa: E402  (the folder is on the path by written_model)
from judge import Table, Verdict  # noqa: E402
from table_test import MARCHES, SHARED, SKIPPED, TABLE  # noqa: E402

QUICK_BYTES = 300_000
SUMS = ("Add", "Sum")
FORMATS = ("QuantizeLinear", "DequantizeLinear", "Quant", "BipolarQuant", "FakeQuantize")  # say how tensors are held
LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum")
WIDTH = {"qint8": 1, "qint16": 2, "bool": 1}
# Why a node may be on the CPU though the table would take it.
OTHER_REASONS = {
    "not quantised": r"passive: .*', which it moves, is not quantised(, and leads to .* on the CPU( first)?)?$",
    "no reader": r"no quantised node reads (it|what it moves)",
    "element type": r"stays float: its elements are |stays float: its element type is unknown",
    "class": r"^(float|integer): ",
    "tail": r"^in the tail: ",
    "head": r"^in the head: ",
    "no data": r"compute(s|d) from shapes, integers and constants alone",
    "leads to shapes": r"its result only leads to shapes",
    "mask": r"of a mask, which would take the whole range",
    "statistic": r"which must not round to zero|of a statistic|squares",
    "numbers": r"it holds NaN or infinity|no scale serves",
    "setting": r"float weights|float activations|asks? for float|says float",
    "quantised": r"^quantised: ",
    "constant": r"^constant that no node on the BPU reads$",
    "last Relu": r"stands at the very end of the graph",
}


@dataclass
class Setup:
    name: str
    text: str
    twice: bool = False  # for the same bytes again


SETUPS = [
    Setup("default", "", twice=True),
    Setup("jit", "method: jit\n"),
    Setup("int16", "method: jit\nactivations: {dtype: qint16}\n"),
    Setup("asked", "method: jit\nqconfig_setter:\n  - module_type: {" + ", ".join(
        f"{op}: {{output: qint8, optional: true}}" for op in ("Softmax", "Min", "Equal", "Greater", "Less")) + "}\n"),
]


@dataclass
class Tally:
    counts: collections.Counter = field(default_factory=collections.Counter)
    kept: collections.Counter = field(default_factory=collections.Counter)  # by operator and reason: the table takes it
    open: collections.Counter = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)


class Walker:
    """Over one written model."""

    def __init__(self, written: Written, table: Table, tally: Tally) -> None:
        self.written, self.table, self.tally = written, table, tally
        self.places = written.places
        self.units = {name: unit for unit in written.told["units"] for name in unit["nodes"]}
        self.verdicts: dict[int, Verdict] = {}  # of a unit, by its first node

    def faults(self, checked: dict[str, Any]) -> Iterator[str]:
        """`checked`: what `check --json` says of the model."""
        yield from self.faults_of_limits(checked["table"])
        yield from self.faults_of_reasons()
        yield from self.faults_of_segments()
        yield from self.faults_of_crossings(checked["crossings"])
        yield from self.faults_of_table(checked["table"])

    # What the table says.

    def faults_of_limits(self, rows: list[dict[str, Any]]) -> Iterator[str]:
        open_ones = {row["name"] for row in rows if row.get("undecided")}
        for i, place in enumerate(self.places):
            if not place.bpu or not self.is_first(i) or place.node.op_type in FORMATS:
                continue
            broken = self.verdict_of_unit(i).broken
            told_open = any(self.places[each].name in open_ones for each in self.members(i))
            self.tally.counts["nodes on the BPU that break a limit, and are said to be undecided"] += bool(
                broken and told_open)
            for what in broken if not told_open else ():
                yield f"'{place.name}' ({self.pattern(i)}) runs on the BPU and breaks: {what}"

    def is_first(self, number: int) -> bool:
        return self.members(number)[0] == number

    def members(self, number: int) -> list[int]:
        unit = self.units.get(self.places[number].name)
        return [self.written.number[name] for name in unit["nodes"]] if unit else [number]

    def pattern(self, number: int) -> str:
        unit = self.units.get(self.places[number].name)
        return unit["pattern"] if unit else self.places[number].op

    def verdict_of_unit(self, number: int) -> Verdict:
        """Of all nodes of the unit; counts what was asked, once."""
        members = self.members(number)
        if members[0] in self.verdicts:
            return self.verdicts[members[0]]
        unit, all_of = self.units.get(self.places[number].name), Verdict()
        self.verdicts[members[0]] = all_of
        composite = unit is not None and unit["kind"] == "composite operator"
        nodes = self.composite(unit["pattern"], members) if composite else self.sequence(members)
        for node in nodes:
            verdict = self.table.of(node)
            all_of.asked += verdict.asked
            all_of.broken += [f"{node.op}: {what}" for what in verdict.broken]
            all_of.open += [f"{node.op}: {what}" for what in verdict.open]
        self.tally.counts["nodes judged"] += len(nodes)
        self.tally.counts["limits evaluated"] += all_of.asked
        self.tally.open.update(all_of.open)
        return all_of

    def composite(self, pattern: str, members: list[int]) -> list[Node]:
        """The operator itself where the table has it, else its parts."""
        if self.table.may_run(pattern):
            return [self.stand_in(pattern, members)]
        kinds = [self.places[each].told["because"]["device"] or "" for each in members]
        return [self.facts(each, members) for each, why in zip(members, kinds)
                if self.places[each].op != "Constant" and not why.startswith("integer:")]

    def stand_in(self, pattern: str, members: list[int]) -> Node:
        inside = {name for each in members for name in self.places[each].node.output}
        entering = [self.written.facts(each) for each in members]
        data = [tensor for node in entering for tensor in node.operands()
                if tensor.name not in inside and not tensor.constant]
        last = self.facts(members[-1], members)
        axes = {node.get("axis") for node in entering if node.get("axis") is not None}
        return Node(pattern, [data[0] if data else Tensor("")], last.outputs, {"axis": axes.pop()} if axes else {},
                    self.written.opset, is_output=last.is_output, output=last.output)

    def facts(self, number: int, members: list[int]) -> Node:
        node = self.written.facts(number)
        made = self.places[members[-1]].told["outputs"]
        dtype = made[0]["dtype"] if made and made[0] else ""
        node.output = {"qint8": "int8", "qint16": "int16"}.get(dtype, "int32")
        node.last = not any(self.places[each].bpu for name in self.places[members[-1]].node.output
                            for each in self.written.readers[name])
        return node

    def sequence(self, members: list[int]) -> list[Node]:
        """A layer and what its kernel does besides; the bias of the layer is part of it."""
        made: list[Node] = []
        for at, number in enumerate(members):
            node = self.facts(number, members)
            node.fused = at > 0
            is_sum = at > 0 and self.places[number].op in SUMS
            if is_sum and self.is_bias(node, made[0]):
                made = [each for each in made if each.op != "Reshape"]  # moves the bias only
                continue
            if is_sum:
                made[0].feeds_add = True
            if at > 0 and node.op == "Max" and self.reads_zeros(node):
                node.op = "Relu"  # as a sequence spells it
            made.append(node)
        return made

    @staticmethod
    def reads_zeros(node: Node) -> bool:
        return any(each.value is not None and not each.value.any() for each in node.operands())

    def is_bias(self, node: Node, layer: Node) -> bool:
        """A constant, with one number for all or one for each output channel of the layer."""
        if layer.op not in LAYERS or not layer.has(1):
            return False
        try:
            weight, group = layer.input(1), layer.get("group", 1)
            channels = {"Conv": lambda: weight.size(0), "ConvTranspose": lambda: weight.size(1) * group,
                        "Gemm": lambda: weight.size(0 if layer.get("transB") else 1)}
            count = channels.get(layer.op, lambda: weight.size(-1))()
        except (Unknown, IndexError):
            return False
        return any(each.value is not None and each.value.size in (1, count) for each in node.operands())

    # Why nodes are on the CPU.

    def faults_of_reasons(self) -> Iterator[str]:
        for i, place in enumerate(self.places):
            why = place.told["because"]["device"]
            if not why:
                yield f"'{place.name}' is on the {place.told['device']} without a reason"
            elif not place.bpu:
                yield from self.faults_of_reason(i, why)

    def faults_of_reason(self, number: int, why: str) -> Iterator[str]:
        place = self.places[number]
        self.tally.counts["nodes on the CPU"] += 1
        kind = next((kind for kind, pattern in OTHER_REASONS.items() if re.search(pattern, why)), "")
        named = re.search(rf"(?<![\w-]){self.table.march}(?![\w-])", why)
        if not kind and not named:
            yield f"'{place.name}' ({place.op}) is on the CPU for a reason of no known kind: {why}"
            return
        verdict = self.verdict_of_unit(number)
        row = self.table.rows.get(place.op)
        if kind:
            yield from self.faults_of_other(number, kind, why)
            if not verdict.broken and row is not None and not row.gone and not row.manual:
                self.tally.kept[(kind, place.op)] += 1
            return
        self.tally.counts["nodes on the CPU by a limit"] += 1
        by_default = "unless it is asked for the BPU" in why
        manual = any(self.table.rows[each].manual for each in map(self.op_of, self.members(number))
                     if each in self.table.rows)
        if by_default and not manual:
            yield f"'{place.name}' ({place.op}) is not on the CPU by default: {why}"
        if not by_default and not verdict.broken and verdict.open:
            self.tally.counts["nodes on the CPU by a limit that depends on sizes unknown here"] += 1
        elif not by_default and not verdict.broken:
            yield f"'{place.name}' ({self.pattern(number)}) breaks no limit of the table: {why}"

    def op_of(self, number: int) -> str:
        return self.places[number].op

    def faults_of_other(self, number: int, kind: str, why: str) -> Iterator[str]:
        place = self.places[number]
        readers = [self.places[each] for name in place.node.output for each in self.written.readers[name]]
        if kind == "tail" and any(self.op_of(each) in LAYERS for each in self.behind(number)):
            yield f"'{place.name}' is in the tail, and a layer follows"
        if kind == "head" and any(self.op_of(each) in LAYERS for each in self.ahead(number)):
            yield f"'{place.name}' is in the head, and a layer precedes"
        if kind == "no reader" and any(self.reads_quantised(reader, place) for reader in readers):
            yield f"'{place.name}' is read by a quantised node: {why}"
        if kind == "not quantised" and self.is_quantised(place.told["inputs"][0]):
            yield f"'{place.name}' moves what is quantised: {why}"

    @staticmethod
    def is_quantised(told: dict[str, Any] | None) -> bool:
        return bool(told) and str(told["dtype"]).startswith("qint")

    def reads_quantised(self, reader: Any, place: Any) -> bool:
        """Whether the reader computes on the BPU with what the place makes, quantised."""
        at = [i for i, name in enumerate(reader.node.input) if name in place.node.output]
        told = reader.told["inputs"]
        return reader.bpu and any(i < len(told) and self.is_quantised(told[i]) for i in at)

    def behind(self, number: int) -> set[int]:
        found, waiting = set(), [number]
        while waiting:
            for name in self.places[waiting.pop()].node.output:
                for each in self.written.readers[name]:
                    if each not in found and self.op_of(each) not in ("Shape", "Size"):
                        found.add(each)
                        waiting.append(each)
        return found

    def ahead(self, number: int) -> set[int]:
        found, waiting = set(), [number]
        while waiting:
            for each in self.written.before(waiting.pop()):
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return found

    # The partition.

    def faults_of_segments(self) -> Iterator[str]:
        segments: dict[int, list[int]] = collections.defaultdict(list)
        for i, place in enumerate(self.places):
            if place.bpu != (place.told["segment"] is not None):
                yield f"'{place.name}' is on the {place.told['device']} in segment {place.told['segment']}"
            elif place.bpu:
                segments[place.told["segment"]].append(i)
        self.tally.counts["segments"] += len(segments)
        yield from self.faults_of_numbers(segments)
        for segment, nodes in segments.items():
            if len({self.places[each].graph for each in nodes}) > 1:
                yield f"id({segment}) has nodes in two graphs"
            if len(self.connected(nodes)) != len(nodes):
                yield f"id({segment}) is not connected"
        for name in self.in_cycles():
            yield f"{name} is in a cycle of segments and nodes on the CPU"

    def faults_of_numbers(self, segments: dict[int, list[int]]) -> Iterator[str]:
        by_graph = sorted(segments, key=lambda each: (self.places[segments[each][0]].graph, segments[each][0]))
        if by_graph != sorted(range(len(segments))):
            yield f"the segments are not numbered in order: {by_graph}"

    def connected(self, nodes: list[int]) -> set[int]:
        own = set(nodes)
        neighbours: dict[int, set[int]] = collections.defaultdict(set)
        for each in nodes:
            for source in self.written.before(each):
                if source in own:
                    neighbours[each].add(source)
                    neighbours[source].add(each)
        found, waiting = {nodes[0]}, [nodes[0]]
        while waiting:
            more = neighbours[waiting.pop()] - found
            found |= more
            waiting += more
        return found

    def in_cycles(self) -> list[str]:
        """The vertices that no order puts behind all that they read."""
        def vertex(number: int) -> str:
            place = self.places[number]
            return place.where if place.bpu else f"'{place.name}'"

        waits: dict[str, set[str]] = collections.defaultdict(set)
        for i in range(len(self.places)):
            waits[vertex(i)] |= {vertex(each) for each in self.written.before(i)} - {vertex(i)}
        while ready := [name for name, others in waits.items() if not others]:
            for name in ready:
                del waits[name]
            for others in waits.values():
                others.difference_update(ready)
        return sorted(waits)

    # What crosses.

    def faults_of_crossings(self, listed: list[dict[str, Any]]) -> Iterator[str]:
        told = {(each["tensor"], each["from"], each["to"]): each for each in listed}
        if len(told) != len(listed):
            yield "a crossing is listed twice"
        expected = self.crossings()
        self.tally.counts["crossings"] += len(expected)
        for key in sorted(expected.keys() - told.keys()):
            yield f"the crossing {key} is not listed"
        for key in sorted(told.keys() - expected.keys()):
            yield f"the crossing {key} is listed, and is none"
        for key in sorted(expected.keys() & told.keys()):
            yield from self.faults_of_crossing(told[key], expected[key])

    def crossings(self) -> dict[tuple[str, str, str], Tensor]:
        found: dict[tuple[str, str, str], Tensor] = {}
        with_data = self.written.reads_data()
        for i, place in enumerate(self.places):
            if not with_data[i] or place.op == "Constant":
                continue
            for name in filter(None, place.node.output):
                for reader in (self.places[each] for each in self.written.readers[name]):
                    if reader.where == place.where:
                        continue
                    at = next(k for k, each in enumerate(reader.node.input) if each == name)
                    said = reader.told["inputs"]
                    tensor = self.written.tensor(name, said[at] if at < len(said) else None)
                    found.setdefault((name, place.where, reader.where), tensor)
        return found

    def faults_of_crossing(self, told: dict[str, Any], tensor: Tensor) -> Iterator[str]:
        where = f"the crossing of '{tensor.name}' from {told['from']} to {told['to']}"
        if tensor.precision and told["dtype"] != tensor.precision:
            yield f"{where} is {told['dtype']}, and is read as {tensor.precision}"
        if tensor.dims is None or None in tensor.dims or told["dtype"] not in (*WIDTH, *NUMPY_NAMES):
            return
        shape = f"[{','.join(map(str, tensor.dims))}]"
        width = WIDTH.get(told["dtype"]) or np.dtype(told["dtype"]).itemsize
        size = int(np.prod(tensor.dims, dtype=object)) * width
        if told["bytes"] is None or told["shape"] != shape:
            self.tally.counts["crossings whose size it does not know"] += told["bytes"] is None
            if told["bytes"] is not None:
                yield f"{where} has the shape {told['shape']}, not {shape}"
        elif told["bytes"] != size:
            yield f"{where} has {told['bytes']} bytes, not {size}"

    def faults_of_table(self, rows: list[dict[str, Any]]) -> Iterator[str]:
        keys = ("name", "device", "segment", "op")
        checked, prepared = ([tuple(map(each.get, keys)) for each in nodes if each["op"] != "Constant"]
                             for nodes in (rows, self.written.told["nodes"]))
        if checked != prepared:
            yield "check and prepare put nodes in different places"


INTEGERS = tuple(f"{sign}int{width}" for sign in ("", "u") for width in (8, 16, 32, 64))
NUMPY_NAMES = ("float32", "float64", "float16", *INTEGERS)


class Runner:
    """Runs qprep on models and walks what it makes. `folder`: to work in."""

    def __init__(self, qprep: str, folder: Path, tally: Tally) -> None:
        self.qprep, self.folder, self.tally = qprep, folder, tally
        self.tables: dict[str, Table] = {}

    def run(self, *arguments: str | Path) -> str:
        command = [self.qprep, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            raise RuntimeError((done.stderr.strip().splitlines() or ["it failed"])[0])
        return done.stdout

    def faults(self, model: Path, march: str, text: str = "", table: str = "", twice: bool = True) -> list[str]:
        """`march`: as a configuration writes it. `table`: the march whose limits hold, if that is another."""
        config = self.folder / "config.yaml"
        config.write_text(f"march: {march}\n{text}")
        said = self.decide(model, config, "first")
        found = list(self.second_run(model, config, said)) if twice else []
        table = table or march
        judge = self.tables.setdefault(table, Table(table))
        walker = Walker(Written(self.folder / "first", model.stem), judge, self.tally)
        self.tally.counts["nodes"] += len(walker.places)
        self.tally.counts["nodes on the BPU"] += sum(place.bpu for place in walker.places)
        return found + list(walker.faults(json.loads(said)["models"][0]))

    def decide(self, model: Path, config: Path, name: str) -> str:
        """Result: what check says; what prepare writes is in the folder of that name."""
        out = self.folder / name
        out.mkdir(exist_ok=True)
        for each in out.iterdir():
            each.unlink()
        self.run("prepare", model, "-c", config, "-o", out, "-q")
        return self.run("check", model, "-c", config, "--json", "-q")

    def second_run(self, model: Path, config: Path, said: str) -> Iterator[str]:
        self.tally.counts["second runs"] += 1
        if self.decide(model, config, "second") != said:
            yield "check --json says something else the second time"
        yield from self.differences(self.folder / "first", self.folder / "second")

    @staticmethod
    def differences(first: Path, second: Path) -> Iterator[str]:
        names = [sorted(each.name for each in folder.iterdir()) for folder in (first, second)]
        if names[0] != names[1]:
            yield f"the files of two runs are {names}"
        for name in names[0]:
            if name in names[1] and (first / name).read_bytes() != (second / name).read_bytes():
                yield f"{name} has other bytes the second time"

    def check(self, model: Path, march: str, setup: Setup, text: str) -> None:
        self.tally.counts["runs"] += 1
        try:
            found = self.faults(model, march, setup.text + text, twice=setup.twice)
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"]
        for fault in found:
            self.tally.faults.append(f"{model.parent.name}/{model.name} [{march}, {setup.name}]: {fault}")
            print("FAULT", self.tally.faults[-1], flush=True)


def real_models(quick: bool) -> list[Path]:
    paths = [path for path in sorted((SHARED / "models").rglob("*.onnx")) if path.parent.name != "spellings"]
    return [path for path in paths if not quick or path.stat().st_size < QUICK_BYTES]


def sizes_of(model: Path) -> str:
    """A configuration's `dims` for what the model's inputs leave open: a batch of 1, other axes as they usually are."""
    graph = onnx.load(model, load_external_data=False).graph
    constants = {each.name for each in graph.initializer}
    sizes: dict[str, int] = {}
    for value in graph.input:
        dims = value.type.tensor_type.shape.dim if value.name not in constants else []
        for axis, dim in enumerate(dims):
            if not dim.HasField("dim_value") or dim.dim_value < 1:
                image = len(dims) == 4 and axis > 1
                sizes[f"{value.name}[{axis}]"] = 1 if axis == 0 else 224 if image else 64
    return f"dims: {json.dumps(sizes)}\n" if sizes else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep")
    parser.add_argument("model", nargs="*", type=Path)
    parser.add_argument("--march", choices=MARCHES)
    parser.add_argument("--setup", default="", metavar="RE", help="configurations whose names match RE")
    parser.add_argument("--spellings", type=int, default=0, metavar="N", help="every N-th of the spellings too")
    parser.add_argument("--quick", action="store_true", help="small models")
    parser.add_argument("--close", action="store_true", help="the models with open sizes again, with sizes")
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    if not TABLE.exists():
        print(f"skipped: {TABLE} is not there (QPREP_SHARED names the shared folder)")
        return SKIPPED
    paths = arguments.model or real_models(arguments.quick)
    if arguments.spellings:
        paths += sorted((SHARED / "models/spellings").glob("*.onnx"))[::arguments.spellings]
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="qprep_target_walker_") as folder:
        runner = Runner(arguments.qprep, Path(folder), tally)
        for path in paths:
            for march in [arguments.march] if arguments.march else MARCHES:
                for setup in (each for each in SETUPS if re.search(arguments.setup, each.name)):
                    runner.check(path, march, setup, "")
                    if arguments.close and (sizes := sizes_of(path)):
                        runner.check(path, march, setup, sizes)
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9} {name}")
    if arguments.verbose:
        for what, count in tally.open.most_common():
            print(f"{count:9} open: {what}")
        for (kind, op), count in tally.kept.most_common():
            print(f"{count:9} on the CPU ({kind}), and the table takes it: {op}")
    print(f"{len(tally.faults)} faults")
    return 1 if tally.faults or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
