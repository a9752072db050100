"""What is wrong with a survey file, where, and what to do: one finding a problem."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

Level: TypeAlias = Literal["error", "warning"]


class Finding(Struct, frozen=True):
    """One problem. ``where`` is a question's id, or a place such as ``follow_ups detractor``."""

    file: Path
    line: int
    """From 1."""
    where: str
    what: str
    remedy: str
    level: Level = "error"

    def __str__(self) -> str:
        said = f"{self.what}, {self.remedy}" if self.remedy else self.what
        mark = "warning" if self.level == "warning" else ""
        place = f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, mark, self.where, said) if part)


class Problem(Struct, frozen=True):
    """What is wrong and what to do, before anybody knows where it stands."""

    what: str
    remedy: str = ""


def meant(name: str, known: Iterable[str]) -> str:
    """The known name nearest to one that is not known, as a remedy, or else all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    if len(names) > 20:
        return f"use one of {len(names)} there are, such as {listed(names[:3])}"
    return f"use {listed(names)}" if names else "there is none yet"


def listed(names: Iterable[str], joint: str = "or") -> str:
    """``a``, ``b`` or ``c``."""
    *first, last = [f"`{name}`" for name in names] or ["nothing"]
    return f"{', '.join(first)} {joint} {last}" if first else last
