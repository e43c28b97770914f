"""Runs rewrites on models with rewrite_tool and compares the outputs in ONNX Runtime."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "opset"))
from harness import Case, Feed, bits, run, session, workable_feed  # noqa: E402

REWRITES = ("inline-functions", "drop-identity", "replace-einsum", "fold-constants", "fold-batch-norm")
TOLERANCE = 1e-5  # of the output's greatest magnitude
# ONNX Runtime computes float16 in float32 and rounds where the type leaves its sight: elsewhere in another graph.
TOLERANCE_FLOAT16 = 2.0**-10


class Tool:
    """rewrite_tool as a process that answers line by line."""

    def __init__(self, program: str) -> None:
        self.process = subprocess.Popen(
            [program, "batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def rewrite(self, passes: tuple[str, ...], source: Path, result: Path) -> list[str]:
        """["done", seconds, nodes before, nodes after] or ["failed: ..."]."""
        assert self.process.stdin and self.process.stdout
        result.unlink(missing_ok=True)
        self.process.stdin.write(f"{','.join(passes)}\t{source}\t{result}\n")
        self.process.stdin.flush()
        return (self.process.stdout.readline().rstrip("\n") or "failed: rewrite_tool died").split("\t")


def difference(left: Any, right: Any) -> float:
    """The greatest difference, by the greatest magnitude of what it should be and in units of TOLERANCE; infinite
    where they are no numbers, or differ in kind."""
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)) and len(left) == len(right):
        return max((difference(a, b) for a, b in zip(left, right)), default=0.0)
    if bits(left) == bits(right):
        return 0.0
    if not isinstance(left, np.ndarray) or not isinstance(right, np.ndarray):
        return np.inf
    if left.shape != right.shape or left.dtype != right.dtype or left.dtype.kind not in "fiub":
        return np.inf
    a, b = left.astype(np.float64), right.astype(np.float64)
    finite = np.isfinite(a)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(b[finite]).all():
        return np.inf
    scale = float(np.max(np.abs(a[finite]), initial=0.0))
    greatest = float(np.max(np.abs(a - b)[finite], initial=0.0))
    tolerance = TOLERANCE_FLOAT16 if left.dtype == np.float16 else TOLERANCE
    return greatest / (scale or 1.0) / tolerance


def of_two(net: Any, feed: Feed) -> Feed | None:
    """The inputs twice along first axes that have no fixed size, if the model takes that."""
    wider = dict(feed)
    for value in net.get_inputs():
        if value.name in feed and value.shape and not isinstance(value.shape[0], int):
            wider[value.name] = np.concatenate([feed[value.name], feed[value.name][::-1]])
    if all(wider[name] is feed[name] for name in feed):
        return None
    try:
        run(net, wider)
    except Exception:
        return None
    return wider


def interface(model: onnx.ModelProto) -> Any:
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    return [[value.SerializeToString(deterministic=True) for value in values] for values in (inputs, model.graph.output)]


@dataclass
class Comparison:
    tool: Tool
    passes: tuple[str, ...] = REWRITES
    seeds: int = 1
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    worst: list[tuple[float, str]] = field(default_factory=list)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    folder: Any = field(default_factory=tempfile.TemporaryDirectory)

    def fault(self, kind: str, what: str) -> None:
        self.counts[kind] += 1
        self.faults.append(f"{kind}: {what}")

    def compare(self, case: Case) -> None:
        self.counts["models"] += 1
        source, result = (Path(self.folder.name) / name for name in ("in.onnx", "out.onnx"))
        if isinstance(case.model, Path):
            source = case.model
        else:
            onnx.save(case.model, source)
        # Every prefix of the pipeline: rewrite_tool verifies after each pass.
        answer = self.tool.rewrite(self.passes, source, result)
        if answer[0] != "done":
            self.fault("REWRITE FAILED", f"{case.name}: {answer[0]}")
            return
        self.counts["nodes before"] += int(answer[2])
        self.counts["nodes after"] += int(answer[3])
        self.slowest.append((float(answer[1]), case.name))
        before = onnx.load(source, load_external_data=False)
        after = onnx.load(result, load_external_data=False)
        if interface(before) != interface(after):
            self.fault("SIGNATURE", case.name)
        self.check(case.name, source, result)
        self.run(case, source, result)

    def check(self, name: str, source: Path, result: Path) -> None:
        try:
            onnx.checker.check_model(str(source))
        except Exception:
            return  # what was wrong before may stay wrong
        try:
            onnx.checker.check_model(str(result))
        except Exception as error:
            self.fault("CHECKER", f"{name}: {str(error).splitlines()[0][:300]}")

    def run(self, case: Case, source: Path, result: Path) -> None:
        try:
            reference = session(source)
            feeds: list[Feed | None] = list(case.feeds) if case.feeds is not None else [workable_feed(reference)]
            if None in feeds:
                raise ValueError("no inputs are known to work")
            feeds += [wider for wider in (of_two(reference, feeds[0]),) if wider is not None]
            expected = [run(reference, feed) for feed in feeds]
        except Exception:
            self.counts["not compared (ONNX Runtime does not run the original)"] += 1
            return
        if any(bits(run(reference, feed)) != bits(outputs) for feed, outputs in zip(feeds, expected)):
            self.counts["not compared (the original differs from run to run)"] += 1
            return
        try:
            rewritten = session(result)
            found = [run(rewritten, feed) for feed in feeds]
        except Exception as error:
            self.fault("DOES NOT RUN", f"{case.name}: {str(error).splitlines()[0][:300]}")
            return
        error = max((difference(left, right) for left, right in zip(expected, found)), default=0.0)
        self.counts["compared"] += 1
        self.counts["of these bit-equal"] += error == 0
        self.worst.append((error, case.name))
        if not error <= 1:
            self.fault("DIFFERS", f"{case.name} by {error:.3g} times the tolerance")

    def summary(self) -> str:
        lines = [f"{count:7} {kind}" for kind, count in sorted(self.counts.items())]
        lines += [f"        by {error:.4f} of the tolerance: {name}" for error, name in sorted(self.worst, reverse=True)[:5]]
        lines += [f"        {seconds:.3f} s: {name}" for seconds, name in sorted(self.slowest, reverse=True)[:3]]
        return "\n".join(lines + self.faults)
