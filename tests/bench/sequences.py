"""Calibration samples of a recurrent model: consecutive calls of a task, and which output each state comes from.

    python tests/bench/sequences.py TASK MODEL FOLDER

Writes FOLDER/000.npz ..., 16 sequences of 64 steps from the task's calibration items, each with the states that the
float model had at its first step, and FOLDER/qprep.yaml, the part of a configuration that reads them. A model that gets
none of its outputs back writes nothing: exit status 3. Needs the tasks' own requirements.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
EVAL = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared")) / "eval"
sys.path.insert(0, str(EVAL))

from tasks import TASKS  # noqa: E402
from tasks.core import Net, spread  # noqa: E402

SEQUENCES, STEPS, SEED = 16, 64, 0
NO_STATES = 3

Call = tuple[dict[str, np.ndarray], list[np.ndarray]]


class Recorder(Net):
    """Keeps what every call was fed and gave, item by item."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.items: list[list[Call]] = []

    def __call__(self, feed):
        fed = {name: np.array(value) for name, value in self.feeds(feed).items()}
        made = super().__call__(feed)
        self.items[-1].append((fed, made))
        return made


def states_of(calls: list[Call], outputs: list[str]) -> dict[str, str]:
    """By input, the output of the call before that it is."""
    found = {}
    for name in calls[0][0]:
        for i, output in enumerate(outputs):
            pairs = [(made[i], fed[name]) for (_, made), (fed, _) in zip(calls, calls[1:])]
            if pairs and all(np.array_equal(a, b) for a, b in pairs):
                found[name] = output
    return found


def main() -> int:
    task, model, folder = TASKS[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3])
    net = Recorder(model)
    for item in spread(task.calibration_items(), SEQUENCES):
        net.items.append([])
        task.predict(net, item)
    long_enough = [calls for calls in net.items if len(calls) >= STEPS]
    states = states_of(long_enough[0][:STEPS], net.outputs) if long_enough else {}
    if not states:
        return NO_STATES

    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(SEED)
    for number in range(SEQUENCES):
        calls = long_enough[number % len(long_enough)]
        first = chance.randrange(len(calls) - STEPS + 1)
        steps = [fed for fed, _ in calls[first : first + STEPS]]
        arrays = {
            name: value if name in states or value.ndim == 0 else np.stack([step[name] for step in steps])
            for name, value in steps[0].items()
        }
        np.savez(folder / f"{number:03}.npz", **arrays)
    fed = long_enough[0][0][0]
    dims = {
        axis: int(size)
        for port in net.session.get_inputs()
        for axis, size in zip(port.shape, fed[port.name].shape)
        if isinstance(axis, str)
    }
    links = {output: name for name, output in states.items()}
    text = f"dims: {json.dumps(dims)}\n" if dims else ""
    text += f"calibration: {{data: {json.dumps(str(folder.resolve()))}, state: {json.dumps(links)}}}\n"
    (folder / "qprep.yaml").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
