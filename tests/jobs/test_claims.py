"""Personal links: exactly one answer each, whatever dies, and however many try at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib import keys, links
from chalicelib.accept import Arrival, Receipt, accept
from chalicelib.jobs.merge import merge
from chalicelib.jobs.sweep import PATIENCE_MS, Swept, sweep
from chalicelib.links import Link
from chalicelib.published import Definitions, publish
from chalicelib.storage import FolderStore, MemoryStore, Store
from chalicelib.survey import Contract, Refused, Submission, ids
from tests.jobs.answering import KEY, Crash, Mortal, names, rows
from tests.jobs.answering import contract as survey

NOW = 1_770_000_000_000
LATER = NOW + 2 * PATIENCE_MS
SURVEY = survey()
CODE = "7CMM26J97MNWHFGVQRM39J17AWQ"


@pytest.fixture
def memory() -> Store:
    return MemoryStore()


def ready(store: Store, contract: Contract = SURVEY) -> Store:
    """A store with the survey and one personal link."""
    publish(store, contract, NOW)
    links.add(store, {CODE: Link(contract.id, personal=True, expires_at=LATER * 2)})
    return store


def said(number: int, contract: Contract = SURVEY, **other: Any) -> Submission:
    return Submission(
        id=ids.make(NOW, number),
        version=contract.version,
        language="en",
        answers=other.pop("answers", {"speed": number % 5 + 1, "care": 4}),
        link=CODE,
        **other,
    )


def send(store: Store, submission: Submission, now: int = NOW) -> Receipt:
    return accept(store, Definitions(store), SURVEY.id, submission, Arrival(now=now))


def outcome(store: Store, submission: Submission) -> str:
    """The receipt, or why it was refused."""
    try:
        return send(store, submission).response
    except Refused as refusal:
        return refusal.code


def attempt(store: Store, number: int) -> str:
    return outcome(store, said(number))


def attempts(folder: Path, first: int, told: Path) -> None:
    """Fifty tries at once, in a process of their own; what became of them goes to a file."""
    with ThreadPoolExecutor(16) as pool:
        outcomes = pool.map(partial(attempt, FolderStore(folder)), range(first, first + 50))
        told.write_text("\n".join(outcomes))


def judge(store: Store, outcomes: list[str]) -> None:
    [winner] = {outcome for outcome in outcomes if outcome != "already_answered"}
    assert outcomes.count("already_answered") == 99
    sweep(store, LATER)
    merge(store, KEY, LATER)
    assert [row["response"] for row in rows(store)] == [winner]
    assert names(store, keys.CLAIMING) == names(store, keys.LANDING) == []


def test_a_hundred_tries_at_once_are_one_answer(store: Store) -> None:
    ready(store)
    with ThreadPoolExecutor(16) as pool:
        judge(store, list(pool.map(partial(attempt, store), range(100))))


def test_a_hundred_tries_in_two_processes_are_one_answer(tmp_path: Path) -> None:
    store = ready(FolderStore(tmp_path / "data"))
    files = [tmp_path / "one", tmp_path / "two"]
    processes = [
        get_context("spawn").Process(target=attempts, args=(tmp_path / "data", 50 * half, file))
        for half, file in enumerate(files)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    judge(store, [outcome for file in files for outcome in file.read_text().splitlines()])


def test_one_persons_phone_sending_twenty_times_at_once_is_one_answer(store: Store) -> None:
    ready(store)
    with ThreadPoolExecutor(16) as pool:
        receipts = list(pool.map(lambda _: send(store, said(1)), range(20)))
    assert {receipt.response for receipt in receipts} == {said(1).id}
    merge(store, KEY, LATER)
    assert len(rows(store)) == 1
    assert names(store, keys.CLAIMING) == []


def dying(act: Callable[[Store], object], store: Store, call: int, after: bool) -> object:
    """What it returned, or Crash where it died at that call."""
    try:
        return act(Mortal(store, call, after=after))
    except Crash:
        return Crash


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("comes_back", [None, "same", "another", "edited"])
def test_accept_killed_at_any_call_then_the_sweep_killed_too(
    after: bool, comes_back: str | None
) -> None:
    """At most one answer; what was acknowledged is it; and a link is never used up for nothing."""
    back = {
        "same": said(1),
        "another": said(2),
        "edited": said(1, answers={"speed": 5, "care": 5}),
    }
    for call in count():
        for second in count():
            store = ready(MemoryStore())
            first = dying(lambda s: send(s, said(1)), store, call, after)
            acknowledged = set() if first is Crash else {said(1).id}
            if comes_back:
                acknowledged.add(outcome(store, back[comes_back]))
            swept = dying(lambda s: sweep(s, LATER), store, second, after)
            sweep(store, LATER)
            merge(store, KEY, LATER)
            acknowledged.discard("already_answered")
            there = {row["response"] for row in rows(store)}
            assert len(rows(store)) <= 1
            assert acknowledged <= there
            claimed = names(store, "claims/")
            assert len(claimed) == len(there), "a used link has its answer"
            assert names(store, keys.CLAIMING) == names(store, keys.LANDING) == []
            assert names(store, "rejected/") == []
            if there:
                assert send(store, said(int(there != {said(1).id}) + 1)).replay
            if swept is not Crash:
                break
        if first is not Crash:
            break
    assert call >= 5


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_merge_killed_at_any_call_leaves_no_claiming_and_one_row(after: bool) -> None:
    for call in count():
        store = ready(MemoryStore())
        send(store, said(1))
        died = dying(lambda s: merge(s, KEY, LATER), store, call, after) is Crash
        sweep(store, LATER)
        merge(store, KEY, LATER)
        assert [row["response"] for row in rows(store)] == [said(1).id]
        assert names(store, keys.CLAIMING) == names(store, keys.LANDING) == []
        if not died:
            break
    assert call > 6


def test_after_the_merge_the_retry_gets_the_same_receipt_even_expired(store: Store) -> None:
    ready(store)
    first = send(store, said(1))
    merge(store, KEY, LATER)
    links.add(store, {CODE: Link(SURVEY.id, personal=True, expires_at=LATER)})
    assert send(store, said(1), now=LATER) == Receipt(first.response, replay=True)
    assert names(store, keys.LANDING) == [], "it is in its part: nothing to land"
    another = msgspec.structs.replace(said(2), id=ids.make(LATER, 2))
    with pytest.raises(Refused, match="gone"):
        send(store, another, now=LATER)


def test_after_the_merge_nobody_else_gets_in(store: Store) -> None:
    ready(store)
    send(store, said(1))
    merge(store, KEY, LATER)
    before = names(store, "")
    with pytest.raises(Refused, match="already_answered"):
        send(store, said(2))
    assert names(store, "") == before


def test_once_merged_nothing_beside_its_part_holds_the_answer(store: Store) -> None:
    ready(store)
    text = "a word that is nowhere else"
    send(store, said(1, answers={"speed": 5, "care": 4, "comment": text}))
    merge(store, KEY, LATER)
    holders = {
        e.key.split("/")[0] for e in store.list("") if text.encode() in store.get(e.key).data
    }
    assert holders <= {"responses"}


def test_accept_has_a_minute_to_finish_by_itself(store: Store) -> None:
    ready(store)
    send(store, said(1))
    store.delete(names(store, keys.LANDING))
    assert sweep(store, NOW + PATIENCE_MS - 1) == Swept(young=1)
    assert sweep(store, NOW + PATIENCE_MS) == Swept(healed=1)
    assert sweep(store, NOW + PATIENCE_MS) == Swept()


def test_one_that_cannot_be_read_keeps_no_other_waiting(memory: Store) -> None:
    ready(memory)
    send(memory, said(1))
    memory.delete(names(memory, keys.LANDING))
    memory.create(keys.claiming(SURVEY.id, ids.make(NOW, 0), "0" * 16), b"\xff")
    with pytest.raises(ExceptionGroup):
        sweep(memory, LATER)
    assert len(names(memory, keys.LANDING)) == 1


def test_the_sweep_reads_only_what_has_not_landed(memory: Store) -> None:
    ready(memory)
    made = {links.mint(links.PERSONAL): Link(SURVEY.id, personal=True) for _ in range(50)}
    links.add(memory, made)
    for number, code in enumerate(made):
        send(memory, msgspec.structs.replace(said(number), link=code))
    lost = names(memory, keys.LANDING)[7]
    memory.delete([lost])

    class Watched(Mortal):
        def get(self, key: str) -> Any:
            seen.append(key)
            return super().get(key)

    seen: list[str] = []
    assert sweep(Watched(memory, 10**9, after=False), LATER) == Swept(healed=1)
    assert {key.rsplit("/", 1)[1] for key in seen if lost[-30:] in key} == {lost.rsplit("/", 1)[1]}
    assert len(seen) == 3, "its submission, its claim, and that it waits still"
    assert lost in names(memory, keys.LANDING)


def test_an_anonymous_answer_is_healed_by_its_own_retry_and_counted_once(store: Store) -> None:
    anonymous = survey(anonymous=True)
    ready(store, anonymous)
    send(store, said(1, anonymous))
    store.delete(names(store, keys.LANDING))
    assert not send(store, said(1, anonymous)).replay
    with pytest.raises(Refused, match="already_answered"):
        send(store, said(2, anonymous))
    merge(store, KEY, LATER)
    assert send(store, said(1, anonymous)).response == said(1, anonymous).id
    merge(store, KEY, LATER)
    [row] = rows(store)
    assert row["link"] is None
