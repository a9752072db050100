"""What the reading of a file writes down: every problem, and the line each part stands on."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any, Final, TypeAlias

from msgspec import Struct

from .findings import Problem

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in the contract: ``("sections", 0, "questions", 2, "text")``."""

UNREAD: Final[Any] = object()
"""Stands for a value that could not be read; what is wrong has been said."""


class Spot(Struct, frozen=True):
    line: int
    where: str


class Notes:
    """What the reading of one file writes down: problems, and where every value stands."""

    def __init__(self, languages: list[str], folder: FilePath = FilePath()) -> None:
        self.languages = languages
        self.folder = folder
        """Where the file lies, and what it names beside itself."""
        self.pictures: dict[str, bytes] = {}
        self.problems: list[tuple[Spot, Problem]] = []
        self.spots: dict[Path, Spot] = {}
        self.whole = True
        """Whether everything but texts could be read."""

    def spot(self, path: Path) -> Spot:
        """The spot of a value, or of the nearest one that holds it."""
        while path not in self.spots and path:
            path = path[:-1]
        return self.spots.get(path, Spot(1, ""))

    def say(self, path: Path, what: str, remedy: str) -> None:
        self.problems.append((self.spot(path), Problem(what, remedy)))


class Place:
    """A value's place while it is read."""

    def __init__(self, notes: Notes, path: Path = (), line: int = 1, where: str = "") -> None:
        self.notes, self.path, self.where = notes, path, where
        notes.spots[path] = Spot(line, where)

    def step(self, key: str | int, line: int, where: str | None = None) -> Place:
        inner = self.where or str(key) if where is None else where
        return Place(self.notes, (*self.path, key), line, inner)

    def error(self, what: str, remedy: str, line: int | None = None) -> Any:
        spot = self.notes.spots[self.path]
        here = Spot(line or spot.line, spot.where)
        self.notes.problems.append((here, Problem(what, remedy)))
        return UNREAD

    @property
    def key(self) -> str:
        """The key the value stands under."""
        return next((str(part) for part in reversed(self.path) if isinstance(part, str)), "survey")
