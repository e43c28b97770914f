"""Raises models with raise_tool and compares them with the originals, bit for bit, in ONNX Runtime."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import defs

Feed = dict[str, Any]
NEWEST = 26  # the newest opset that ONNX Runtime 1.31 loads

ort.set_default_logger_severity(4)


@dataclass
class Case:
    """A model, given as such or by its path, with the inputs to run it on. `expected` stands for the outputs
    of a model that ONNX Runtime cannot run: it is of a newer opset and means the same."""

    name: str
    model: onnx.ModelProto | Path
    feeds: Sequence[Feed] | None = None  # None: made from the inputs' types
    expected: Case | None = None
    may_be_invalid: bool = False  # then it is compared only if ONNX Runtime takes it
    is_broken: bool = False  # then it is only raised


@dataclass
class Report:
    counts: Counter[str] = field(default_factory=Counter)
    refusals: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list)
    missing_kernels: set[str] = field(default_factory=set)
    equal_steps: set[tuple[str, int]] = field(default_factory=set)  # that a bit-equal raise went over

    def fault(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        self.faults.append(f"{kind}: {what}")

    def summary(self) -> str:
        lines = [f"{count:7} {kind}" for kind, count in sorted(self.counts.items())]
        for reason, names in sorted(self.refusals.items()):
            lines.append(f"    refused {len(names)}: {reason} (e.g. {names[0]})")
        if self.missing_kernels:
            lines.append("    kernels that ONNX Runtime lacks: " + ", ".join(sorted(self.missing_kernels)))
        return "\n".join(lines)


class Tool:
    """raise_tool as a process that answers line by line; started again if it dies."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.start()

    def start(self) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([self.program, "batch"], stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def raise_file(self, target: int, source: Path, result: Path) -> str:
        assert self.process.stdin and self.process.stdout
        result.unlink(missing_ok=True)
        self.process.stdin.write(f"{target}\t{source}\t{result}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if not answer:
            status = self.process.wait()
            self.start()
            return f"crashed: raise_tool ended with status {status}"
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(net: ort.InferenceSession, feed: Feed) -> list[Any]:
    names = {value.name for value in net.get_inputs()}
    return net.run(None, {name: value for name, value in feed.items() if name in names})


def bits(value: Any) -> Any:
    """What two equal values have equal."""
    if isinstance(value, list):
        return [bits(element) for element in value]
    if isinstance(value, dict):
        return {key: bits(element) for key, element in value.items()}
    if isinstance(value, np.ndarray):
        content = value.tolist() if value.dtype == object else value.tobytes()
        return (str(value.dtype), value.shape, content)
    return value


def distance(a: list[Any], b: list[Any]) -> str:
    for left, right in zip(a, b):
        if bits(left) == bits(right):
            continue
        if not isinstance(left, np.ndarray) or left.shape != right.shape or left.dtype != right.dtype:
            return f"{getattr(left, 'dtype', type(left))}{getattr(left, 'shape', '')} and " \
                   f"{getattr(right, 'dtype', type(right))}{getattr(right, 'shape', '')}"
        if left.dtype.kind in "fiub":
            with np.errstate(all="ignore"):
                return f"by {np.nanmax(np.abs(left.astype('f8') - right.astype('f8')))}"
    return "in values"


@cache
def versions() -> dict[str, list[int]]:
    """Every version of every operator of ONNX's own domain."""
    table: dict[str, set[int]] = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "":
            table.setdefault(schema.name, set()).add(schema.since_version)
    return {name: sorted(found) for name, found in table.items()}


def operators(graph: Any) -> set[str]:
    """Of a graph or a function, and of the bodies in it."""
    found = set()
    for node in graph.node:
        if node.domain in ("", "ai.onnx"):
            found.add(node.op_type)
        for attribute in node.attribute:
            for body in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                found |= operators(body)
    return found


def steps_between(model: onnx.ModelProto, target: int) -> set[tuple[str, int]]:
    """The operators of the model that change on the way to `target`, each with the version it gets."""
    found = operators(model.graph).union(*(operators(function) for function in model.functions))
    opset = opset_of(model)
    return {
        (op, version)
        for op in found
        for version in versions().get(op, ())
        if opset < version <= target and version != versions()[op][0]
    }


def opset_of(model: onnx.ModelProto) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    return versions[0] if versions else 0


NUMPY = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    **{f"tensor({sign}int{width})": f"{sign}int{width}" for sign in ("", "u") for width in (8, 16, 32, 64)},
}


def random_feed(net: ort.InferenceSession, size: int, limit: int, stretch: bool) -> Feed:
    rng = np.random.default_rng(0)
    feed: Feed = {}
    for value in net.get_inputs():
        shape = [
            dim if isinstance(dim, int) and dim > 0 else 1 if axis == 0 and not stretch else size
            for axis, dim in enumerate(value.shape)
        ]
        dtype = np.dtype(NUMPY[value.type])
        if value.name == "sr":  # a sample rate
            feed[value.name] = np.full(shape, 16000, dtype)
        elif dtype.kind == "f":
            feed[value.name] = np.asarray(rng.standard_normal(shape), dtype)
        else:
            feed[value.name] = rng.integers(0, 2 if dtype.kind == "b" else limit, shape).astype(dtype)
    return feed


def workable_feed(net: ort.InferenceSession) -> Feed | None:
    """Random inputs of the first size that the model accepts."""
    if any(value.type not in NUMPY for value in net.get_inputs()):
        return None
    image = any(len(value.shape) == 4 for value in net.get_inputs())
    for limit in (100, 2):
        for stretch in (False, True):
            for size in (224, 64, 32, 576) if image else (16, 64, 224, 576, 1600, 16000):
                feed = random_feed(net, size, limit, stretch)
                try:
                    run(net, feed)
                except Exception:
                    continue
                return feed
    return None


class Comparison:
    """Compares cases with what they are raised to; the report holds what came out."""

    def __init__(self, tool: Tool, targets: Iterable[int], check: bool = True) -> None:
        self.tool, self.targets, self.check = tool, tuple(targets), check
        self.report = Report()
        self.folder = tempfile.TemporaryDirectory()
        self.source, self.result = (Path(self.folder.name) / name for name in ("in.onnx", "out.onnx"))

    def reference(self, case: Case, path: Path) -> tuple[list[Feed], list[list[Any]]] | None:
        """The inputs and the outputs to compare with; None if nothing can tell what is right."""
        try:
            net = session(path)
            feeds = list(case.feeds) if case.feeds is not None else [workable_feed(net)]
            if feeds == [None]:
                return None
            first = [run(net, feed) for feed in feeds]
            again = [run(net, feed) for feed in feeds]
            if bits(first) != bits(again):  # random numbers from a seed: the same in every new session
                net = session(path)
                again = [run(net, feed) for feed in feeds]
        except Exception:
            if case.expected is None or case.feeds is None:
                return None
            expected = Path(self.folder.name) / "expected.onnx"
            onnx.save(case.expected.model, expected)
            net = session(expected)
            feeds = list(case.feeds)
            first = again = [run(net, feed) for feed in case.expected.feeds or ()]
        return (feeds, first) if bits(first) == bits(again) else None

    def compare(self, case: Case) -> None:
        counts = self.report.counts
        counts["cases"] += 1
        if isinstance(case.model, Path):
            path, model = case.model, onnx.load(case.model, load_external_data=False)
        else:
            path, model = self.source, case.model
            onnx.save(model, path)
        opset = opset_of(model)
        targets = [target for target in self.targets if target > opset]
        if not targets:
            counts["of a higher opset already"] += 1
            return
        if case.is_broken:
            self.raise_broken(case, path, targets[-1])
            return
        reference = self.reference(case, path)
        if reference is None:
            counts["without a reference (ONNX Runtime cannot run it, or differs from run to run)"] += 1
            targets = targets[-1:] if case.may_be_invalid else targets
        for target in targets:
            self.compare_one(case, model, path, target, reference)

    def raise_broken(self, case: Case, path: Path, target: int) -> None:
        answer = self.tool.raise_file(target, path, self.result)
        kind = answer.split(":")[0]
        self.report.counts[f"broken models {kind}"] += 1
        if kind not in ("raised", "refused", "failed"):
            self.report.fault("CRASHES", f"{case.name}: {answer}")

    def compare_one(
        self, case: Case, model: onnx.ModelProto, path: Path, target: int,
        reference: tuple[list[Feed], list[list[Any]]] | None,
    ) -> None:
        what = f"{case.name} from {opset_of(model)} to {target}"
        counts = self.report.counts
        counts["raises"] += 1
        answer = self.tool.raise_file(target, path, self.result)
        if answer.startswith("refused: "):
            counts["raises refused"] += 1
            reason = answer.split(" cannot be raised to ", 1)[-1].split(": ", 1)[-1].split("; ")[0]
            self.report.refusals[f"{answer.split(': ')[3].split(' of ')[0]}: {reason}"].append(what)
            return
        if answer != "raised":
            self.report.fault("RAISE FAILED", f"{what}: {answer}")
            return
        if self.check and not self.passes_checker(path, what):
            return
        if reference is None or target > NEWEST:
            counts["raises raised, not compared"] += 1
            return
        feeds, outputs = reference
        try:
            net = session(self.result)
            raised = [run(net, feed) for feed in feeds]
        except Exception as error:
            if "NOT_IMPLEMENTED" in str(error):
                counts["raises raised, but ONNX Runtime has no kernel of the newer version"] += 1
                self.report.missing_kernels.add(str(error).split("implementation for ")[-1].split(" node")[0])
            else:
                self.report.fault("DOES NOT RUN", f"{what}: {str(error).splitlines()[0][:300]}")
            return
        for left, right in zip(outputs, raised):
            if bits(left) != bits(right):
                self.report.fault("DIFFERS", f"{what}: {distance(left, right)}")
                return
        counts["raises bit-equal"] += 1
        self.report.equal_steps |= steps_between(model, target)

    def passes_checker(self, path: Path, what: str) -> bool:
        try:
            onnx.checker.check_model(str(path))
        except Exception:
            return True  # what was wrong before may stay wrong
        try:
            onnx.checker.check_model(str(self.result))
        except Exception as error:
            self.report.fault("CHECKER", f"{what}: {str(error).splitlines()[0][:300]}")
            return False
        return True
