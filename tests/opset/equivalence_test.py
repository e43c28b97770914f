"""What a model is raised to gives the same bits in ONNX Runtime, its optimisations off.

    python tests/opset/equivalence_test.py RAISE_TOOL                a quick part, for ctest
    python tests/opset/equivalence_test.py RAISE_TOOL sweep models   whole corpora; "all" for every one
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice, pairwise

import corpora
from harness import NEWEST, Case, Comparison, Report, Tool, versions
from mutilated import mutilated
from sweep import sweep

TARGETS = (7, 11, 13, 17, 18, 21, NEWEST, 28)

CORPORA: dict[str, Callable[[], Iterator[Case]]] = {
    "sweep": sweep,
    "mutilated": lambda: mutilated(sweep()),
    "archive": corpora.backend_archive,
    "nodes": corpora.backend_nodes,
    "models": lambda: corpora.models(""),
    "spellings": lambda: corpora.models("spellings"),
    "relabelled-archive": lambda: corpora.relabelled(corpora.backend_archive()),
    "relabelled-nodes": lambda: corpora.relabelled(corpora.backend_nodes()),
}


def quick() -> Iterator[Case]:
    """One case in a few of each kind; the real models only where the shared folder is."""
    yield from islice(sweep(), 0, None, 13)
    yield from islice(mutilated(sweep()), 0, None, 97)
    if corpora.SHARED.exists():
        yield from islice(corpora.models("spellings"), 0, None, 150)
    else:
        print(f"{corpora.SHARED} is absent: its models are left out")


def compare(tool: str, name: str, cases: Iterator[Case], targets: tuple[int, ...]) -> Report:
    start = time.monotonic()
    comparison = Comparison(Tool(tool), targets)
    for case in cases:
        comparison.compare(case)
    comparison.tool.close()
    report = comparison.report
    print(f"{name}: {time.monotonic() - start:.0f} s\n{report.summary()}", flush=True)
    for fault in report.faults:
        print(fault, file=sys.stderr)
    return report


def uncovered(reports: list[Report]) -> list[str]:
    """The steps that no bit-equal raise went over, of those that ONNX Runtime can load."""
    covered = set().union(*(report.equal_steps for report in reports))
    return [
        f"{op} {first} -> {second}"
        for op, found in sorted(versions().items())
        for first, second in pairwise(found)
        if second <= NEWEST and (op, second) not in covered
    ]


def main(tool: str, names: list[str]) -> int:
    if not names:
        return 1 if compare(tool, "quick", quick(), (11, 13, 21)).faults else 0
    chosen = list(CORPORA) if names == ["all"] else names
    reports = [compare(tool, name, CORPORA[name](), TARGETS) for name in chosen]
    faults = sum(len(report.faults) for report in reports)
    print(f"{faults} faults; steps that no bit-equal raise went over: {', '.join(uncovered(reports)) or 'none'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
