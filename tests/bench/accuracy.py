"""Measures what quantisation costs in accuracy, on the labelled tasks beside the checkout, for docs/accuracy.md.

    python tests/bench/accuracy.py QPREP --results DIR [--only NAME...] [--again] [--write docs/accuracy.md]

For each task and each of its float models: 64 calibration samples (`calib.py`), `qprep prepare` with int8, dialect qdq
and form both, then the task on the float, the calibrated and the fixed-point model (evaluate_exactly.py); the calibrated
model of `method: jit`, which quantises the tail too; where that loses more than half a point, the advice of the check
result followed; and with --methods, calibrated models of each method of calibration,
from statistics that are collected once, and of int16 activations. The tasks are those of
../shared/eval (QPREP_SHARED names another place than ../shared); where it is absent, nothing is measured. Results are
kept in DIR as one JSON file a model, samples in DIR/samples. --again prepares anew the models that were measured
already; what a task gives on a model is kept in DIR/values by the model's bytes, so only a model that came out
differently is evaluated once more. A measurement that failed is always repeated.
The Python that runs this needs the tasks' own requirements.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import peers
from documents import replace_section

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
EVAL = SHARED / "eval"
COUNT = 64
DECIBELS = ("PSNR", "SI-SNR")
RECURRENT = ("silero", "gtcrn", "dtln")  # tasks whose models may have states

CONFIG = """version: 1
method: {method}
output: {{prefix: {method}, dialect: qdq, form: both}}
calibration: {{data: {samples}}}
"""
# Calibrated from statistics, with what `auto` does besides.
OBSERVERS = {
    "min_max": "{method: min_max}",
    "percentile": "{method: percentile, percentile: 99.99}",
    "mse": "{method: mse}",
    "kl": "{method: kl}",
    "mse, biases": "{method: mse, bias_correction: true}",
}
WIDE = {
    "int16": "activations: {dtype: qint16}\n",
    "int16, jit": "activations: {dtype: qint16}\nmethod: jit\n",
    "int16, weights too": "activations: {dtype: qint16}\nweights: {dtype: qint16}\n",
}
WEIGHTED = "method: jit\nactivations: {dtype: float}\nqconfig_setter: [{op_class: {gemm_like: {input: qint8}}}]\n"
GOOD = 0.5  # points or dB


@dataclass
class Result:
    task: str
    model: str
    metric: str
    items: int
    float_value: float
    qdq: float | None = None
    fixed: float | None = None
    whole: float | None = None  # qdq of method jit: the tail is quantised too
    seconds: float = 0.0  # of prepare, calibration included
    kilobytes: tuple[float, float] = (0, 0)  # float and fixed-point file
    failure: str = ""
    methods: dict[str, float] = field(default_factory=dict)
    # Following the report's advice: how many of all tensors, in which dtype, and what the task gives then.
    advice: list[dict[str, object]] = field(default_factory=list)
    weighted: float | None = None  # qdq where only what weighted operators read is quantised
    sequences: float | None = None  # qdq calibrated with sequences of steps (sequences.py)

    def loss(self, value: float) -> float:
        """In points of a percent, or in dB."""
        return (self.float_value - value) * (1 if self.metric in DECIBELS else 100)


class Failure(Exception):
    pass


def call(command: list[str | Path]) -> str:
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise Failure(lines[-1] if lines else f"exit status {result.returncode}")
    return result.stdout


def evaluate(task: str, model: Path, folder: Path, *how: str) -> dict[str, object]:
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
    kept = folder / "values" / f"{task}-{digest}{''.join(how)}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        value = call([sys.executable, ROOT / "tests/bench/evaluate_exactly.py", EVAL, task, model, *how])
        kept.write_text(value)
    return json.loads(kept.read_text())


def pairs() -> list[tuple[str, Path]]:
    """Every task with each of its models."""
    text = call([sys.executable, EVAL / "evaluate.py", "--list"])
    rows = [line.split() for line in text.splitlines()]
    return [(row[0], SHARED / "models" / row[1]) for row in rows]


def samples_of(task: str, model: Path, folder: Path) -> Path:
    samples = folder / "samples" / f"{task}-{model.stem}"
    if not (samples / "index.json").exists():
        command = [EVAL / "calib.py", task, samples, "--count", COUNT, "--model", model]
        call([sys.executable, *command])
    return samples


def prepare(qprep: Path, model: Path, samples: Path, method: str, out: Path) -> float:
    """Result: the seconds it took."""
    out.mkdir(parents=True, exist_ok=True)
    config = out / f"{method}.yaml"
    config.write_text(CONFIG.format(method=method, samples=json.dumps(str(samples))))
    start = time.perf_counter()
    call([qprep, "prepare", model, "-c", config, "-o", out, "-q"])
    return time.perf_counter() - start


def measure(qprep: Path, task: str, model: Path, folder: Path) -> Result:
    reference = evaluate(task, model, folder)
    result = Result(task, model.name, str(reference["metric"]), int(reference["n"]), float(reference["value"]))
    out = folder / "models" / f"{task}-{model.stem}"
    samples = samples_of(task, model, folder)
    try:
        result.seconds = prepare(qprep, model, samples, "jit_strip", out)
        fixed = out / "jit_strip_fixed.onnx"
        result.kilobytes = (model.stat().st_size / 1000, fixed.stat().st_size / 1000)
        result.qdq = float(evaluate(task, out / "jit_strip_calibrated.onnx", folder)["value"])
        result.fixed = float(evaluate(task, fixed, folder)["value"])
        prepare(qprep, model, samples, "jit", out)
        result.whole = float(evaluate(task, out / "jit_calibrated.onnx", folder)["value"])
    except Failure as failure:
        result.failure = str(failure)
    return result


def prepare_with(qprep: Path, model: Path, out: Path, name: str, config: str, *more: str | Path) -> Path:
    """The calibrated model that a configuration makes, without its other forms."""
    folder = out / name.replace(", ", "_")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "qprep.yaml").write_text(config)
    call([qprep, "prepare", model, "-c", folder / "qprep.yaml", "-o", folder, "-q", *more])
    return folder / f"{model.stem}_calibrated.onnx"


def measure_methods(qprep: Path, result: Result, model: Path, folder: Path) -> None:
    out = folder / "models" / f"{result.task}-{model.stem}"
    samples = json.dumps(str(samples_of(result.task, model, folder)))
    form = "output: {dialect: qdq}\n"
    try:
        (out / "all.yaml").write_text(f"calibration: {{data: {samples}}}\n")
        call([qprep, "calibrate", model, "-c", out / "all.yaml", "-o", out / "all.qcal", "-q"])
        for name, calibration in OBSERVERS.items():
            config = f"{form}calibration: {calibration}\n"
            made = prepare_with(qprep, model, out, name, config, "--stats", out / "all.qcal")
            result.methods[name] = float(evaluate(result.task, made, folder)["value"])
        for name, dtypes in WIDE.items():
            config = f"{form}calibration: {{data: {samples}}}\n{dtypes}"
            made = prepare_with(qprep, model, out, name, config)
            how = ["--as-written"] if "weights" in dtypes else []
            result.methods[name] = float(evaluate(result.task, made, folder, *how)["value"])
    except Failure as failure:
        result.failure = str(failure)


def measure_weighted(qprep: Path, result: Result, model: Path, folder: Path) -> None:
    out = folder / "models" / f"{result.task}-{model.stem}"
    samples = json.dumps(str(samples_of(result.task, model, folder)))
    config = f"output: {{dialect: qdq}}\ncalibration: {{data: {samples}, sensitivity: false}}\n{WEIGHTED}"
    try:
        made = prepare_with(qprep, model, out, "weighted", config)
        result.weighted = float(evaluate(result.task, made, folder)["value"])
    except Failure as failure:
        print(f"{model.name}, weighted operators alone: {failure}", file=sys.stderr)


def measure_advice(qprep: Path, result: Result, model: Path, folder: Path) -> None:
    """Does what the check result advises, and for twice as many tensors as long as the loss is not small."""
    out = folder / "models" / f"{result.task}-{model.stem}"
    samples = json.dumps(str(samples_of(result.task, model, folder)))
    usual = f"output: {{dialect: qdq}}\ncalibration: {{data: {samples}, sensitivity: %s}}\n"
    prepare_with(qprep, model, out, "sensitive", usual % "true")
    folder_of_report = out / "sensitive"
    text = (folder_of_report / "model_check_result.txt").read_text()
    advice = re.search(r"sensitive_op: {table: \S+, topk: (\d+)(, dtype: float)?}", text)
    if not advice:
        return
    rows, dtype = int(advice[1]), "float" if advice[2] else "int16"
    everything = len(json.loads((folder_of_report / "model_check_result.json").read_text())["sensitivity"]["tensors"])
    table = json.dumps(str((folder_of_report / f"{model.stem}_sensitivity.csv").resolve()))
    result.advice = []
    while True:
        raised = f"qconfig_setter: [{{sensitive_op: {{table: {table}, topk: {rows}, dtype: {dtype}}}}}]\n"
        made = prepare_with(qprep, model, out, "advised", usual % "false" + raised)
        value = float(evaluate(result.task, made, folder)["value"])
        result.advice.append({"rows": rows, "all": everything, "dtype": dtype, "value": value})
        if result.loss(value) <= GOOD or rows == everything:
            return
        rows = min(2 * rows, everything)


def measure_sequences(qprep: Path, result: Result, model: Path, folder: Path) -> None:
    """Of recurrent models: with samples of several steps, which method auto runs with the model's own states."""
    samples = folder / "sequences" / f"{result.task}-{model.stem}"
    config = samples / "qprep.yaml"
    if not config.exists():
        made = subprocess.run(
            [sys.executable, ROOT / "tests/bench/sequences.py", result.task, model, samples],
            capture_output=True, text=True, check=False,
        )
        if made.returncode:
            return
    out = folder / "models" / f"{result.task}-{model.stem}"
    try:
        calibrated = prepare_with(qprep, model, out, "sequences", f"output: {{dialect: qdq}}\n{config.read_text()}")
        result.sequences = float(evaluate(result.task, calibrated, folder)["value"])
    except Failure as failure:
        print(f"{model.name}, sequences: {failure}", file=sys.stderr)


def sequence_table(results: list[Result]) -> list[str]:
    lines = ["| model | metric | float | single steps | sequences |", "|---|---|---|---|---|"]
    for r in results:
        if r.sequences is not None and r.qdq is not None:
            lines.append(
                f"| {Path(r.model).stem} | {r.metric} | {r.float_value:.4f} | {r.qdq:.4f} | {r.sequences:.4f} |"
            )
    return lines


def method_table(results: list[Result]) -> list[str]:
    names = [*OBSERVERS, "auto", *WIDE]
    lines = [f"| model | float | {' | '.join(names)} |", "|" + "---|" * (len(names) + 2)]
    for r in results:
        if not r.methods:
            continue
        values = {**r.methods, "auto": r.qdq}
        cells = [f"{values[name]:.4f}" if values.get(name) is not None else "" for name in names]
        lines.append(f"| {Path(r.model).stem} | {r.float_value:.4f} | {' | '.join(cells)} |")
    return lines


def table(results: list[Result]) -> list[str]:
    lines = [
        "| task | model | metric, n | float | qdq | fixed point | loss, qdq | loss, fixed | qdq, jit | size | prepare, s |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        head = f"| {r.task} | {Path(r.model).stem} | {r.metric} {r.items} | {r.float_value:.4f} "
        if r.failure or r.qdq is None or r.fixed is None or r.whole is None:
            lines.append(f"{head}| {r.failure} | | | | | | |")
            continue
        unit = " dB" if r.metric in DECIBELS else ""
        lines.append(
            f"{head}| {r.qdq:.4f} | {r.fixed:.4f} | {r.loss(r.qdq):+.2f}{unit} | {r.loss(r.fixed):+.2f}{unit} "
            f"| {r.whole:.4f} | {r.kilobytes[1] / r.kilobytes[0]:.2f} | {r.seconds:.1f} |"
        )
    return lines


def advice_table(results: list[Result]) -> list[str]:
    lines = ["| model | tensors | loss in int8 | first of them, loss |", "|---|---|---|---|"]
    for r in results:
        if not r.advice or r.qdq is None:
            continue
        unit = " dB" if r.metric in DECIBELS else ""
        steps = "; ".join(
            f"{each['rows']} in {each['dtype']} {r.loss(float(each['value'])):+.2f}{unit}" for each in r.advice
        )
        lines.append(f"| {Path(r.model).stem} | {r.advice[0]['all']} | {r.loss(r.qdq):+.2f}{unit} | {steps} |")
    return lines


def peer_table(results: list[Result]) -> list[str]:
    own = {Path(r.model).stem: (f"{r.metric} {r.items}", r.float_value, r.whole, r.weighted) for r in results}
    return peers.table(EVAL / "PEERS.md", own)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep", type=Path)
    parser.add_argument("--results", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="tasks or model stems")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--methods", action="store_true", help="each method of calibration, too")
    parser.add_argument("--peers", action="store_true", help="what weighted operators read alone, too")
    parser.add_argument("--write", type=Path, help="the document whose marked sections are replaced")
    args = parser.parse_args()
    if not EVAL.is_dir():
        print(f"no tasks beside the checkout ({EVAL}): nothing measured")
        return 0
    args.results.mkdir(parents=True, exist_ok=True)
    results = []
    for task, model in pairs():
        kept = args.results / f"{task}-{model.stem}.json"
        wanted = not args.only or task in args.only or model.stem in args.only
        failed = kept.exists() and json.loads(kept.read_text())["failure"]
        if wanted and (args.again or failed or not kept.exists()):
            try:
                result = measure(args.qprep.resolve(strict=True), task, model, args.results)
            except Failure as failure:
                print(f"{task} {model.name}: {failure}", file=sys.stderr)
                continue
            kept.write_text(json.dumps(asdict(result), indent=1))
            print(table([result])[-1], flush=True)
        if wanted and args.methods and kept.exists():
            result = Result(**json.loads(kept.read_text()))
            if args.again or not result.methods:
                measure_methods(args.qprep.resolve(strict=True), result, model, args.results)
                kept.write_text(json.dumps(asdict(result), indent=1))
                print(method_table([result])[-1], flush=True)
        if wanted and kept.exists():
            result = Result(**json.loads(kept.read_text()))
            qprep = args.qprep.resolve(strict=True)
            misses = result.qdq is not None and result.loss(result.qdq) > GOOD
            if misses and (args.again or not result.advice):
                measure_advice(qprep, result, model, args.results)
                print(advice_table([result])[-1], flush=True)
            if args.peers and (args.again or result.weighted is None):
                measure_weighted(qprep, result, model, args.results)
            if task.startswith(RECURRENT) and (args.again or result.sequences is None):
                measure_sequences(qprep, result, model, args.results)
            if not misses:
                result.advice = []
            kept.write_text(json.dumps(asdict(result), indent=1))
        if kept.exists():
            results.append(Result(**json.loads(kept.read_text())))
    if args.write:
        replace_section(args.write, "table", table(results))
        replace_section(args.write, "methods", method_table(results))
        replace_section(args.write, "advice", advice_table(results))
        replace_section(args.write, "sequences", sequence_table(results))
        replace_section(args.write, "peers", peer_table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
