"""The rewrites keep what models compute: on the real models, the spellings and the backend tests beside the
checkout, and the backend tests of the Python package.

    python tests/passes/equivalence_test.py REWRITE_TOOL [models|spellings|light|backend|nodes ...]
"""

from __future__ import annotations

import itertools
import sys
import zlib
from collections.abc import Callable, Iterator

from rewrites import Comparison, Tool

from corpora import SHARED, backend_archive, backend_nodes, models
from harness import Case

EVERY = 8  # of the spellings, and of the backend tests, one in so many by default


def sample(cases: Iterator[Case]) -> Iterator[Case]:
    return (case for case in cases if zlib.crc32(case.name.encode()) % EVERY == 0)


CORPORA: dict[str, Callable[[], Iterator[Case]]] = {
    "models": lambda: models(""),
    "spellings": lambda: models("spellings"),
    "backend": backend_archive,
    "nodes": backend_nodes,
}


def main() -> int:
    program, *wanted = sys.argv[1:]
    comparison = Comparison(Tool(program))
    if wanted:
        cases = itertools.chain.from_iterable(CORPORA[name]() for name in wanted)
    else:
        cases = sample(backend_nodes())
        if SHARED.exists():
            cases = itertools.chain(cases, models(""), sample(models("spellings")))
        else:
            print(f"skipped the real models: {SHARED} does not exist")
    for case in cases:
        comparison.compare(case)
    print(comparison.summary())
    return 1 if comparison.faults else 0


if __name__ == "__main__":
    sys.exit(main())
