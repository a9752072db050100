"""The surveys that ship, as beginnings for an author's own."""

from __future__ import annotations

import re
from pathlib import Path

from chalicelib.survey import Contract, EchoformError
from generator.definition import compile_file
from generator.places import SURVEYS


def names() -> dict[str, str]:
    """Every template with its title."""
    return {name: " / ".join(shipped.title.values()) for name, shipped in _shipped().items()}


def copy(template: str, survey: str, folder: Path) -> list[Path]:
    """Write a template into the folder as a survey of that id; never over a file that is there.

    Surveys that its follow-ups are verified with come along. What was written, the survey first.
    """
    contract = _shipped().get(template)
    if contract is None:
        raise EchoformError(f"no template {template!r}; there are: {', '.join(names())}")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", survey):
        raise EchoformError(f"{survey!r} is no survey id: use small letters, digits and dashes")
    path = folder / f"{survey}.yaml"
    if path.exists():
        raise EchoformError(f"{path} is there already; choose another --id, or edit that one")
    text = (SURVEYS / f"{template}.yaml").read_text("utf-8")
    wanted = {path: re.sub(r"^id: .*$", f"id: {survey}", text, count=1, flags=re.M)}
    for other in {rule.verify_with for rule in contract.follow_ups if rule.verify_with}:
        wanted[folder / f"{other}.yaml"] = (SURVEYS / f"{other}.yaml").read_text("utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    missing = {path: text for path, text in wanted.items() if not path.exists()}
    for path, text in missing.items():
        path.write_text(text, "utf-8")
    return list(missing)


def _shipped() -> dict[str, Contract]:
    paths = [path for path in sorted(SURVEYS.glob("*.yaml")) if path.name != "site.yaml"]
    contracts = [compile_file(path).contract for path in paths]
    return {contract.id: contract for contract in contracts if contract}
