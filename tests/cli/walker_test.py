"""The walker sees a FakeQuantize that is missing between two units, and one that stands inside a unit.

    python tests/cli/walker_test.py QPREP
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
from walker import Walker, explain

DIGITS = Path(__file__).resolve().parents[2] / "testdata/models/digits.onnx"


def without(model: onnx.ModelProto, fake: onnx.NodeProto) -> onnx.ModelProto:
    """The model whose readers of the FakeQuantize read what it quantised."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for node in changed.graph.node:
        for i, name in enumerate(node.input):
            if name == fake.output[0]:
                node.input[i] = fake.input[0]
    changed.graph.node.remove(next(node for node in changed.graph.node if node.output[0] == fake.output[0]))
    return changed


def between(model: onnx.ModelProto, tensor: str, like: onnx.NodeProto) -> onnx.ModelProto:
    """The model whose readers of the tensor read a FakeQuantize of it."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    fake = onnx.NodeProto()
    fake.CopyFrom(like)
    fake.input[0], fake.output[0] = tensor, f"{tensor}_again"
    for node in changed.graph.node:
        for i, name in enumerate(node.input):
            if name == tensor:
                node.input[i] = fake.output[0]
    changed.graph.node.append(fake)
    return changed


def main() -> int:
    qprep = sys.argv[1]
    explained = explain(qprep, DIGITS, None)
    with tempfile.TemporaryDirectory(prefix="qprep_walker_") as folder:
        subprocess.run([qprep, "prepare", str(DIGITS), "-o", folder, "-q"], check=True)
        model = onnx.load(Path(folder) / "digits_qat.onnx")
    assert not list(Walker(model, explained).faults())

    makers = {name for node in model.graph.node if node.op_type != "FakeQuantize" for name in node.output}
    fakes = [node for node in model.graph.node if node.op_type == "FakeQuantize" and node.input[0] in makers]
    assert len(fakes) >= 5
    for fake in fakes:
        found = list(Walker(without(model, fake), explained).faults())
        assert found and "is not quantised" in found[0], (fake.input[0], found)
    inside = {node["name"] for node in explained if node.get("unit") and node["name"] != node["unit"][-1]}
    results = [node.output[0] for node in model.graph.node if node.name in inside]
    assert len(results) >= 4
    for result in results:
        found = list(Walker(between(model, result, fakes[0]), explained).faults())
        assert found and "inside the unit" in found[0], (result, found)
    print(f"{len(fakes)} taken out, {len(results)} put in: each was seen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
