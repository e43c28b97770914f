"""Puts every model there is into a folder: the ONNX backend tests (those of the archive in the shared folder, those that
the onnx package makes, and the files that it brings) and the real models of the shared folder, as links.

    python tests/corpus/models.py FOLDER

Prints what it found by kind. Does nothing if FOLDER is complete already. Without the shared folder there are only the
package's models.
"""

from __future__ import annotations

import os
import sys
import tarfile
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("QPREP_SHARED", ROOT.parent / "shared"))


def package_nodes(folder: Path) -> None:
    import onnx.backend.test.loader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = onnx.backend.test.loader.load_model_tests(kind="node")
    for case in cases:
        (folder / case.name).mkdir(parents=True)
        (folder / case.name / "model.onnx").write_bytes(case.model.SerializeToString())


def link_all(source: Path, folder: Path) -> None:
    """Every model of a tree, and copies of the external data beside it: links to those would leave the folder."""
    for path in sorted(source.rglob("*.onnx")) + sorted(source.rglob("*.data")):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".onnx":
            target.symlink_to(path)
        else:
            target.write_bytes(path.read_bytes())


def package_files(folder: Path) -> None:
    import onnx.backend.test

    link_all(Path(onnx.backend.test.__file__).parent / "data", folder)


def archive(folder: Path) -> None:
    path = SHARED / "data" / "onnx_backend_tests_1.23dev.tar.gz"
    if path.exists():
        with tarfile.open(path) as file:
            file.extractall(folder, filter="data")


def shared_models(folder: Path) -> None:
    if (SHARED / "models").is_dir():
        link_all(SHARED / "models", folder)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    kinds = {"package-nodes": package_nodes, "package-files": package_files, "archive": archive, "shared": shared_models}
    for name, make in kinds.items():
        done = folder / f"{name}.complete"
        if not done.exists():
            make(folder / name)
            (folder / name).mkdir(parents=True, exist_ok=True)
            done.touch()
        print(name, sum(1 for _ in (folder / name).rglob("*.onnx")))


if __name__ == "__main__":
    main()
