"""Puts measured tables into the documents."""

from __future__ import annotations

import re
from pathlib import Path


def replace_section(file: Path, name: str, lines: list[str]) -> None:
    """Puts the lines between the file's markers `<!-- NAME -->` and `<!-- end -->`."""
    text = file.read_text()
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.S)
    if not marked.search(text):
        raise SystemExit(f"{file} has no section '<!-- {name} -->'")
    file.write_text(marked.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], text))
