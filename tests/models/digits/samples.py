"""Writes calibration samples for testdata/models/digits.onnx, as docs describe them: index.json and .npy files.

    python tests/models/digits/samples.py FOLDER [COUNT]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from dataset import draw

SEED = 2  # the training set is 1, the held-out pictures of compare.py are 3


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 64
    pictures, _ = draw(SEED, count)
    (folder / "image").mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures):
        np.save(folder / "image" / f"{number:04d}.npy", picture[None])
    shape = [1, *pictures.shape[1:]]
    inputs = [{"name": "image", "folder": "image", "dtype": str(pictures.dtype), "shape": shape}]
    (folder / "index.json").write_text(json.dumps({"count": count, "inputs": inputs}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
