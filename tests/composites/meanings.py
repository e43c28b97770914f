"""The language of configs/composites.yaml, for tests: every spelling of every composite operator as ONNX nodes.

A second reader of that language, which shares nothing with qprep's.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[2]
STATEMENT = re.compile(r"(\w+)\s*=\s*(\w+)\(([^()]*)\)(\?)?")
KINDS = ("const", "scalar", "reduced", "channel")
MOST = 40  # expansions of one pattern that are run; all of fewer


@dataclass(frozen=True)
class Operand:
    kind: str  # "data", "result", "number", or one of KINDS
    name: str = ""  # of a constant: its path, "v.eps"
    number: float = 0.0
    step: int = 0


@dataclass
class Step:
    path: str
    word: str
    operands: list[Operand]


@dataclass
class Draft:
    steps: list[Step] = field(default_factory=list)
    scope: dict[str, Operand] = field(default_factory=dict)
    last: Operand | None = None
    present: frozenset[str] = frozenset()


@dataclass
class Spelling:
    """One entry of `any_of`, with what holds for it."""

    composite: str
    number: int
    pattern: str
    of: list[str]
    means: str | None
    formula: str | None
    given: list[str]
    example: dict[str, list[int]]
    differs: set[str]
    replaceable: set[str]  # replacements that leave it recognised


class Language:
    def __init__(self, path: Path = ROOT / "configs/composites.yaml") -> None:
        table = yaml.safe_load(path.read_text())
        self.words, self.phrases, self.composites = table["operators"], table["phrases"], table["composites"]

    def spellings(self) -> list[Spelling]:
        found = []
        for composite in self.composites:
            for number, entry in enumerate(composite["any_of"]):
                own = {"pattern": entry} if isinstance(entry, str) else entry
                says = own if {"means", "formula"} & own.keys() else composite
                found.append(
                    Spelling(
                        composite["name"],
                        number,
                        own["pattern"],
                        composite["of"],
                        says.get("means"),
                        says.get("formula"),
                        [*composite.get("given", ()), *own.get("given", ())],
                        own.get("example", {}),
                        {*composite.get("differs", ()), *own.get("differs", ())},
                        set(composite.get("replaceable", ())),
                    )
                )
        return found

    def expand(self, spelling: Spelling) -> list[Draft]:
        """Every choice of phrases and of statements that may be missing; of very many, some spread over all."""
        start = Draft(scope={name: Operand("data", name) for name in spelling.of})
        drafts = self.statements(spelling.pattern, start, "")
        stride = max(1, math.ceil(len(drafts) / MOST))
        return drafts[::stride]

    def statements(self, text: str, start: Draft, prefix: str) -> list[Draft]:
        drafts = [start]
        for result, word, operands, optional in STATEMENT.findall(text):
            step: list[Draft] = []
            for draft in drafts:
                step += self.with_statement(result, word, operands, draft, prefix)
                if optional:
                    step.append(self.without(result, operands, draft))
            drafts = step
        return drafts

    def operand(self, text: str, scope: dict[str, Operand], prefix: str) -> Operand:
        words = text.split()
        if len(words) == 1:
            try:
                return Operand("number", number=float(text))
            except ValueError:
                return scope[text]
        kind, name = words
        assert kind in KINDS, f"{kind} is no kind of constant"
        return scope.setdefault(name, Operand(kind, prefix + name))

    def without(self, result: str, operands: str, draft: Draft) -> Draft:
        scope = dict(draft.scope)
        first = self.operand(operands.split(",")[0].strip(), scope, "")
        scope[result] = first
        return Draft(list(draft.steps), scope, first, draft.present)

    def with_statement(self, result: str, word: str, operands: str, draft: Draft, prefix: str) -> list[Draft]:
        scope = dict(draft.scope)
        read = [self.operand(text.strip(), scope, prefix) for text in operands.split(",")]
        present = draft.present | {prefix + result}
        if word in self.words:
            own = Operand("result", prefix + result, step=len(draft.steps))
            steps = [*draft.steps, Step(prefix + result, word, read)]
            return [Draft(steps, {**scope, result: own}, own, present)]
        phrase = self.phrases[word]
        found = []
        for way in phrase["any_of"]:
            inner = Draft(list(draft.steps), dict(zip(phrase["of"], read, strict=True)), None, present)
            for done in self.statements(way, inner, f"{prefix}{result}."):
                assert done.last
                # A phrase's last result is the statement's own.
                steps = [
                    Step(prefix + result, step.word, step.operands)
                    if done.last.kind == "result" and number == done.last.step
                    else step
                    for number, step in enumerate(done.steps)
                ]
                inner_constants = {each.name: each for each in done.scope.values() if each.kind in KINDS}
                found.append(
                    Draft(steps, {**scope, **inner_constants, result: done.last}, done.last, done.present)
                )
        return found

    def choices(self, draft: Draft) -> list[list[dict[str, Any]]]:
        """For each step the operator it is: the first of its word, and each other one in one of the variants."""
        options = [[{"op": op} if isinstance(op, str) else op for op in self.words[s.word]["any_of"]] for s in draft.steps]
        found = []
        for variant in range(max(map(len, options))):
            found.append([each[min(variant, len(each) - 1)] for each in options])
        return found

    def is_commutative(self, word: str) -> bool:
        return self.words[word].get("commutative", False)


SHAPES = {
    "trailing": [((2, 5, 8), (-1,)), ((3, 5, 8), (-2, -1))],
    "one": [((2, 5, 8), (-1,)), ((2, 6, 5), (-2,))],
    "inner": [((2, 5, 4, 6), (-3, -2))],
    "spatial": [((2, 6, 5), (-1,)), ((2, 4, 5, 3), (-2, -1))],
    "plane": [((2, 4, 5, 3), (-2, -1))],
    "some": [((2, 4, 5, 3), (-2, -1))],
}


def shapes_for(ops: list[dict[str, Any]], example: dict[str, list[int]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Shapes of the data and axes that all reductions agree on."""
    asked = [op["axes"] for op in ops if "axes" in op]
    if "x" in example:
        return [(tuple(example["x"]), tuple(example.get("axes", ())))]
    if not asked:
        return [((2, 4, 5, 3), ())]
    candidates = list(dict.fromkeys(itertools.chain.from_iterable(SHAPES[word] for word in asked)))
    pools = [op["op"].startswith("Global") for op in ops]
    return [each for each in candidates if all(fits(word, *each) for word in asked) and (not any(pools) or is_spatial(*each))]


def is_spatial(shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    return sorted(axes) == list(range(2 - len(shape), 0))


def fits(word: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    consecutive = max(axes) - min(axes) == len(axes) - 1
    return {
        "trailing": consecutive and max(axes) == -1,
        "one": len(axes) == 1,
        "inner": consecutive and len(axes) >= 2 and max(axes) < -1 and min(axes) > -len(shape),
        "spatial": is_spatial(shape, axes),
        "plane": is_spatial(shape, axes) and len(axes) >= 2,
        "some": True,
    }[word]
