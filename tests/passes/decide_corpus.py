"""Decides and inserts on every real model and exporter spelling beside the checkout, and compares in ONNX Runtime.

    decide_corpus.py DECIDE_TOOL [NAME ...] [--backend] [--every N] [--keep DIR]

Only models with one of the names in their path, if any is given; with --backend those of ONNX's backend tests.

For each model, by default and with `weights: {dtype: float}`:
  * the prepared model passes ONNX's full checker where the model did, and loads in ONNX Runtime where it did;
  * with float weights its outputs equal those of the rewritten model bit for bit (nothing is calibrated yet);
  * preparing it once more inserts nothing.
Models are taken from ../shared/models (QPREP_SHARED overrides ../shared); where that is absent the test is skipped.
"""
import argparse
import collections
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import warnings

import numpy as np
import onnx
import onnxruntime as ort

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
CONFIGS = {"default": "version: 1", "float weights": "weights: {dtype: float}"}
DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16,
          "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_,
          "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(int16)": np.int16}


def checks(path):
    try:
        onnx.checker.check_model(str(path), full_check=True)
        return True
    except Exception:
        return False


def load(path):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    try:
        return ort.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    except Exception:
        return None


def inputs_for(session, model):
    """From the file beside a spelling, else random ones with every unknown axis of the first size that runs."""
    saved = model.with_suffix(".npz")
    names = {i.name for i in session.get_inputs()}
    if saved.exists():
        arrays = np.load(saved, allow_pickle=True)
        if names <= set(arrays.files):
            return {name: arrays[name] for name in names}
    for size in (1, 2, 8, 16, 32, 64, 96, 128, 160, 224, 320, 640, 16000):
        rng = np.random.default_rng(0)
        feed = {}
        for i in session.get_inputs():
            if i.type not in DTYPES:
                return None
            shape = [d if isinstance(d, int) and d >= 0 else (1 if k == 0 and len(i.shape) > 2 else size)
                     for k, d in enumerate(i.shape)]
            dtype = DTYPES[i.type]
            feed[i.name] = (rng.standard_normal(shape).astype(dtype) if np.issubdtype(dtype, np.floating)
                            else rng.integers(0, 2, shape).astype(dtype))
        try:
            session.run(None, feed)
            return feed
        except Exception:
            continue
    return None


def equal(a, b):
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return a == b
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype == object or a.dtype.kind in "US":
        return np.array_equal(a, b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def draws_random_numbers(path):
    model = onnx.load(str(path), load_external_data=False)
    return any(n.op_type.startswith("Random") or n.op_type in ("Bernoulli", "Multinomial") for n in model.graph.node)


class Corpus:
    def __init__(self, tool, folder):
        self.tool = subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = pathlib.Path(folder)
        self.problems = []
        self.counts = collections.Counter()
        self.seconds = 0.0

    def ask(self, config, model, rewritten, prepared):
        self.tool.stdin.write("\t".join([config, str(model), str(rewritten), str(prepared)]) + "\n")
        self.tool.stdin.flush()
        return self.tool.stdout.readline().rstrip("\n").split("\t")

    def problem(self, model, what):
        self.problems.append(f"{model.parent.name}/{model.name}: {what}")
        print(self.problems[-1], flush=True)

    def check(self, model):
        self.counts["models"] += 1
        sound, float_session = checks(model), load(model)
        feed = inputs_for(float_session, model) if float_session else None
        self.counts["run"] += feed is not None
        for name, config in CONFIGS.items():
            rewritten, prepared = self.folder / "rewritten.onnx", self.folder / "prepared.onnx"
            answer = self.ask(config, model, rewritten, prepared)
            if answer[0] != "done":
                self.problem(model, f"{name}: {' '.join(answer)}")
                return
            self.seconds += float(answer[1])
            values = dict(pair.split("=") for pair in answer[2:])
            for key, value in values.items():
                self.counts[f"{name}: {key}"] += int(value)
            if values["again"] != "0":
                self.problem(model, f"{name}: preparing again would insert {values['again']}")
            if sound and not checks(prepared):
                self.problem(model, f"{name}: the checker refuses what was prepared")
            if not float_session:
                continue
            session = load(prepared)
            if session is None:
                self.problem(model, f"{name}: ONNX Runtime refuses what was prepared")
            elif feed is not None:
                self.compare(model, name, session, load(rewritten), feed)

    def compare(self, model, name, prepared, rewritten, feed):
        if rewritten is None:
            return
        try:
            got = prepared.run(None, feed)
        except Exception as error:
            self.problem(model, f"{name}: does not run: {error}")
            return
        if name != "float weights" or draws_random_numbers(model):
            return
        wanted = rewritten.run(None, feed)
        names = [o.name for o in rewritten.get_outputs()]
        if [o.name for o in prepared.get_outputs()] != names:
            self.problem(model, f"{name}: the outputs have other names")
        for output, a, b in zip(names, wanted, got):
            if not equal(a, b):
                self.problem(model, f"{name}: output '{output}' differs")
        self.counts["compared"] += 1


def shared_models(every):
    """The real ones, then every n-th spelling."""
    models = sorted(p for p in (SHARED / "models").rglob("*.onnx") if "spellings" not in p.parts)
    return models + sorted((SHARED / "models/spellings").glob("*.onnx"))[::every]


def backend_models(scratch):
    with tarfile.open(SHARED / "data/onnx_backend_tests_1.23dev.tar.gz") as archive:
        archive.extractall(scratch, filter="data")
    return sorted(pathlib.Path(scratch).rglob("*.onnx"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--backend", action="store_true")
    parser.add_argument("--keep")
    parser.add_argument("--every", type=int, default=1, help="only every n-th spelling")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    if not (SHARED / "models").is_dir():
        print(f"skipped: {SHARED}/models is not there")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        models = backend_models(scratch) if arguments.backend else shared_models(arguments.every)
        corpus = Corpus(arguments.tool, arguments.keep or scratch)
        for model in models:
            if arguments.names and not any(name in str(model) for name in arguments.names):
                continue
            corpus.check(model)
    for key, count in sorted(corpus.counts.items()):
        print(f"{count:8d} {key}")
    print(f"{corpus.seconds:.2f} s deciding and inserting; {len(corpus.problems)} problems")
    return 1 if corpus.problems else 0


if __name__ == "__main__":
    sys.exit(main())
