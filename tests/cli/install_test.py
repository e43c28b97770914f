"""An installed tree runs where it was moved to, and finds its configurations and ONNX Runtime there."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(cmake: str, build: str) -> None:
    with tempfile.TemporaryDirectory(prefix="qprep_install_") as temporary:
        work = Path(temporary)
        subprocess.run([cmake, "--install", build, "--prefix", work / "first"], check=True, stdout=subprocess.DEVNULL)
        shutil.move(work / "first", work / "moved")
        program = work / "moved/bin/qprep"
        subprocess.run([sys.executable, ROOT / "tests/models/digits/samples.py", work / "samples"], check=True)
        shutil.copy(ROOT / "testdata/models/digits.onnx", work)
        (work / "qprep.yaml").write_text("output: {form: both, dialect: qdq}\ncalibration: {data: samples}\n")
        clean = {"PATH": os.environ["PATH"], "HOME": str(work)}
        result = subprocess.run(
            [program, "prepare", "digits.onnx", "-c", "qprep.yaml", "-o", "out", "--json"],
            cwd=work, env=clean, capture_output=True, text=True, timeout=120,
        )
        assert result.returncode == 0, result.stderr
        assert len(json.loads(result.stdout)["files"]) == 6, result.stdout
        assert str(ROOT) not in (work / "out/model_check_result.json").read_text()

        shutil.rmtree(work / "moved/share")
        result = subprocess.run([program, "inspect", "digits.onnx"], cwd=work, env=clean, capture_output=True, text=True)
        assert result.returncode == 1 and "QPREP_CONFIGS" in result.stderr, result.stderr


if __name__ == "__main__":
    main(*sys.argv[1:])
