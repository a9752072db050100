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

from chalicelib import claims, keys, links
from chalicelib.accept import Arrival, Receipt, accept
from chalicelib.claims import Claim
from chalicelib.erasing import erase
from chalicelib.jobs.merge import merge
from chalicelib.links import Link
from chalicelib.published import Definitions, publish
from chalicelib.storage import FolderStore, MemoryStore, Store
from chalicelib.survey import Contract, Refused, Response, Submission, ids
from chalicelib.traces import find
from tests.interleaving import Interrupted
from tests.jobs.answering import KEY, Crash, Mortal, land, names, rows
from tests.jobs.answering import contract as survey

NOW = 1_770_000_000_000
LATER = NOW + 120_000
DAY_MS = 86_400_000
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
    landed = len(names(store, keys.LANDING))
    assert merge(store, KEY, LATER).refused == landed - 1
    assert [row["response"] for row in rows(store)] == [winner]
    assert names(store, keys.LANDING) == names(store, keys.REJECTED) == []


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


def dying(act: Callable[[Store], object], store: Store, call: int, after: bool) -> object:
    """What it returned, or Crash where it died at that call."""
    try:
        return act(Mortal(store, call, after=after))
    except Crash:
        return Crash


def holder(store: Store) -> Claim | None:
    return claims.held(store, SURVEY.id, links.hash_of(CODE))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("comes_back", [None, "same", "another", "edited"])
def test_accept_killed_at_any_call_then_the_merge_killed_too(
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
            merged = dying(lambda s: merge(s, KEY, LATER), store, second, after)
            merge(store, KEY, LATER)
            acknowledged.discard("already_answered")
            there = [(row["response"], row["digest"]) for row in rows(store)]
            assert len(there) <= 1
            assert acknowledged <= {response for response, _ in there}
            claim = holder(store)
            assert [(claim.id, claim.digest)] * bool(claim) == there if claim else not there
            assert names(store, keys.LANDING) == names(store, keys.REJECTED) == []
            if there:
                assert send(store, said(int(there[0][0] != said(1).id) + 1)).replay
            if merged is not Crash:
                break
        if first is not Crash:
            break
    assert call >= 4


@pytest.mark.parametrize("act", ["same", "another", "edited", "merge"])
def test_accept_overtaken_before_any_call(act: str) -> None:
    """Another is quicker, or the merge comes: one answer, with the claim, and it has a receipt."""
    quicker: dict[str, Callable[[Store], object]] = {
        "same": lambda s: receipts.append(outcome(s, said(1))),
        "another": lambda s: receipts.append(outcome(s, said(2))),
        "edited": lambda s: receipts.append(outcome(s, said(1, answers={"speed": 5}))),
        "merge": lambda s: merge(s, KEY, LATER),
    }
    for call in count():
        receipts: list[str] = []
        store = ready(MemoryStore())
        shared = Interrupted(store, call, lambda: quicker[act](store))  # noqa: B023
        receipts.append(outcome(shared, said(1)))
        merge(store, KEY, LATER)
        [row] = rows(store)
        assert holder(store) == Claim(row["response"], row["digest"])
        assert set(receipts) - {"already_answered"} == {row["response"]}
        assert names(store, keys.LANDING) == names(store, keys.REJECTED) == []
        if not shared.happened:
            break
    assert call >= 4


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_merge_killed_at_any_call_leaves_nothing_landed_and_one_row(after: bool) -> None:
    for call in count():
        store = ready(MemoryStore())
        cut_off(store, said(1))
        died = dying(lambda s: merge(s, KEY, LATER), store, call, after) is Crash
        merge(store, KEY, LATER)
        assert [row["response"] for row in rows(store)] == [said(1).id]
        assert names(store, keys.LANDING) == []
        if not died:
            break
    assert call > 6


def cut_off(store: Store, *submissions: Submission) -> None:
    """Accept lands them, and dies before it claims their link."""
    for number, submission in enumerate(submissions):
        link = links.hash_of(submission.link or "")
        response = Response(
            id=submission.id, survey=SURVEY.id, version=SURVEY.version, language="en",
            channel="web", received_at=NOW + number, answers=submission.answers,  # type: ignore[arg-type]
            link=link, personal_link=True,
        )  # fmt: skip
        land(store, response)


def test_merge_claims_for_an_answer_that_accept_left_without(store: Store) -> None:
    ready(store)
    dying(lambda s: send(s, said(1)), store, 5, after=False)
    assert names(store, keys.LANDING)
    assert holder(store) is None, "accept was cut off just between the two"
    assert merge(store, KEY, LATER).merged == 1
    assert holder(store) == Claim(said(1).id, rows(store)[0]["digest"])
    assert attempt(store, 2) == "already_answered"
    assert send(store, said(1)).replay


def test_of_two_left_without_a_claim_the_first_received_counts(store: Store) -> None:
    ready(store)
    cut_off(store, said(2), said(1), said(2, answers={"speed": 5, "care": 5}))
    done = merge(store, KEY, LATER)
    assert (done.merged, done.refused, done.conflicts) == (1, 2, 0)
    assert [(row["response"], row["speed"]) for row in rows(store)] == [(said(2).id, 3)]


def test_of_two_in_different_parts_one_counts(store: Store) -> None:
    ready(store)
    long_ago = msgspec.structs.replace(said(1), id=ids.make(NOW - DAY_MS, 1))
    cut_off(store, said(2), long_ago)
    done = merge(store, KEY, LATER)
    assert (done.merged, done.refused) == (1, 1)
    assert holder(store) == Claim(rows(store)[0]["response"], rows(store)[0]["digest"])


def test_what_was_refused_stays_refused_though_the_winner_is_erased(store: Store) -> None:
    """It landed in the very moment another had the link; then the other is taken out of all."""
    ready(store)
    send(store, said(1))
    cut_off(store, said(2))
    erase(store, KEY, find(store, KEY, SURVEY.id, "response", said(1).id), LATER, "os:tester")
    assert holder(store) == claims.NOBODYS
    assert merge(store, KEY, LATER).refused == 1
    assert rows(store) == []


def test_erasing_one_who_was_refused_leaves_the_claim_to_whose_it_is(store: Store) -> None:
    ready(store)
    send(store, said(1))
    cut_off(store, said(2))
    erase(store, KEY, find(store, KEY, SURVEY.id, "response", said(2).id), LATER, "os:tester")
    merge(store, KEY, LATER)
    assert [row["response"] for row in rows(store)] == [said(1).id]
    assert holder(store) == Claim(said(1).id, rows(store)[0]["digest"])


@pytest.mark.parametrize("first", ["accept", "erase", "erase, and a merge after accept"])
def test_whatever_order_accept_and_an_erasure_come_in_no_claim_is_of_who_was_erased(
    first: str,
) -> None:
    for call in count():
        store = ready(MemoryStore())

        def erased(over: Store) -> None:
            traces = find(over, KEY, SURVEY.id, "response", said(1).id)
            erase(over, KEY, traces, LATER, "os:tester")

        if first == "accept":
            shared = Interrupted(store, call, lambda: erased(store))  # noqa: B023
            outcome(shared, said(1))
        else:

            def accepted(store: Store = store) -> None:
                outcome(store, said(1))
                if first != "erase":
                    merge(store, KEY, LATER)

            shared = Interrupted(store, call, accepted)
            erased(shared)
        if not shared.happened:
            break
        merge(store, KEY, LATER)
        assert rows(store) == names(store, keys.LANDING) == []
        left = [e.key for e in store.list("") if said(1).id.encode() in store.get(e.key).data]
        assert left == [], call
    assert call >= 4


@pytest.mark.parametrize("left_without", [True, False])
def test_every_order_of_a_merge_and_an_erasure(left_without: bool) -> None:
    """Neither counts who was erased, nor leaves a claim of theirs."""
    for call in count():
        store = ready(MemoryStore())
        cut_off(store, said(1)) if left_without else send(store, said(1))
        traces = find(store, KEY, SURVEY.id, "response", said(1).id)
        erased = partial(erase, store, KEY, traces, LATER, "os:tester")
        shared = Interrupted(store, call, erased)
        merge(shared, KEY, LATER)
        if not shared.happened:
            break
        merge(store, KEY, LATER)
        assert rows(store) == names(store, keys.LANDING) == []
        assert holder(store) == claims.NOBODYS
    assert call > 6


def test_only_whose_it_was_is_taken_out_of_a_claim() -> None:
    """Of these responses, or of one that only a proof tells. The link stays used."""
    store = MemoryStore()
    for link, claim in {"mine": Claim("R1", "d"), "theirs": Claim("R2", "d")}.items():
        claims.make(store, "s", link, claim)
    claims.make(store, "s", "proven", Claim(proof="p"))
    links_of = ("mine", "theirs", "proven", "free", "mine")
    assert [claims.forget(store, "s", link, {"R1"}) for link in links_of] == [
        *(True, False, True, False, False)
    ]
    assert claims.held(store, "s", "theirs") == Claim("R2", "d")
    assert claims.held(store, "s", "free") is None
    for link in ("mine", "proven"):
        assert claims.make(store, "s", link, Claim("R3", "d")) == claims.NOBODYS
    assert not claims.NOBODYS.is_of(Claim("R3", "d"))


def test_no_other_answer_costs_merge_a_request_more() -> None:
    """Over an open link, over none, or of an anonymous survey: nobody looks for a claim."""
    store = ready(MemoryStore())
    links.add(store, {"OPEN": Link(SURVEY.id)})
    send(store, msgspec.structs.replace(said(1), link="OPEN"))
    send(store, msgspec.structs.replace(said(2), link=None))
    anonymous = ready(MemoryStore(), survey(anonymous=True))
    send(anonymous, said(1, survey(anonymous=True)))
    for each in (store, anonymous):
        watched = Watched(each)
        assert merge(watched, KEY, LATER).merged
        assert not any(key.startswith(keys.CLAIMS) for key in watched.asked)
        landed = [key for key in watched.asked if key.startswith(keys.LANDING)]
        assert len(landed) == len(set(landed)), "each is read once"


class Watched(Mortal):
    """Never dies, and notes what it was asked for."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, 10**9, after=False)
        self.asked: list[str] = []

    def get(self, key: str) -> Any:
        self.asked.append(key)
        return super().get(key)

    def create(self, key: str, data: bytes) -> None:
        self.asked.append(key)
        super().create(key, data)


def test_merge_reads_one_claim_for_an_answer_over_a_personal_link() -> None:
    store = ready(MemoryStore())
    send(store, said(1))
    watched = Watched(store)
    merge(watched, KEY, LATER)
    assert [key for key in watched.asked if key.startswith(keys.CLAIMS)] == [
        keys.claim(SURVEY.id, links.hash_of(CODE))
    ]


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
