"""Where the models come from that raising is tried on."""

from __future__ import annotations

import os
import tarfile
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.backend.test.loader
from onnx import numpy_helper

from harness import Case, Feed, opset_of, versions

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))


def value_of(path: Path, kind: onnx.TypeProto) -> Any:
    data = path.read_bytes()
    if kind.HasField("sequence_type"):
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind.HasField("optional_type"):
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def named(model: onnx.ModelProto, values: list[Any]) -> Feed:
    constants = {initializer.name for initializer in model.graph.initializer}
    names = [value.name for value in model.graph.input]
    if len(values) < len(names):
        names = [name for name in names if name not in constants]
    return dict(zip(names, values))


def stored_case(folder: Path) -> Case:
    model = onnx.load(folder / "model.onnx")
    feeds = []
    for data in sorted(folder.glob("test_data_set_*")):
        files = sorted(data.glob("input_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
        values = [value_of(path, value.type) for path, value in zip(files, model.graph.input)]
        feeds.append(named(model, values))
    return Case(f"{folder.parent.name}/{folder.name}", folder / "model.onnx", feeds)


def backend_archive() -> Iterator[Case]:
    """The backend tests of the archive: 1,800 node models, and models of converters and of whole networks."""
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(SHARED / "data" / "onnx_backend_tests_1.23dev.tar.gz") as archive:
            archive.extractall(scratch, filter="data")
        for path in sorted(Path(scratch).rglob("model.onnx")):
            yield stored_case(path.parent)
        for path in sorted(Path(scratch).rglob("light_*.onnx")):
            yield Case(f"light/{path.stem}", path)


def backend_nodes() -> Iterator[Case]:
    """The node tests that the Python package makes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = onnx.backend.test.loader.load_model_tests(kind="node")
    for case in cases:
        feeds = [named(case.model, inputs) for inputs, _ in case.data_sets]
        yield Case(f"python/{case.name}", case.model, feeds)


def relabelled(cases: Iterator[Case]) -> Iterator[Case]:
    """The same graphs said to be of each older opset in which one of their operators has another version:
    where ONNX Runtime takes them, they are models of that opset."""
    for case in cases:
        model = onnx.load(case.model) if isinstance(case.model, Path) else case.model
        opset = opset_of(model)
        steps = {step for node in model.graph.node if not node.domain for step in versions().get(node.op_type, ())}
        for step in sorted(steps):
            if step >= opset:
                continue
            older = onnx.ModelProto()
            older.CopyFrom(model)
            for entry in older.opset_import:
                if entry.domain in ("", "ai.onnx"):
                    entry.version = step
            older.ir_version = min(older.ir_version, 10)
            yield Case(f"{case.name} as {step}", older, case.feeds, may_be_invalid=True)


def models(folder: str) -> Iterator[Case]:
    for path in sorted((SHARED / "models" / folder).rglob("*.onnx")):
        if folder or "spellings" not in path.parts:
            yield Case(str(path.relative_to(SHARED / "models")), path, stored_feed(path))


def stored_feed(path: Path) -> list[Feed] | None:
    """The inputs that lie beside a spelling."""
    if not path.with_suffix(".npz").exists():
        return None
    with np.load(path.with_suffix(".npz")) as values:
        return [dict(values)]
