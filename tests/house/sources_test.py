"""Checks what the compiler does not: that the sources are formatted, short, and include only what they may.

    python tests/house/sources_test.py FORMATTER
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 600  # lines

# docs/design.md, 'Folders': what each library may include besides itself.
BASE = {"support", "ir"}
LAYERS: dict[str, set[str]] = {
    "support": set(),
    "ir": {"support"},
    "onnx_io": BASE,
    "opset": BASE,
    "plan": BASE,
    "target": BASE,
    "config": BASE | {"plan", "target"},
    "quant": BASE | {"plan"},
    "passes": BASE | {"plan", "quant", "config", "opset", "target"},
    "runtime": BASE,
    "images": BASE | {"plan"},
    "samples": BASE | {"plan", "images", "runtime"},
    "drawing": {"support"},
    "analysis": BASE | {"plan", "quant", "config", "passes", "runtime", "samples", "onnx_io", "target"},
    "report": BASE | {"plan", "quant", "config", "passes", "target"},
}
# Each of these is used in one folder only.
HOMES = {
    "onnx/": "lib/onnx_io",
    "google/protobuf": "lib/onnx_io",
    "yaml-cpp/": "lib/config",
    "onnxruntime": "lib/runtime",
    "CLI/": "apps",
    "turbojpeg.h": "lib/images",
    "png.h": "lib/images",
    "zlib.h": "lib/samples",
}
PRINTS = re.compile(r"std::(cout|cerr|clog)\b|\b(std::)?f?printf\(|\bfmt::print|\bstd::puts|\bstd::fputs")
INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]')


def sources() -> list[Path]:
    folders = ("lib", "apps", "tests")
    return sorted(path for name in folders for end in ("cc", "h") for path in (ROOT / name).rglob(f"*.{end}"))


def misformatted(formatter: str, paths: list[Path]) -> Iterator[str]:
    command = [formatter, "--dry-run", "--Werror", "--ferror-limit=1", *map(str, paths)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    wrong = set(re.findall(r"^(\S+?):\d+:\d+: error: code should be clang-formatted", result.stderr, re.M))
    yield from (f"{Path(path).relative_to(ROOT)}: not formatted: clang-format -i it" for path in sorted(wrong))
    if result.returncode and not wrong:
        yield f"{formatter} failed: {result.stderr.strip()}"


def misplaced(name: str, included: str) -> Iterator[str]:
    """What is wrong with the file `name` of lib including `included`."""
    library = name.split("/")[1]
    other = included.split("/")[0]
    if library in LAYERS and other in LAYERS and other != library and other not in LAYERS[library]:
        yield f"lib/{library} may not use lib/{other}"


def faults(path: Path) -> Iterator[str]:
    name = str(path.relative_to(ROOT))
    text = path.read_text()
    lines = text.splitlines()
    if len(lines) > LONGEST:
        yield f"{len(lines)} lines, more than {LONGEST}"
    if name.endswith(".h") and "#pragma once" not in lines[:3]:
        yield "no '#pragma once' at its beginning"
    for number, line in enumerate(lines, 1):
        if name.startswith("lib/") and PRINTS.search(line):
            yield f"line {number}: lib prints nothing"
        if not (include := INCLUDE.match(line)):
            continue
        for library, home in HOMES.items():
            if include[1].startswith(library) and not name.startswith((home, "tests")):
                yield f"line {number}: <{include[1]}> is for {home} only"
        if name.startswith("lib/"):
            yield from (f"line {number}: {fault}" for fault in misplaced(name, include[1]))


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    paths = sources()
    found = [f"{path.relative_to(ROOT)}: {fault}" for path in paths for fault in faults(path)]
    found += misformatted(sys.argv[1], paths)
    print("\n".join(found) or f"{len(paths)} files are in order")
    return 1 if found or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
