"""Every spelling of configs/composites.yaml computes what the file says it means, is recognised, and becomes what
`rewrite: modern` writes.

    python tests/composites/meanings_test.py QPREP [--seed N] [-v]

Each pattern is made into ONNX nodes, with every choice of its phrases (of very many, some spread over all), every operator
of its words, shapes for every way that its reductions may run, and random constants that fit `given`. ONNX Runtime runs
these, the operator of `means`, and what qprep writes, on random data and on the edges: zero, tiny and large numbers,
infinity and NaN. `formula` is computed with numpy in float64.

On finite data all agree to 2e-5 of the largest, but where the spelling's own parts overflow. `differs` of the file says
for which data a composite does not agree; that it says neither less nor more is tested, too.
"""

from __future__ import annotations

import argparse
import collections
import math
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from meanings import Draft, Language, Operand, Spelling, Step, shapes_for
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
NEWEST = 24  # of the operators of `means`
TOLERANCE = 2e-5
UNIT = re.compile(r"^  unit \d+ ([^:]+): (.*)$", re.M)
REDUCTIONS = ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp")
CONDITION = re.compile(r"(.+?)(==|<=|>=)(.+)")


@dataclass
class Values:
    """The numbers of one instance's constants, chosen so that `given` holds."""

    rng: np.random.Generator
    known: dict[str, np.ndarray] = field(default_factory=dict)


class Instance:
    """One spelling with everything chosen, as nodes whose names begin with its own."""

    def __init__(self, name: str, spelling: Spelling, draft: Draft, ops: list[dict], shape: tuple[int, ...], axes: tuple[int, ...], seed: int, language: Language) -> None:
        self.name, self.spelling, self.draft, self.shape, self.axes = name, spelling, draft, shape, axes
        self.rng = np.random.default_rng(seed)
        self.language = language
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.attributes: dict[str, dict[str, Any]] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.choose_by_given()
        for step, op in zip(draft.steps, ops, strict=True):
            self.add(step, op)

    # Names

    def value(self, path: str) -> str:
        return f"{self.name}/{path}"

    @property
    def input(self) -> str:
        return self.value(self.spelling.of[0] + "!")

    @property
    def output(self) -> str:
        return self.value(self.draft.steps[-1].path)

    # Constants

    def choose_by_given(self) -> None:
        self.fixed: dict[str, float] = {}
        waiting = [CONDITION.fullmatch(text).groups() for text in self.spelling.given]  # type: ignore[union-attr]
        for left, relation, right in [(a.strip(), r, b.strip()) for a, r, b in waiting]:
            if not re.fullmatch(r"[a-z]\w*(\.\w+)*", left) or left in ("axis", "last", "count"):
                continue
            if re.fullmatch(r"[a-z]+", right) and right not in ("count", "axis", "last"):
                self.fixed.setdefault(right, 1.7)
            if relation == "==":
                self.fixed[left] = self.number(right)
            elif relation == ">=":
                self.fixed[left] = self.number(right) + 5
            elif left == "low":
                self.fixed.update(low=-1.5, high=2.0)
            else:
                self.fixed[left] = self.number(right) * 0.3

    def number(self, text: str) -> float:
        return float(eval(text.strip(), {"__builtins__": {}}, self.scope()))  # noqa: S307: the file's own text

    def scope(self) -> dict[str, Any]:
        axes = sorted(self.axes)
        reduced = self.spelling.example["r"] if "axes" in self.spelling.example else self.shape
        last = axes[-1] if axes and axes[-1] - axes[0] == len(axes) - 1 else None
        scope: dict[str, Any] = {
            "axis": axes[0] if axes else None,
            "last": last,
            "count": math.prod(reduced[axis] for axis in self.axes) if axes else None,
            "sqrt": math.sqrt,
            "rank": lambda of: len(of),
            "shape": lambda of: of,
            "attribute": lambda of, name, default=None: default,
            "x": self.shape,
            **{name: shape for name, shape in getattr(self, "shapes", {}).items() if "." not in name},
        }
        constants = {**getattr(self, "fixed", {}), **{k: v for k, v in self.constants.items()}}
        # eval knows no dotted names: v.eps is a field of v.
        for path, value in constants.items():
            number = float(np.ravel(value)[0]) if np.size(value) and np.all(np.ravel(value) == np.ravel(value)[0]) else None
            head, _, rest = path.partition(".")
            if rest:
                scope[head] = Fields({**getattr(scope.get(head), "values", {}), rest: number})
            elif number is not None:
                scope[head] = number
        return scope

    def holds(self, condition: str) -> bool:
        for name in re.findall(r"attribute\((\w+), (\w+)(?:, [^)]*)?\)", condition):
            assert name
        try:
            return bool(eval(condition, {"__builtins__": {}}, self.scope()))  # noqa: S307
        except (TypeError, NameError):
            return False

    def constant(self, operand: Operand, op: str, reads: tuple[int, ...]) -> np.ndarray:
        if operand.name in self.constants:
            return self.constants[operand.name]
        own = operand.name.rsplit(".", 1)[-1]
        if own.startswith("none"):
            value: np.ndarray = np.array(False)
        elif operand.name in self.fixed:
            shape = (reads[1],) if op in ("InstanceNormalization", "BatchNormalization") else ()
            value = np.full(shape, self.fixed[operand.name], np.float32)
        elif own == "eps":
            value = np.array(1e-5 if operand.name == "eps" else 1e-12, np.float32)
        elif own == "t":
            value = np.array(20, np.float32)  # a threshold
        elif operand.kind == "scalar":
            value = np.array(self.rng.uniform(0.3, 0.9), np.float32)
        elif own in ("low", "high"):
            value = np.array({"low": -1.5, "high": 2.0}[own], np.float32)
        else:
            value = self.rng.normal(0.7, 0.5, self.constant_shape(operand, op, reads)).astype(np.float32)
            if own == "v":
                value = np.abs(value) + np.float32(0.5)
        self.constants[operand.name] = value
        return value

    def constant_shape(self, operand: Operand, op: str, reads: tuple[int, ...]) -> tuple[int, ...]:
        if op in ("InstanceNormalization", "BatchNormalization"):
            return (reads[1],)
        if operand.name in self.spelling.example:
            return tuple(self.spelling.example[operand.name])
        if operand.kind == "channel":
            rank = len(self.shape)
            inner = bool(self.axes) and max(self.axes) < -1
            return (self.shape[-1],) if inner else (self.shape[1],) + (1,) * (rank - 2)
        if operand.kind == "reduced":
            first = min(self.axes)
            return tuple(self.shape[at] if at in self.axes else 1 for at in range(first, 0))
        return (self.shape[-1],)

    # Nodes

    def read(self, operand: Operand, op: str, reads: tuple[int, ...]) -> str:
        if operand.kind == "data":
            self.shapes[self.spelling.of[0]] = self.shape
            return self.input
        if operand.kind == "result":
            return self.value(self.draft.steps[operand.step].path)
        if operand.kind == "number":
            return self.initializer(f"number{len(self.initializers)}", np.array(operand.number, np.float32))
        return self.initializer(operand.name + "!", self.constant(operand, op, reads))

    def initializer(self, path: str, value: np.ndarray) -> str:
        name = self.value(path)
        if all(each.name != name for each in self.initializers):
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value) if value.ndim else value, name))
        return name

    def shape_of(self, operand: Operand) -> tuple[int, ...]:
        if operand.kind == "data":
            return self.shape
        if operand.kind == "result":
            return self.shapes[self.draft.steps[operand.step].path]
        return np.shape(self.constants.get(operand.name, 0.0))

    def add(self, step: Step, op: dict) -> None:
        kind = op["op"]
        first = self.shape_of(step.operands[0])
        inputs = [self.read(operand, kind, first) for operand in step.operands]
        attributes: dict[str, Any] = {entry["name"]: entry["is"] for entry in op.get("attributes", ())}
        shapes = [self.shape_of(operand) for operand in step.operands]
        shape = np.broadcast_shapes(*shapes) if kind not in ("InstanceNormalization", "BatchNormalization") else first
        if kind in REDUCTIONS:
            shape = self.reduction(step, op, first, inputs, attributes)
        elif kind == "GlobalAveragePool":
            shape = first[:2] + (1,) * (len(first) - 2)
        elif kind in ("Reshape", "Expand", "Squeeze"):
            shape = self.layout(step, kind, first, inputs)
        elif kind == "Clip":
            for word in ("min", "max"):
                number = op.get(word, 1e-12 if word == "min" and not {"min", "max"} & op.keys() else None)
                inputs.append("" if number is None else self.initializer(f"{step.path}!{word}", np.array(number, np.float32)))
            while not inputs[-1]:
                inputs.pop()
        if self.language.is_commutative(step.word) and self.rng.random() < 0.5:
            inputs.reverse()
        self.nodes.append(helper.make_node(kind, inputs, [self.value(step.path)], name=self.value(step.path), **attributes))
        self.shapes[step.path] = tuple(shape)

    def reduction(self, step: Step, op: dict, first: tuple[int, ...], inputs: list[str], attributes: dict) -> tuple[int, ...]:
        axes = tuple(self.spelling.example.get(f"axes_{step.path}", self.axes))
        keeps = op.get("keepdims", True) is not False
        attributes["keepdims"] = int(keeps)
        if op["op"] == "ReduceSum":
            inputs.append(self.initializer(f"{step.path}!axes", np.array(axes, np.int64)))
        else:
            attributes["axes"] = list(axes)
        positive = {axis % len(first) for axis in axes}
        kept = [1 if at in positive else size for at, size in enumerate(first)]
        return tuple(size for at, size in enumerate(kept) if keeps or at not in positive)

    def layout(self, step: Step, kind: str, first: tuple[int, ...], inputs: list[str]) -> tuple[int, ...]:
        kept = tuple(1 if at - len(self.shape) in self.axes else size for at, size in enumerate(self.shape))
        target = self.spelling.example.get(step.path)
        if target is None and (kind == "Expand" or math.prod(first) == math.prod(self.shape)):
            target = self.shape
        shape = tuple(target if target is not None else kept)
        numbers = shape
        if kind == "Squeeze":
            numbers = tuple(at for at, size in enumerate(first) if size == 1)[: len(first) - len(shape)]
        inputs.append(self.initializer(f"{step.path}!sizes", np.array(numbers, np.int64)))
        return shape

    # What it means

    def operator(self) -> tuple[onnx.NodeProto, list[onnx.TensorProto]] | None:
        """The operator of `means`; None: there is none, or what it needs is not given for these shapes."""
        if not self.spelling.means or not all(map(self.holds, self.spelling.given)):
            return None
        op, operands, attributes = re.fullmatch(r"(\w+)\((.*?)\)(?:\[(.*)\])?", self.spelling.means).groups()  # type: ignore[union-attr]
        inputs, tensors = [f"{self.name}/x"], []
        for number, text in enumerate(operands.split(",")[1:]):
            value = self.meant(text.strip())
            if value is None:
                continue
            tensors.append(numpy_helper.from_array(value.astype(np.float32), f"{self.name}/operand{number}"))
            inputs.append(tensors[-1].name)
        values = dict(self.meant_attribute(text) for text in re.split(r",(?![^(]*\))", attributes or "") if text)
        return helper.make_node(op, inputs, [f"{self.name}/y"], **values), tensors

    def meant(self, text: str) -> np.ndarray | None:
        kind, _, rest = text.rpartition(" ") if "=" not in text else text.partition("=")[0].strip().rpartition(" ")
        if re.fullmatch(r"-?[\d.]+", text):
            return np.array(float(text))
        sign = -1 if kind.startswith("-") else 1
        value = self.constants.get(rest)
        shape: tuple[int, ...] = ()
        if kind == "reduced":
            shape = tuple(self.shape[axis] for axis in sorted(self.axes))
        elif kind == "channel":
            shape = (self.shape[1],)
        if value is None:
            return np.full(shape, float(text.partition("=")[2])) if "=" in text else None
        if kind.lstrip("-") == "const":
            return sign * value
        if kind == "channel" and value.size > 1:
            value = value.reshape(-1)
        if kind == "reduced":
            value = value.reshape(value.shape[-len(shape) :])
        return np.broadcast_to(value, shape)

    def meant_attribute(self, text: str) -> tuple[str, Any]:
        name, value = (part.strip() for part in text.split("=", 1))
        if value.startswith("'"):
            return name, value.strip("'")
        attribute = re.fullmatch(r"attribute\((\w+), (\w+), (.*)\)", value)
        number = float(attribute[3]) if attribute else self.number(value) if value not in self.missing(value) else 0.0
        return (name.removeprefix("int "), int(number)) if name.startswith("int ") else (name, number)

    def missing(self, name: str) -> set[str]:
        return {name} if re.fullmatch(r"[a-z]+", name) and name not in self.scope() else set()

    def by_formula(self, x: np.ndarray) -> np.ndarray | None:
        if not self.spelling.formula:
            return None
        x = x.astype(np.float64)
        scope: dict[str, Any] = {
            **{path: value.astype(np.float64) for path, value in self.constants.items() if "." not in path and value.dtype != bool},
            **{each: getattr(np, each) for each in ("sqrt", "logaddexp", "exp", "abs", "maximum")},
            "x": x,
            "count": self.scope()["count"],
            "affine": lambda n, w, b: n * (1 if w is None else w) + (0 if b is None else b),
            "present": lambda path: path in self.draft.present,
            "norm": lambda of, *axes: np.sqrt((of**2).sum(axes, keepdims=True)),
        }
        for name in ("w", "b", "eps"):
            scope.setdefault(name, None if name != "eps" else 0.0)
        for path, shape in self.spelling.example.items():
            if path not in scope and not path.startswith("axes") and path != "x" and math.prod(shape) == x.size:
                scope[path] = x.reshape(shape)
        axes = tuple(self.axes)
        scope["mean"] = lambda of: of.mean(axes, keepdims=True)
        scope["total"] = lambda of: of.sum(axes, keepdims=True)
        scope["length"] = lambda of: np.sqrt((of**2).sum(axes, keepdims=True))
        with np.errstate(all="ignore"):
            return np.broadcast_to(eval(self.spelling.formula, scope), x.shape)  # noqa: S307

    def feeds(self) -> dict[str, np.ndarray]:
        """By what they hold: random, zero and constant numbers, tiny, large and very large ones, infinity, NaN."""
        x = self.rng.normal(0.3, 2.0, self.shape).astype(np.float32)
        special = x.copy()
        special.flat[:: max(1, x.size // 7)] = [-6, -3, 0, 3, 6, -1, 1, -0.0, 20, -20][: len(special.flat[:: max(1, x.size // 7)])]
        feeds = {"random": x, "special": special, "tiny": x * np.float32(1e-3), "hundreds": x * np.float32(60)}
        feeds["zero"] = np.zeros_like(x)
        feeds["overflow"] = x * np.float32(1e20)
        for name, number in (("infinity", np.inf), ("nan", np.nan)):
            feeds[name] = x.copy()
            feeds[name].flat[0] = number
        feeds["infinity"].flat[1] = -np.inf
        return feeds


class Fields:
    def __init__(self, values: dict[str, float | None]) -> None:
        self.values = values

    def __getattr__(self, name: str) -> float | None:
        return self.values[name]


def model_of(instances: list[Instance], opset: int) -> onnx.ModelProto:
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node for each in instances for node in each.nodes],
        "spellings",
        [info(each.input, TensorProto.FLOAT, each.shape) for each in instances],
        [info(each.output, TensorProto.FLOAT, each.shape) for each in instances],
        [tensor for each in instances for tensor in each.initializers],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def reference_of(instances: list[Instance]) -> onnx.ModelProto:
    info = helper.make_tensor_value_info
    meant = [(each, operator) for each in instances if (operator := each.operator())]
    graph = helper.make_graph(
        [operator[0] for _, operator in meant],
        "means",
        [info(f"{each.name}/x", TensorProto.FLOAT, each.shape) for each, _ in meant],
        [info(f"{each.name}/y", TensorProto.FLOAT, each.shape) for each, _ in meant],
        [tensor for _, operator in meant for tensor in operator[1]],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", NEWEST)], ir_version=11)


def session(model: onnx.ModelProto | Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run(net: ort.InferenceSession, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    names = [each.name for each in net.get_outputs()]
    wanted = {each.name: feed[each.name.removesuffix("!").rpartition("/")[0]] for each in net.get_inputs()}
    return {name.partition("/")[0]: value for name, value in zip(names, net.run(names, wanted), strict=True)}


def agree(spelled: np.ndarray, meant: np.ndarray, is_edge: bool) -> bool:
    """Every element; on the edges, by its own size and not the largest's."""
    a, b = spelled.astype(np.float64), meant.astype(np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if not same[~finite].all():
        return False
    scale = np.maximum(np.abs(a[finite]), 1) if is_edge else np.abs(b[finite]).max(initial=1e-30)
    return bool((np.abs(a[finite] - b[finite]) <= TOLERANCE * scale).all())


def prepare(qprep: str, model: Path, out: Path, rewrite: str, replace: tuple[str, ...] = ()) -> str:
    config = out / f"{rewrite}.yaml"
    config.write_text(
        f"rewrite: {rewrite}\nreplace: [{', '.join(replace)}]\nweights: {{dtype: float}}\nactivations: {{dtype: float}}\n"
    )
    command = [qprep, "prepare", str(model), "-o", str(out / rewrite), "-c", str(config)]
    dump = subprocess.run([*command, "--dump-after", "group-units"], capture_output=True, text=True, timeout=300)
    if dump.returncode:
        raise RuntimeError(dump.stderr)
    return dump.stdout


def make_instances(language: Language, seed: int) -> tuple[list[Instance], list[str]]:
    instances, faults = [], []
    for spelling in language.spellings():
        made = 0
        for draft in language.expand(spelling):
            for ops in language.choices(draft):
                for shape, axes in shapes_for(ops, spelling.example):
                    name = f"s{len(instances)}"
                    try:
                        instances.append(Instance(name, spelling, draft, ops, shape, axes, seed + len(instances), language))
                        made += 1
                    except Exception as error:
                        faults.append(f"{spelling.composite}[{spelling.number}]: {type(error).__name__} {error}; {spelling.pattern}")
        if not made:
            faults.append(f"{spelling.composite}[{spelling.number}] cannot be made into nodes: {spelling.pattern}")
    return instances, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qprep", nargs="?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    language = Language()
    instances, faults = make_instances(language, arguments.seed)
    instances = [each for each in instances if arguments.only in each.spelling.composite]
    by_name = {each.name: each for each in instances}
    counts: collections.Counter = collections.Counter(spellings=len(instances))

    def fault(each: Instance, what: str) -> None:
        ops = " ".join(node.op_type for node in each.nodes)
        faults.append(f"{each.spelling.composite}[{each.spelling.number}] {each.shape} {each.axes} ({ops}): {what}")

    feeds = {each.name: each.feeds() for each in instances}
    kinds = list(next(iter(feeds.values())))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        path = out / "spellings.onnx"
        onnx.save(model_of(instances, OPSET), path)
        nets = {"means": session(reference_of(instances))}
        spelled_net = session(path)
        if arguments.qprep:
            dump = prepare(arguments.qprep, path, out, "keep")
            check_units(dump, instances, fault, counts)
            check_replaced(arguments.qprep, path, out, instances, fault, counts)
            prepare(arguments.qprep, path, out, "modern")
            written = out / "modern/spellings_qat.onnx"
            nets["rewrite: modern"] = session(written)
            check_modern(onnx.load(written), instances, fault, counts)
        seen = collections.defaultdict(set)
        for kind in kinds:
            feed = {name: each[kind] for name, each in feeds.items()}
            spelled = run(spelled_net, feed)
            found = {what: run(net, feed) for what, net in nets.items()}
            found["formula"] = {
                each.name: value for each in instances if (value := each.by_formula(feed[each.name])) is not None
            }
            for what, results in found.items():
                for name, result in results.items():
                    each = by_name[name]
                    counts[f"compared with {what}"] += 1
                    if not agree(spelled[name], result, kind not in ("random", "special", "tiny", "hundreds")):
                        edge = kind if kind in ("overflow", "infinity", "nan") else "overflow" if not np.isfinite(spelled[name]).all() else ""
                        if edge:
                            seen[each.spelling.composite].add(edge)
                        if edge not in each.spelling.differs:
                            fault(each, f"differs from {what} on {kind}: {spelled[name].ravel()[:3]} and {result.ravel()[:3]}")
    for composite in {each.spelling.composite for each in instances}:
        told = set().union(*(each.spelling.differs for each in instances if each.spelling.composite == composite))
        if told - seen[composite]:
            faults.append(f"{composite}: 'differs' says {sorted(told - seen[composite])}, but nothing differs there")
    print("\n".join(faults if arguments.verbose else sorted(faults)[:: max(1, len(faults) // 40)]))
    for what, count in sorted(counts.items()):
        print(f"{count:7} {what}")
    print(f"{len(faults)} faults")
    return 1 if faults or not instances else 0


def check_units(dump: str, instances: list[Instance], fault: Any, counts: collections.Counter) -> None:
    """Its nodes are one unit, under its name or that of another composite that the same nodes spell."""
    units = {nodes.split(", ")[-1]: (name, set(nodes.split(", "))) for name, nodes in UNIT.findall(dump)}
    for each in instances:
        name, nodes = units.get(each.output, ("no unit", set()))
        if name == each.spelling.composite and nodes == {node.name for node in each.nodes}:
            counts["recognised"] += 1
        elif len(nodes) == len(each.nodes) and len(nodes) > 1:
            counts["recognised under another name"] += 1
        else:
            fault(each, f"is not recognised, but {name} of {len(nodes)} nodes")


def check_replaced(
    qprep: str, path: Path, out: Path, instances: list[Instance], fault: Any, counts: collections.Counter
) -> None:
    """What may be replaced inside is, and what has it inside is recognised as before."""
    for replacement in sorted({name for each in instances for name in each.spelling.replaceable}):
        dump = prepare(qprep, path, out, "keep", (replacement,))
        check_units(dump, [each for each in instances if replacement in each.spelling.replaceable], fault, collections.Counter())
        after = {node.name: node.op_type for node in onnx.load(out / "keep/spellings_qat.onnx").graph.node}
        for each in instances:
            same = all(after.get(node.name) == node.op_type for node in each.nodes)
            counts[f"had a node inside replaced by {replacement}"] += not same
            if not same and replacement not in each.spelling.replaceable:
                fault(each, f"had a node inside replaced by {replacement}, which its spellings need not have")


def check_modern(model: onnx.ModelProto, instances: list[Instance], fault: Any, counts: collections.Counter) -> None:
    ops = {output: node.op_type for node in model.graph.node for output in node.output}
    parts = collections.Counter(node.name.partition("/")[0] for node in model.graph.node)
    for each in instances:
        operator = each.operator()
        if operator and parts[each.name] == 1 and ops[each.output] in (operator[0].op_type, "InstanceNormalization"):
            counts["become their operator"] += 1
        elif operator:
            counts["stay though the operator is there"] += 1
            if ops[each.output] == each.nodes[-1].op_type:
                fault(each, f"is not {operator[0].op_type}, but {parts[each.name]} nodes that end in {ops[each.output]}")


if __name__ == "__main__":
    random.seed(0)
    sys.exit(main())
