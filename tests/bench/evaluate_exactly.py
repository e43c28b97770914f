"""../shared/eval/evaluate.py with exact int8 products: on x86 processors without VNNI, ONNX Runtime's fast kernels
saturate a sum of two products at 16 bits unless a session asks them not to. Where ONNX Runtime 1.31 cannot do that (it
fails on weights that several nodes read), int8 operators run as float ones between Q and DQ, which is exact too.

    python tests/bench/evaluate_exactly.py EVAL_FOLDER TASK MODEL [--as-written]     prints a JSON object

--as-written: operators between Q and DQ stay float ones, which int16 weights beside int16 activations need: ONNX Runtime
rounds their biases to steps in which they overflow.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import onnxruntime as ort  # noqa: E402
from evaluate import evaluate  # noqa: E402
from tasks import TASKS  # noqa: E402
from tasks.core import Net  # noqa: E402


def exact_session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # what it computes must not hang on the machine
    options.log_severity_level = 4
    options.add_session_config_entry("session.x64quantprecision", "1")
    if "--as-written" in sys.argv:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as failure:  # noqa: BLE001
        if "replace the existing tensor" not in str(failure):
            raise
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class ExactNet(Net):
    def __init__(self, path: Path) -> None:
        self.path = path
        self.session = exact_session(path)
        self.inputs = [value.name for value in self.session.get_inputs()]
        self.outputs = [value.name for value in self.session.get_outputs()]


def main() -> int:
    task = TASKS[sys.argv[2]]
    result = evaluate(task, ExactNet(Path(sys.argv[3])))
    print(json.dumps({"metric": task.metric, "value": result.scores[task.metric], "n": result.n}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
