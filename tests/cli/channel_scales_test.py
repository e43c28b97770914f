"""Activations with a scale for each channel, against definitions in NumPy.

    python tests/cli/channel_scales_test.py QPREP

A network with a depthwise convolution, a residual Add and pools is calibrated with `activations: {per_channel: true}`:
which tensors have such scales and why the others do not, the scales themselves, and what the written models compute in
ONNX Runtime, in each dialect, in integers, optimised and not.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

QPREP = Path(sys.argv[1]).resolve()
CHANNELS, SIZE, SAMPLES, DEAD, FAINT = 8, 16, 24, 3, 5
FINEST = np.float32(1 / 256)
BIASES_ROUNDED, WEIGHTS_QUANTISED = 1e-3, 3e-3
failures: list[str] = []


def check(good: bool, what: str) -> None:
    if not good:
        failures.append(what)


def numbers() -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)
    gain = 2.0 ** np.arange(CHANNELS) / 32
    weights = {
        "w": random.normal(size=(CHANNELS, 3, 3, 3)) * gain[:, None, None, None],
        "b": random.normal(size=CHANNELS) * gain,
        "d": random.normal(size=(2 * CHANNELS, 1, 3, 3)),
        "bd": random.normal(size=2 * CHANNELS),
        "p": random.normal(size=(CHANNELS, 2 * CHANNELS, 1, 1)) / 8 * gain[:, None, None, None],
        "bp": random.normal(size=CHANNELS),
        "a": random.normal(size=(1, CHANNELS, 1, 1)),
        "h": random.normal(size=(4, CHANNELS, 1, 1)) / gain[None, :, None, None],
    }
    weights["w"][DEAD], weights["b"][DEAD] = 0, -1  # 0 behind the Relu
    weights["w"][FAINT], weights["b"][FAINT] = 0, 1e-5
    return {name: value.astype(np.float32) for name, value in weights.items()}


def model(weights: dict[str, np.ndarray], opset: int = 13) -> onnx.ModelProto:
    def node(op: str, inputs: str, name: str, **attributes: object) -> onnx.NodeProto:
        return helper.make_node(op, inputs.split(), [name], name=f"n_{name}", **attributes)

    nodes = [
        node("Conv", "x w b", "c1", pads=[1] * 4),
        node("Relu", "c1", "r1"),
        node("Conv", "r1 d bd", "c2", pads=[1] * 4, group=CHANNELS),
        node("Clip", "c2 zero six", "r2"),
        node("Conv", "r2 p bp", "c3"),
        node("MaxPool", "c3", "m", kernel_shape=[2, 2], strides=[2, 2]),
        node("Mul", "m a", "s"),
        node("Add", "s m", "t"),
        node("LeakyRelu", "t", "l", alpha=0.25),
        node("AveragePool", "l", "v", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "v h", "y"),
    ]
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    constants += [numpy_helper.from_array(np.float32(value), name) for name, value in (("zero", 0), ("six", 6))]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, SIZE // 4, SIZE // 4])],
                              constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def conv(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, pad: int = 0, group: int = 1) -> np.ndarray:
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    outputs, inputs = w.shape[0] // group, w.shape[1]
    parts = [np.einsum("nchwij,ocij->nohw", windows[:, g * inputs:(g + 1) * inputs], w[g * outputs:(g + 1) * outputs])
             for g in range(group)]
    y = np.concatenate(parts, 1)
    return (y if b is None else y + b[:, None, None]).astype(np.float32)


def pool(x: np.ndarray, of: object) -> np.ndarray:
    n, c, height, width = x.shape
    return of(x.reshape(n, c, height // 2, 2, width // 2, 2), axis=(3, 5))


def quantised(x: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    if scale is None:
        return x
    return np.clip(np.round(x / scale), -128, 127).astype(np.float32) * scale


def computed(x: np.ndarray, weights: dict[str, np.ndarray], scales: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every tensor as it is before it is quantised. Of a tensor without a scale: it stays float."""
    def q(name: str) -> np.ndarray:
        return quantised(made[name], scales.get(name))

    def weight(name: str) -> np.ndarray:
        w = weights[name]
        largest = np.abs(w).max(axis=(1, 2, 3), keepdims=True)
        return quantised(w, np.where(largest > 0, largest / np.float32(127.5), np.float32(2**-23))) if scales else w

    made = {"x": x}
    made["r1"] = np.maximum(conv(q("x"), weight("w"), weights["b"], 1), 0)
    made["r2"] = np.clip(conv(q("r1"), weight("d"), weights["bd"], 1, CHANNELS), 0, 6)
    made["c3"] = conv(q("r2"), weight("p"), weights["bp"])
    m = pool(q("c3"), np.max)
    a = weights["a"]
    made["s"] = m * (quantised(a, np.float32(max(a.max() / 127, a.min() / -128))) if scales else a)
    made["t"] = q("s") + m
    t = q("t")
    made["l"] = np.where(t < 0, np.float32(0.25) * t, t)
    made["v"] = pool(q("l"), np.mean)
    made["y"] = conv(q("v"), weight("h"), None)
    return made


def expected_scales(samples: list[np.ndarray], weights: dict[str, np.ndarray],
                    per_channel: set[str]) -> dict[str, np.ndarray]:
    runs = [computed(x, weights, {}) for x in samples]
    scales = {}
    for name in ("x", "r1", "r2", "c3", "s", "t", "l", "v"):
        reach = np.max([np.abs(run[name]).max(axis=(0, 2, 3)) for run in runs], axis=0)
        whole = np.float32(reach.max().astype(np.float64) / 127.5)
        scale = (reach.astype(np.float64) / 127.5).astype(np.float32)
        scale = np.where(reach == 0, whole, np.maximum(scale, whole * FINEST))
        scales[name] = scale[:, None, None] if name in per_channel else whole
    return scales


def qprep(*arguments: object) -> str:
    run = subprocess.run([QPREP, *map(str, arguments)], capture_output=True, text=True, check=False)
    check(run.returncode == 0, f"{arguments}: {run.stdout}{run.stderr}")
    return run.stdout + run.stderr


def session(path: Path, optimised: bool) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.x64quantprecision", "1")
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def compare_outputs(path: Path, held: list[np.ndarray], wanted: list[np.ndarray], optimised: bool,
                    usual: float = 1e-5) -> None:
    """`usual`: the median of what an element is off, in parts of the largest."""
    runs = session(path, optimised)
    got = np.stack([runs.run(None, {"x": x})[0] for x in held])
    reach = np.abs(wanted).max()
    # Single integers may differ, where a sum that ends between two of them is added up in another order.
    off = np.abs(got - np.stack(wanted)) / reach
    check(bool(np.median(off) < usual and off.max() < 0.03),
          f"{path.name}, optimised {optimised}: off by {np.median(off):.2g}, at most {off.max():.2g}")


def initializer(path: Path, name: str) -> np.ndarray:
    found = [numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer if each.name == name]
    check(len(found) == 1, f"{path.name} has no {name}")
    return found[0] if found else np.zeros(0, np.float32)


def write_samples(folder: Path) -> list[np.ndarray]:
    folder.mkdir()
    random = np.random.default_rng(3)
    samples = [random.normal(size=(1, 3, SIZE, SIZE)).astype(np.float32) for _ in range(SAMPLES)]
    for i, sample in enumerate(samples):
        np.save(folder / f"{i:02}.npy", sample)
    return samples


CONFIG = """method: jit
output: {{dialect: {dialect}, form: {form}}}
calibration: {{data: samples, method: {method}, keep: true}}
activations: {activations}
"""
PER_CHANNEL = {"r1", "c3", "s", "t", "l"}


def prepare(folder: Path, name: str, dialect: str = "qdq", form: str = "both", method: str = "min_max",
            activations: str = "{per_channel: true}", source: str = "m.onnx", *more: object) -> Path:
    config = folder / f"{name}.yaml"
    config.write_text(CONFIG.format(dialect=dialect, form=form, method=method, activations=activations))
    out = folder / name
    prepare.said = qprep("prepare", folder / source, "-c", config, "-o", out, *more)
    return out


def decisions(out: Path) -> dict[str, tuple[int, str]]:
    """Axis of the scales and reason, by tensor."""
    report = json.loads((out / "model_check_result.json").read_text())
    return {slot["name"]: (slot.get("ch_axis", -1), node["because"].get("output", ""))
            for node in report["nodes"] for slot in node["outputs"]}


def test_network(folder: Path) -> None:
    weights = numbers()
    onnx.save(model(weights), folder / "m.onnx")
    samples = write_samples(folder / "samples")
    held = [np.random.default_rng(100 + i).normal(size=(1, 3, SIZE, SIZE)).astype(np.float32) for i in range(4)]
    scales = expected_scales(samples, weights, PER_CHANNEL)
    wanted = [computed(x, weights, scales)["y"] for x in held]
    usual = [computed(x, weights, expected_scales(samples, weights, set()))["y"] for x in held]
    reach = np.abs(wanted).max()
    check(np.abs(np.stack(wanted) - np.stack(usual)).max() / reach > 0.03, "scales for channels make no difference")

    out = prepare(folder, "qdq")
    for name, (axis, why) in decisions(out).items():
        if name in PER_CHANNEL:
            check(axis == 1 and "per channel of axis 1 (qdq.yaml:4:28 activations.per_channel)" in why, f"{name}: {axis} {why}")
        elif name in ("r2", "v"):
            reader = {"r2": "n_c3", "v": "n_y"}[name]
            check(axis == -1 and f"one scale: Conv '{reader}' sums over its channels" in why, f"{name}: {axis} {why}")
    for name, scale in scales.items():
        got = initializer(out / "m_calibrated.onnx", f"{name}_scale")
        check(got.shape == ((CHANNELS,) if name in PER_CHANNEL else ()) and
              bool(np.allclose(got, scale.reshape(got.shape), rtol=1e-4)), f"scale of {name}: {got} for {scale}")
    got = initializer(out / "m_calibrated.onnx", "r1_scale")
    check(got[DEAD] == got.max() and got[FAINT] == got.max() * FINEST, f"of dead and faint channels: {got}")
    per_channel_weights = np.abs(weights["d"]).max(axis=(1, 2, 3)) / np.float32(127.5)
    bias = initializer(out / "m_fixed.onnx", "bd_scale")
    check(bool(np.allclose(bias, np.repeat(got, 2) * per_channel_weights, rtol=1e-5)), f"scales of the bias: {bias}")
    for optimised in (False, True):
        compare_outputs(out / "m_calibrated.onnx", held, wanted, optimised)
        compare_outputs(out / "m_fixed.onnx", held, wanted, optimised, BIASES_ROUNDED)

    out = prepare(folder, "function", "function", "qat")
    check(initializer(out / "m_qat.onnx", "r1_scale").shape == (CHANNELS, 1, 1), "shape in the QAT form")
    check(initializer(out / "m_calibrated.onnx", "r1_scale").shape == (CHANNELS, 1, 1), "shape in the function form")
    compare_outputs(out / "m_calibrated.onnx", held, wanted, True)

    # Statistics give the same bytes; a model of each dialect that is read again gives the same scales.
    again = prepare(folder, "stats", "qdq", "both", "min_max", "{per_channel: true}", "m.onnx", "--stats",
                    folder / "qdq/m.qcal")
    for form in ("calibrated", "fixed"):
        check((again / f"m_{form}.onnx").read_bytes() == (folder / f"qdq/m_{form}.onnx").read_bytes(),
              f"{form} with --stats differs")
    prepare(folder, "horizon", "horizon", "qat")
    for dialect in ("function", "horizon", "qdq"):
        name = f"read_{dialect}"
        (folder / f"{name}.yaml").write_text("output: {form: fixed_point}\nmethod: jit\n")
        qprep("prepare", folder / dialect / "m_calibrated.onnx", "-c", folder / f"{name}.yaml", "-o", folder / name)
        fixed = folder / name / "m_calibrated_fixed.onnx"
        if fixed.exists():
            compare_outputs(fixed, held, wanted, False, BIASES_ROUNDED)
        else:
            check(False, f"{dialect} gives no fixed-point model: {list((folder / name).iterdir())}")
    # A model for training that is calibrated later: its ranges are those with quantised weights.
    out = prepare(folder, "later", "qdq", "both", "min_max", "{dtype: qint8}", "function/m_qat.onnx")
    compare_outputs(out / "m_qat_calibrated.onnx", held, wanted, False, WEIGHTS_QUANTISED)


def test_methods(folder: Path) -> None:
    """Whatever the method takes for the tensor bounds each channel; 16 bits and zero points work alike."""
    for method in ("percentile", "kl", "mse", "moving_average", "auto"):
        out = prepare(folder, method, method=method)
        report = json.loads((out / "model_check_result.json").read_text())
        tensors = {each["tensor"]: each for each in report["calibrated"]}
        r1 = tensors["r1"]
        check(len(r1["channels"]) == CHANNELS and all(
            low >= r1["low"] - 1e-6 and high <= r1["high"] + 1e-6 for low, high in r1["channels"]),
              f"{method}: channels {r1}")
        check("channels" not in tensors["r2"], f"{method}: r2 has channels")
        session(out / "m_fixed.onnx", True)
    text = (folder / "auto/model_check_result.txt").read_text()
    check("5 of them have a scale for each channel, 40 in all" in text, "the report's sentence")
    out = prepare(folder, "wide", activations="{dtype: qint16, per_channel: true}")
    session(out / "m_fixed.onnx", False)
    out = prepare(folder, "single", activations="{dtype: qint8}\nqconfig_setter: "
                  "[{module_name: {n_r1: {output: {per_channel: true}}}}]")
    check({name for name, (axis, _) in decisions(out).items() if axis == 1} == {"r1"}, "of one node alone")
    out = prepare(folder, "but", activations="{per_channel: true}\nqconfig_setter: "
                  "[{module_name: {n_r1: {output: {per_channel: false}}}}]")
    check({name for name, (axis, _) in decisions(out).items() if axis == 1} == PER_CHANNEL - {"r1"} | {"m"},
          f"of all but one: {decisions(out)}")


def test_averages(folder: Path) -> None:
    """Of each channel by itself, in the order of the samples' names; from shards too."""
    samples = [np.load(path) for path in sorted((folder / "samples").iterdir())]
    probed = model(numbers())
    probed.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("r1", "t"))
    onnx.save(probed, folder / "probed.onnx")
    runs = session(folder / "probed.onnx", False)
    made = [dict(zip(("r1", "t"), runs.run(["r1", "t"], {"x": x}))) for x in samples]

    def averaged(ends: list[np.ndarray], constant: float | None) -> np.ndarray:
        rows = np.stack(ends).astype(np.float64)
        if constant is None:
            return rows.mean(0)
        average = rows[0]
        for row in rows[1:]:
            average = average + constant * (row - average)
        return average

    for method, constant in (("mean_range", None), ("moving_average", 0.01), ("moving_average, averaging_constant: 0.3", 0.3)):
        name = f"averages{constant}"
        out = prepare(folder, name, method=method)
        report = json.loads((out / "model_check_result.json").read_text())
        tensors = {each["tensor"]: each for each in report["calibrated"]}
        for tensor in ("r1", "t"):
            expected = np.stack([averaged([getattr(run[tensor], end)((0, 2, 3)) for run in made], constant) for end in ("min", "max")], 1)
            got = np.array(tensors[tensor]["channels"])
            check(bool(np.allclose(got, expected, rtol=1e-5, atol=1e-6)), f"{method}: {tensor} has {got} for {expected}")
        if constant is None:
            continue
        parts = [folder / f"{name}.{i}of3.qcal" for i in (3, 1, 2)]
        for part in parts:
            qprep("calibrate", folder / "m.onnx", "-c", folder / f"{name}.yaml", "--shard", f"{part.name[-9]}/3", "-o", part)
        qprep("stats", "merge", *parts, "-o", folder / f"{name}.qcal")
        again = prepare(folder, name, "qdq", "both", method, "{per_channel: true}", "m.onnx", "--stats", folder / f"{name}.qcal")
        for form in ("calibrated", "fixed"):
            check((again / f"m_{form}.onnx").read_bytes() == (out / f"m_{form}.onnx").read_bytes(), f"{name}: {form} of shards")
    usual = prepare(folder, "usual", activations="{dtype: qint8}")
    command = [QPREP, "prepare", folder / "m.onnx", "-c", folder / "averages0.01.yaml", "--stats", usual / "m.qcal", "-o", usual]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    check("of the tensor 'r1' they do not have the ranges of channels in single samples" in said, f"refused: {said}")


def test_trials(folder: Path) -> None:
    """What auto measured of its best method is what the written model loses."""
    samples = [np.load(path) for path in sorted((folder / "samples").iterdir())]
    report = json.loads((folder / "auto/model_check_result.json").read_text())
    trials = report["methods_compared"]
    check(all(trial["samples"] == SAMPLES for trial in trials), f"auto compared other samples: {trials}")
    before, after = (session(path, False) for path in (folder / "m.onnx", folder / "auto/m_calibrated.onnx"))
    exact, got = (np.stack([each.run(None, {"x": x})[0] for x in samples]).astype(np.float64)
                  for each in (before, after))
    error = ((got - exact) ** 2).sum() / ((exact - exact.mean()) ** 2).sum()
    best = min(trial["error"] for trial in trials)
    check(abs(error / best - 1) < 0.01, f"auto measured {best}, the model it wrote loses {error}")


def test_transposed(folder: Path) -> None:
    """A ConvTranspose of which each group makes two channels of one: its bias in integers."""
    random = np.random.default_rng(11)
    weights = {"w": random.normal(size=(4, 3, 1, 1)) * 4.0 ** np.arange(4)[:, None, None, None],
               "t": random.normal(size=(4, 2, 2, 2)), "bt": random.normal(size=8), "h": random.normal(size=(2, 8, 1, 1))}
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], name="n_c"),
             helper.make_node("ConvTranspose", ["c", "t", "bt"], ["u"], name="n_u", group=4, strides=[2, 2]),
             helper.make_node("Conv", ["u", "h"], ["y"], name="n_y")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 2 * SIZE, 2 * SIZE])],
                              [numpy_helper.from_array(value.astype(np.float32), name)
                               for name, value in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "up.onnx")
    out = prepare(folder, "up", source="up.onnx")
    data, of_weight = (initializer(out / "up_calibrated.onnx", name) for name in ("c_scale", "t_scale"))
    check(data.shape == (4,) and of_weight.shape == (2,), f"scales of the ConvTranspose: {data}, {of_weight}")
    bias = initializer(out / "up_fixed.onnx", "bt_scale")
    check(bool(np.allclose(bias, np.repeat(data, 2) * np.tile(of_weight, 4), rtol=1e-6)), f"scales of its bias: {bias}")
    held = [np.random.default_rng(5).normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)]
    wanted = session(out / "up_calibrated.onnx", False).run(None, {"x": held[0]})
    for optimised in (False, True):
        compare_outputs(out / "up_fixed.onnx", held, wanted, optimised, BIASES_ROUNDED)


def test_idle(folder: Path) -> None:
    weights = numbers()
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"], name="n_y", pads=[1] * 4)], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS, SIZE, SIZE])],
        [numpy_helper.from_array(weights[name], name) for name in ("w", "b")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "dense.onnx")
    (folder / "idle.yaml").write_text("activations: {per_channel: true}\n")
    said = qprep("prepare", folder / "dense.onnx", "-c", folder / "idle.yaml", "-o", folder / "idle")
    check("activations.per_channel decides nothing: 'x' has one scale, since Conv 'n_y' sums over its channels" in said, said)


def main() -> int:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        test_network(folder)
        test_methods(folder)
        test_averages(folder)
        test_trials(folder)
        test_transposed(folder)
        test_idle(folder)
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
