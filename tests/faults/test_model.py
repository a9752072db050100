"""Any order of submitting, retrying, editing, crashing, merging, tallying (and erasing, purging),
held against a model of a few sets. Some come over personal links, several over the same."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from chalicelib import keys, links
from chalicelib.accept import Arrival, accept
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.links import Link
from chalicelib.published import Definitions, publish
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import Refused, Submission, ids
from generator.scores import scores
from tests.jobs.answering import Crash, Mortal

from . import erasure
from .checking import check, read
from .clients import answers
from .history import History
from .simulation import KEY, NOW, held

CONTRACT = held()
CODES = ("L0001", "L0002")
KNOWN = {"customer": "c-7", "store": "s1"}


class Collecting(RuleBasedStateMachine):
    """The model: what was sent, what was acknowledged, what was erased (``History``)."""

    submissions: Bundle[Submission] = Bundle("submissions")

    @initialize()
    def begin(self) -> None:
        self.store = MemoryStore()
        self.history = History()
        self.clock = NOW
        self.tallied = True
        publish(self.store, CONTRACT, NOW)
        links.add(self.store, {code: Link(CONTRACT.id, True, KNOWN) for code in CODES})

    @rule(
        target=submissions,
        seed=st.integers(0, 2**32),
        days=st.integers(0, 2),
        link=st.sampled_from([None, *CODES]),
    )
    def submit(self, seed: int, days: int, link: str | None) -> Submission:
        random = Random(seed)
        minted = ids.make(NOW - days * 86_400_000, random.getrandbits(80))
        submission = self._body(minted, random, link)
        self._send("new", submission, self.store)
        return submission

    @rule(target=submissions, sent=submissions, seed=st.integers(0, 2**32))
    def edit(self, sent: Submission, seed: int) -> Submission:
        """Another body under the same id."""
        edited = self._body(sent.id, Random(seed), sent.link)
        self._send("edit", edited, self.store)
        return edited

    @rule(sent=submissions)
    def retry(self, sent: Submission) -> None:
        self._send("retry", sent, self.store)

    @rule(sent=submissions, call=st.integers(0, 4), after=st.booleans())
    def crash_while_accepting(self, sent: Submission, call: int, after: bool) -> None:
        self._send("crash", sent, Mortal(self.store, call, after=after))

    @rule()
    def merge(self) -> None:
        merge(self.store, KEY, self.clock)
        self.tallied = False
        assert not list(self.store.list(keys.LANDING))

    @rule(call=st.integers(0, 25), after=st.booleans())
    def crash_while_merging(self, call: int, after: bool) -> None:
        with suppress(Crash):
            merge(Mortal(self.store, call, after=after), KEY, self.clock)
        self.tallied = False

    @rule()
    def tally(self) -> None:
        tally(self.store, self.clock)
        self.tallied = True

    @rule(call=st.integers(0, 8), after=st.booleans())
    def crash_while_tallying(self, call: int, after: bool) -> None:
        with suppress(Crash):
            tally(Mortal(self.store, call, after=after), self.clock)

    @precondition(lambda self: erasure.available())
    @rule(sent=submissions)
    def erase(self, sent: Submission) -> None:
        self.history.erase(sent.id, done=False)
        erasure.erase(self.store, KEY, CONTRACT.id, sent.id, self.clock)
        self.history.erase(sent.id, done=True)
        self.tallied = False

    @precondition(lambda self: erasure.available())
    @rule(sent=submissions, call=st.integers(0, 20), after=st.booleans())
    def crash_while_erasing(self, sent: Submission, call: int, after: bool) -> None:
        self.history.erase(sent.id, done=False)
        with suppress(Crash):
            dying = Mortal(self.store, call, after=after)
            erasure.erase(dying, KEY, CONTRACT.id, sent.id, self.clock)
            self.history.erase(sent.id, done=True)
        self.tallied = False

    @precondition(lambda self: erasure.scheduled("purge"))
    @rule()
    def purge(self) -> None:
        erasure.purge(self.store, KEY, self.clock)
        self.tallied = False

    @invariant()
    def every_row_was_sent_once(self) -> None:
        table = read(self.store, keys.RESPONSES)
        over = [row["link"] for row in table if row["link"]]
        assert len(over) == len(set(over))
        rows = [row["response"] for row in table]
        assert len(rows) == len(set(rows))
        assert set(rows) <= set(self.history.said)
        assert not set(rows) & self.history.erased
        assert not self.history.seen
        if self.tallied:
            counted = sum(segment.n for segment in scores(self.store, CONTRACT.id).segments)
            assert counted == len(rows)

    def teardown(self) -> None:
        """Quiet: erasures are finished, one merge, one tally; then the check of every harness."""
        for response in self.history.erasing - self.history.erased:
            erasure.erase(self.store, KEY, CONTRACT.id, response, self.clock)
            self.history.erase(response, done=True)
        merge(self.store, KEY, self.clock)
        tally(self.store, self.clock)
        assert check(self.history, self.store, CONTRACT) == []

    def _body(self, response: str, random: Random, link: str | None) -> Submission:
        said: dict[str, Any] = answers(random)
        return Submission(
            id=response, version=CONTRACT.version, language="en", answers=said, link=link
        )

    def _send(self, how: str, submission: Submission, store: Store) -> None:
        self.clock += 1
        over = {"personal": True, "attributes": KNOWN} if submission.link else {}
        said = self.history.send(how, submission, arrival=self.clock, **over)  # type: ignore[arg-type]
        outcome = "unknown"
        with suppress(Crash):
            arrival = Arrival(now=self.clock)
            try:
                receipt = accept(store, Definitions(self.store), CONTRACT.id, submission, arrival)
                outcome = "replayed" if receipt.replay else "accepted"
            except Refused as refused:
                outcome = refused.code
        self.history.reply(said, outcome)


QUICK = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
TestCollecting = Collecting.TestCase
TestCollecting.settings = QUICK
