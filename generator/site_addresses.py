"""Where a stage is, put into ``site.yaml``: a line is added where one lacks, and none is changed.

Which of several stages a site's pages are meant for is the author's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.plain import read_plain

OUTPUTS = {"url": "Address", "uploads": "Uploads"}
"""Lines of ``site.yaml``, and the outputs of a stack that say them."""


def add(path: Path, outputs: Mapping[str, str]) -> list[str]:
    """Add what lacks; what was done, or is to be done by hand, as lines of text. Raises BadFile."""
    wanted = {name: outputs[key] for name, key in OUTPUTS.items() if key in outputs}
    said: dict[str, Any] = read_plain(path, dict) if path.is_file() else {}
    lines = [f"{name}: {value}" for name, value in wanted.items() if name not in said]
    told = [
        f"{path} says {name}: {said[name]}, and this stage is at {value}:"
        " change it if pages of this stage are meant"
        for name, value in wanted.items()
        if said.get(name, value).rstrip("/") != value
    ]
    if not lines:
        return told
    text = path.read_text("utf-8") if path.is_file() else ""
    if not path.parent.is_dir() or (text.lstrip().startswith("{") or "\n---" in text):
        return [*told, f"add to {path}:", *(f"  {line}" for line in lines)]
    ended = text if text.endswith("\n") or not text else text + "\n"
    path.write_text(ended + "".join(f"{line}\n" for line in lines), "utf-8")
    return [*told, *(f"{path}: added {line}" for line in lines)]
