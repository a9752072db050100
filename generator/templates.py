"""The surveys that ship, as beginnings for an author's own."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.survey import EchoformError
from generator.definition import compile_file
from generator.places import SURVEYS


def names() -> dict[str, str]:
    """Every template with its title."""
    found = {}
    for path in sorted(SURVEYS.glob("*.yaml")):
        contract = compile_file(path).contract if path.name != "site.yaml" else None
        if contract:
            found[contract.id] = " / ".join(contract.title.values())
    return found


def copy(template: str, survey: str, folder: Path) -> Path:
    """Write a template into the folder as a survey of that id; never over a file that is there."""
    source = SURVEYS / f"{template}.yaml"
    if template not in names():
        raise EchoformError(f"no template {template!r}; there are: {', '.join(names())}")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", survey):
        raise EchoformError(f"{survey!r} is no survey id: use small letters, digits and dashes")
    path = folder / f"{survey}.yaml"
    if path.exists():
        raise EchoformError(f"{path} is there already; choose another --id, or edit that one")
    text = re.sub(r"^id: .*$", f"id: {survey}", source.read_text("utf-8"), count=1, flags=re.M)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path
