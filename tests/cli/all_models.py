"""Puts every real model of the shared folder through `qprep prepare` and checks what is written.

    python tests/cli/all_models.py QPREP [--quick] [--part I/N] [--spellings] [--only TEXT]

For each model and each configuration below, every model that is written must pass ONNX's checker where the input did,
load and run in ONNX Runtime where the input did, with outputs of the same types and no NaN of its own. In the QAT
model no FakeQuantize may stand inside a unit, and none be missing between two (walker.py). With float weights and
without samples the outputs must be the input's, to 1e-5 of the largest (with `rewrite: modern`, whose
operators round elsewhere, or to what ONNX Runtime's own optimisation of the input model changes; with a march, whose
replacements do, to 1e-4), and the framework's own to 1e-4 where
these are stored. The samples are random, so the accuracy of the
others says nothing and is only shown (-v).

Exit status 1 if a model fails. Skips (status 77) where the shared folder is absent.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(ROOT / "tests/opset"))

from harness import bits, run, session, workable_feed  # noqa: E402
from walker import faults as walker_faults  # noqa: E402

SKIPPED = 77
TOLERANCE = 1e-5
OF_FRAMEWORK = 1e-4  # absolute, relative above 1
QUICK_BYTES = 300_000
QUICK_SPELLINGS = 100  # every so many-th one
# Of the two rewrites of each method.
QUICK_METHODS = (("jit", "modern"), ("symbolic", "keep"), ("eager", "modern"))
MARCHES = sorted(path.stem for path in (ROOT / "configs/march").glob("*.yaml"))
QUICK_MARCHES = ("bernoulli2", "bayes-e", "nash-e", "tensorrt", "snpe")
# Those that say how a model is quantised.
PROFILES = [name for name in MARCHES if re.search(r"^quantise:", (ROOT / f"configs/march/{name}.yaml").read_text(), re.M)]
QUICK_PROFILES = ("openvino", "pplw8a16", "snpe")  # without signs, of 16 bits, and with a narrow range


@dataclass
class Setup:
    """A configuration, and the models that it makes."""

    name: str
    text: str | None
    models: tuple[str, ...]
    exact: bool = False
    tolerance: float = TOLERANCE  # of the largest
    replaces: bool = False  # or what ONNX Runtime's own optimisation of the input model changes
    calibrated: bool = False
    walks: bool = True
    quick: bool = True  # part of --quick
    places_like: str = ""  # the setup whose FakeQuantize nodes it must have, no more and no fewer


SETUPS = [
    Setup("default", None, ("qat",)),
    Setup("modern", "rewrite: modern\n", ("qat",), places_like="default"),
    Setup("float weights", "weights: {dtype: float}\n", ("qat",), exact=True),
    Setup("float weights, modern", "rewrite: modern\nweights: {dtype: float}\n", ("qat",), exact=True, replaces=True),
    *(
        Setup(
            f"float weights, {method}, {rewrite}",
            f"method: {method}\nrewrite: {rewrite}\nweights: {{dtype: float}}\n",
            ("qat",),
            exact=True,
            replaces=rewrite == "modern",
            walks=False,
            quick=(method, rewrite) in QUICK_METHODS,
        )
        for method in ("jit", "symbolic", "eager")
        for rewrite in ("keep", "modern")
    ),
    *(
        Setup(
            f"float weights, {march}",
            f"march: {march}\nweights: {{dtype: float}}\n",
            ("qat",),
            exact=True,
            tolerance=OF_FRAMEWORK,
            walks=False,
            quick=march in QUICK_MARCHES,
        )
        for march in MARCHES
    ),
    *(
        Setup(
            f"qdq, {march}",
            f"march: {march}\noutput: {{form: both, dialect: qdq}}\n",
            ("qat", "calibrated", "fixed"),
            calibrated=True,
            walks=False,
            quick=march in QUICK_PROFILES,
        )
        for march in PROFILES
    ),
    Setup("function", "output: {form: both}\n", ("qat", "calibrated", "fixed"), calibrated=True),
    Setup("qdq", "output: {form: both, dialect: qdq}\n", ("qat", "calibrated", "fixed"), calibrated=True),
    Setup(
        "int16",
        "output: {form: both, dialect: qdq}\nactivations: {dtype: qint16}\n",
        ("qat", "calibrated", "fixed"),
        calibrated=True,
    ),
    Setup(
        "int16 weights, tail too",
        "method: jit\noutput: {form: both, dialect: qdq}\nweights: {dtype: qint16}\n",
        ("qat", "calibrated", "fixed"),
        calibrated=True,
    ),
    Setup(
        "scales for channels",
        "method: jit\noutput: {form: both, dialect: qdq}\nactivations: {per_channel: true}\n",
        ("qat", "calibrated", "fixed"),
        calibrated=True,
        walks=False,
    ),
    Setup(
        "templates",
        "output: {form: both}\nweights: {per_channel: false}\nactivations: {observer: moving_average}\n"
        "qconfig_setter:\n"
        "  - module_type: {Relu: {threshold: 6.0, optional: true}, Sigmoid: {output: {scale: 0.0078125}, optional: true}}\n"
        "  - gemm_int8_qat\n",
        ("qat", "calibrated", "fixed"),
        calibrated=True,
    ),
]


@dataclass
class Input:
    """What the input model does itself."""

    path: Path
    checks: bool = False
    loads: bool = False
    feed: dict | None = None
    outputs: list | None = None  # None: it does not run, or not twice the same
    why_not: str = ""
    framework: dict | None = None  # what the framework that it was exported from made of the feed, where that is stored


@dataclass
class Tally:
    runs: int = 0
    compared: int = 0
    worst: float = 0.0
    with_framework: int = 0
    notes: collections.Counter = field(default_factory=collections.Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, model: Path, setup: Setup, what: str) -> None:
        self.faults.append(f"{model.parent.name}/{model.name} [{setup.name}]: {what}")
        print("FAULT", self.faults[-1], flush=True)


def checks(path: Path) -> str:
    """What ONNX's checker says; empty if nothing."""
    try:
        onnx.checker.check_model(str(path))
    except Exception as error:
        return str(error).strip().splitlines()[0]
    return ""


def stored_feed(path: Path, names: set[str]) -> dict | None:
    stored = path.with_suffix(".npz")
    if not stored.exists():
        return None
    with np.load(stored, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if name in names}


def look_at(path: Path) -> Input:
    model = Input(path, checks=not checks(path))
    try:
        net = session(path)
    except Exception as error:
        model.why_not = str(error).splitlines()[0]
        return model
    model.loads = True
    model.feed = stored_feed(path, {value.name for value in net.get_inputs()}) or workable_feed(net)
    if model.feed is None:
        return model
    model.framework = stored_feed(path, {value.name for value in net.get_outputs()})
    outputs = run(net, model.feed)
    if bits(outputs) == bits(run(net, model.feed)):
        model.outputs = outputs
    return model


def numbers_of_maps(value: object) -> object:
    """What ZipMap makes, a list of maps from classes to scores, as an array where all maps have the same classes."""
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        return value
    classes = list(value[0])
    if any(list(each) != classes for each in value):
        return value
    return np.array([[each[name] for name in classes] for each in value], dtype="f8")


def relative_distance(expected: list, found: list) -> float:
    """The largest difference over the largest value of each output, inf where types or shapes differ."""
    worst = 0.0
    for a, b in zip(map(numbers_of_maps, expected), map(numbers_of_maps, found), strict=True):
        if not isinstance(a, np.ndarray) or a.dtype.kind not in "fiub":
            if bits(a) != bits(b):
                return float("inf")
            continue
        if a.dtype != b.dtype or a.shape != b.shape:
            return float("inf")
        a, b = a.astype("f8"), b.astype("f8")
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        if same.all():
            continue
        difference = np.where(same, 0, np.abs(a - b))
        scale = np.abs(a[np.isfinite(a)]).max(initial=0.0)
        worst = max(worst, float(difference.max() / scale) if scale else float("inf"))
    return worst


def same_kind(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.ndim == b.ndim
    return type(a) is type(b)


def has_new_nan(a: object, b: object) -> bool:
    """Given: same_kind(a, b)."""
    if not isinstance(a, np.ndarray) or a.dtype.kind != "f" or a.shape != b.shape:
        return False
    return bool((np.isnan(b) & ~np.isnan(a)).any())


def write_samples(feed: dict, folder: Path) -> None:
    inputs = []
    for position, (name, array) in enumerate(feed.items()):
        (folder / str(position)).mkdir(parents=True)
        for index in range(2):
            np.save(folder / str(position) / f"{index:04d}.npy", array)
        inputs.append({"name": name, "folder": str(position), "dtype": str(array.dtype), "shape": list(array.shape)})
    (folder / "index.json").write_text(json.dumps({"count": 2, "inputs": inputs}))


class Checker:
    def __init__(self, qprep: str, verbose: bool) -> None:
        self.qprep, self.verbose, self.tally = qprep, verbose, Tally()
        self.folder = tempfile.TemporaryDirectory(prefix="qprep_models_")
        self.work = Path(self.folder.name)
        self.places: dict[str, dict[str, list[str]]] = {}  # by setup: of the model at hand

    def noise(self, model: Input) -> float:
        """How far the input model's outputs are from its own when ONNX Runtime optimises it: its rounding, made larger."""
        options = ort.SessionOptions()
        options.log_severity_level = 3
        net = ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
        return relative_distance(model.outputs, net.run(None, model.feed))

    def check_framework(self, model: Input, setup: Setup, kind: str, found: dict) -> None:
        for name, expected in (model.framework or {}).items():
            mine = found[name]
            self.tally.with_framework += 1
            if expected.dtype.kind not in "fiub" or mine.shape != expected.shape:
                continue
            a, b = expected.astype("f8"), mine.astype("f8")
            with np.errstate(invalid="ignore"):
                near = np.abs(a - b) <= OF_FRAMEWORK * np.maximum(1, np.abs(a))
            if not (near | (a == b) | (np.isnan(a) & np.isnan(b))).all():
                self.tally.fault(model.path, setup, f"{kind}: '{name}' is not what the framework made")

    def prepare(self, model: Path, setup: Setup, samples: Path, out: Path) -> subprocess.CompletedProcess:
        arguments = [self.qprep, "prepare", str(model), "-o", str(out), "--json", "-q"]
        # What auto tries and measures besides is tried once.
        method = "auto" if setup.name == "qdq" else "mse, bias_correction: true"
        calibration = f"calibration: {{data: {samples}, method: {method}}}\n"
        text = (setup.text or "") + (calibration if setup.calibrated else "")
        if text:
            config = self.work / "config.yaml"
            config.write_text(text)
            arguments += ["-c", str(config)]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=600)

    def check(self, path: Path) -> None:
        model = look_at(path)
        self.places.clear()
        samples = self.work / "samples"
        shutil.rmtree(samples, ignore_errors=True)
        if model.feed is not None and model.outputs is not None:
            write_samples(model.feed, samples)
        for setup in SETUPS:
            if setup.calibrated and not samples.exists():
                self.tally.notes["no samples for it"] += 1
                continue
            self.tally.runs += 1
            try:
                self.check_setup(model, setup, samples)
            except Exception as error:
                self.tally.fault(path, setup, f"{type(error).__name__}: {str(error).strip().splitlines()[0]}")

    def check_setup(self, model: Input, setup: Setup, samples: Path) -> None:
        out = self.work / "out"
        shutil.rmtree(out, ignore_errors=True)
        result = self.prepare(model.path, setup, samples, out)
        if result.returncode != 0:
            said = (result.stderr.strip().splitlines() or ["nothing"])[0]
            if "symbolic" in setup.name and said.endswith("[data-control-flow]"):
                self.tally.notes[f"control flow that depends on data, refused: {model.path.name} [{setup.name}]"] += 1
                return
            self.tally.fault(model.path, setup, f"exit status {result.returncode}: {said}")
            return
        answer = json.loads(result.stdout)
        written = {Path(file["path"]).name: Path(file["path"]) for file in answer["files"]}
        for kind in setup.models:
            self.check_model(model, setup, kind, written.pop(f"{model.path.stem}_{kind}.onnx"))
        json.loads(written["model_check_result.json"].read_text())
        config = self.work / "config.yaml" if setup.text or setup.calibrated else None
        self.check_places(model, setup, out / f"{model.path.stem}_qat.onnx")
        qat = out / f"{model.path.stem}_qat.onnx"
        for fault in walker_faults(self.qprep, model.path, config, qat) if setup.walks else ():
            self.tally.fault(model.path, setup, f"qat: {fault}")
        if sum(answer["quantised"]["weights"].values()) + sum(answer["quantised"]["activations"].values()) == 0:
            self.tally.notes[f"nothing quantised [{setup.name}]"] += 1

    def check_places(self, model: Input, setup: Setup, written: Path) -> None:
        """What is quantised, and how, is the same as in the setup that it must be like."""
        if setup.name not in ("default", "modern"):
            return
        nodes = onnx.load(written, load_external_data=False).graph.node
        self.places[setup.name] = {
            node.input[0]: sorted(str(each) for each in node.attribute) for node in nodes if node.op_type == "FakeQuantize"
        }
        if setup.places_like and setup.places_like in self.places:
            usual, found = self.places[setup.places_like], self.places[setup.name]
            for tensor in sorted(usual.keys() ^ found.keys()):
                self.tally.fault(model.path, setup, f"'{tensor}' is quantised in one of {setup.places_like} and this alone")
            if any(usual[tensor] != found[tensor] for tensor in usual.keys() & found.keys()):
                self.tally.fault(model.path, setup, f"tensors are quantised in another way than in {setup.places_like}")

    def check_model(self, model: Input, setup: Setup, kind: str, path: Path) -> None:
        said = checks(path)
        if said and model.checks:
            self.tally.fault(model.path, setup, f"{kind}: the checker says: {said}")
        if not model.loads:
            return
        try:
            net = session(path)
        except Exception as error:
            self.tally.fault(model.path, setup, f"{kind}: ONNX Runtime says: {str(error).splitlines()[0]}")
            return
        if model.outputs is None:
            return
        found = run(net, model.feed)
        if len(found) != len(model.outputs) or not all(map(same_kind, model.outputs, found)):
            self.tally.fault(model.path, setup, f"{kind}: the outputs are of other types")
            return
        if any(map(has_new_nan, model.outputs, found)):
            self.tally.fault(model.path, setup, f"{kind}: an output is NaN where the input's is not")
        distance = relative_distance(model.outputs, found)
        if setup.exact:
            self.tally.compared += 1
            self.check_framework(model, setup, kind, {value.name: each for value, each in zip(net.get_outputs(), found)})
            self.tally.worst = max(self.tally.worst, distance)
            if distance > setup.tolerance and setup.replaces and distance <= self.noise(model):
                self.tally.notes[f"within what ONNX Runtime's own optimisation changes: {model.path.name}"] += 1
            elif distance > setup.tolerance:
                self.tally.fault(model.path, setup, f"{kind}: the outputs differ by {distance:.2g} of the largest")
        if self.verbose:
            print(f"{model.path.stem:40} {setup.name:14} {kind:11} {distance:.3g}", flush=True)


def real_models(quick: bool) -> list[Path]:
    folder = SHARED / "models"
    paths = [path for path in sorted(folder.rglob("*.onnx")) if path.parent.name != "spellings"]
    return [path for path in paths if not quick or path.stat().st_size < QUICK_BYTES]


def spellings(quick: bool) -> list[Path]:
    paths = sorted((SHARED / "models/spellings").glob("*.onnx"))
    return paths[::QUICK_SPELLINGS] if quick else paths


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep")
    parser.add_argument("--quick", action="store_true", help="small models, some of the spellings and of the marches")
    parser.add_argument("--spellings", action="store_true", help="the spellings instead of the real models")
    parser.add_argument("--part", default="1/1", metavar="I/N", help="every N-th model, from the I-th on")
    parser.add_argument("--only", default="", metavar="TEXT", help="models whose names hold TEXT")
    parser.add_argument("--setup", default="", metavar="RE", help="configurations whose names match RE")
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    if not (SHARED / "models").is_dir():
        print(f"skipped: there are no models at {SHARED / 'models'}")
        return SKIPPED
    paths = [] if arguments.spellings else real_models(arguments.quick)
    if arguments.spellings or arguments.quick:
        paths += spellings(arguments.quick)
    chosen = [setup for setup in SETUPS if setup.quick or not arguments.quick]
    SETUPS[:] = [setup for setup in chosen if re.search(arguments.setup, setup.name)]
    part, parts = map(int, arguments.part.split("/"))
    paths = paths[part - 1 :: parts]
    checker = Checker(arguments.qprep, arguments.verbose)
    paths = [path for path in paths if arguments.only in str(path)]
    for path in paths:
        checker.check(path)
    tally = checker.tally
    print(f"{len(paths)} models, {tally.runs} runs, {tally.compared} compared, the farthest by {tally.worst:.2g}")
    print(f"{tally.with_framework} outputs compared with the framework's own")
    for note, count in sorted(tally.notes.items()):
        print(f"  {count:5} {note}")
    print(f"{len(tally.faults)} faults")
    return 1 if tally.faults or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
