"""Measures what a conversion costs beside `cp` of the same file, and writes the tables of docs/benchmarks.md.

    python tests/bench/cost.py QPREP [--work DIR] [--pairs N] [--only NAME...] [--write docs/benchmarks.md]

Each pair runs `cp` and `qprep` one after the other on the same model, with the file in the page cache and all
earlier writes on the disk; the ratio is the median over the pairs. Peak anonymous memory is RssAnon of
/proc/PID/status, polled every two milliseconds. Needs some 30 GB in the work folder (default: the temporary
folder), which it leaves as it was.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

import calibration
import checking
import fusing
import models
import selecting
from documents import replace_section

MB, GB = 10**6, 10**9


@dataclass(frozen=True)
class Run:
    seconds: float
    anonymous: int  # bytes, the highest that was seen


def anonymous_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def run(command: list[str | Path]) -> Run:
    os.sync()
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = 0
    while True:
        peak = max(peak, anonymous_bytes(process.pid))
        try:
            process.wait(0.002)
            break
        except subprocess.TimeoutExpired:
            continue
    seconds = time.perf_counter() - start
    if process.returncode:
        assert process.stderr
        raise SystemExit(f"{' '.join(map(str, command))} failed: {process.stderr.read().strip()}")
    return Run(seconds, peak)


@contextmanager
def empty(folder: Path) -> Iterator[Path]:
    """The folder, new before and gone after."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def files_of(model: Path) -> list[Path]:
    return [path for path in (model, Path(f"{model}.data")) if path.exists()]


def read_once(files: list[Path]) -> None:
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass


def pair(model: Path, work: Path, command: Callable[[Path], list[str | Path]]) -> tuple[Run, Run]:
    """`cp` and `command(output folder)`, each into an empty folder."""
    read_once(files_of(model))
    with empty(work / "out") as out:
        copied = run(["cp", *files_of(model), out])
    with empty(work / "out") as out:
        converted = run(command(out))
    return copied, converted


@dataclass(frozen=True)
class Payload:
    name: str
    size: int
    kind: str = "gemm"
    external: bool = False


PAYLOADS = (
    Payload("100 MB", 100 * MB),
    Payload("100 MB, batch norm to fold", 100 * MB, "conv-bn"),
    Payload("1.5 GB", 1500 * MB),
    Payload("1.5 GB, batch norm to fold", 1500 * MB, "conv-bn"),
    Payload("8 GB, external data", 8 * GB, "gemm", True),
)


def payload_rows(qprep: Path, work: Path, pairs: int) -> Iterator[str]:
    yield "| model | verb | cp, s | qprep, s | ratio (median of pairs) | peak anonymous MB |"
    yield "|---|---|---|---|---|---|"
    for payload in PAYLOADS:
        with empty(work / "model") as folder:
            model = folder / "model.onnx"
            models.make_weights(model, payload.size, payload.kind, payload.external)
            verbs: dict[str, Callable[[Path], list[str | Path]]] = {
                "prepare": lambda out: [qprep, "prepare", model, "-q", "-o", out],
                "copy": lambda out: [qprep, "copy", model, out / "model.onnx", "-q"],
            }
            for verb, command in verbs.items():
                runs = [pair(model, work, command) for _ in range(pairs)]
                ratio = median(converted.seconds / copied.seconds for copied, converted in runs)
                yield (
                    f"| {payload.name} | {verb} | {median(r.seconds for r, _ in runs):.2f} "
                    f"| {median(r.seconds for _, r in runs):.2f} | {ratio:.2f} "
                    f"| {max(r.anonymous for _, r in runs) / MB:.0f} |"
                )


NODES = (1_000, 3_000, 10_000, 30_000, 100_000)


def node_rows(qprep: Path, work: Path, pairs: int) -> Iterator[str]:
    yield "| nodes | cp, s | prepare, s | microseconds a node | peak anonymous MB |"
    yield "|---|---|---|---|---|"
    seconds: list[float] = []
    for count in NODES:
        with empty(work / "model") as folder:
            model = folder / "model.onnx"
            models.make_nodes(model, count)
            runs = [pair(model, work, lambda out: [qprep, "prepare", model, "-q", "-o", out]) for _ in range(pairs)]
        seconds.append(median(r.seconds for _, r in runs))
        yield (
            f"| {count:,} | {median(r.seconds for r, _ in runs):.3f} | {seconds[-1]:.3f} "
            f"| {seconds[-1] / count * 1e6:.1f} | {max(r.anonymous for _, r in runs) / MB:.0f} |"
        )
    large = [i for i, count in enumerate(NODES) if count >= 10_000]
    slope = np.polyfit(np.log([NODES[i] for i in large]), np.log([seconds[i] for i in large]), 1)[0]
    whole = np.polyfit(np.log(NODES), np.log(seconds), 1)[0]
    yield ""
    yield f"Exponent: {slope:.2f} from {NODES[large[0]]:,} nodes on, {whole:.2f} over all."


def machine() -> str:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    assert memory
    compiler = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    return (
        f"{os.cpu_count()} cores ({cpu[1] if cpu else platform.machine()}), "
        f"{int(memory[1]) / 1024**2:.0f} GB of memory, Linux {platform.release().split('-')[0]}, g++ {compiler}"
    )


def disk(work: Path) -> str:
    """The file system under `work`, and how fast its disk takes a gigabyte that must be on it."""
    kind = subprocess.run(["findmnt", "-no", "FSTYPE", "-T", work], capture_output=True, text=True, check=True).stdout.strip()
    block = np.random.default_rng(0).bytes(16 * MB)
    path = work / "speed"
    start = time.perf_counter()
    with path.open("wb") as file:
        for _ in range(GB // len(block)):
            file.write(block)
        os.fsync(file.fileno())
    speed = GB / (time.perf_counter() - start) / MB
    path.unlink()
    return f"{kind}, {speed:.0f} MB/s to the disk"


SECTIONS: dict[str, Callable[[Path, Path, int], Iterator[str]]] = {
    "payload": payload_rows,
    "nodes": node_rows,
    "calibration": calibration.rows,
    "selectors": selecting.rows,
    "fusing": fusing.rows,
    "checking": checking.rows,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep", type=Path)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=list(SECTIONS))
    parser.add_argument("--write", type=Path, help="the document whose marked sections are replaced")
    args = parser.parse_args()
    qprep = args.qprep.resolve(strict=True)
    with tempfile.TemporaryDirectory(dir=args.work, prefix="qprep-bench-") as name:
        work = Path(name)
        sections = {"machine": [f"{machine()}; {disk(work)}."]}
        print(*sections["machine"], flush=True)
        for section in args.only:
            sections[section] = []
            for line in SECTIONS[section](qprep, work, args.pairs):
                sections[section].append(line)
                print(line, flush=True)
    for section, lines in sections.items() if args.write else ():
        replace_section(args.write, section, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
