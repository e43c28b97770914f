"""What calibration costs beside bare inference of the same samples: rows for docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime as ort

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared")) / "models"
MODELS = (
    ROOT / "testdata/models/digits.onnx",
    SHARED / "cls_squeezenet_fp32.onnx",
    SHARED / "cls_cifar_resnet56_op13.onnx",
    SHARED / "cls_vww96_mbv1_025.onnx",
    SHARED / "det_yolox_nano_0.onnx",
    SHARED / "seg_sinet.onnx",
    SHARED / "sr_supres_core_x3.onnx",
)
COUNT = 64


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float


def session(model: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def make_samples(model: Path, folder: Path) -> list[dict[str, np.ndarray]]:
    """Random floats for each input; a size that the model leaves open is 1."""
    random = np.random.default_rng(0)
    ports = session(model, 1).get_inputs()
    samples = [
        {p.name: random.standard_normal([s if isinstance(s, int) else 1 for s in p.shape], np.float32) for p in ports}
        for _ in range(COUNT)
    ]
    entries = []
    for number, port in enumerate(ports):
        place = folder / str(number)
        place.mkdir(parents=True)
        for index, sample in enumerate(samples):
            np.save(place / f"{index:04d}.npy", sample[port.name])
        entries.append({"name": port.name, "folder": place.name, "dtype": "float32", "shape": list(port.shape)})
    (folder / "index.json").write_text(json.dumps({"count": COUNT, "inputs": entries}))
    return samples


def bare(model: Path, samples: list[dict[str, np.ndarray]], threads: int) -> Cost:
    """Of loading the model and running every sample."""
    cpu, wall = time.process_time(), time.perf_counter()
    net = session(model, threads)
    for sample in samples:
        net.run(None, sample)
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def run(command: list[str | Path]) -> Cost:
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seconds, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(seconds, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def rows(qprep: Path, work: Path, pairs: int) -> Iterator[str]:
    yield "| model | bare, CPU s | bare, wall s | prepare, CPU s | prepare, wall s | CPU factor | wall factor |"
    yield "|---|---|---|---|---|---|---|"
    for model in MODELS:
        if not model.exists():
            continue
        folder = work / f"samples-{model.stem}"
        samples = make_samples(model, folder)
        (folder / "qprep.yaml").write_text("version: 1\ncalibration: {data: ., method: min_max}\n")
        command: list[str | Path] = [qprep, "prepare", model, "-q", "-o", folder / "out", "-c", folder / "qprep.yaml"]
        measured = [(bare(model, samples, os.cpu_count() or 1), run(command)) for _ in range(pairs)]
        alone = Cost(median(b.wall for b, _ in measured), median(b.cpu for b, _ in measured))
        whole = Cost(median(w.wall for _, w in measured), median(w.cpu for _, w in measured))
        cpu_factor = median(w.cpu / b.cpu for b, w in measured)
        wall_factor = median(w.wall / b.wall for b, w in measured)
        yield (
            f"| {model.stem} | {alone.cpu:.3f} | {alone.wall:.3f} | {whole.cpu:.3f} | {whole.wall:.3f} "
            f"| {cpu_factor:.2f} | {wall_factor:.2f} |"
        )
