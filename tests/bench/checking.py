"""What `check` costs, beside `inspect` of the same model, which reads it and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import models
from selecting import seconds

MARCH = "bayes"


def rows(qprep: Path, work: Path, pairs: int) -> Iterator[str]:
    model, config = work / "model.onnx", work / "check.yaml"
    config.write_text(f"march: {MARCH}\n")
    yield f"| model | inspect, s | check, s | check for {MARCH}, s | with the picture, s |"
    yield "|---|---|---|---|---|"
    sizes = [("weights of 4 MB", lambda: models.make_weights(model, 4_000_000, "conv-bn", False))]
    sizes += [(f"{count:,} nodes", lambda count=count: models.make_nodes(model, count)) for count in (1_000, 10_000, 100_000)]
    for name, make in sizes:
        make()
        commands = (
            [qprep, "inspect", model],
            [qprep, "check", model],
            [qprep, "check", model, "-c", config],
            [qprep, "check", model, "-c", config, "-o", work / "checked"],
        )
        taken = [median(seconds(command) for _ in range(pairs)) for command in commands]
        yield f"| {name}, {model.stat().st_size / 1e6:.1f} MB | " + " | ".join(f"{each:.2f}" for each in taken) + " |"
        model.unlink()
