"""A QAT model as prepare wrote it, without its FakeQuantize nodes, beside what the check result tells of each node."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "target"), str(ROOT / "opset")]

from harness import workable_feed  # noqa: E402

from facts import Node, Tensor, attributes_of, dims_of  # noqa: E402

ONNX = ("", "ai.onnx")


def bodies_of(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    return [each.g for each in sorted(node.attribute, key=lambda a: a.name) if each.type == onnx.AttributeProto.GRAPH]


def with_bodies(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for body in bodies_of(node):
            yield from with_bodies(body)


@dataclass
class Place:
    """A node, and what was told of it."""

    node: onnx.NodeProto
    told: dict[str, Any]
    graph: int  # by number; 0 is the main one
    holder: int | None  # the number of the node that holds its graph
    reads: list[str] = field(default_factory=list)  # in its bodies too

    @property
    def bpu(self) -> bool:
        return self.told["device"] == "BPU"

    @property
    def name(self) -> str:
        return self.told["name"]

    @property
    def op(self) -> str:
        return self.told["op"]

    @property
    def where(self) -> str:
        return f"id({self.told['segment']})" if self.bpu else "CPU"


def without_fake_quantize(model: onnx.ModelProto) -> None:
    """Readers of a FakeQuantize read what it quantises; of an output of the model that has the name of the result."""
    graphs = list(with_bodies(model.graph))
    outputs = {value.name for value in model.graph.output}
    names: dict[str, str] = {}
    for graph in graphs:
        for node in graph.node:
            if node.op_type == "FakeQuantize":
                stays = node.output[0] in outputs
                names[node.input[0] if stays else node.output[0]] = node.output[0] if stays else node.input[0]

    def renamed(name: str) -> str:
        seen = set()
        while name in names and name not in seen:
            seen.add(name)
            name = names[name]
        return name

    for graph in reversed(graphs):  # a graph that takes its nodes again copies their bodies
        kept = [node for node in graph.node if node.op_type != "FakeQuantize"]
        del graph.node[:]
        graph.node.extend(kept)
    for graph in with_bodies(model.graph):
        for node in graph.node:
            for names_of in (node.input, node.output):
                for i, name in enumerate(names_of):
                    names_of[i] = renamed(name)
        for each in [*graph.input, *graph.initializer, *graph.value_info, *graph.output]:
            each.name = renamed(each.name)
        unique = {value.name: value for value in graph.value_info}
        del graph.value_info[:]
        graph.value_info.extend(unique.values())
    for function in [each for each in model.functions if each.name == "FakeQuantize"]:
        model.functions.remove(function)


def sizes_by_running(model: onnx.ModelProto, names: list[str]) -> dict[str, tuple[int, ...]]:
    """Of tensors of the main graph, on numbers of no meaning; none where ONNX Runtime does not run the model."""
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    asked.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        net = ort.InferenceSession(asked.SerializeToString(), options, providers=["CPUExecutionProvider"])
        feed = workable_feed(net)
        made = net.run(names, feed) if feed is not None else []
    except Exception:
        return {}
    return {name: value.shape for name, value in zip(names, made) if isinstance(value, np.ndarray)}


class Written:
    """Given: the folder that prepare wrote into, and the stem of the model's name."""

    def __init__(self, folder: Path, stem: str) -> None:
        self.told = json.loads((folder / "model_check_result.json").read_text())
        model = onnx.load(folder / f"{stem}_qat.onnx")
        without_fake_quantize(model)
        try:
            model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        except Exception:  # then what the file says itself has to do
            pass
        self.opset = next((each.version for each in model.opset_import if each.domain in ONNX), 1)
        self.places: list[Place] = []
        self.maker: dict[str, int] = {}
        self.readers: dict[str, list[int]] = defaultdict(list)  # direct ones
        self.kinds: dict[str, onnx.TypeProto] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.fed: set[str] = set()  # inputs of the model and of bodies, initializers aside
        self.owner: dict[str, int] = {}  # the number of the graph that makes, holds or takes a tensor
        self.outputs = {value.name for value in model.graph.output}
        self.graphs = 0
        self.enter(model.graph, None)
        self.run_for_sizes(model)
        rest = self.told["nodes"]
        found = [place.node.op_type for place in self.places]
        if found != [each["op"].split("::")[-1] for each in rest]:
            raise ValueError("the nodes written are not those of the check result")
        for place, told in zip(self.places, rest):
            place.told = told
        self.number = {place.name: i for i, place in enumerate(self.places)}

    def enter(self, graph: onnx.GraphProto, holder: int | None) -> None:
        at, self.graphs = self.graphs, self.graphs + 1
        for each in graph.initializer:
            self.constants[each.name] = numpy_helper.to_array(each)
            self.owner[each.name] = at
        self.fed |= {value.name for value in graph.input} - set(self.constants)
        self.owner.update({value.name: at for value in graph.input})
        for value in [*graph.input, *graph.value_info, *graph.output]:
            self.kinds[value.name] = value.type
        for node in graph.node:
            number = len(self.places)
            self.places.append(Place(node, {}, at, holder))
            for name in filter(None, node.output):
                self.maker[name] = number
                self.owner[name] = at
            if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
                self.constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            for name in dict.fromkeys(filter(None, node.input)):
                self.readers[name].append(number)
            for body in bodies_of(node):
                self.enter(body, number)
            self.places[number].reads = self.all_reads(node)

    def all_reads(self, node: onnx.NodeProto) -> list[str]:
        """What it reads as data, in its bodies too: who reads a shape reads none."""
        if node.op_type in ("Shape", "Size"):
            return []
        found = [name for name in node.input if name]
        for body in bodies_of(node):
            for inner in body.node:
                found += self.all_reads(inner)
            found += [value.name for value in body.output]
        return found

    def run_for_sizes(self, model: onnx.ModelProto) -> None:
        """Where the inputs leave nothing open, what the inference did not find has one size."""
        def known(name: str) -> bool:
            dims = dims_of(self.kinds.get(name, onnx.TypeProto()))
            return dims is not None and None not in dims

        main = [value.name for value in model.graph.input if value.name in self.fed]
        unknown = [name for name, maker in self.maker.items() if not known(name) and self.places[maker].graph == 0]
        if not unknown or not all(map(known, main)):
            return
        for name, dims in sizes_by_running(model, unknown).items():
            kind = self.kinds.get(name, onnx.TypeProto()).tensor_type.elem_type
            self.kinds[name] = onnx.helper.make_tensor_type_proto(kind, dims)

    def tensor(self, name: str, told: dict[str, Any] | None = None) -> Tensor:
        precision = (told or {}).get("dtype", "")
        if name in self.constants:
            array = self.constants[name]
            return Tensor(name, array.shape, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array, precision)
        kind = self.kinds.get(name, onnx.TypeProto())
        return Tensor(name, dims_of(kind), kind.tensor_type.elem_type, None, precision)

    def facts(self, number: int) -> Node:
        """The node outside of any situation."""
        place = self.places[number]
        told = [place.told["inputs"], place.told["outputs"]]
        made: list[list[Tensor | None]] = []
        for names, said in zip((place.node.input, place.node.output), told):
            made.append([self.tensor(name, said[i] if i < len(said) else None) if name else None
                         for i, name in enumerate(names)])
        outputs = [each or Tensor("") for each in made[1]]
        op = place.node.op_type if place.node.domain in ONNX else place.op
        node = Node(op, made[0], outputs, attributes_of(place.node), self.opset)
        node.is_output = bool(place.node.output) and place.node.output[0] in self.outputs
        before = self.maker.get(place.node.input[0]) if place.node.input else None
        if before is not None and self.places[before].op in ("Flatten", "Reshape"):
            node.feature = self.tensor(self.places[before].node.input[0])
        return node

    def before(self, number: int) -> Iterator[int]:
        """The nodes of the same graph whose results it reads as data."""
        for name in self.places[number].reads:
            maker = self.maker.get(name)
            if maker is not None and self.places[maker].graph == self.places[number].graph:
                yield maker

    def reads_data(self) -> list[bool]:
        """Of each node, whether it computes with the model's data, and not from shapes and constants alone."""
        found: list[bool] = []
        for place in self.places:
            reads = False
            for name in place.reads:
                owner = self.owner.get(name)
                if owner == place.graph:
                    maker = self.maker.get(name)
                    reads = reads or (found[maker] if maker is not None else name in self.fed)
                elif owner is not None and self.is_around(owner, place):
                    reads = reads or name not in self.constants
            found.append(reads)
        return found

    def is_around(self, graph: int, place: Place) -> bool:
        """Whether that graph holds the one of the place."""
        while place.holder is not None:
            place = self.places[place.holder]
            if place.graph == graph:
                return True
        return False
