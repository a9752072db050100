"""The history check sees every guard that is taken away: a check that cannot fail proves nothing.

Each guard is removed where the code meets its store, so that this holds however the code is
written: a store that does not refuse, that does things in another order, or that shows nothing.
The simulation must then find a violation of the kinds named, and must find none otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from chalicelib import keys, parquet
from chalicelib.accept import Arrival, accept
from chalicelib.jobs.merge import merge
from chalicelib.published import Definitions
from chalicelib.storage import Entry, Missing, Store, Stored
from chalicelib.survey import Contract, Refused, Submission, ids

from . import erasure
from .checking import read
from .simulation import (
    KEY,
    NOW,
    Actor,
    S3Like,
    Simulation,
    Stepped,
    Weaken,
    one_thread_each,
    void,
)

SEEDS = range(40)
SEARCH = range(80)
STEPS = 350


class Weak:
    """A store that leaves out nothing yet."""

    def __init__(self, store: Stepped) -> None:
        self._store = store

    def get(self, key: str) -> Stored:
        return self._store.get(key)

    def create(self, key: str, data: bytes) -> None:
        self._store.create(key, data)

    def replace(self, key: str, data: bytes, tag: str) -> None:
        self._store.replace(key, data, tag)

    def list(self, prefix: str) -> Iterator[Entry]:
        return self._store.list(prefix)

    def delete(self, keys: Iterable[str]) -> None:
        self._store.delete(keys)


class Overwriting(Weak):
    """Neither refuses a second create under these prefixes, nor a stale replace."""

    def __init__(self, store: Stepped, prefixes: tuple[str, ...], *, what: str) -> None:
        super().__init__(store)
        self._prefixes = prefixes
        self._what = what

    def create(self, key: str, data: bytes) -> None:
        weak = self._what == "create" and key.startswith(self._prefixes)
        (self._store.overwrite if weak else super().create)(key, data)

    def replace(self, key: str, data: bytes, tag: str) -> None:
        if self._what == "replace" and key.startswith(self._prefixes):
            self._store.overwrite(key, data)
        else:
            super().replace(key, data, tag)


class Procrastinating(Weak):
    """Says that it has written under ``late``, and does it only after a call on ``first``."""

    def __init__(self, store: Stepped, late: str, first: str) -> None:
        super().__init__(store)
        self._late = late
        self._first = first
        self._owed: list[Callable[[], None]] = []

    def create(self, key: str, data: bytes) -> None:
        self._write(key, partial(super().create, key, data))

    def replace(self, key: str, data: bytes, tag: str) -> None:
        self._write(key, partial(super().replace, key, data, tag))

    def delete(self, keys: Iterable[str]) -> None:
        names = [*keys]
        super().delete(names)
        self._pay(names)

    def _write(self, key: str, act: Callable[[], None]) -> None:
        if key.startswith(self._late):
            self._owed.append(act)
        else:
            act()
            self._pay([key])

    def _pay(self, names: list[str]) -> None:
        if any(name.startswith(self._first) for name in names):
            while self._owed:
                self._owed.pop(0)()


class LandingLate(Procrastinating):
    """Says that an answer over a personal link has landed, and lands it after the claim."""

    def create(self, key: str, data: bytes) -> None:
        if key.startswith(keys.LANDING) and b'"personal_link":true' not in data:
            self._store.create(key, data)
        else:
            super().create(key, data)


class Claimless(Weak):
    """Makes no claims, and says that it has; ``blind``: knows of none either."""

    def __init__(self, store: Stepped, *, blind: bool) -> None:
        super().__init__(store)
        self._blind = blind

    def get(self, key: str) -> Stored:
        if self._blind and key.startswith(keys.CLAIMS):
            raise Missing(key)
        return super().get(key)

    def create(self, key: str, data: bytes) -> None:
        if not key.startswith(keys.CLAIMS):
            super().create(key, data)


class Hiding(Weak):
    """Lists nothing under a prefix."""

    def __init__(self, store: Stepped, prefix: str) -> None:
        super().__init__(store)
        self._prefix = prefix

    def list(self, prefix: str) -> Iterator[Entry]:
        return iter(()) if prefix.startswith(self._prefix) else super().list(prefix)


def unsigned(part: bytes) -> bytes:
    """A part without what is noted in its footer: rows taken out give the bytes of before."""
    return parquet.encode(parquet.decode(part).replace_schema_metadata(None))


class Guard(NamedTuple):
    name: str
    seen_as: set[str]
    """The violations its absence shows itself by; one of them is enough."""
    store: Callable[[Stepped], Store] = lambda store: store
    actors: tuple[str, ...] = ("accept", "merge", "tally", "erase", "purge")
    needs: str = ""
    """``module:name`` it stands in, if not every checkout has it."""
    patch: Callable[[Any], Any] | None = None
    """What is put in place of ``needs``."""


PARTS = (keys.RESPONSES,)
TABLES = (keys.RESPONSES, keys.CONTACTS)

GUARDS = [
    Guard(
        "create-only in accept",
        {"time"},
        lambda store: Overwriting(store, (keys.LANDING,), what="create"),
    ),
    Guard(
        "If-Match of responses",
        {"missing", "fell"},
        lambda store: Overwriting(store, PARTS, what="replace"),
    ),
    Guard(
        "delete only after write",
        {"missing"},
        lambda store: Procrastinating(store, keys.RESPONSES, keys.LANDING),
        ("merge",),
    ),
    Guard(
        "contacts before responses",
        {"changed"},
        lambda store: Procrastinating(store, keys.CONTACTS, keys.RESPONSES),
        ("merge",),
    ),
    Guard(
        "landing before claim",
        {"missing", "link"},
        lambda store: LandingLate(store, keys.LANDING, keys.CLAIMS),
        ("accept",),
    ),
    Guard(
        "claims looked at by merge",
        {"link", "invented"},
        lambda store: Claimless(store, blind=True),
        ("merge",),
    ),
    Guard(
        "claims made by merge",
        {"link"},
        lambda store: Claimless(store, blind=False),
        ("merge",),
    ),
    Guard(
        "tombstone read",
        {"erased"},
        lambda store: Hiding(store, "tombstones/"),
        ("merge",),
        needs="chalicelib.tombstones:read",
    ),
]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_this_guard_the_check_fails(guard: Guard) -> None:
    with removed(guard) as weaken:
        for seed in SEARCH:
            kinds = {violation.kind for violation in Simulation(seed, weaken).run(STEPS)}
            if kinds & guard.seen_as:
                return
    pytest.fail(f"nobody noticed in {len(SEARCH)} runs; last seen: {kinds or 'nothing'}")


@pytest.mark.parametrize("seed", SEEDS)
def test_with_every_guard_nothing_is_found(seed: int) -> None:
    assert Simulation(seed).run(STEPS) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1000, 1040))
def test_with_every_guard_nothing_is_found_in_long_runs(seed: int) -> None:
    simulation = Simulation(seed)
    assert simulation.run(5000) == []
    assert simulation.deaths > 100


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = Simulation(3), Simulation(3)
    first.run(STEPS)
    second.run(STEPS)
    assert first.history.kinds == second.history.kinds
    assert named(first.store) == named(second.store)


def named(store: S3Like) -> set[str]:
    """The keys that are not drawn at random when they are made."""
    return {key for key in store.values if not key.startswith((keys.AUDIT, keys.ERASURES))}


def submitted(contract: Contract, number: int, link: str | None = None, **said: str) -> Submission:
    return Submission(
        id=ids.make(NOW, number),
        version=contract.version,
        language="en",
        answers={"speed": number, **said},
        link=link,
    )


@pytest.mark.parametrize("guarded", [True, False])
def test_first_part_create_only(guarded: bool) -> None:
    """One merger stands still before it makes a part; meanwhile another makes it, with more in it.
    A part is first only once, so chance meets this too rarely."""
    simulation, stepped = Simulation(1), Stepped(S3Like())
    store, contract = stepped.store, simulation.contract
    store.values |= simulation.store.values
    for number in (1, 2):
        submission = submitted(contract, number)
        accept(store, Definitions(store), contract.id, submission, Arrival(now=NOW))
        if number == 1:
            given = stepped if guarded else Overwriting(stepped, TABLES, what="create")
            with one_thread_each():
                slow = Actor("merge", lambda given=given: void(merge(given, KEY, NOW)))
                stepped.actor = slow
                while slow.at != "replace":
                    slow.step("go")
    with one_thread_each():
        merge(store, KEY, NOW)
        while not slow.done:
            slow.step("go")
    assert (len(read(store, keys.RESPONSES)) == 2) is guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_if_match_of_contacts(guarded: bool) -> None:
    """One merger stands still before it replaces contacts; meanwhile another puts more in them.
    The slow one finds its rows of responses stale and begins again, but nobody would put the
    other's contacts in a second time. Chance meets this in one run of a hundred."""
    simulation, stepped = Simulation(1), Stepped(S3Like())
    store, contract = stepped.store, simulation.contract
    store.values |= simulation.store.values

    def answer(number: int) -> None:
        submission = submitted(contract, number, phone=f"1380000000{number}")
        accept(store, Definitions(store), contract.id, submission, Arrival(now=NOW))

    given = stepped if guarded else Overwriting(stepped, (keys.CONTACTS,), what="replace")
    with one_thread_each():
        answer(1)
        merge(store, KEY, NOW)
        answer(2)
        slow = Actor("merge", lambda: void(merge(given, KEY, NOW)))
        stepped.actor = slow
        while slow.at != "replace":
            slow.step("go")
        answer(3)
        merge(store, KEY, NOW)
        while not slow.done:
            slow.step("go")
    assert len(read(store, keys.RESPONSES)) == 3
    assert (len(read(store, keys.CONTACTS)) == 3) is guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_claim_create_only(guarded: bool) -> None:
    """One phone stands still before it claims a personal link; meanwhile another answers over it.
    Accept looks at the claim first, so only two at the same moment show what the guard is for: both
    have a receipt, and one of them no row."""
    simulation, stepped = Simulation(1), Stepped(S3Like())
    store, contract = stepped.store, simulation.contract
    store.values |= simulation.store.values
    given = stepped if guarded else Overwriting(stepped, (keys.CLAIMS,), what="create")

    def answer(over: Store, number: int) -> None:
        submission = submitted(contract, number, link="L0001")
        with suppress(Refused):
            accept(over, Definitions(store), contract.id, submission, Arrival(now=NOW))
            receipts.add(submission.id)

    receipts: set[str] = set()
    with one_thread_each():
        slow = Actor("accept", lambda: answer(given, 1))
        stepped.actor = slow
        while slow.at != "replace":
            slow.step("go")
        answer(store, 2)
        while not slow.done:
            slow.step("go")
        merge(store, KEY, NOW)
    assert ({row["response"] for row in read(store, keys.RESPONSES)} == receipts) is guarded


GENERATION = Guard(
    "generation",
    {"erased"},
    needs="chalicelib.parts:encoded",
    patch=lambda real: lambda *part, **how: unsigned(real(*part, **how)),
)


@pytest.mark.parametrize("guarded", [True, False])
def test_generation(guarded: bool) -> None:
    """One merger stands still before it writes; meanwhile another merges the same response, and it
    is erased: the part has the bytes of before. Chance meets this too rarely, so it is played."""
    with removed(GENERATION if not guarded else GENERATION._replace(patch=None)):
        simulation, stepped = Simulation(1), Stepped(S3Like())
        store, contract = stepped.store, simulation.contract
        store.values |= simulation.store.values
        sent = [submitted(contract, number) for number in (1, 2, 3)]
        for submission in sent[:2]:  # with one erased, so that tombstones are nothing new
            accept(store, Definitions(store), contract.id, submission, Arrival(now=NOW))
        merge(store, KEY, NOW)
        erasure.erase(store, KEY, contract.id, sent[1].id, NOW)
        accept(store, Definitions(store), contract.id, sent[2], Arrival(now=NOW))
        with one_thread_each():
            slow = Actor("merge", lambda: void(merge(stepped, KEY, NOW)))
            stepped.actor = slow
            while slow.at != "replace":
                slow.step("go")
            merge(store, KEY, NOW)
            erasure.erase(store, KEY, contract.id, sent[2].id, NOW)
            while not slow.done:
                slow.step("go")
        back = sent[2].id in {row["response"] for row in read(store, keys.RESPONSES)}
        assert back is not guarded


CLAIMS_STAY = Guard(
    "claims stay",
    {"invented"},
    needs="chalicelib.claims:forget",
    patch=lambda real: (
        lambda store, survey, link, _: bool(store.delete([keys.claim(survey, link)]))
    ),
)


@pytest.mark.parametrize("guarded", [True, False])
def test_claims_stay(guarded: bool) -> None:
    """One phone stands still before it claims a personal link, another has it meanwhile, and the
    one is refused. Then the other is erased, before a merge could let the one go."""
    with removed(CLAIMS_STAY if not guarded else CLAIMS_STAY._replace(patch=None)):
        simulation, stepped = Simulation(1), Stepped(S3Like())
        store, contract = stepped.store, simulation.contract
        store.values |= simulation.store.values

        def answer(over: Store, number: int) -> None:
            submission = submitted(contract, number, link="L0001")
            accept(over, Definitions(store), contract.id, submission, Arrival(now=NOW))

        with one_thread_each():
            slow = Actor("accept", lambda: answer(stepped, 1))
            stepped.actor = slow
            while slow.at != "replace":
                slow.step("go")
            answer(store, 2)
            while not slow.done:
                slow.step("go")
            assert isinstance(slow.failure, Refused)
            erasure.erase(store, KEY, contract.id, ids.make(NOW, 2), NOW)
            merge(store, KEY, NOW)
        assert (read(store, keys.RESPONSES) == []) is guarded


@contextmanager
def removed(guard: Guard) -> Iterator[Weaken]:
    """Without the guard; skips where this checkout has no such guard."""
    patched: Any = nullcontext()
    if guard.needs:
        module, _, name = guard.needs.partition(":")
        try:
            owner = import_module(module)
        except ModuleNotFoundError:
            pytest.skip(f"{module} is not part of this checkout")
        if guard.patch:
            patched = pytest.MonkeyPatch.context()
    with patched as monkeypatch:
        if guard.patch:
            monkeypatch.setattr(owner, name, guard.patch(getattr(owner, name)))
        yield lambda store, actor: guard.store(store) if actor in guard.actors else store
