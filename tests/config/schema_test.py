"""configs/schema.json accepts and rejects the same configurations as the reader, but for what no schema can say.

    python tests/config/schema_test.py QPREP
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "testdata/golden"

# Golden cases that the reader refuses and the schema accepts, with the reason.
NOT_OF_A_SCHEMA = {
    "fail_dict_name_twice": "pairs of names and values may have one name twice",
    "fail_dict_range": "compares two values",
    "fail_dict_regex": "a schema has no grammar of expressions",
    "fail_duplicate_key": "a reader of YAML has one of the two keys",
    "fail_duplicate_name": "a reader of YAML has one of the two keys",
    "fail_glob_range": "a schema has no grammar of patterns",
    "fail_glob_unclosed": "a schema has no grammar of patterns",
    "fail_regex": "a schema has no grammar of expressions",
    "fail_regex_empty": "a schema has no grammar of expressions",
    "fail_regex_lookahead": "a schema has no grammar of expressions",
    "fail_table_columns": "another file",
    "fail_table_empty": "another file",
    "fail_table_header": "another file",
    "fail_table_is_folder": "another file",
    "fail_table_missing": "another file",
    "fail_table_quote": "another file",
    "fail_table_type": "another file",
}


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, as qprep and editors read it: yes and 1_000 are texts; and so is every key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, object]:
        if any(not isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            raise yaml.YAMLError("a key that is no scalar")
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


Loader.yaml_implicit_resolvers = {}
for tag, expression, first in [
    ("tag:yaml.org,2002:bool", r"true|false", "tf"),
    ("tag:yaml.org,2002:null", r"~|null|", "~n\0"),
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+", "-+0123456789"),
    ("tag:yaml.org,2002:float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
]:
    Loader.add_implicit_resolver(tag, re.compile(f"^(?:{expression})$"), list(first) + ([""] if "null" in tag else []))
Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(loader.construct_scalar(node)))


def sections(text: str) -> dict[str, str]:
    parts = re.split(r"^--- (\S+)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def configurations(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each case and example, as a file with the files beside it that it names."""
    for case in sorted(GOLDEN.rglob("*.txt")):
        # newline="": line ends of Windows are part of a case.
        with case.open(newline="") as file:
            parts = sections(file.read())
        if "qprep.yaml" not in parts:
            continue
        home = folder / case.parent.name / case.stem
        home.mkdir(parents=True)
        for name in parts.keys() - {"args", "expect"}:
            (home / name).write_bytes(parts[name].encode())
        yield case.stem, home / "qprep.yaml"
    for example in sorted((ROOT / "configs/examples").glob("*.yaml")):
        yield example.name, example
    yield "init.yaml", ROOT / "configs/init.yaml"


def schema_takes(validator: jsonschema.Draft202012Validator, path: Path) -> bool:
    try:
        return validator.is_valid(yaml.load(path.read_text(), Loader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return False


def main(qprep: str) -> int:
    schema = json.loads((ROOT / "configs/schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    wrong = []
    only_reader = set()
    count = 0
    with tempfile.TemporaryDirectory(prefix="qprep_schema_") as temporary:
        for name, path in configurations(Path(temporary)):
            count += 1
            reader = subprocess.run([qprep, "config", "check", "-q", path], capture_output=True, timeout=60).returncode == 0
            if schema_takes(validator, path) == reader:
                continue
            if reader:
                errors = [error.message[:200] for error in validator.iter_errors(yaml.load(path.read_text(), Loader))]
                wrong.append(f"{name}: the reader accepts it, the schema says {errors}")
            else:
                only_reader.add(name)
    for name in sorted(only_reader - NOT_OF_A_SCHEMA.keys()):
        wrong.append(f"{name}: the schema accepts what the reader refuses")
    for name in sorted(NOT_OF_A_SCHEMA.keys() - only_reader):
        wrong.append(f"{name}: the schema can refuse it ({NOT_OF_A_SCHEMA[name]}?)")
    print("\n".join(wrong) or f"{count} configurations, {len(only_reader)} of them wrong in ways that no schema sees")
    return 1 if wrong or count < 60 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
