"""Ends qprep at random moments and fills its disk: a target must be the old file or the new one, always whole.

    python tests/kill/kill_test.py QPREP [--kills 300] [--megabytes 30] [--seed 0]

Kills fall evenly over `qprep copy` of one file, `qprep copy` with external data, and `qprep prepare`. After each, what
stands at the targets is byte for byte what was there before or what a whole run writes, and an external file that
a model names holds that model's data; a model whose data are outside may also be gone. Only temporary files may be left by kill -9, and nothing by SIGINT, SIGTERM or
a full disk. A `qprep prepare` that calibrates is ended by SIGINT and SIGTERM, too: folders that it made are gone unless they hold results.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import models  # noqa: E402

TEMPORARY = re.compile(r"\..*\.\d+-\d+\.tmp")
CONFIG = "version: 1\noutput: {prefix: model}\n"


class Fault(Exception):
    """qprep did what it must not do."""


def digest(path: Path) -> str:
    """Of the file; of a model with external data, of what it says and of the data, wherever they are."""
    content = path.read_bytes()
    if path.suffix != ".onnx":
        return hashlib.sha256(content).hexdigest()
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise Fault(f"{path.name} does not load: {error}") from error
    external = [tensor for tensor in model.graph.initializer if tensor.external_data]
    if not external:
        return hashlib.sha256(content).hexdigest()
    result = hashlib.sha256()
    for tensor in external:
        result.update(external_bytes(path, tensor))
        del tensor.external_data[:]
    result.update(model.SerializeToString(deterministic=True))
    return result.hexdigest()


def external_bytes(model: Path, tensor: onnx.TensorProto) -> bytes:
    place = {entry.key: entry.value for entry in tensor.external_data}
    path, length = model.parent / place["location"], int(place["length"])
    if not path.exists():
        raise Fault(f"{model.name} names {path.name}, which is not there")
    with path.open("rb") as file:
        file.seek(int(place.get("offset", 0)))
        data = file.read(length)
    if len(data) != length:
        raise Fault(f"{model.name}: the data of {tensor.name} are cut short")
    return data


def digests(folder: Path) -> dict[str, str]:
    """Of all that a user sees; a model's external data count with the model."""
    paths = sorted(path for path in folder.iterdir() if not TEMPORARY.fullmatch(path.name))
    return {path.name: digest(path) for path in paths if path.suffix != ".data"}


@dataclass
class Case:
    """A verb that turns either of two models into the same targets."""

    name: str
    command: Callable[[Path, Path], list[str | Path]]  # of a model and the folder of the targets
    sources: tuple[Path, Path]
    external: bool = False  # so that the data and the model are two files
    whole: tuple[dict[str, str], dict[str, str]] = ({}, {})
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)

    def measure(self, folder: Path) -> None:
        """What a whole run writes of either model, and how long it takes."""
        found = []
        for source in self.sources:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            start = time.perf_counter()
            subprocess.run(self.command(source, folder), check=True, stdout=subprocess.DEVNULL)
            self.seconds = max(self.seconds, time.perf_counter() - start)
            found.append(digests(folder))
        self.whole = (found[0], found[1])
        if self.whole[0] == self.whole[1]:
            raise Fault(f"{self.name}: both models give the same files")

    def interrupt(self, which: int, folder: Path, after: float, how: signal.Signals) -> None:
        before = digests(folder)
        process = subprocess.Popen(
            self.command(self.sources[which], folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(after)
        process.send_signal(how)
        status = process.wait()
        if status not in (0, -how):
            raise Fault(f"{self.name}: exit status {status} after {how.name}")
        self.check(before, self.whole[which], folder)
        now = digests(folder)
        self.counts["new" if now == self.whole[which] else "old" if now == before else "some of each"] += 1
        litter = [path for path in folder.iterdir() if TEMPORARY.fullmatch(path.name)]
        if litter and how != signal.SIGKILL:
            raise Fault(f"{self.name}: {how.name} left {litter[0].name}")
        self.counts["left temporary files"] += bool(litter)
        for path in litter:
            path.unlink()

    def check(self, before: dict[str, str], whole: dict[str, str], folder: Path) -> None:
        now = digests(folder)
        for name in sorted(before.keys() | now.keys()):
            if name not in now and self.external and name.endswith(".onnx"):
                self.counts["no model"] += 1
            elif name not in now:
                raise Fault(f"{self.name}: {name} is gone")
            elif now[name] not in (before.get(name), whole.get(name)):
                raise Fault(f"{self.name}: {name} is neither the old file nor the new one")


def make_cases(qprep: Path, work: Path, size: int) -> list[Case]:
    sources = {}
    for kind in ("gemm", "conv-bn"):
        for external in (False, True):
            (work / f"{kind}-{external}").mkdir()
            sources[kind, external] = work / f"{kind}-{external}" / "model.onnx"
            models.make_weights(sources[kind, external], size, kind, external)
    (work / "qprep.yaml").write_text(CONFIG)

    def copy(model: Path, folder: Path) -> list[str | Path]:
        return [qprep, "copy", model, folder / "model.onnx"]

    def prepare(model: Path, folder: Path) -> list[str | Path]:
        return [qprep, "prepare", model, "-c", work / "qprep.yaml", "-o", folder]

    return [
        Case("copy", copy, (sources["gemm", False], sources["conv-bn", False])),
        Case("copy, external data", copy, (sources["gemm", True], sources["conv-bn", True]), True),
        Case("prepare", prepare, (sources["gemm", False], sources["conv-bn", False])),
        Case("prepare, external data", prepare, (sources["gemm", True], sources["conv-bn", True]), True),
    ]


def interrupt_often(cases: list[Case], work: Path, kills: int, chance: random.Random) -> None:
    for number in range(kills):
        case = cases[number % len(cases)]
        how = chance.choice((signal.SIGINT, signal.SIGTERM)) if number >= kills * 4 // 5 else signal.SIGKILL
        which = number // len(cases) % 2
        case.interrupt(which, work / f"out-{cases.index(case)}", chance.uniform(0, 1.1 * case.seconds), how)


def calibrating(qprep: Path, work: Path) -> tuple[list[str | Path], float]:
    """A command that calibrates, but for the folder, and how long it takes."""
    random = np.random.default_rng(1)
    weight = onnx.numpy_helper.from_array(random.normal(0, 1, (16, 3, 3, 3)).astype(np.float32), "w")
    tensor = lambda name, dims: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "w"], ["y"], "conv")],
        "g", [tensor("x", [1, 3, 96, 96])], [tensor("y", [1, 16, 94, 94])], [weight],
    )  # fmt: skip
    folder = work / "calibrating"
    (folder / "samples").mkdir(parents=True)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), folder / "m.onnx")
    for i in range(200):
        np.save(folder / f"samples/{i:03d}.npy", random.normal(0, 1, (1, 3, 96, 96)).astype(np.float32))
    (folder / "c.yaml").write_text("calibration: {data: samples, method: mse}\n")
    command = [qprep, "prepare", folder / "m.onnx", "-c", folder / "c.yaml", "-o"]
    start = time.perf_counter()
    subprocess.run([*command, work / "calibrated"], check=True, stdout=subprocess.DEVNULL)
    return command, time.perf_counter() - start


def interrupt_calibration(qprep: Path, work: Path, times: int, chance: random.Random) -> str:
    """Folders that the run made are gone, unless there are results in them; one that was there stays."""
    command, seconds = calibrating(qprep, work)
    found = Counter[str]()
    for number in range(times):
        top = work / "made"
        target = work / "was there" if number % 4 == 3 else top / "by" / "qprep"
        (work / "was there").mkdir(exist_ok=True)
        process = subprocess.Popen([*command, target], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, seconds))
        how = chance.choice((signal.SIGINT, signal.SIGTERM))
        process.send_signal(how)
        status = process.wait()
        if status not in (0, -how):
            raise Fault(f"calibrating: exit status {status} after {how.name}")
        if not (work / "was there").is_dir():
            raise Fault("calibrating: a folder that was there is gone")
        results = list(target.iterdir()) if target.exists() else []
        if any(TEMPORARY.fullmatch(path.name) for path in results):
            raise Fault(f"calibrating: {how.name} left a temporary file")
        if top.exists() and not results:
            raise Fault(f"calibrating: {how.name} left an empty folder")
        found["results" if results else "nothing"] += 1
        for folder in (top, work / "was there"):
            shutil.rmtree(folder, ignore_errors=True)
    ends = ", ".join(f"{count} {what}" for what, count in sorted(found.items()))
    return f"prepare with samples: {seconds:.3f} s a run; found {ends}"


def finish(cases: list[Case], work: Path) -> None:
    """A whole run over what the kills left."""
    for number, case in enumerate(cases):
        subprocess.run(case.command(case.sources[0], work / f"out-{number}"), check=True, stdout=subprocess.DEVNULL)
        if digests(work / f"out-{number}") != case.whole[0]:
            raise Fault(f"{case.name}: a run after the kills writes something else")


def expect_failure(case: Case, folder: Path, **limits: object) -> None:
    """The second model does not fit: exit status 1, a sentence, and the folder as it was."""
    before = {path.name: digest(path) for path in folder.iterdir()}
    result = subprocess.run(
        case.command(case.sources[1], folder), check=False, capture_output=True, text=True, **limits
    )
    said = result.stderr.strip()
    if result.returncode != 1 or "error:" not in said or not re.search("No space left|File too large", said):
        raise Fault(f"{case.name}, full disk: exit status {result.returncode}, '{said}'")
    if {path.name: digest(path) for path in folder.iterdir()} != before:
        raise Fault(f"{case.name}, full disk: the folder is not as it was")


def fill_disk(cases: list[Case], work: Path, size: int) -> str:
    """A small file system where we may mount one, and a limit on the size of files in any case."""
    limit = size // 2
    for case in cases:
        folder = work / "small"
        folder.mkdir()
        (folder / "model.onnx").write_bytes(b"")
        expect_failure(
            case, folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        )
        shutil.rmtree(folder)
    disk = work / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size * 4 // 5}", "qprep-test", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        return "a limit on the size of files (mounting a small file system was not allowed)"
    try:
        for case in cases:
            (disk / "folder").mkdir()
            expect_failure(case, disk / "folder")
            shutil.rmtree(disk / "folder")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    return "a limit on the size of files, and a full file system"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep", type=Path)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--megabytes", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    size = args.megabytes * 10**6
    with tempfile.TemporaryDirectory(prefix="qprep-kill-") as name:
        work = Path(name)
        try:
            cases = make_cases(args.qprep.resolve(strict=True), work, size)
            for number, case in enumerate(cases):
                case.measure(work / f"out-{number}")
            interrupt_often(cases, work, args.kills, random.Random(args.seed))
            finish(cases, work)
            filled = fill_disk(cases, work, size)
            calibrated = interrupt_calibration(args.qprep.resolve(), work, max(8, args.kills // 10), random.Random(args.seed))
        except Fault as fault:
            print(fault, file=sys.stderr)
            return 1
    for case in cases:
        ends = ", ".join(f"{count} {what}" for what, count in sorted(case.counts.items()) if count)
        print(f"{case.name}: {case.seconds:.3f} s a run; found {ends}")
    print(calibrated)
    print(f"{args.kills} interruptions and {filled}: nothing was half written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
