"""configs/schema.json accepts and rejects the same configurations as the reader, but for what no schema can say.

    python tests/config/schema_test.py QPREP
"""

from __future__ import annotations

import json
import re
import shutil
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
    "fail_calibration_clip": "compares two values",
    "fail_calibration_usual_twice": "compares items of a list with the usual numbers",
    "fail_dict_name_twice": "pairs of names and values may have one name twice",
    "fail_dict_range": "compares two values",
    "fail_dict_regex": "a schema has no grammar of expressions",
    "fail_duplicate_key": "a reader of YAML has one of the two keys",
    "fail_duplicate_name": "a reader of YAML has one of the two keys",
    "fail_fuse_name_twice": "compares items of two lists",
    "fail_glob_range": "a schema has no grammar of patterns",
    "fail_glob_unclosed": "a schema has no grammar of patterns",
    "fail_mqbench_patterns": "a schema has no grammar of patterns",
    "fail_regex": "a schema has no grammar of expressions",
    "fail_regex_empty": "a schema has no grammar of expressions",
    "fail_regex_lookahead": "a schema has no grammar of expressions",
    "fail_samples_crop": "compares two values",
    "fail_samples_state": "compares two values",
    "fail_stubs_of_jit": "compares two values",
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
        # The files of other tools have no schema here.
        if "qprep.yaml" not in parts or case.parent.name == "hb" or parts["qprep.yaml"].startswith("model_parameters"):
            continue
        home = folder / case.parent.name / case.stem
        home.mkdir(parents=True)
        for name in parts.keys() - {"args", "expect"}:
            (home / name).write_bytes(parts[name].encode())
        yield case.stem, home / "qprep.yaml"
    for example in sorted((ROOT / "configs/examples").glob("*.yaml")):
        yield example.name, example
    yield "init.yaml", ROOT / "configs/init.yaml"


def words_of(schema: object) -> set[str]:
    """Every key that the schema knows."""
    if isinstance(schema, list):
        return set().union(*map(words_of, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", {})).union(*map(words_of, schema.values()))


def misspelt(schema: object, originals: list[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """Each configuration with one of its keys, or one of its dtypes, misspelt."""
    known = re.compile(r"\b(" + "|".join(sorted(words_of(schema) - {""})) + r")(?=: )|\bq?int(8|16)(?=[,}\n])")
    for name, path in originals:
        text = path.read_text()
        for i, match in enumerate(known.finditer(text)):
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if "#" in line:
                continue
            changed = path.parent / f"{path.stem}-{i}.yaml"
            changed.write_text(text[: match.end()] + "q" + text[match.end() :])
            yield f"{name} with {match[0]}q", changed


def schema_takes(validator: jsonschema.Draft202012Validator, path: Path) -> bool:
    try:
        return validator.is_valid(yaml.load(path.read_text(), Loader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return False


def reader_takes(qprep: str, paths: list[Path]) -> list[bool]:
    result = subprocess.run([qprep, "config", "check", "--json", *paths], capture_output=True, timeout=300)
    return [file["ok"] for file in json.loads(result.stdout)["files"]]


def unknown_templates(validator: jsonschema.Draft202012Validator) -> Iterator[str]:
    """The names of configs/templates.yaml that the schema does not have."""
    for name, content in yaml.safe_load((ROOT / "configs/templates.yaml").read_text()).items():
        for each in (name, name + "_qconfig_setter"):
            setter = {each: {"table": "t", "topk": 1}} if isinstance(content, dict) else each
            if not validator.is_valid({"qconfig_setter": [setter]}):
                yield f"the schema does not know the template {each}"


def main(qprep: str) -> int:
    schema = json.loads((ROOT / "configs/schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    wrong = list(unknown_templates(validator))
    only_reader = set()
    with tempfile.TemporaryDirectory(prefix="qprep_schema_") as temporary:
        originals = list(configurations(Path(temporary)))
        correct = [each for each, fine in zip(originals, reader_takes(qprep, [path for _, path in originals])) if fine]
        copies = []
        for i, (name, path) in enumerate(correct):
            home = Path(shutil.copytree(path.parent, Path(temporary) / f"copy-{i}"))
            copies.append((name, home / path.name))
        everything = originals + list(misspelt(schema, copies))
        taken = reader_takes(qprep, [path for _, path in everything])
        for (name, path), reader in zip(everything, taken, strict=True):
            if schema_takes(validator, path) == reader:
                continue
            if reader:
                wrong.append(f"{name}: the reader accepts it, the schema does not")
            else:
                only_reader.add(name)
    for name in sorted(only_reader - NOT_OF_A_SCHEMA.keys()):
        wrong.append(f"{name}: the schema accepts what the reader refuses")
    for name in sorted(NOT_OF_A_SCHEMA.keys() - only_reader):
        wrong.append(f"{name}: the schema can refuse it ({NOT_OF_A_SCHEMA[name]}?)")
    print("\n".join(wrong) or f"{len(everything)} configurations, {len(only_reader)} wrong in ways that no schema sees")
    return 1 if wrong or len(everything) < 100 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
