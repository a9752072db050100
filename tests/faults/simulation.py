"""The whole of it in one process, one storage call at a time, every decision from one seed.

Actors are the real ``accept``, ``merge``, ``tally`` (and ``erase``, ``purge``), each in a thread
that waits before every storage call until it is its turn. Between any two calls the actor may be
stopped for ever (a crash), be told that storage failed (before the call was done, or after), or
stand still while others go on. The same seed gives the same run, so a violation can be stepped
through.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from random import Random
from threading import Semaphore, Thread
from typing import Any, TypeVar

from msgspec.structs import replace

from chalicelib import keys, links, parquet
from chalicelib.accept import Arrival, accept
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.links import Link
from chalicelib.published import Definitions, publish
from chalicelib.storage import Entry, Exists, Missing, Stale, Store, Stored
from chalicelib.survey import Contract, Refused
from generator.definition import compile_file

from . import erasure
from .checking import check
from .clients import Phone
from .history import History, Violation

KEY = b"a secret of the tests"
NOW = 1_770_000_000_000
HELD = Path(__file__).with_name("held.yaml")

T = TypeVar("T")


def held(*, followed: bool = False) -> Contract:
    """The survey of the checks; ``followed``: with its rules."""
    contract = compile_file(HELD).contract
    assert contract is not None
    return contract if followed else replace(contract, follow_ups=[])


class Crash(BaseException):
    """The process died."""


class Torn(OSError):
    """Storage did not answer."""


class S3Like:
    """A store in memory whose tags are made of the content, as S3's are: the same bytes written
    again have the same tag again."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, key: str) -> Stored:
        if key not in self.values:
            raise Missing(key)
        return Stored(self.values[key], _tag(self.values[key]))

    def create(self, key: str, data: bytes) -> None:
        if key in self.values:
            raise Exists(key)
        self.values[key] = data

    def replace(self, key: str, data: bytes, tag: str) -> None:
        if key not in self.values or _tag(self.values[key]) != tag:
            raise Stale(key)
        self.values[key] = data

    def list(self, prefix: str) -> Iterator[Entry]:
        for key in sorted(key for key in self.values if key.startswith(prefix)):
            yield Entry(key, _tag(self.values[key]))

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.values.pop(key, None)


def _tag(data: bytes) -> str:
    return md5(data, usedforsecurity=False).hexdigest()


class Actor:
    """Work in a thread of its own that takes one step (a storage call) when it is told to."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name = name
        self.pace = 1.0
        self.done = False
        self.dead = False
        self.failure: BaseException | None = None
        self.at = ""
        """What it is about to do, where that matters to who is next."""
        self._fate = "go"
        self._turn = Semaphore(0)
        self._back = Semaphore(0)
        self._thread = Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()
        self._back.acquire()

    def step(self, fate: str) -> None:
        """Make the next storage call: ``go``, ``die`` or ``fail``, each also ``… after`` it."""
        self._fate = fate
        self._turn.release()
        self._back.acquire()

    def wait(self, act: Callable[[], T]) -> T:
        """Called before a storage call, from the actor's thread."""
        if self.dead:
            raise Crash
        self._back.release()
        self._turn.acquire()
        fate = self._fate
        if fate in ("go", "die after", "fail after"):
            done = act()
        if fate.startswith("die"):
            self.dead = True
            raise Crash
        if fate.startswith("fail"):
            raise Torn("injected")
        return done

    def _run(self, work: Callable[[], None]) -> None:
        self._back.release()
        self._turn.acquire()
        try:
            if self._fate.startswith("die"):
                raise Crash
            work()
        except BaseException as failure:
            self.failure = failure
        self.done = True
        self._back.release()


class Stepped:
    """A store as one actor sees it."""

    def __init__(self, store: S3Like) -> None:
        self.store = store
        self.actor: Actor | None = None

    def get(self, key: str) -> Stored:
        return self._wait(lambda: self.store.get(key))

    def create(self, key: str, data: bytes) -> None:
        guarded = key.startswith((keys.RESPONSES, keys.CONTACTS, keys.CLAIMS))
        self._wait(lambda: self.store.create(key, data), "replace" if guarded else "")

    def replace(self, key: str, data: bytes, tag: str) -> None:
        self._wait(lambda: self.store.replace(key, data, tag), "replace")

    def list(self, prefix: str) -> Iterator[Entry]:
        return iter(self._wait(lambda: [*self.store.list(prefix)]))

    def delete(self, keys: Iterable[str]) -> None:
        for key in [*keys]:  # a batch may be cut off anywhere
            self._wait(lambda key=key: self.store.delete([key]))  # type: ignore[misc]

    def overwrite(self, key: str, data: bytes) -> None:
        """Store without any condition. Only a store that leaves out a guard does that."""
        self._wait(lambda: self.store.values.__setitem__(key, data), "replace")

    def _wait(self, act: Callable[[], T], at: str = "") -> T:
        assert self.actor is not None
        self.actor.at = at
        return self.actor.wait(act)


class Inline(Executor):
    """A pool that does each thing when it is given: an actor is one thread."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, act: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(act(*args, **kwargs))
        except Exception as failure:
            future.set_exception(failure)
        return future


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Jobs do not start threads while this lasts."""
    pooled = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("chalicelib") and hasattr(module, "ThreadPoolExecutor")
    ]
    real = {module: module.ThreadPoolExecutor for module in pooled}  # type: ignore[attr-defined]
    for module in pooled:
        module.ThreadPoolExecutor = Inline  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module, pool in real.items():
            module.ThreadPoolExecutor = pool  # type: ignore[attr-defined]


PACES = (0.01, 1, 1, 20)
"""How much likelier than others an actor is to be next."""

Weaken = Callable[[Stepped, str], Store]
"""What an actor of that name is given in place of its store."""


class Simulation:
    """``steps`` storage calls by seeded actors, then quiet, then the check."""

    def __init__(
        self, seed: int, weaken: Weaken = lambda store, name: store, path: Path | None = None
    ) -> None:
        self.random = Random(seed)
        self.store = S3Like()
        self.history = History(path)
        self.contract = held()
        self.actors: list[Actor] = []
        self.deaths = 0
        self._weaken = weaken
        self._lonely = self.random.random() < 0.5  # few people: a part may be as it was before
        self._days = self.random.choice((1, 5))
        self._clock = NOW
        self._seen: dict[str, tuple[bytes, list[str]]] = {}
        self.phones: list[Phone] = []
        publish(self.store, self.contract, NOW)
        self._codes = [f"L{number:04d}" for number in range(4)]
        known = {"customer": "c-7", "store": "s1"}
        links.add(
            self.store,
            {code: Link(self.contract.id, True, known) for code in self._codes}
            | {"open-1": Link(self.contract.id, False, {"store": "s2"})},
        )
        self._attributes = dict.fromkeys(self._codes, known) | {"open-1": {"store": "s2"}}
        self._definitions = Definitions(self.store, seconds=1e9)
        self._definitions.current(self.contract.id)

    def run(self, steps: int) -> list[Violation]:
        with one_thread_each():
            for _ in range(steps):
                while len(self.actors) < 2 or self.random.random() < 0.12:
                    self._another()
                self._step(self._fate())
                if self.history.seen:
                    break
            self._quiet()
        return check(self.history, self.store, self.contract)

    def _step(self, fate: str) -> None:
        if self.random.random() < 0.08:  # somebody stands still, somebody else runs ahead
            self.random.choice(self.actors).pace = self.random.choice(PACES)
        actor = self.random.choices(self.actors, [actor.pace for actor in self.actors])[0]
        self.history.journal.note("step", actor=actor.name, fate=fate)
        actor.step(fate)
        if actor.at == "replace" and self.random.random() < 0.6:
            actor.pace = PACES[0]  # what it has read grows old
        if actor.done:
            self.deaths += isinstance(actor.failure, Crash)
            self.actors.remove(actor)
        self._look()

    def _fate(self) -> str:
        chance = self.random.random()
        if chance < 0.93:
            return "go"
        return self.random.choice(("die", "die after", "fail", "fail after"))

    def _another(self) -> None:
        """Start an actor of some kind; no more of it than ROLES allows."""
        running = [actor.name for actor in self.actors]
        weights = [
            1 if name == "accept" and self._lonely else w for name, (w, _, _) in ROLES.items()
        ]
        name = self.random.choices([*ROLES], weights)[0]
        _, most, work = ROLES[name]
        if running.count(name) < most:
            work(self)

    def act(self, name: str, work: Callable[[Store], None]) -> None:
        stepped = Stepped(self.store)
        given = self._weaken(stepped, name)
        actor = Actor(name, lambda: work(given))
        actor.pace = self.random.choice(PACES)
        stepped.actor = actor
        self.actors.append(actor)

    def submit(self) -> None:
        phone = Phone.draw(
            self.random, self.phones, self.contract, NOW, self._codes, days=self._days
        )
        submission, personal = phone.submission, phone.personal
        self._clock += self.random.randint(1, 50)
        now = self._clock
        attributes = self._attributes.get(submission.link or "", {})

        def work(store: Store) -> None:
            said = self.history.send(
                phone.how, submission, personal=personal, attributes=attributes, arrival=now
            )
            definitions = self._definitions
            arrival = Arrival(now=now)
            try:
                receipt = accept(store, definitions, self.contract.id, submission, arrival)
            except Refused as refused:
                self.history.reply(said, refused.code)
            except BaseException:
                self.history.reply(said, "unknown")
                raise
            else:
                self.history.reply(said, "replayed" if receipt.replay else "accepted")

        self.act("accept", work)

    def merge(self) -> None:
        self.act("merge", lambda store: void(merge(store, KEY, self._clock)))

    def tally(self) -> None:
        self.act("tally", lambda store: void(tally(store, self._clock)))

    def erase(self) -> None:
        known = [*self.history.said]
        if not known:
            return
        gone = self.random.choice(known[-2:] if self.random.random() < 0.7 else known)
        self.history.erase(gone, done=False)

        def work(store: Store) -> None:
            erasure.erase(store, KEY, self.contract.id, gone, self._clock)
            self.history.erase(gone, done=True)

        self.act("erase", work)

    def _look(self) -> None:
        """A reader, whenever a part has changed."""
        parts = {k: v for k, v in self.store.values.items() if k.startswith(keys.RESPONSES)}
        changed = {k: v for k, v in parts.items() if k not in self._seen or self._seen[k][0] != v}
        if not changed:
            return
        for key, data in changed.items():
            self._seen[key] = data, parquet.decode(data)["response"].to_pylist()
        rows = [response for _, responses in self._seen.values() for response in responses]
        self.history.counted("reader", len(rows), self.history.counting())
        if len(rows) > len(set(rows)):
            self.history.seen.append(Violation("twice", "", "a reader saw a response twice"))
        for back in self.history.erased.intersection(rows):
            self.history.seen.append(Violation("erased", back, "a reader saw it again"))

    def _quiet(self) -> None:
        """Nothing fails any more: what runs ends, and a last merge and tally are made."""
        while self.actors:
            self._step("go")
        for response in self.history.erasing - self.history.erased:
            erasure.erase(self.store, KEY, self.contract.id, response, self._clock)
            self.history.erase(response, done=True)
        for _ in range(10):
            merge(self.store, KEY, self._clock)
            if not any(self.store.list(keys.LANDING)):
                break
        tally(self.store, self._clock)
        self._look()


def void(_: object) -> None:
    """The result of a job is not looked at."""


ROLES: dict[str, tuple[int, int, Callable[[Simulation], None]]] = {
    "accept": (12, 6, Simulation.submit),
    "merge": (5, 3, Simulation.merge),
    "tally": (1, 1, Simulation.tally),
    **({"erase": (2, 2, Simulation.erase)} if erasure.available() else {}),
}
"""How often an actor of that name is started, how many there may be at once, and what it does."""
