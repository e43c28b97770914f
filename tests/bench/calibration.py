"""What calibration costs beside bare inference of the same samples: rows for docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
    (ROOT / "testdata/models/digits.onnx", 640),
    (SHARED / "cls_squeezenet_fp32.onnx", 64),
    (SHARED / "cls_cifar_resnet56_op13.onnx", 64),
    (SHARED / "cls_vww96_mbv1_025.onnx", 64),
    (SHARED / "det_yolox_nano_0.onnx", 64),
    (SHARED / "cls_cifar_vit_ibp_3_3_8.onnx", 640),
    (SHARED / "vad_silero_v6_16k_op15.onnx", 640),
    (SHARED / "seg_sinet.onnx", 64),
    (SHARED / "sr_supres_core_x3.onnx", 64),
)
BATCH = 8
# A process of its own, whose peak memory can be seen: onnxruntime.quantization's ranges of the same samples.
PEER = """
import sys
import numpy as np
from pathlib import Path
from onnxruntime.quantization.calibrate import CalibrationDataReader, CalibrationMethod, create_calibrator

class Samples(CalibrationDataReader):
    def __init__(self, folder):
        self.folders = {name: Path(folder) / str(i) for i, name in enumerate(sys.argv[4].split(","))}
        self.files = iter(sorted(each.name for each in next(iter(self.folders.values())).iterdir()))
    def get_next(self):
        file = next(self.files, None)
        return file and {name: np.load(folder / file) for name, folder in self.folders.items()}

method = getattr(CalibrationMethod, sys.argv[3])
calibrator = create_calibrator(sys.argv[1], augmented_model_path=sys.argv[2] + "/augmented.onnx", calibrate_method=method)
calibrator.collect_data(Samples(sys.argv[2]))
calibrator.compute_data()
"""


@dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float
    megabytes: float = 0


def session(model: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


DTYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}
# What the VAD takes for its sampling rate and its states.
FIXED = {"sr": np.array(16000, np.int64), "state": np.zeros((2, 1, 128), np.float32)}
SIZES = {"input": (1, 576)}


def make_samples(model: Path, count: int, folder: Path) -> list[dict[str, np.ndarray]]:
    """Random floats for each input; a size that the model leaves open is 1."""
    random = np.random.default_rng(0)
    ports = session(model, 1).get_inputs()
    is_vad = "silero" in model.stem

    def tensor(port: ort.NodeArg) -> np.ndarray:
        if is_vad and port.name in FIXED:
            return FIXED[port.name]
        shape = [s if isinstance(s, int) else 1 for s in port.shape]
        return random.standard_normal(SIZES.get(port.name, shape) if is_vad else shape).astype(DTYPES[port.type])

    samples = [{port.name: tensor(port) for port in ports} for _ in range(count)]
    entries = []
    for number, port in enumerate(ports):
        place = folder / str(number)
        place.mkdir(parents=True)
        for index, sample in enumerate(samples):
            np.save(place / f"{index:04d}.npy", sample[port.name])
        entries.append({"name": port.name, "folder": place.name})
    (folder / "index.json").write_text(json.dumps({"inputs": entries}))
    return samples


def bare(model: Path, samples: list[dict[str, np.ndarray]], threads: int) -> Cost:
    """Of loading the model and running every sample."""
    cpu, wall = time.process_time(), time.perf_counter()
    net = session(model, threads)
    for sample in samples:
        net.run(None, sample)
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def run(command: list[str | Path]) -> Cost | None:
    """None: it failed."""
    wall = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return None
    return Cost(time.perf_counter() - wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def commands(qprep: Path, model: Path, folder: Path, inputs: list[str]) -> dict[str, list[str | Path]]:
    alone = "compare: false"
    keys = {"min_max": f"min_max, {alone}", "mse": f"mse, {alone}", "batch": f"mse, {alone}, batch: {BATCH}", "compared": "mse"}
    for name, said in keys.items():
        (folder / f"{name}.yaml").write_text(f"calibration: {{data: ., method: {said}}}\n")
    prepare = [qprep, "prepare", model, "-q", "-o", folder / "out", "-c"]
    peer = [sys.executable, "-c", PEER, model, folder]
    return {
        "min_max": [*prepare, folder / "min_max.yaml"],
        "mse": [*prepare, folder / "mse.yaml"],
        f"mse, batch {BATCH}": [*prepare, folder / "batch.yaml"],
        "mse, compared": [*prepare, folder / "compared.yaml"],
        "calibrate": [qprep, "calibrate", model, "-q", "-o", folder / "all.qcal", "-c", folder / "mse.yaml"],
        "ort MinMax": [*peer, "MinMax", ",".join(inputs)],
        "ort Percentile": [*peer, "Percentile", ",".join(inputs)],
    }


def rows(qprep: Path, work: Path, pairs: int) -> Iterator[str]:
    names = ["min_max", "mse", f"mse, batch {BATCH}", "mse, compared", "calibrate", "ort MinMax", "ort Percentile"]
    yield f"| model, samples | bare, wall s | {' | '.join(names)} |"
    yield "|---|---|" + "---|" * len(names)
    for model, count in MODELS:
        if not model.exists():
            continue
        folder = work / f"samples-{model.stem}"
        samples = make_samples(model, count, folder)
        programs = commands(qprep, model, folder, list(samples[0]))
        alone, measured = [], {name: [] for name in names}
        for _ in range(pairs):
            alone.append(bare(model, samples, os.cpu_count() or 1))
            for name, command in programs.items():
                measured[name].append((alone[-1], run(command)))
        cells = []
        for name in names:
            done = [(one, whole) for one, whole in measured[name] if whole]
            if len(done) < pairs:
                cells.append("fails")
                continue
            wall = median(whole.wall / one.wall for one, whole in done)
            cpu = median(whole.cpu / one.cpu for one, whole in done)
            cells.append(f"{wall:.2f} / {cpu:.2f} / {max(whole.megabytes for _, whole in done):.0f}")
        yield f"| {model.stem}, {count} | {median(one.wall for one in alone):.3f} | {' | '.join(cells)} |"
