"""Rounding weights holds no more for more samples, and no more than calibration.memory; neither changes a byte.

    python tests/cli/weight_rounding_memory_test.py QPREP
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QPREP = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
CHANNELS, SIZE, BLOCKS = 512, 40, 6
FEW, MANY = 4, 32


def model() -> onnx.ModelProto:
    """Convolutions of single channels, each of 3 x 3, of which a sample gives much more than their moments take."""
    random = np.random.default_rng(5)
    weights = {"first_w": (CHANNELS, 3, 1, 1), **{f"block{i}_w": (CHANNELS, 1, 3, 3) for i in range(BLOCKS)}}
    constants = [numpy_helper.from_array(random.normal(0, 0.3, shape).astype(np.float32), name) for name, shape in weights.items()]
    nodes = [helper.make_node("Conv", ["x", "first_w"], ["y0"], "first")]
    for i in range(BLOCKS):
        nodes.append(
            helper.make_node("Conv", [f"y{i}", f"block{i}_w"], [f"y{i + 1}"], f"block{i}", group=CHANNELS, pads=[1, 1, 1, 1])
        )
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(f"y{BLOCKS}", TensorProto.FLOAT, [1, CHANNELS, SIZE, SIZE])], constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class WeightRoundingMemory(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.scratch.name)
        onnx.save(model(), cls.folder / "m.onnx")
        random = np.random.default_rng(6)
        for i in range(MANY):
            # Neighbours are alike, as in pictures.
            x = np.cumsum(random.normal(0, 1, (1, 3, SIZE, SIZE)), axis=3).astype(np.float32)
            for folder in ("few", "many") if i < FEW else ("many",):
                (cls.folder / folder).mkdir(exist_ok=True)
                np.save(cls.folder / f"{folder}/{i:02d}.npy", x)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.scratch.cleanup()

    def prepare(self, samples: str, rounding: str, more: str = "", threads: int = 1) -> tuple[int, bytes]:
        """The most memory that the process had, in KiB, and the calibrated model."""
        (self.folder / "c.yaml").write_text(
            "method: jit\noutput: {dialect: qdq, form: both}\n"
            f"calibration: {{data: {samples}, method: min_max, compare: false, weight_rounding: {rounding}{more}}}\n"
        )
        # Of a sanitizer: memory that was freed serves again.
        environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
        with open(self.folder / "log", "w+") as log:
            started = subprocess.Popen(
                [QPREP, "prepare", "m.onnx", "-c", "c.yaml", "-o", "out", "--threads", str(threads)],
                cwd=self.folder, stdout=log, stderr=log, env=environment,
            )
            _, status, usage = os.wait4(started.pid, 0)
            started.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            self.assertEqual(started.returncode, 0, log.read())
        return usage.ru_maxrss, (self.folder / "out/m_calibrated.onnx").read_bytes()

    def test_more_samples_take_no_more_memory(self) -> None:
        base = self.prepare("few", "nearest")[0]
        for threads in (1, 2):
            few = self.prepare("few", "least_error", threads=threads)[0] - base
            many = self.prepare("many", "least_error", threads=threads)[0] - base
            self.assertLess(many, 1.5 * few, f"{few} KiB for {FEW} samples, {many} KiB for {MANY}")

    def test_a_bound_takes_less_memory_and_changes_nothing(self) -> None:
        base, nearest = self.prepare("few", "nearest")
        free, written = self.prepare("few", "least_error")
        self.assertNotEqual(written, nearest)
        bound, same = self.prepare("few", "least_error", ", memory: 6MiB")
        self.assertEqual(same, written)
        self.assertLess(bound - base, 0.6 * (free - base))
        for memory in (", memory: 1MiB", ", memory: 12MiB"):
            for threads in (1, 2, 3):
                self.assertEqual(self.prepare("few", "least_error", memory, threads)[1], written)


if __name__ == "__main__":
    unittest.main()
