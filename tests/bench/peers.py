"""Accuracy beside that of other tools, in two families: those that quantise every activation, and those that quantise
what Conv, MatMul and Gemm read."""

from __future__ import annotations

from pathlib import Path

WHOLE = ("ort default", "ort minmax", "ort percentile", "aimet default", "quark default")
WEIGHTED = ("nncf default", "modelopt entropy", "onnxsim default")


def figures(peers: Path) -> dict[str, dict[str, list[float]]]:
    """By model and tool: what PEERS.md has of it. A float model that was handed back is no figure."""
    section = peers.read_text().split("## Accuracy, int8", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows[2:]:
        tools = found.setdefault(row[0], {})
        for tool, cell in zip(rows[0][3:], row[3:]):
            values = []
            for place, part in enumerate(cell.split("/")):
                try:
                    value = float(part)
                except ValueError:
                    continue
                is_float_model = tool.startswith("onnxsim") and place == 0 and abs(value - float(row[2])) < 0.005
                if not is_float_model:
                    values.append(value)
            tools[tool] = values
    return found


def best(tools: dict[str, list[float]], family: tuple[str, ...]) -> tuple[str, float] | None:
    known = [(max(tools[tool]), tool) for tool in family if tools.get(tool)]
    if not known:
        return None
    value, tool = max(known)
    return tool, value


def table(peers: Path, results: dict[str, tuple[str, float, float | None, float | None]]) -> list[str]:
    """results: by model its metric, float, qprep's figure of `jit`, and of weighted operators alone."""
    lines = [
        "| model | metric | float | qprep, whole graph | best other | | qprep, weighted alone | best other | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for model, tools in figures(peers).items():
        if model not in results:
            continue
        metric, of_float, whole, weighted = results[model]
        cells = [model, metric, f"{of_float:.4f}"]
        for own, family in ((whole, WHOLE), (weighted, WEIGHTED)):
            other = best(tools, family)
            cells.append(f"**{own:.4f}**" if own is not None else "")
            cells.append(f"{other[1]:.4f} {other[0]}" if other else "none loads")
            cells.append(f"{own - other[1]:+.4f}" if own is not None and other else "")
        lines.append("| " + " | ".join(cells) + " |")
    return lines
