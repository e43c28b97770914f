"""The target walker finds nothing in small models of the shared folder, and sees each fault that is planted here.

    python tests/cli/target_walker_test.py QPREP

Skips (status 77) where the shared folder is absent.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, parser
from target_walker import MARCHES, SETUPS, SHARED, SKIPPED, TABLE, Runner, Tally, Walker, real_models, sizes_of
from written_model import Written

from judge import Table  # noqa: E402  (the folder is on the path by written_model)

QUICK_BYTES = 40_000
QUICK_SPELLINGS = 200  # every so many-th one

# Three segments on bayes: Neg runs on the CPU.
NET = """
<ir_version: 8, opset_import: ["" : 13]>
net (float[1,4,8,8] x) => (float[1,4,8,8] y) {
    [first] a = Conv <pads = [1,1,1,1]> (x, w)
    [joined] j = Concat <axis = 0> (a, a)
    [halves] h, g = Split <axis = 0> (j)
    [added] s = Add (h, g)
    [negated] n = Neg (s)
    [second] b = Conv <pads = [1,1,1,1]> (n, w)
    [both] t = Add (b, s)
    [last] y = Conv <pads = [1,1,1,1]> (t, w)
}
"""


def net(folder: Path) -> Path:
    model = parser.parse_model(NET)
    weight = np.linspace(-1, 1, 4 * 4 * 9, dtype=np.float32).reshape(4, 4, 3, 3)
    model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    path = folder / "net.onnx"
    onnx.save(model, path)
    return path


class Plants:
    """The walker over the net as prepare decided it, with something changed."""

    def __init__(self, qprep: str, folder: Path) -> None:
        self.runner = Runner(qprep, folder, Tally())
        self.folder, self.model, self.table, self.seen = folder, net(folder), Table("bayes"), 0
        assert not self.runner.faults(self.model, "bayes")
        self.checked = json.loads(self.runner.run("check", self.model, "--march", "bayes", "--json", "-q"))["models"][0]

    def expect(self, faults: list[str], *words: str) -> None:
        assert any(all(word in fault for word in words) for fault in faults), (words, faults)
        self.seen += 1

    def changed(self, change: Callable[[Written, dict[str, Any]], None], *words: str) -> None:
        """`change` alters what was told of the nodes, and what check said."""
        written, checked = Written(self.folder / "first", "net"), copy.deepcopy(self.checked)
        change(written, checked)
        self.expect(list(Walker(written, self.table, Tally()).faults(checked)), *words)

    def march(self, text: str, *words: str) -> None:
        """The limits of bayes, over what a file of the user's decides that has other ones."""
        (self.folder / "own").mkdir(exist_ok=True)
        own = self.folder / "own/bayes.yaml"
        own.write_text(f"base: bayes\n{text}")
        self.expect(self.runner.faults(self.model, str(own), table="bayes"), *words)


def told(written: Written, name: str) -> dict[str, Any]:
    return written.places[written.number[name]].told


def plant(plants: Plants) -> None:
    plants.march("operators: {Concat: {limits: rank is 4}}\n", "'joined' (Concat) runs on the BPU", "not along axis 0")
    plants.march("operators: {Split: {limits: []}}\n", "'halves' (Split) runs on the BPU", "not along axis 0")
    plants.march("operators: {Neg: bpu}\n", "'negated' (Neg) runs on the BPU", "Neg is 'C'")
    plants.march("operators: {Conv: {also: kernel is 1}}\n", "'first' (Conv) breaks no limit of the table")
    plants.march("operators: {Add: cpu}\n", "'added' (Add) breaks no limit of the table")

    plants.changed(lambda w, c: told(w, "negated").update(device="BPU", segment=0), "'negated' (Neg) runs on the BPU")
    plants.changed(lambda w, c: told(w, "negated")["because"].update(device=""), "'negated'", "without a reason")
    plants.changed(lambda w, c: told(w, "negated")["because"].update(device="so"), "'negated'", "of no known kind")
    for side, said in (("tail", "a layer follows"), ("head", "a layer precedes")):
        why = f"in the {side}: so"
        plants.changed(lambda w, c: told(w, "joined")["because"].update(device=why), "'joined'", said)

    def one_segment(written: Written, checked: dict[str, Any]) -> None:
        for place in written.places:
            if place.bpu:
                place.told["segment"] = 0

    plants.changed(one_segment, "id(0) is in a cycle")
    plants.changed(one_segment, "check and prepare put nodes in different places")

    def swapped(written: Written, checked: dict[str, Any]) -> None:
        for place in written.places:
            if place.bpu and place.told["segment"] < 2:
                place.told["segment"] = 1 - place.told["segment"]

    plants.changed(swapped, "not numbered in order")
    plants.changed(lambda w, c: c["crossings"].pop(), "is not listed")
    plants.changed(lambda w, c: c["crossings"].append({**c["crossings"][0], "to": "id(9)"}), "is listed, and is none")
    plants.changed(lambda w, c: c["crossings"].append(c["crossings"][0]), "is listed twice")
    plants.changed(lambda w, c: c["crossings"][0].update(bytes=1), "has 1 bytes")
    plants.changed(lambda w, c: c["crossings"][0].update(shape="[7]"), "has the shape [7]")
    plants.changed(lambda w, c: c["crossings"][0].update(dtype="qint16"), "is qint16, and is read as")

    changed = plants.folder / "second/model_check_result.txt"
    changed.write_bytes(changed.read_bytes() + b" ")
    differences = list(Runner.differences(plants.folder / "first", plants.folder / "second"))
    plants.expect(differences, "model_check_result.txt has other bytes the second time")


def main() -> int:
    if not TABLE.exists():
        print(f"skipped: {TABLE} is not there (QPREP_SHARED names the shared folder)")
        return SKIPPED
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="qprep_target_walker_") as name:
        plants = Plants(sys.argv[1], Path(name))
        plant(plants)
        runner = Runner(sys.argv[1], Path(name), tally)
        paths = [path for path in real_models(quick=True) if path.stat().st_size < QUICK_BYTES]
        paths += sorted((SHARED / "models/spellings").glob("*.onnx"))[::QUICK_SPELLINGS]
        for at, path in enumerate(paths):
            for march in MARCHES:
                runner.check(path, march, SETUPS[at % len(SETUPS)], sizes_of(path) if at % 2 else "")
    counts = tally.counts
    print(f"{plants.seen} planted faults seen; {len(paths)} models, {counts['nodes']} nodes, "
          f"{counts['limits evaluated']} limits, {len(tally.faults)} faults")
    return 1 if tally.faults or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
