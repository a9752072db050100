"""What is published: which version of each survey is live, and every contract ever live.

Contracts are immutable, so they are read once per process; which one is live is read again every
few seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from . import keys
from .days import DAY_MS
from .storage import Exists, Missing, Store
from .survey import Contract, Faultless

_SURVEY = re.compile(r"[a-z][a-z0-9-]{0,62}")
GRACE_MS = 7 * DAY_MS
"""How long a superseded version is still accepted."""


class Buckets(Struct, frozen=True):
    """From this day on, a day's responses lie in ``count`` parts."""

    since: str
    count: Annotated[int, Meta(ge=1, le=999)]


class Publication(Struct, frozen=True, omit_defaults=True):
    """``current.json`` of a survey. Times in milliseconds since 1970."""

    version: str
    since: int
    superseded: dict[str, int] = {}
    """Earlier versions, and when each was superseded."""
    closed_at: int | None = None
    buckets: list[Buckets] = []

    def knows(self, version: str) -> bool:
        return version == self.version or version in self.superseded

    def accepts(self, version: str, now: int) -> bool:
        ended = self.superseded.get(version)
        return version == self.version or ended is not None and now - ended <= GRACE_MS

    def buckets_on(self, day: str) -> int:
        """How many parts a day's responses lie in."""
        return max(((b.since, b.count) for b in self.buckets if b.since <= day), default=("", 1))[1]


_DECODER = msgspec.json.Decoder(Publication)


class Definitions:
    """The published definitions in a store, cached for one process."""

    def __init__(
        self, store: Store, seconds: float = 5.0, clock: Callable[[], float] = monotonic
    ) -> None:
        self._store = store
        self._seconds = seconds
        self._clock = clock
        self._current: dict[str, tuple[float, Publication]] = {}
        self._contracts: dict[tuple[str, str], Contract] = {}
        self._faultless: dict[str, Faultless] = {}

    def publication(self, survey: str) -> Publication:
        """Raises Missing where nothing of that name was ever published, or could be."""
        now = self._clock()
        good_until, publication = self._current.get(survey, (now, None))
        if publication is None or now > good_until:
            if not _SURVEY.fullmatch(survey):
                raise Missing(survey)
            publication = _DECODER.decode(self._store.get(keys.current(survey)).data)
            self._current[survey] = now + self._seconds, publication
        return publication

    def contract(self, survey: str, version: str) -> Contract:
        """Raises Missing where that version was never published."""
        contract = self._contracts.get((survey, version))
        if contract is None:
            if not self.publication(survey).knows(version):
                self._current.pop(survey, None)  # it may be newer than what was read
                if not self.publication(survey).knows(version):
                    raise Missing(version)
            contract = Contract.from_json(self._store.get(keys.contract(survey, version)).data)
            self._contracts[survey, version] = contract
        return contract

    def current(self, survey: str) -> Contract:
        return self.contract(survey, self.publication(survey).version)

    def knows(self, survey: str) -> bool:
        """Whether the survey was read here before: one that is published, whatever was asked."""
        return survey in self._current

    def faultless(self, survey: str) -> Faultless:
        """What recognises a faultless submission to the live version."""
        version = self.publication(survey).version
        faultless = self._faultless.get(version)
        if faultless is None:
            fields = self.contract(survey, version).fields
            faultless = self._faultless[version] = Faultless(fields, version)
        return faultless

    def surveys(self) -> list[str]:
        """Every survey ever published. One that was cut off before it went live is none yet."""
        listed = [entry.key for entry in self._store.list(keys.DEFINITIONS)]
        return sorted(keys.survey_of(key) for key in listed if key.endswith(keys.CURRENT))

    def versions(self, survey: str) -> list[Contract]:
        """Every contract of a survey, oldest first, the live one last."""
        publication = self.publication(survey)
        past = sorted(publication.superseded, key=lambda version: publication.superseded[version])
        return [self.contract(survey, version) for version in [*past, publication.version]]


def publish(store: Store, contract: Contract, now: int) -> bool:
    """Make a contract the live version of its survey; says whether that changed anything.

    Does not ask whether the contract breaks the live one: whoever publishes does.
    Raises Stale or Exists where somebody else published at the same time.
    """
    with suppress(Exists):
        store.create(keys.contract(contract.id, contract.version), contract.to_json())
    key = keys.current(contract.id)
    try:
        stored = store.get(key)
    except Missing:
        store.create(key, msgspec.json.encode(Publication(contract.version, since=now)))
        return True
    live = _DECODER.decode(stored.data)
    if live.version == contract.version:
        return False
    superseded = {**live.superseded, live.version: now}
    superseded.pop(contract.version, None)
    changed = msgspec.structs.replace(
        live, version=contract.version, since=now, superseded=superseded
    )
    store.replace(key, msgspec.json.encode(changed), stored.tag)
    return True


def close(store: Store, survey: str, at: int | None) -> bool:
    """Close a survey at a moment, or open it again (None); says whether that changed anything.

    Raises Missing, and Stale where somebody else published at the same time.
    """
    key = keys.current(survey)
    stored = store.get(key)
    live = _DECODER.decode(stored.data)
    if (live.closed_at is None) == (at is None):
        return False
    changed = msgspec.structs.replace(live, closed_at=at)
    store.replace(key, msgspec.json.encode(changed), stored.tag)
    return True
