"""What of known networks runs on the BPU as it is, and what one changes until all of it does; each change is tried.

    python tests/bench/whole_on_bpu.py QPREP [--write docs/whole_on_bpu.md]

The models are those of the shared folder. As they are: with the march alone. Changed: with the configuration, and
for some with another graph, which `check --no-fallback` must then accept.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from documents import replace_section
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))
MARCHES = ("bernoulli2", "bayes", "bayes-e")
WHOLE = "method: jit\n"
SOFTMAX = WHOLE + "qconfig_setter:\n  - module_type: {Softmax: qint8}\n  - default_qat\n"


def extract(model: onnx.ModelProto, inputs: list[str], outputs: list[str]) -> onnx.ModelProto:
    inferred = onnx.shape_inference.infer_shapes(model)
    return onnx.utils.Extractor(inferred).extract_model(inputs, outputs)


def producers(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {output: node for node in model.graph.node for output in node.output}


def constant(model: onnx.ModelProto, name: str) -> np.ndarray:
    return numpy_helper.to_array(next(each for each in model.graph.initializer if each.name == name))


def replace_nodes(model: onnx.ModelProto, gone: list[onnx.NodeProto], new: list[onnx.NodeProto]) -> None:
    """The new ones stand in the place of the last that goes."""
    at = max(list(model.graph.node).index(node) for node in gone) + 1
    for node in reversed(new):
        model.graph.node.insert(at, node)
    for node in gone:
        model.graph.node.remove(node)


def dense_as_conv(model: onnx.ModelProto) -> onnx.ModelProto:
    """vww: pictures as [N, C, H, W], the last layer as a 1x1 convolution, Softmax over the channels of its result."""
    model = extract(model, ["input_1_nchw"], ["dense_softmax"])
    nodes = {node.name: node for node in model.graph.node}
    weight = np.ascontiguousarray(constant(model, "dense_w").T)[:, :, None, None]
    model.graph.initializer.append(numpy_helper.from_array(weight, "dense_conv_w"))
    conv = helper.make_node("Conv", ["average_pooling2d", "dense_conv_w", "dense_b"], ["dense"], name="dense_conv")
    replace_nodes(model, [nodes["flatten"], nodes["dense_mm"], nodes["dense"]], [conv])
    del nodes["dense_softmax"].attribute[:]
    nodes["dense_softmax"].attribute.append(helper.make_attribute("axis", 1))
    del model.graph.value_info[:]
    shape = model.graph.output[0].type.tensor_type.shape
    for _ in range(2):
        shape.dim.add().dim_value = 1
    return model


def with_relu(model: onnx.ModelProto, last_op: str, is_activation: Callable[[list[onnx.NodeProto]], bool], length: int) -> None:
    """Activations of `length` nodes that end in `last_op` become Relu."""
    made = producers(model)
    for last in [node for node in model.graph.node if node.op_type == last_op]:
        chain = [last]
        while len(chain) < length:
            before = [made[name] for name in chain[-1].input if name in made and made[name].op_type in ("Mul", "Clip", "Add", "Sigmoid")]
            if not before:
                break
            chain.append(before[-1])
        if len(chain) == length and is_activation(chain):
            x = [name for name in chain[-1].input if name in made][0]
            replace_nodes(model, chain, [helper.make_node("Relu", [x], list(last.output), name=last.name + "_relu")])


def selfie_with_relu(model: onnx.ModelProto) -> onnx.ModelProto:
    """Relu for hard swish, planes, the logits as output, and the mean of 96 x 96 as a mean of means of 2 x 2."""
    model = extract(model, ["Conv2D__6:0"], ["conv2d_transpose_add:0"])
    with_relu(model, "Mul", lambda chain: [node.op_type for node in chain] == ["Mul", "Mul", "Clip", "Add"], 4)
    pool = next(node for node in model.graph.node if node.name == "global_average_pooling2d_9")
    first = helper.make_node("AveragePool", list(pool.input), ["means"], name="means", kernel_shape=[2, 2], strides=[2, 2])
    second = helper.make_node("GlobalAveragePool", ["means"], list(pool.output), name=pool.name)
    replace_nodes(model, [pool], [first, second])
    return model


def yolox_with_relu(model: onnx.ModelProto) -> onnx.ModelProto:
    """Relu for SiLU, and the results of the last convolutions as outputs: what decodes the boxes joins and scales them."""
    made = producers(model)
    heads = []
    for joined in ("1066", "1108", "1150"):
        for name in made[joined].input:
            heads.append(made[name].input[0] if made[name].op_type == "Sigmoid" else name)
    model = extract(model, [model.graph.input[0].name], heads)
    with_relu(model, "Mul", lambda chain: [node.op_type for node in chain] == ["Mul", "Sigmoid"] and chain[1].input[0] in chain[0].input, 2)
    return model


@dataclass(frozen=True)
class Trial:
    change: str
    config: str = WHOLE
    dims: tuple[str, ...] = ()
    graph: Callable[[onnx.ModelProto], onnx.ModelProto] | None = None


@dataclass(frozen=True)
class Network:
    title: str
    file: str
    trials: dict[str, Trial | str]  # by march; a text: why none was tried


BATCH = ("N=1",)
JIT = Trial("`method: jit`")
NETWORKS = (
    Network("ResNet-20, CIFAR", "cls_cifar_resnet20_op13", dict.fromkeys(MARCHES, Trial("`method: jit`, `dims: {N: 1}`", dims=BATCH))),
    Network(
        "MobileNet v1 0.25, person or not (vww)",
        "cls_vww96_mbv1_025",
        {
            "bernoulli2": Trial(
                "`method: jit`, `dims: {N: 1}`, Softmax asked for by type; exported for [N, C, H, W], with the last layer as a 1x1 "
                "convolution",
                SOFTMAX,
                BATCH,
                dense_as_conv,
            ),
            **dict.fromkeys(("bayes", "bayes-e"), Trial("`method: jit`, `dims: {N: 1}`, Softmax asked for by type", SOFTMAX, BATCH)),
        },
    ),
    Network(
        "YOLOX-nano",
        "det_yolox_nano_0",
        {
            "bernoulli2": Trial("trained with Relu instead of SiLU, cut behind the last convolutions", graph=yolox_with_relu),
            **dict.fromkeys(("bayes", "bayes-e"), JIT),
        },
    ),
    Network(
        "Vision transformer, CIFAR",
        "cls_cifar_vit_ibp_3_3_8",
        {
            "bernoulli2": "none tried: its MatMul takes one matrix on the right, and attention multiplies by one for each head and picture; it would be a MatMul for each head, with a batch of 1. `bayes` runs it as it is",
            **dict.fromkeys(
                ("bayes", "bayes-e"),
                Trial("`method: jit`, `dims: {batch_size: 1}`, Softmax asked for by type", SOFTMAX, ("batch_size=1",)),
            ),
        },
    ),
    Network("DeepLab v3, 0.5, portraits", "seg_deeplab_dm05", dict.fromkeys(MARCHES, JIT)),
    Network(
        "MediaPipe selfie segmentation",
        "seg_selfie_landscape",
        {
            "bernoulli2": Trial(
                "trained with Relu instead of hard swish; exported for [N, C, H, W]; cut before the last Sigmoid; the mean over 9,216 "
                "pixels as a mean of means of 2 x 2",
                graph=selfie_with_relu,
            ),
            **dict.fromkeys(("bayes", "bayes-e"), JIT),
        },
    ),
)


def check(qprep: Path, model: Path, march: str, folder: Path, trial: Trial | None) -> tuple[int, dict]:
    command = [str(qprep), "check", str(model), "--march", march, "--json"]
    if trial:
        config = folder / "qprep.yaml"
        config.write_text(trial.config)
        command += ["-c", str(config), "--no-fallback", *(word for dim in trial.dims for word in ("--dim", dim))]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout)["models"][0]


def reasons(result: dict) -> str:
    """What holds for most nodes on the CPU that compute; of the limits of a composite operator's parts, the first."""
    found: list[tuple[int, str]] = []
    for each in result["cpu"]:
        because = re.split(r"; its part|; rank|; shapes", each["because"])[0]
        if not because.startswith(("passive", "integer")) and "int64" not in because:
            found.append((len(each["nodes"]), because))
    found.sort(key=lambda each: -each[0])
    return "; ".join(f"{count}: {because}" for count, because in found[:2]) if result["nodes"]["cpu_with_data"] else "–"


def rows(qprep: Path) -> list[str]:
    lines = ["| network | march | on the CPU, computing | segments | most of them because | changed | then on the CPU, computing | segments |",
             "|---|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for network in NETWORKS:
            path = SHARED / "models" / f"{network.file}.onnx"
            for march in MARCHES:
                _, before = check(qprep, path, march, folder, None)
                counts = before["nodes"]
                row = [network.title, f"`{march}`", f"{counts['cpu_with_data']} of {counts['bpu'] + counts['cpu']}", str(counts["segments"]),
                       reasons(before)]
                trial = network.trials[march]
                if isinstance(trial, str):
                    row += [trial, "–", "–"]
                else:
                    changed = path
                    if trial.graph:
                        changed = folder / path.name
                        onnx.save(trial.graph(onnx.load(path)), changed)
                    status, after = check(qprep, changed, march, folder, trial)
                    counts = after["nodes"]
                    if status or counts["cpu_with_data"]:
                        raise SystemExit(f"{network.title} on {march}: {counts}, {after['cpu']}")
                    row += [trial.change, "none", str(counts["segments"])]
                lines.append("| " + " | ".join(row) + " |")
                print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep", type=Path)
    parser.add_argument("--write", type=Path, help="the document whose section 'whole' is replaced")
    arguments = parser.parse_args()
    lines = rows(arguments.qprep.resolve(strict=True))
    if arguments.write:
        replace_section(arguments.write, "whole", lines)


if __name__ == "__main__":
    main()
