"""judge.py reads the table as table_test.py does: each of its probes, inside and outside, is judged rightly.

    python tests/target/judge_test.py

Skips (status 77) where the shared folder is absent.
"""

from __future__ import annotations

import sys

import onnx
from facts import Node, Tensor, attributes_of, dims_of
from judge import Row, Table
from onnx import numpy_helper
from probes import GENERAL, Cell, Probe, base_of
from table_test import MARCHES, SKIPPED, TABLE, Report, probes_of


def node_of(model: onnx.ModelProto, op: str, situation: str) -> Node:
    """The node of that operator, in the situation that the words tell."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    graph = inferred.graph
    known = {value.name: value for part in (graph.input, graph.value_info, graph.output) for value in part}
    constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}

    def tensor(name: str) -> Tensor | None:
        if not name:
            return None
        if name in constants:
            array = constants[name]
            return Tensor(name, array.shape, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array)
        kind = known[name].type if name in known else onnx.TypeProto()
        return Tensor(name, dims_of(kind), kind.tensor_type.elem_type)

    found = next(node for node in graph.node if node.op_type == op)
    words = dict(word.split("=") for word in situation.split())
    node = Node(op, [tensor(name) for name in found.input], [tensor(name) for name in found.output],
                attributes_of(found), model.opset_import[0].version)
    node.fused, node.feeds_add = words.get("fused") == "yes", words.get("add") == "yes"
    node.last, node.output = words.get("last") == "yes", words.get("output", "int8")
    node.is_output = found.output[0] in {value.name for value in graph.output}
    before = next((each for each in graph.node if each.output[0] == found.input[0]), None)
    node.feature = tensor(before.input[0]) if before is not None and before.op_type == "Flatten" else None
    return node


def check(table: Table, cell: Cell, probe: Probe, report: Report) -> None:
    where = f"{cell.march} {cell.op} ({probe.what})"
    for model, broken in ((probe.inside, False), (probe.outside, True)):
        if model is not None:
            report.probes += 1
            verdict = table.of(node_of(model, cell.op, probe.situation))
            report.check(bool(verdict.broken) == broken, f"{where}: broken {verdict.broken}, open {verdict.open}")
            report.check(broken or not verdict.open, f"{where}: open inside: {verdict.open}")


def check_row(table: Table, row: Row, report: Report) -> None:
    cell = Cell(table.march, row.op, "", row.text)
    situation = f"last=no add=no output=int8 {'fused=yes' if row.fused else ''}"
    check(table, cell, Probe("plain", base_of(cell), situation=situation), report)
    if row.fused:
        check(table, cell, Probe("alone", None, base_of(cell)), report)
        return
    for probe in probes_of(cell, report):
        check(table, cell, probe, report)


def main() -> int:
    if not TABLE.exists():
        print(f"skipped: {TABLE} is not there (QPREP_SHARED names the shared folder)")
        return SKIPPED
    report = Report()
    for march in MARCHES:
        table = Table(march)
        for row in table.rows.values():
            if row.letter == "B" and not row.gone:
                check_row(table, row, report)
        for op, probe in GENERAL[march]():
            check(table, Cell(march, op, "", ""), probe, report)
    print("\n".join(report.faults))
    print(f"{report.probes} nodes, {len(report.faults)} faults")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
