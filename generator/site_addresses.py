"""Where a stage is, put into ``site.yaml``: a line is added where one lacks, and none is changed.

Which of several stages a site's pages are meant for is the author's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.plain import read_plain

ADDRESS = "ECHOFORM_ADDRESS"
"""Where the stage is whose answers a command works on."""
OUTPUTS = {"url": "Address", "uploads": "Uploads"}
"""Lines of ``site.yaml``, and the outputs of a stack that say them."""


def add(path: Path, outputs: Mapping[str, str]) -> list[str]:
    """Add what lacks; what was done, or is to be done by hand, as lines of text. Raises BadFile."""
    wanted = {name: outputs[key] for name, key in OUTPUTS.items() if key in outputs}
    said: dict[str, Any] = read_plain(path, dict) if path.is_file() else {}
    lines = [f"{name}: {value}" for name, value in wanted.items() if name not in said]
    told = elsewhere(path, said, outputs)
    if not lines:
        return told
    text = path.read_text("utf-8") if path.is_file() else ""
    if not path.parent.is_dir() or (text.lstrip().startswith("{") or "\n---" in text):
        return [*told, f"add to {path}:", *(f"  {line}" for line in lines)]
    ended = text if text.endswith("\n") or not text else text + "\n"
    path.write_text(ended + "".join(f"{line}\n" for line in lines), "utf-8")
    return [*told, *(f"{path}: added {line}" for line in lines)]


def elsewhere(path: Path, said: Mapping[str, Any], outputs: Mapping[str, str]) -> list[str]:
    """What ``site.yaml`` says that is not where the stage is, as lines of text: links of one stage
    must not lead to another."""
    return [
        f"{path} says {name}: {said[name]}, where pages and links lead, but this stage is at"
        f" {outputs[key]}: change it if this stage is meant"
        for name, key in OUTPUTS.items()
        if key in outputs and said.get(name) and said[name].rstrip("/") != outputs[key]
    ]
