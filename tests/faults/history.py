"""What was sent, what was answered to it, and what readers saw: the evidence a check judges by.

Every line of a history is also appended to a file as JSON, so that a failure can be looked at.
Several processes append to one file; a line is one write.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.survey import Submission

UNKNOWN = frozenset({"unknown", "unavailable"})
"""Outcomes after which an answer may be stored or not."""
ACKNOWLEDGED = frozenset({"accepted", "replayed"})


class Journal:
    """Appends events to a file; without one, to nothing."""

    def __init__(self, path: Path | None) -> None:
        flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY
        self._file = os.open(path, flags, 0o644) if path else None

    def note(self, event: str, **facts: Any) -> None:
        if self._file is not None:
            line = {"at": round(time.time(), 4), "event": event, **facts}
            os.write(self._file, msgspec.json.encode(line) + b"\n")


class Said(Struct):
    """One body sent under an id, and what came of it."""

    submission: Submission
    personal: bool
    """Whether it came over a personal link, which takes one response."""
    attributes: dict[str, str]
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    sent: int = 0
    arrivals: set[int] = msgspec.field(default_factory=set)
    """Server times of the sends begun before the first was acknowledged, where they are known."""

    @property
    def acknowledged(self) -> bool:
        return bool(self.outcomes.keys() & ACKNOWLEDGED)

    @property
    def possible(self) -> bool:
        """Whether it may be stored: acknowledged, of unknown outcome, or still under way."""
        known = sum(n for outcome, n in self.outcomes.items() if outcome not in UNKNOWN)
        return self.acknowledged or self.sent > known


class Violation(Struct, frozen=True):
    """``kind`` is one of ``checking.KINDS``."""

    kind: str
    response: str
    what: str


class History:
    def __init__(self, path: Path | None = None) -> None:
        self.journal = Journal(path)
        self.said: dict[str, dict[bytes, Said]] = defaultdict(dict)
        """By response id, by body."""
        self.operations = 0
        self.kinds: Counter[str] = Counter()
        self.erasing: set[str] = set()
        self.erased: set[str] = set()
        self.seen: list[Violation] = []
        """What readers saw that must not be."""
        self._peaks: dict[str, int] = {}
        self._lock = Lock()

    def send(
        self,
        how: str,
        submission: Submission,
        *,
        personal: bool = False,
        attributes: dict[str, str] | None = None,
        arrival: int | None = None,
    ) -> Said:
        """A client is about to send; ``how`` says which of its habits it is."""
        body = msgspec.json.encode(submission)
        with self._lock:
            said = self.said[submission.id].setdefault(
                body, Said(submission, personal, attributes or {})
            )
            said.sent += 1
            if arrival is not None and not said.acknowledged:
                said.arrivals.add(arrival)
            self.operations += 1
            self.kinds[how] += 1
        self.journal.note("send", how=how, body=msgspec.Raw(body))
        return said

    def reply(self, said: Said, outcome: str) -> None:
        """``accepted``, ``replayed``, an error code, or ``unknown``."""
        with self._lock:
            said.outcomes[outcome] += 1
        self.journal.note("reply", id=said.submission.id, outcome=outcome)

    def erase(self, response: str, *, done: bool) -> None:
        with self._lock:
            (self.erased if done else self.erasing).add(response)
        self.journal.note("erase", id=response, done=done)

    def counting(self) -> int:
        """Taken before a reader counts: how many had been erased for certain."""
        with self._lock:
            return len(self.erased)

    def counted(self, reader: str, n: int, erased: int) -> None:
        """A reader counted ``n``: never fewer than before (erasure aside), never more than sent.

        ``erased`` is what ``counting`` said before it counted.
        """
        with self._lock:
            submitted, going = len(self.said), len(self.erasing)
            floor = self._peaks.get(reader, 0) - going
            self._peaks[reader] = max(self._peaks.get(reader, 0), n + erased)
        self.journal.note("count", reader=reader, n=n)
        if n < floor:
            self.seen.append(
                Violation("fell", "", f"{reader} counted {n}, before at least {floor}")
            )
        if n > submitted:
            self.seen.append(Violation("exceeded", "", f"{reader} counted {n} of {submitted} sent"))
