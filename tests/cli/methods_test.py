"""Each method on models with control flow and with weights that several nodes share.

    python tests/cli/methods_test.py QPREP

With float weights and without samples the outputs are the input's, to 1e-5 of the largest. Calibrated forms load and
run, optimised too, near the input's outputs. The bodies hold FakeQuantize, with scales in the main graph (walker.py).
Calls are counted.
Models of the shared folder follow, where it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from walker import Walker, explain
from walker import faults as walker_faults

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(ROOT / "tests/opset"))

from all_models import look_at, relative_distance, session, write_samples  # noqa: E402

METHODS = ("jit_strip", "jit", "symbolic")
EXACT, CLOSE = 1e-5, 0.06
REAL = (
    "vad_silero_v3.onnx",
    "vad_silero_v6_16k_op15.onnx",
    "audio_utau_mel.onnx",
    "spellings/cond__dy18.onnx",
    "spellings/cond_raw__dy18.onnx",
    "spellings/embedding_bag__ts17.onnx",
    "spellings/gru_reset_before__tf17.onnx",
    "spellings/rnn__tf13.onnx",
    "spellings/script_if__ts11.onnx",
    "spellings/script_loop__ts11.onnx",
    "spellings/script_while__ts11.onnx",
)


def weight(name: str, *shape: int, seed: int = 0) -> TensorProto:
    values = np.random.default_rng(seed + len(name)).standard_normal(shape) / np.sqrt(shape[0])
    return numpy_helper.from_array(values.astype("f4"), name)


def ints(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, dtype="i8"), name)


def true(name: str) -> TensorProto:
    return numpy_helper.from_array(np.array(True), name)


def value(name: str, *shape: int, dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(nodes: list, inputs: list, outputs: list, weights: list) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", inputs, outputs, weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def node(op: str, inputs: str, outputs: str, **attributes: object) -> onnx.NodeProto:
    names = outputs.split()
    return helper.make_node(op, ["" if name == "-" else name for name in inputs.split()], names, name=f"n_{names[0]}",
                            **attributes)


def branches() -> onnx.ModelProto:
    """Both branches compute on what was quantised outside, and on the model's input; one holds its own weight."""
    then = helper.make_graph(
        [node("MatMul", "h w2", "t0"), node("Relu", "t0", "t1"), node("MatMul", "t1 w3", "t2")], "then", [],
        [value("t2", 2, 8)])
    other = helper.make_graph(
        [node("MatMul", "x wi", "e0"), node("Add", "e0 h", "e1"), node("Sigmoid", "e1", "e2")], "else", [],
        [value("e2", 2, 8)], [weight("wi", 8, 8)])
    nodes = [
        node("MatMul", "x w1", "m"), node("Relu", "m", "h"), node("ReduceSum", "x", "s", keepdims=0),
        node("Greater", "s zero", "flag"), node("If", "flag", "r", then_branch=then, else_branch=other),
        node("MatMul", "r w4", "y"),
    ]
    zero = numpy_helper.from_array(np.float32(0), "zero")
    return model(nodes, [value("x", 2, 8)], [value("y", 2, 4)],
                 [weight("w1", 8, 8), weight("w2", 8, 8, seed=1), weight("w3", 8, 8, seed=2), weight("w4", 8, 4), zero])


def loop(turns: int | None) -> onnx.ModelProto:
    """state = tanh(state w + x), `turns` times (None: as the input says); each state is an output of the loop, too."""
    body = helper.make_graph(
        [node("MatMul", "state w", "p"), node("Add", "p x", "a"), node("Tanh", "a", "next"), node("Identity", "go", "on"),
         node("Relu", "next", "seen")],
        "body", [value("i", dtype=TensorProto.INT64), value("go", dtype=TensorProto.BOOL), value("state", 2, 8)],
        [value("on", dtype=TensorProto.BOOL), value("next", 2, 8), value("seen", 2, 8)])
    nodes = [node("Relu", "x", "h"), node("Loop", "n yes h", "last all", body=body), node("MatMul", "last w2", "y"),
             node("ReduceMean", "all", "z", axes=[0], keepdims=0)]
    inputs = [value("x", 2, 8)] + ([] if turns is not None else [value("n", dtype=TensorProto.INT64)])
    constants = [true("yes"), weight("w", 8, 8), weight("w2", 8, 4)]
    if turns is not None:
        constants.append(numpy_helper.from_array(np.int64(turns), "n"))
    return model(nodes, inputs, [value("y", 2, 4), value("z", 2, 8)], constants)


def while_loop() -> onnx.ModelProto:
    """At most nine turns, as long as the sum of the state is below a bound."""
    body = helper.make_graph(
        [node("MatMul", "state w", "p"), node("Relu", "p", "r"), node("Add", "r x", "next"),
         node("ReduceSum", "next", "s", keepdims=0), node("Less", "s bound", "on")],
        "body", [value("i", dtype=TensorProto.INT64), value("go", dtype=TensorProto.BOOL), value("state", 2, 8)],
        [value("on", dtype=TensorProto.BOOL), value("next", 2, 8)])
    nodes = [node("MatMul", "x w", "h"), node("Loop", "n yes h", "last", body=body), node("MatMul", "last w2", "y")]
    constants = [true("yes"), weight("w", 8, 8), weight("w2", 8, 4), numpy_helper.from_array(np.int64(9), "n"),
                 numpy_helper.from_array(np.float32(1e6), "bound")]
    return model(nodes, [value("x", 2, 8)], [value("y", 2, 4)], constants)


def scan() -> onnx.ModelProto:
    """A recurrence over five slices."""
    body = helper.make_graph(
        [node("MatMul", "slice wx", "p"), node("MatMul", "state wh", "q"), node("Add", "p q", "a"), node("Tanh", "a", "next"),
         node("Identity", "next", "out")],
        "body", [value("state", 2, 8), value("slice", 2, 8)], [value("next", 2, 8), value("out", 2, 8)])
    nodes = [node("Scan", "zeros x", "last all", body=body, num_scan_inputs=1), node("MatMul", "last w2", "y")]
    zeros = numpy_helper.from_array(np.zeros((2, 8), "f4"), "zeros")
    return model(nodes, [value("x", 5, 2, 8)], [value("y", 2, 4), value("all", 5, 2, 8)],
                 [weight("wx", 8, 8), weight("wh", 8, 8, seed=3), weight("w2", 8, 4), zeros])


def nested() -> onnx.ModelProto:
    """A branch by the number of the turn, in a loop of four turns."""
    even = helper.make_graph([node("MatMul", "state w", "e")], "even", [], [value("e", 2, 8)])
    odd = helper.make_graph([node("Relu", "state", "o")], "odd", [], [value("o", 2, 8)])
    body = helper.make_graph(
        [node("Equal", "i one", "odd"), node("If", "odd", "b", then_branch=odd, else_branch=even),
         node("Add", "b x", "a"), node("Tanh", "a", "next"), node("Identity", "go", "on")],
        "body", [value("i", dtype=TensorProto.INT64), value("go", dtype=TensorProto.BOOL), value("state", 2, 8)],
        [value("on", dtype=TensorProto.BOOL), value("next", 2, 8)])
    nodes = [node("MatMul", "x w", "h"), node("Loop", "n yes h", "last", body=body), node("MatMul", "last w2", "y")]
    constants = [true("yes"), weight("w", 8, 8), weight("w2", 8, 4), numpy_helper.from_array(np.int64(4), "n"),
                 numpy_helper.from_array(np.int64(1), "one")]
    return model(nodes, [value("x", 2, 8)], [value("y", 2, 4)], constants)


def tied() -> onnx.ModelProto:
    """A transformer block whose embedding is its output layer."""
    nodes = [
        node("Gather", "table ids", "e"), node("Add", "e positions", "x"),
        node("MatMul", "x wq", "q"), node("MatMul", "x wk", "k"), node("MatMul", "x wv", "v"),
        node("Transpose", "k", "kt", perm=[0, 2, 1]), node("MatMul", "q kt", "s"), node("Softmax", "s", "p", axis=-1),
        node("MatMul", "p v", "c"), node("Add", "c x", "r"), node("Transpose", "table", "output", perm=[1, 0]),
        node("MatMul", "r output", "logits"),
    ]
    return model(nodes, [value("ids", 1, 6, dtype=TensorProto.INT64)], [value("logits", 1, 6, 20)],
                 [weight("table", 20, 8), weight("positions", 6, 8), weight("wq", 8, 8), weight("wk", 8, 8, seed=1),
                  weight("wv", 8, 8, seed=2)])


def shared_convolution() -> onnx.ModelProto:
    """One convolution at three places, as a detection head uses it."""
    nodes = [node("Conv", "x w b", "a", pads=[1] * 4), node("Relu", "a", "ra"), node("Conv", "ra w b", "c", pads=[1] * 4),
             node("Relu", "c", "rc"), node("Conv", "rc w b", "y", pads=[1] * 4)]
    return model(nodes, [value("x", 1, 4, 8, 8)], [value("y", 1, 4, 8, 8)],
                 [weight("w", 4, 4, 3, 3), weight("b", 4)])


class Case:
    """A model, what symbolic says of it (None: it takes it), which bodies' nodes run quantised, and the calls by name."""

    def __init__(self, make: Callable[[], onnx.ModelProto], feed: dict, symbolic: str | None = None,
                 quantised: tuple[str, ...] = (), calls: dict | None = None, loops: dict | None = None) -> None:
        self.make, self.feed, self.symbolic, self.quantised = make, feed, symbolic, quantised
        self.calls, self.loops = calls or {}, loops or {}


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).standard_normal(shape).astype("f4")


CASES = {
    "branches": Case(branches, {"x": random(2, 8)}, "If 'n_r' chooses by 'flag'", ("n_t0", "n_t1", "n_t2", "n_e0", "n_e1")),
    "loop of 5": Case(lambda: loop(5), {"x": random(2, 8)}, None, ("n_p", "n_a", "n_next"), loops={"n_last": 5}),
    "loop as told": Case(lambda: loop(None), {"x": random(2, 8), "n": np.array(3)}, "Loop 'n_last' runs as often as 'n'",
                         ("n_p", "n_a", "n_next"), loops={"n_last": None}),
    "while": Case(while_loop, {"x": random(2, 8)}, "Loop 'n_last' goes on as long as 'on'", ("n_p", "n_r", "n_next"),
                  {"w": None}, {"n_last": None}),
    "scan": Case(scan, {"x": random(5, 2, 8)}, None, ("n_p", "n_q", "n_a", "n_next"), loops={"n_last": 5}),
    "nested": Case(nested, {"x": random(2, 8)}, None, ("n_e", "n_a", "n_next"), {"w": 5}, {"n_last": 4}),
    "tied": Case(tied, {"ids": np.arange(6).reshape(1, 6)}),
    "shared convolution": Case(shared_convolution, {"x": random(1, 4, 8, 8)}, calls={"w": 3}),
}


def optimised(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Run:
    def __init__(self, qprep: str, folder: Path) -> None:
        self.qprep, self.folder = qprep, folder

    def prepare(self, path: Path, text: str) -> tuple[subprocess.CompletedProcess, Path]:
        out = Path(tempfile.mkdtemp(dir=self.folder))
        config = out / "config.yaml"
        config.write_text(text)
        command = [self.qprep, "prepare", str(path), "-o", str(out), "-c", str(config), "-q"]
        return subprocess.run(command, capture_output=True, text=True, timeout=600), out

    def exact(self, path: Path, method: str, feed: dict, expected: list) -> Path:
        result, out = self.prepare(path, f"method: {method}\nweights: {{dtype: float}}\n")
        assert result.returncode == 0, result.stderr
        written = out / f"{path.stem}_qat.onnx"
        onnx.checker.check_model(str(written))
        far = relative_distance(expected, optimised(written).run(None, feed))
        assert far <= EXACT, (path.stem, method, far)
        found = walker_faults(self.qprep, path, out / "config.yaml", written)
        assert not found, (path.stem, method, found)
        return out

    def calibrated(self, path: Path, method: str, dialect: str, feed: dict, expected: list, close: float) -> Path:
        samples = self.folder / f"samples_{path.stem}"
        if not samples.exists():
            write_samples(feed, samples)
        text = f"method: {method}\noutput: {{form: both, dialect: {dialect}}}\ncalibration: {{data: {samples}}}\n"
        result, out = self.prepare(path, text)
        assert result.returncode == 0, result.stderr
        found = walker_faults(self.qprep, path, out / "config.yaml", out / f"{path.stem}_qat.onnx")
        assert not found, (path.stem, method, found)
        for kind in ("calibrated", "fixed"):
            written = out / f"{path.stem}_{kind}.onnx"
            onnx.checker.check_model(str(written))
            optimised(written).run(None, feed)  # whose sums of int8 products saturate on some processors
            far = relative_distance(expected, session(written).run(None, feed))
            assert far <= close, (path.stem, method, dialect, kind, far)
        return out


def check_case(run: Run, name: str, case: Case) -> None:
    path = run.folder / f"{name.replace(' ', '_')}.onnx"
    onnx.save(case.make(), path)
    expected = optimised(path).run(None, case.feed)
    for method in METHODS:
        if method == "symbolic" and case.symbolic:
            result, _ = run.prepare(path, "method: symbolic\n")
            assert result.returncode == 1, (name, result.stderr)
            assert case.symbolic in result.stderr and "config.yaml:1:9" in result.stderr, result.stderr
            assert "data-control-flow" in result.stderr, result.stderr
            continue
        run.exact(path, method, case.feed, expected)
        for dialect in ("function", "qdq"):
            out = run.calibrated(path, method, dialect, case.feed, expected, CLOSE)
    out = run.calibrated(path, "jit", "function", case.feed, expected, CLOSE)
    check_bodies(out / f"{path.stem}_calibrated.onnx")
    report = json.loads((out / "model_check_result.json").read_text())
    devices = {row["name"]: row["device"] for row in report["nodes"]}
    assert all(devices[each] == "BPU" for each in case.quantised), (name, devices)
    calls = {row["name"]: row["calls"] for row in report["shared_weights"]}
    assert case.calls.items() <= calls.items(), (name, calls)
    assert {row["name"]: row["turns"] for row in report["loops"]} == case.loops, (name, report["loops"])
    text = (out / "model_check_result.txt").read_text()
    once = not calls and not case.loops
    assert ("All modules in the model run exactly once." in text) == once, name


def check_bodies(path: Path) -> None:
    """Every FakeQuantize of a body is calibrated: the samples ran it. Given: both branches of an If were not needed."""
    written = onnx.load(path)
    holders = [each for each in written.graph.node if each.op_type in ("Loop", "Scan")]
    inside = [each for holder in holders for a in holder.attribute if a.type == onnx.AttributeProto.GRAPH
              for each in a.g.node if each.op_type == "FakeQuantize"]
    assert not holders or inside, path.name
    assert all(each.domain == "qprep" for each in inside), path.name


def check_walker(run: Run) -> None:
    """The walker sees a FakeQuantize that is missing in a body, and a scale that stands there."""
    path = run.folder / "walked.onnx"
    onnx.save(loop(5), path)
    result, out = run.prepare(path, "method: jit\n")
    assert result.returncode == 0, result.stderr
    explained = explain(run.qprep, path, out / "config.yaml")
    written = onnx.load(out / "walked_qat.onnx")
    assert not list(Walker(written, explained).faults())

    missing = onnx.ModelProto()
    missing.CopyFrom(written)
    body = next(each for each in missing.graph.node if each.op_type == "Loop").attribute[0].g
    fake = next(each for each in body.node if each.op_type == "FakeQuantize" and each.input[0] == "a")
    for each in body.node:
        for i, name in enumerate(each.input):
            if name == fake.output[0]:
                each.input[i] = "a"
    body.node.remove(fake)
    found = list(Walker(missing, explained).faults())
    assert found == ["what 'n_a' makes enters 'n_next' and is not quantised"], found

    inside = onnx.ModelProto()
    inside.CopyFrom(written)
    body = next(each for each in inside.graph.node if each.op_type == "Loop").attribute[0].g
    fake = next(each for each in body.node if each.op_type == "FakeQuantize" and each.input[0] == "a")
    body.initializer.append(numpy_helper.from_array(np.float32(1), "own_scale"))
    fake.input[1] = "own_scale"
    found = list(Walker(inside, explained).faults())
    assert len(found) == 1 and "is no initializer of the main graph" in found[0], found


def check_shared_scale(run: Run) -> None:
    """With share: true, what all calls of a convolution make has one scale, of all their ranges."""
    path = run.folder / "share.onnx"
    onnx.save(shared_convolution(), path)
    feed = {"x": random(1, 4, 8, 8)}
    samples = run.folder / "samples_share"
    write_samples(feed, samples)
    base = f"calibration: {{data: {samples}, method: min_max}}\nmethod: jit\n"
    scales = {}
    for shares in ("activations: {share: true}\n", "qconfig_setter: [{module_type: {Conv: {output: {share: true}}}}]\n", ""):
        result, out = run.prepare(path, base + shares)
        assert result.returncode == 0, result.stderr
        written = onnx.load(out / "share_calibrated.onnx")
        values = {tensor.name: numpy_helper.to_array(tensor) for tensor in written.graph.initializer}
        fakes = {each.input[0]: each for each in written.graph.node if each.op_type == "FakeQuantize"}
        scales[shares] = [float(values[fakes[tensor].input[1]]) for tensor in ("ra", "rc")]
        assert (fakes["ra"].input[1] == fakes["rc"].input[1]) == bool(shares), shares
    single = scales.pop("")
    assert single[0] != single[1], single
    for both in scales.values():
        assert both == [max(single)] * 2, (both, single)


def check_real(run: Run) -> int:
    checked = 0
    for name in REAL:
        seen = look_at(SHARED / "models" / name)
        if seen.outputs is None:
            continue
        checked += 1
        for method in METHODS:
            result, _ = run.prepare(seen.path, f"method: {method}\n")
            if method == "symbolic" and result.returncode != 0:
                assert "data-control-flow" in result.stderr, (name, result.stderr)
                continue
            assert result.returncode == 0, (name, method, result.stderr)
            run.exact(seen.path, method, seen.feed, seen.outputs)
    return checked


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="qprep_methods_") as folder:
        run = Run(sys.argv[1], Path(folder))
        for name, case in CASES.items():
            check_case(run, name, case)
        check_walker(run)
        check_shared_scale(run)
        if not (SHARED / "models").is_dir():
            print("the shared folder is absent: its models are skipped")
        else:
            print(f"{check_real(run)} models of the shared folder")
    return 0


if __name__ == "__main__":
    sys.exit(main())
