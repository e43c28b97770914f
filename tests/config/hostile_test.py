"""Configurations that would take long or much memory are refused with a sentence, in little of both.

    python tests/config/hostile_test.py QPREP
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

MEGABYTES = 256
# A machine may be busy: what is slow here takes minutes, what is not takes a tenth of a second.
CPU_SECONDS = 10


def alias_bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for i in range(1, 40):
        lines.append(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]")
    return "\n".join(lines).encode()


def many_globs() -> bytes:
    names = "".join(f"      '{'*a' * 12}{i}': qint16\n" for i in range(10_000))
    return b"qconfig_setter:\n  - module_name:\n" + names.encode()


def texts() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Configurations, and the tables that lie beside them."""
    megabytes = 100 << 20
    table = b"conv,activation,Conv,1.0\n" * 100
    return {
        "100 MB of blanks": b" " * megabytes,
        "100 MB of a key": b"k" * megabytes + b": 1\n",
        "100 MB of values": b"march: bayes\n" * (megabytes // 13),
        "a file of NUL bytes": b"\0" * 4096,
        "NUL in a value": b"march: ba\0yes\n",
        "10,000 lists": b"a: " + b"[" * 10_000 + b"]" * 10_000,
        "10,000 maps": b"{a: " * 10_000 + b"}" * 10_000,
        "10,000 list items": b"- " * 10_000 + b"a\n",
        "brackets that never close": b"[" * 500_000,
        "an alias bomb": alias_bomb(),
        "a key of 400 KB": b"k" * 400_000 + b": 1\n",
        "an explicit key of 400 KB": b"? " + b"k" * 400_000 + b"\n: 1\n",
        "an anchor of 400 KB": b"a: &" + b"k" * 400_000 + b" 1\n",
        "a word of 400 KB": b"march: " + b"b" * 400_000 + b"\n",
        "many keys": b"".join(b"k%d: 1\n" % i for i in range(40_000)),
        "many equal keys": b"march: bayes\n" * 40_000,
        "many wrong values": b"qconfig_setter:\n" + b"  - x\n" * 40_000,
        "many globs": many_globs() + b"wrong: 1\n",
        "a large expression": b"qconfig_setter:\n  - module_name: {'re:" + b"((a{1,9}){1,9}){1,9}" * 50 + b"': qint8}\n",
        "UTF-16": "march: bayes\n".encode("utf-16"),
        "Latin-1": "output: {prefix: größe}\n".encode("latin-1"),
        "half of a character": b"output: {prefix: \xe4\xbd}\n",
        "a second document": b"march: bayes\n---\nmarch: meta\n",
        "many documents": b"---\n" * 100_000,
        "cut off in quotes": b'qconfig_setter:\n  - module_name:\n      "head.c\n',
        "cut off in a map": b"output: {form: qat,\n",
        "tabs": b"output:\n\tform: qat\n" * 1000,
        "nothing": b"",
        "a table without rows": b"qconfig_setter: [{sensitive_op: {table: rules, topk: 1}}]\n",
        "a table of 100 MB": b"qconfig_setter: [{sensitive_op: {table: huge, topk: 1}}]\n",
        "a table that is a FIFO": b"qconfig_setter: [{sensitive_op: {table: fifo, topk: 1}}]\n",
        "a table that is a device": b"qconfig_setter: [{sensitive_op: {table: /dev/zero, topk: 1}}]\n",
        "a table that is a folder": b"qconfig_setter: [{sensitive_op: {table: folder, topk: 1}}]\n",
        "a table of wrong rows": b"qconfig_setter: [{sensitive_op: {table: wrong, topk: 1}}]\n",
        "both topk and ratio": b"qconfig_setter: [{sensitive_op: {table: right, topk: 1, ratio: 1}}]\n",
    }, {
        "rules": b"-----\n" * 100_000,
        "huge": b"conv,activation,Conv,1.0\n" * (megabytes // 25),
        "wrong": b"conv;activation\n" * 100_000,
        "right": table,
    }


def paths(folder: Path) -> Iterator[tuple[str, Path]]:
    configurations, tables = texts()
    for name, content in tables.items():
        (folder / name).write_bytes(content)
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    for name, content in configurations.items():
        path = folder / (name.replace(" ", "_").replace(",", "") + ".yaml")
        path.write_bytes(content)
        yield name, path
        path.unlink()
    yield "a FIFO", folder / "fifo"
    yield "a folder", folder / "folder"
    yield "no file", folder / "missing.yaml"
    yield "a device", Path("/dev/zero")


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))


def main(qprep: str) -> int:
    if b"__asan_init" in Path(qprep).read_bytes() or b"__tsan_init" in Path(qprep).read_bytes():
        print("a sanitizer reserves more memory than is allowed here")
        return 77
    failures = []
    count = 0
    with tempfile.TemporaryDirectory(prefix="qprep_hostile_") as temporary:
        for name, path in paths(Path(temporary)):
            count += 1
            result = subprocess.run(
                [qprep, "config", "check", path], capture_output=True, timeout=120, preexec_fn=limit
            )
            said = result.stderr.decode(errors="replace")
            lines = said.splitlines()
            if result.returncode != 1 or not lines:
                failures.append(f"{name}: exit status {result.returncode}: {said[:300]}")
            elif len(lines) > 101 or max(map(len, lines)) > 2000:
                failures.append(f"{name}: {len(lines)} lines, the longest of {max(map(len, lines))}")
            elif not all("error: " in line and line.endswith("]") for line in lines):
                failures.append(f"{name}: no sentence: {said[:300]}")
    print("\n".join(failures) or f"{count} hostile configurations are refused")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
