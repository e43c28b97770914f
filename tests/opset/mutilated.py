"""Models that lack something or have it in another kind: raising must end in a model or a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import onnx
from onnx import helper

from harness import Case

Change = Callable[[onnx.NodeProto], None]


def changes(node: onnx.NodeProto) -> Iterator[tuple[str, Change]]:
    def omit(index: int) -> Change:
        def change(copy: onnx.NodeProto) -> None:
            copy.input[index] = ""

        return change

    def truncate(count: int) -> Change:
        def change(copy: onnx.NodeProto) -> None:
            del copy.input[count:]

        return change

    def without(name: str) -> Change:
        def change(copy: onnx.NodeProto) -> None:
            kept = [attribute for attribute in copy.attribute if attribute.name != name]
            del copy.attribute[:]
            copy.attribute.extend(kept)

        return change

    def replaced(name: str, value: object) -> Change:
        def change(copy: onnx.NodeProto) -> None:
            without(name)(copy)
            copy.attribute.append(helper.make_attribute(name, value))

        return change

    def no_outputs(copy: onnx.NodeProto) -> None:
        del copy.output[:]

    for index in range(len(node.input)):
        yield f"input {index} omitted", omit(index)
        yield f"{index} inputs", truncate(index)
    for attribute in node.attribute:
        yield f"no {attribute.name}", without(attribute.name)
        for value in (-7, 2.5, "word", [3, -1], [0.5], 10**18):
            yield f"{attribute.name} = {value}", replaced(attribute.name, value)
    yield "no outputs", no_outputs


def mutilated(cases: Iterator[Case]) -> Iterator[Case]:
    """One node of each model is spoilt, in every way that fits it; a form of an operator is spoilt once."""
    seen: set[tuple[str, int, str]] = set()
    for case in cases:
        assert isinstance(case.model, onnx.ModelProto)
        for position, node in enumerate(case.model.graph.node):
            for what, change in changes(node):
                form = (node.op_type, case.model.opset_import[0].version, what)
                if form in seen:
                    continue
                seen.add(form)
                model = onnx.ModelProto()
                model.CopyFrom(case.model)
                change(model.graph.node[position])
                if not model.graph.node[position].output:
                    del model.graph.output[:]
                yield Case(f"{case.name} with {what}", model, case.feeds, is_broken=True)
