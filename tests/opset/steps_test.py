"""Compares the table of version steps with the schemas of the onnx package: every step of every operator has
a row, and a row that says "same" is one where nothing that was right before means something else now.

    python tests/opset/steps_test.py RAISE_TOOL
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from onnx import defs, helper

class Row(NamedTuple):
    adapts: bool
    reason: str


def table(tool: str, kind: str) -> dict[tuple[str, int, int], Row]:
    lines = subprocess.run([tool, "steps"], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = {}
    for line in lines:
        of, op, first, second, change, reason = line.split("\t")
        if of == kind:
            assert (op, int(first), int(second)) not in rows, f"{line}: twice"
            rows[op, int(first), int(second)] = Row(change == "adapter", reason)
    return rows


def history() -> dict[str, list[defs.OpSchema]]:
    found: dict[str, list[defs.OpSchema]] = {}
    for schema in defs.get_all_schemas_with_history():
        if schema.domain == "":
            found.setdefault(schema.name, []).append(schema)
    return {name: sorted(schemas, key=lambda schema: schema.since_version) for name, schemas in found.items()}


def default(attribute: defs.OpSchema.Attribute) -> Any:
    value = attribute.default_value
    return helper.get_attribute_value(value) if value is not None and value.type else None


def types(schema: defs.OpSchema, value: defs.OpSchema.FormalParameter) -> set[str]:
    for constraint in schema.type_constraints:
        if constraint.type_param_str == value.type_str:
            return set(constraint.allowed_type_strs)
    return {value.type_str}


def changes(old: defs.OpSchema, new: defs.OpSchema) -> Iterator[str]:
    """What was right under `old` and is wrong, or means something else, under `new`."""
    if new.deprecated and not old.deprecated:
        yield "deprecated"
    for name, attribute in old.attributes.items():
        successor = new.attributes.get(name)
        if successor is None:
            yield f"attribute {name} went"
        elif successor.type != attribute.type:
            yield f"attribute {name} has another type"
        elif default(successor) != default(attribute):
            yield f"attribute {name} has another default"
    for name, attribute in new.attributes.items():
        if attribute.required and not (name in old.attributes and old.attributes[name].required):
            yield f"attribute {name} is required"
    option = defs.OpSchema.FormalParameterOption
    for what in ("inputs", "outputs"):
        before, after = getattr(old, what), getattr(new, what)
        if len(before) > len(after):
            yield f"fewer {what}"
        for first, second in zip(before, after):
            if first.option != second.option and second.option != option.Optional:
                yield f"{what} {first.name} is no longer optional or a list"
            if lost := types(old, first) - types(new, second):
                yield f"{what} {first.name} may no longer be {', '.join(sorted(lost))}"
        if any(value.option == option.Single for value in after[len(before):]):
            yield f"more required {what}"


def faults(tool: str) -> Iterator[str]:
    rows = table(tool, "onnx")
    wanted = {
        (name, old.since_version, new.since_version): (old, new)
        for name, schemas in history().items()
        for old, new in pairwise(schemas)
    }
    for op, first, second in sorted(wanted.keys() - rows.keys()):
        yield f"{op} {first} -> {second} has no row in lib/opset/steps.cc"
    for op, first, second in sorted(rows.keys() - wanted.keys()):
        yield f"{op} {first} -> {second} is in lib/opset/steps.cc, but no step of ONNX"
    for key in sorted(wanted.keys() & rows.keys()):
        op, first, second = key
        if not rows[key].reason:
            yield f"{op} {first} -> {second} states no reason"
        if not rows[key].adapts:
            yield from (f"{op} {first} -> {second} has no adapter, but {change}" for change in changes(*wanted[key]))
    known = history()
    for op, first, second in table(tool, "retired"):
        if op in known and known[op][0].since_version != second:
            yield f"{op} was not experimental until {second}"


def likeness_faults(tool: str) -> Iterator[str]:
    """Operators whose result is said to have the element type of their first input."""
    lines = subprocess.run([tool, "like-input"], capture_output=True, text=True, check=True).stdout.splitlines()
    known = history()
    for op in lines:
        for schema in known.get(op, ()):
            if schema.inputs[0].type_str != schema.outputs[0].type_str:
                yield f"{op} {schema.since_version}: its result may be of another type than its input"


def main(tool: str) -> int:
    found = [*faults(tool), *likeness_faults(tool)]
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{len(table(tool, 'onnx'))} steps, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
