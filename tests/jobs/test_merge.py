"""Merge: every landed response becomes one row, whatever happens."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from chalicelib import columns, keys, parquet
from chalicelib.jobs import merge as merging
from chalicelib.jobs.merge import Merged, merge
from chalicelib.published import Buckets, Publication
from chalicelib.storage import MemoryStore, Stale, Store
from chalicelib.survey import ids
from chalicelib.survey.questions import Consent, Rating
from tests.jobs.answering import (
    KEY,
    NOON,
    NOW,
    Crash,
    Mortal,
    at,
    contract,
    land,
    live,
    names,
    rejected,
    rows,
    said,
)

SURVEY = contract()
AGREE = next(question for question in SURVEY.questions if isinstance(question, Consent))


@pytest.fixture
def memory() -> MemoryStore:
    store = MemoryStore()
    live(store, SURVEY)
    return store


def test_an_answer_becomes_a_typed_row(store: Store) -> None:
    live(store, SURVEY)
    response = said(
        1,
        SURVEY,
        at("2026-05-17T23:30"),
        channel="personal",
        duration=61,
        link="hash",
        attributes={"customer": "c-17", "agent": "a1"},
        answers={
            "kind": "other",
            "kind_other": "按摩",
            "speed": "na",
            "care": 5,
            "improve": ["price", "skill"],
            "price": 12.5,
            "visits": 3,
            "bought": "2026-02-28",
            "comment": "=1+1",
            "agree": True,
            "phone": "13800138000",
        },
    )
    land(store, response)
    assert merge(store, KEY, NOW) == Merged(merged=1, parts=1)
    assert names(store, "") == [
        "contacts/service/dt=2026-05-17/part-000.parquet",
        "definitions/service/" + f"{SURVEY.version}.json",
        "definitions/service/current.json",
        "responses/service/dt=2026-05-17/part-000.parquet",
    ]
    received = datetime.fromtimestamp(response.received_at / 1000, UTC)
    assert rows(store) == [
        {
            "response": response.id,
            "received_at": received,
            "hour": 23,
            "version": SURVEY.version,
            "language": "en",
            "channel": "personal",
            "duration": 61,
            "link": "hash",
            "entered_by": None,
            "recording_consent": None,
            "customer": columns.pseudonym("c-17", KEY),
            "agent": "a1",
            "kind": "other",
            "kind_other": "按摩",
            "speed": None,
            "speed_na": True,
            "care": 5,
            "recommend": None,
            "improve": ["price", "skill"],
            "contacts": None,
            "solved": None,
            "price": 12.5,
            "visits": 3,
            "bought": date(2026, 2, 28),
            "comment": "=1+1",
            "agree": True,
            "agree_text": columns.consent_hash(AGREE, "en"),
            "index": 100.0,
            "straight_line": False,
            "gibberish": False,
            "one_character": False,
            "honeypot": False,
            "too_fast": False,
            "plain": False,
            "late": False,
            "digest": response.digest,
        }
    ]
    assert rows(store, keys.CONTACTS) == [
        {
            "response": response.id,
            "received_at": received,
            "customer": "c-17",
            "phone": "13800138000",
            "digest": response.digest,
        }
    ]


def test_nothing_personal_makes_no_contact(memory: MemoryStore) -> None:
    land(memory, said(1, SURVEY), said(2, SURVEY, attributes={"agent": "a1"}))
    merge(memory, KEY, NOW)
    assert names(memory, keys.CONTACTS) == []


def test_a_customer_is_a_pseudonym_that_needs_the_key(memory: MemoryStore) -> None:
    land(memory, said(1, SURVEY, attributes={"customer": "c-17"}))
    merge(memory, KEY, NOW)
    assert b"c-17" not in memory.get(names(memory, keys.RESPONSES)[0]).data
    [row] = rows(memory)
    assert row["customer"] == columns.pseudonym("c-17", KEY) != columns.pseudonym("c-17", b"other")
    assert len(row["customer"]) == 16


def test_merging_again_changes_nothing(store: Store) -> None:
    live(store, SURVEY)
    land(store, *(said(n, SURVEY) for n in range(20)))
    assert merge(store, KEY, NOW).merged == 20
    before = [(entry.key, entry.tag) for entry in store.list("")]
    assert merge(store, KEY, NOW) == Merged()
    assert [(entry.key, entry.tag) for entry in store.list("")] == before


def test_a_replay_meets_its_twin_however_late(memory: MemoryStore) -> None:
    response = said(1, SURVEY, attributes={"customer": "c"})
    land(memory, response)
    merge(memory, KEY, NOW)
    before = [(entry.key, entry.tag) for entry in memory.list("")]
    later = msgspec.structs.replace(response, received_at=response.received_at + 5 * 86_400_000)
    land(memory, later)
    assert merge(memory, KEY, NOW) == Merged(known=1)
    assert [(entry.key, entry.tag) for entry in memory.list("")] == before


def test_an_edit_under_one_id_is_a_conflict(memory: MemoryStore) -> None:
    first, edit = said(1, SURVEY), said(1, SURVEY, answers={"speed": 5}, received_at=NOON + 999)
    land(memory, first)
    merge(memory, KEY, NOW)
    [name] = land(memory, edit)
    assert merge(memory, KEY, NOW) == Merged(conflicts=1)
    assert [row["digest"] for row in rows(memory)] == [first.digest]
    [kept] = rejected(memory)
    assert kept["reason"].startswith("conflict")
    assert (kept["landed"], kept["body"]) == (name, msgspec.to_builtins(edit) | kept["body"])
    assert names(memory, keys.LANDING) == []


def test_of_rivals_that_land_together_the_earliest_received_wins(memory: MemoryStore) -> None:
    """Not the first in the list, which goes by digest."""
    rivals = [
        said(1, SURVEY, answers={"care": care, "phone": f"1380000000{care}"}, received_at=NOON + at)
        for care, at in ((1, 30), (2, 10), (3, 20), (4, 40))
    ]
    land(memory, *rivals)
    assert merge(memory, KEY, NOW) == Merged(merged=1, conflicts=3, parts=1)
    assert [row["care"] for row in rows(memory)] == [2]
    assert [row["phone"] for row in rows(memory, keys.CONTACTS)] == ["13800000002"]
    assert sorted(kept["body"]["answers"]["care"] for kept in rejected(memory)) == [1, 3, 4]


def test_a_rivals_contacts_never_stand_beside_the_winner(memory: MemoryStore) -> None:
    """A merger wrote a rival's contacts and died; then an earlier one landed and won."""
    late = said(1, SURVEY, answers={"care": 1, "phone": "13800000001"}, received_at=NOON + 50)
    early = said(1, SURVEY, answers={"care": 2, "phone": "13800000002"}, received_at=NOON + 10)
    land(memory, late)

    class DiesBeforeResponses(Mortal):
        def create(self, key: str, data: bytes) -> None:
            if key.startswith(keys.RESPONSES):
                raise Crash
            super().create(key, data)

    with pytest.raises(Crash):
        merge(DiesBeforeResponses(memory, 10**9, after=False), KEY, NOW)
    assert [row["phone"] for row in rows(memory, keys.CONTACTS)] == ["13800000001"]
    land(memory, early)
    assert merge(memory, KEY, NOW) == Merged(merged=1, conflicts=1, parts=1)
    assert [row["care"] for row in rows(memory)] == [2]
    assert [row["phone"] for row in rows(memory, keys.CONTACTS)] == ["13800000002"]


def test_where_contacts_cannot_be_written_responses_are_not(memory: MemoryStore) -> None:
    class Broken(Mortal):
        def create(self, key: str, data: bytes) -> None:
            if key.startswith(keys.CONTACTS):
                raise OSError("no space left")
            super().create(key, data)

    land(memory, said(1, SURVEY, attributes={"customer": "c"}))
    with pytest.raises(ExceptionGroup):
        merge(Broken(memory, 10**9, after=False), KEY, NOW)
    assert names(memory, keys.RESPONSES) == []
    assert len(names(memory, keys.LANDING)) == 1


def busy_landing() -> tuple[MemoryStore, int]:
    """New, known, edited, rival, broken, personal, due, on three days; and how many are new."""
    store = MemoryStore()
    live(store, SURVEY)
    old = [said(n, SURVEY, attributes={"customer": f"c{n}"}) for n in range(4)]
    land(store, *old)
    merge(store, KEY, NOW)
    store.delete(names(store, "due/"))
    fresh = [
        said(n, SURVEY, at(f"2026-05-{17 + n % 3}T10:00"), attributes={"customer": f"c{n}"})
        for n in range(10, 17)
    ]
    land(store, old[0], *fresh)
    land(store, said(1, SURVEY, answers={"care": 1, "phone": "13800000001"}))
    land(store, said(10, SURVEY, at("2026-05-18T10:00"), answers={"care": 1}, received_at=NOON))
    store.create("landing/service/what-is-this.json", b"\xff")
    return store, len(fresh)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_between_any_two_calls_loses_and_doubles_nothing(after: bool) -> None:
    whole, fresh = busy_landing()
    merge(whole, KEY, NOW)
    expected = sorted(row["response"] for row in rows(whole))
    assert len(expected) == 4 + fresh
    call = 0
    while True:
        store, _ = busy_landing()
        try:
            merge(Mortal(store, call, after=after), KEY, NOW)
        except Crash:
            died = True
        else:
            died = False
        in_contacts = {(row["response"], row["digest"]) for row in rows(store, keys.CONTACTS)}
        for row in rows(store):  # at any moment, a response that is there has its contacts
            assert row["customer"] is None or (row["response"], row["digest"]) in in_contacts
        merge(store, KEY, NOW)
        assert sorted(row["response"] for row in rows(store)) == expected
        for table in (keys.CONTACTS, "due/", "rejected/"):
            assert names(store, table) == names(whole, table)
        assert rows(store) == rows(whole)
        assert rows(store, keys.CONTACTS) == rows(whole, keys.CONTACTS)
        assert names(store, keys.LANDING) == []
        if not died:
            break
        call += 1
    assert call > 40


def test_two_mergers_at_once_add_each_answer_once(store: Store) -> None:
    """One is overtaken between reading and writing, again and again; it reads again."""
    live(store, SURVEY)
    land(store, *(said(n, SURVEY, attributes={"customer": "c"}) for n in range(0, 30)))
    overtaken = []

    class Overtaken(Mortal):
        def create(self, key: str, data: bytes) -> None:
            if key.startswith(keys.RESPONSES) and not overtaken:
                overtaken.append(key)
                land(store, said(99, SURVEY))
                merge(store, KEY, NOW)
            super().create(key, data)

    merge(Overtaken(store, 10**9, after=False), KEY, NOW)
    assert overtaken
    assert len(rows(store)) == len({row["response"] for row in rows(store)}) == 31
    assert len(rows(store, keys.CONTACTS)) == 30


def test_a_part_that_others_keep_changing_is_left_for_later(memory: MemoryStore) -> None:
    class Contested(Mortal):
        def create(self, key: str, data: bytes) -> None:
            if key.startswith(keys.RESPONSES):
                raise Stale(key)
            super().create(key, data)

    land(memory, said(1, SURVEY))
    assert merge(Contested(memory, 10**9, after=False), KEY, NOW) == Merged(postponed=1)
    assert merge(memory, KEY, NOW).merged == 1


def test_late_answers_go_to_the_day_they_were_given(memory: MemoryStore) -> None:
    land(memory, said(1, SURVEY))
    merge(memory, KEY, NOW)
    land(memory, said(2, SURVEY, received_at=NOON + 4 * 86_400_000))
    merge(memory, KEY, NOW)
    assert names(memory, keys.RESPONSES) == ["responses/service/dt=2026-05-17/part-000.parquet"]
    assert len(rows(memory)) == 2


@pytest.mark.parametrize(
    ("zone", "ms", "day", "hour"),
    [
        ("Asia/Shanghai", at("2026-05-17T23:59"), "2026-05-17", 23),
        ("Asia/Shanghai", at("2026-05-18T00:00"), "2026-05-18", 0),
        ("Europe/Berlin", at("2026-03-29T03:00", "Europe/Berlin"), "2026-03-29", 3),
        ("Europe/Berlin", at("2026-03-29T03:00", "Europe/Berlin") - 1, "2026-03-29", 1),
        ("Europe/Berlin", at("2026-10-25T00:00", "Europe/Berlin"), "2026-10-25", 0),
        ("Europe/Berlin", at("2026-10-26T00:00", "Europe/Berlin") - 1, "2026-10-25", 23),
        ("America/Santiago", at("2026-09-06T01:00", "America/Santiago"), "2026-09-06", 1),
        ("America/Santiago", at("2026-09-06T01:00", "America/Santiago") - 1, "2026-09-05", 23),
        ("Australia/Lord_Howe", at("2026-10-04T02:30", "Australia/Lord_Howe"), "2026-10-04", 2),
    ],
)
def test_days_are_counted_where_the_survey_is(zone: str, ms: int, day: str, hour: int) -> None:
    """Also where a clock change begins or ends the day: Berlin's 23 and 25 hours, Santiago's
    missing midnight, Lord Howe's half hour."""
    store = MemoryStore()
    survey = contract(timezone=zone)
    live(store, survey)
    land(store, said(1, survey, ms))
    merge(store, KEY, NOW)
    assert names(store, keys.RESPONSES) == [f"responses/service/dt={day}/part-000.parquet"]
    assert [row["hour"] for row in rows(store)] == [hour]


def test_a_new_question_is_null_in_old_rows() -> None:
    store = MemoryStore()
    newer = contract(Rating(id="price_worth", text={"en": "Worth"}))
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    live(store, newer)
    land(store, said(2, newer, answers={"price_worth": 4}), said(3, SURVEY))
    merge(store, KEY, NOW)
    assert sorted((row["price_worth"] or 0, row["version"]) for row in rows(store)) == sorted(
        [(0, SURVEY.version), (0, SURVEY.version), (4, newer.version)]
    )
    [part] = names(store, keys.RESPONSES)
    wanted = parquet.schema(columns.responses([SURVEY, newer]))
    assert parquet.decode(store.get(part).data).schema.equals(wanted)


def test_a_question_that_is_gone_keeps_its_answers() -> None:
    store = MemoryStore()
    older = contract(Rating(id="gone", text={"en": "Gone"}))
    live(store, older)
    land(store, said(1, older, answers={"gone": 4}))
    merge(store, KEY, NOW)
    live(store, SURVEY)
    land(store, said(2, SURVEY))
    merge(store, KEY, NOW)
    assert sorted(row["gone"] or 0 for row in rows(store)) == [0, 4]


def test_rows_are_sorted_and_bytes_are_reproducible() -> None:
    """Equal rows are equal files, whatever order they came in, when no batch of them differs."""
    made = []
    for numbers in (range(50), reversed(range(50))):
        store = MemoryStore()
        live(store, SURVEY)
        for number in numbers:
            land(store, said(number, SURVEY))
        merge(store, KEY, NOW)
        made.append(store.get(names(store, keys.RESPONSES)[0]).data)
        found = [row["response"] for row in rows(store)]
        assert found == sorted(found)
    assert made[0] == made[1]


def test_batches_keep_the_part_sorted(memory: MemoryStore) -> None:
    for start in (3, 1, 2, 0):
        land(memory, *(said(n, SURVEY, NOON + n) for n in range(start, 40, 4)))
        merge(memory, KEY, NOW)
    found = [row["response"] for row in rows(memory)]
    assert found == sorted(found)
    assert len(found) == 40


def test_a_busy_day_lies_in_more_parts() -> None:
    store = MemoryStore()
    store.create(keys.contract(SURVEY.id, SURVEY.version), SURVEY.to_json())
    publication = Publication(SURVEY.version, since=NOW, buckets=[Buckets("2026-05-17", 3)])
    store.create(keys.current(SURVEY.id), msgspec.json.encode(publication))
    land(store, *(said(n, SURVEY, at("2026-05-16T12:00")) for n in range(20)))
    land(store, *(said(n, SURVEY) for n in range(60)))
    assert merge(store, KEY, NOW).parts == 4
    for name in names(store, "responses/service/dt=2026-05-17/"):
        bucket = int(name[-11:-8])
        found = parquet.decode(store.get(name).data)["response"].to_pylist()
        assert found
        assert {keys.bucket(response, 3) for response in found} == {bucket}


def test_bounded_rounds_merge_it_all(memory: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rivals stay together also where a round is full."""
    monkeypatch.setattr(merging, "PER_PART", 3)
    monkeypatch.setattr(merging, "IN_HAND", 5)
    # The one that was received first is the one that is listed last.
    later, earlier = sorted((1, 2), key=lambda care: said(1, SURVEY, answers={"care": care}).digest)
    for number in range(23):
        day = at(f"2026-05-{10 + number % 4}T12:00")
        land(
            memory,
            said(number, SURVEY, day, answers={"care": later}, received_at=NOON + 9),
            said(number, SURVEY, day, answers={"care": earlier}, received_at=NOON + 1),
        )
    done = merge(memory, KEY, NOW)
    assert (done.merged, done.conflicts) == (23, 23)
    assert [row["care"] for row in rows(memory)] == [earlier] * 23


def test_one_survey_can_be_merged_alone() -> None:
    store = MemoryStore()
    other = contract(id="other")
    live(store, SURVEY)
    live(store, other)
    land(store, said(1, SURVEY), said(1, other))
    assert merge(store, KEY, NOW, only="other").merged == 1
    assert [keys.survey_of(name) for name in names(store, keys.LANDING)] == ["service"]


GOOD = said(1, SURVEY)


def changed(**other: Any) -> bytes:
    return msgspec.structs.replace(GOOD, **other).to_json()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a response"),
        (b"{", "not a response"),
        (b"\xff\xfe", "not a response"),
        (b"null", "not a response"),
        (b"[" * 100_000, "not a response"),
        (b'{"id": 5}', "not a response"),
        (changed(id=ids.make(NOON, 7)), "not the response its name says"),
        (changed(survey="other"), "not the response its name says"),
        (changed(version="0" * 16), "no such version"),
        (changed(version="../../etc/passwd"), "no such version"),
        (changed(answers={"unheard_of": 1}), "an answer to no question"),
        (changed(answers={"speed": 4.5}), "not a whole number"),
        (changed(answers={"speed": "five"}), "not a whole number"),
        (changed(answers={"visits": 2**31}), "not a whole number"),
        (changed(duration=2**40), "not a whole number"),
        (changed(answers={"improve": "price"}), "not a list"),
        (changed(answers={"kind": ["repair"]}), "not a text"),
        (changed(answers={"price": "1.5"}), "not a number"),
        (changed(answers={"bought": "2026-02-30"}), "not a day"),
        (changed(answers={"agree": "yes"}), "not true"),
        (changed(answers={"phone": 138}), "not a text"),
    ],
)
def test_what_cannot_be_merged_is_kept_with_its_reason(
    memory: MemoryStore, body: bytes, reason: str
) -> None:
    name = keys.landing(SURVEY.id, GOOD.id, "ab12")
    memory.create(name, body)
    land(memory, said(2, SURVEY))
    assert merge(memory, KEY, NOW) == Merged(merged=1, rejected=1, parts=1)
    [kept] = rejected(memory)
    assert kept["landed"] == name
    assert reason in kept["reason"]
    as_bytes = msgspec.convert(kept.get("bytes", ""), bytes)
    assert as_bytes == body or msgspec.json.decode(body) == kept["body"]
    assert names(memory, keys.LANDING) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("landing/stray.json", "not the name"),
        ("landing/service/stray", "not the name"),
        ("landing/service/a/b/c.json", "not the name"),
        (f"landing/service/{GOOD.id.lower()}-ab.json", "not the name"),
        (f"landing/unheard-of/{GOOD.id}-ab.json", "no such survey"),
        (f"landing/service/7ZZZZZZZZZ{GOOD.id[10:]}-ab.json", "impossible time"),
    ],
)
def test_what_has_no_place_is_kept_with_its_reason(
    memory: MemoryStore, name: str, reason: str
) -> None:
    memory.create(name, b'{"some": "thing"}')
    assert merge(memory, KEY, NOW) == Merged(rejected=1)
    [kept] = rejected(memory)
    assert (kept["landed"], kept["body"]) == (name, {"some": "thing"})
    assert reason in kept["reason"]


def test_one_bad_part_does_not_keep_the_others_waiting(memory: MemoryStore) -> None:
    memory.create("responses/service/dt=2026-05-17/part-000.parquet", b"torn")
    land(memory, said(1, SURVEY), said(2, SURVEY, at("2026-05-18T12:00")))
    with pytest.raises(ExceptionGroup):
        merge(memory, KEY, NOW)
    assert names(memory, "responses/service/dt=2026-05-18/")
    assert len(names(memory, keys.LANDING)) == 1


def test_a_broken_publication_makes_nobodys_answers_poison() -> None:
    store = MemoryStore()
    other = contract(id="other")
    live(store, SURVEY)
    live(store, other)
    land(store, said(1, SURVEY), said(1, other))
    store.replace(keys.current("service"), b"{", store.get(keys.current("service")).tag)
    with pytest.raises(ExceptionGroup):
        merge(store, KEY, NOW)
    assert [keys.survey_of(name) for name in names(store, keys.LANDING)] == ["service"]
    assert rejected(store) == []


def test_marks_are_left_for_what_is_due(memory: MemoryStore) -> None:
    """Rules see answers, attributes and the index; each leaves one mark, with when it came."""
    unhappy = said(1, SURVEY, answers={"speed": 2, "care": 5})
    both = said(2, SURVEY, answers={"speed": 1, "care": 1}, attributes={"agent": "a1"})
    happy = said(3, SURVEY, answers={"speed": 5, "care": 5}, attributes={"agent": "a1"})
    silent = said(4, SURVEY, answers={}, attributes={"agent": "a1"})
    land(memory, unhappy, both, happy, silent)
    merge(memory, KEY, NOW)
    wanted = [
        keys.due("service", response.id, rule)
        for response, rule in ((unhappy, "unhappy"), (both, "unhappy"), (both, "vip"))
    ]
    assert names(memory, "due/") == sorted(wanted)
    assert msgspec.json.decode(memory.get(wanted[0]).data) == {
        "version": SURVEY.version,
        "received_at": unhappy.received_at,
    }


def test_what_is_loaded_from_the_past_makes_nothing_due(memory: MemoryStore) -> None:
    land(memory, said(1, SURVEY, answers={"speed": 1}, follow_up=False))
    assert merge(memory, KEY, NOW).merged == 1
    assert names(memory, "due/") == []


def test_conflicts_make_nothing_due(memory: MemoryStore) -> None:
    land(memory, said(1, SURVEY, answers={"speed": 5}))
    merge(memory, KEY, NOW)
    land(memory, said(1, SURVEY, answers={"speed": 1}))
    assert merge(memory, KEY, NOW).conflicts == 1
    assert names(memory, "due/") == []
