"""Erasing: one person out of every byte, for good, whatever else is going on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import msgspec
import pytest
from msgspec.structs import replace

from chalicelib import break_offs, claims, columns, erasing, keys, links, parquet, parts, tombstones
from chalicelib.accept import Arrival, accept
from chalicelib.break_offs import BreakOff
from chalicelib.channels import Channel
from chalicelib.channels.outbox import Outbox
from chalicelib.claims import Claim
from chalicelib.erasing import Erased, erase, finish
from chalicelib.invitations import contact_rule, record
from chalicelib.invitations.codes import invitation_id
from chalicelib.invitations.invitation import Campaign, Invitation, Step
from chalicelib.invitations.learning import hear
from chalicelib.jobs.invite import invite
from chalicelib.jobs.landed import rejected, rejected_key
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.links import Link
from chalicelib.published import Definitions
from chalicelib.running import endless
from chalicelib.storage import Exists, MemoryStore, S3Store, Stale, Store
from chalicelib.survey import Response, Submission
from chalicelib.traces import By, find
from tests.interleaving import Interrupted
from tests.invitations.asking import write
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
    rows,
    said,
)
from tests.stores import s3_endpoint, store

__all__ = ["s3_endpoint", "store"]

SURVEY = contract()
CUSTOMER, PHONE, CODE = "c-needle-17", "138 0013-8017", "NEEDLE17"
THEIRS = {"customer": CUSTOMER, "agent": "a1"}
UNHAPPY = {"speed": 1, "care": 1, "phone": PHONE}
FIRST = said(17, SURVEY, attributes=THEIRS, answers=UNHAPPY, link=links.hash_of(CODE))
SECOND = said(18, SURVEY, at("2026-05-18T12:00"), attributes=THEIRS, answers=UNHAPPY)
EDIT = said(17, SURVEY, attributes=THEIRS, answers={"speed": 2, "phone": PHONE})
OTHERS = [said(n, SURVEY, attributes={"customer": f"c{n}"}) for n in range(4)]
LATER = [said(n, SURVEY, NOON + n, attributes={"customer": f"c{n}"}) for n in range(20, 23)]
INVITED = invitation_id(KEY, f"{SURVEY.id}/campaign-0", CUSTOMER)
HASHES = contact_rule.person(KEY, CUSTOMER, PHONE)
NEEDLES = (
    INVITED,
    *(CUSTOMER, PHONE, columns.pseudonym(CUSTOMER, KEY), FIRST.id, SECOND.id, FIRST.digest),
    *(links.hash_of(CODE), EDIT.digest),
)


def planted(store: Store) -> Store:
    """The person in every place: merged, landed, edited, linked, claimed, due, rejected."""
    live(store, SURVEY)
    links.add(store, {CODE: Link(SURVEY.id, personal=True, attributes=THEIRS)})
    links.add(store, {"OTHER1": Link(SURVEY.id, personal=True, attributes={"customer": "c1"})})
    claims.make(store, SURVEY.id, FIRST.link or "", Claim(FIRST.id, FIRST.digest))
    land(store, FIRST, *OTHERS)
    merge(store, KEY, NOW)
    land(store, SECOND, EDIT, *LATER)
    poison = b"\xff " + PHONE.encode() + b" " + CUSTOMER.encode()
    for name, body in (
        (keys.landing(SURVEY.id, FIRST.id, "0" * 16), EDIT.to_json()),
        ("landing/service/json.json", b'{"who": "%s"}' % CUSTOMER.encode()),
        ("landing/service/bytes.json", poison),
    ):
        store.create(rejected_key("2026-05-17", name, "conflict"), rejected(name, body, "conflict"))
    invited(store)
    stray = rejected_key("2026-05-17", "landing/service/else.json", "name")
    store.create(stray, b'{"reason": "stray"}')
    store.create("landing/service/broken.json", b'{"customer": "%s"' % CUSTOMER.encode())
    return store


def invited(store: Store) -> None:
    """Two campaigns: one sent to the outbox, answered and landed; one of others alone."""
    for number, customers in enumerate([(CUSTOMER, "c1"), ("c2",)]):
        campaign = Campaign(
            id=f"campaign-{number}",
            survey=SURVEY.id,
            planned_at=NOON,
            send_at=NOON,
            nonce=f"{number}" * 32,
        )
        people = [
            Invitation(
                id=invitation_id(KEY, campaign.name, customer),
                customer=customer,
                channel="sms",
                to=PHONE if customer == CUSTOMER else f"1370000{number}00{len(customer)}",
                language="en",
                send_at=NOON,
                attributes={"customer": customer},
                fields={"name": f"the one called {customer}"},
            )
            for customer in customers
        ]
        record.create(store, KEY, campaign, people)
    outbox: dict[str, Channel] = {"sms": Outbox(store, "sms")}
    invite(store, KEY, lambda: NOON, endless, outbox, write=write)
    for shard in record.shards(store, record.campaigns(store)[0]):
        for each in shard.invitations.values():
            place = record.where(record.campaigns(store)[0], shard.key, each.id)
            hear(store, SURVEY.id, place, Step("opened", NOON))
    contact_rule.opt_out(store, contact_rule.person(KEY, CUSTOMER), NOON)


def held(store: Store, kept: str = keys.OPT_OUTS) -> list[str]:
    """Every key under which a byte of the person is left.

    But for nobody's claim: that a link, which nothing knows any more, is used.
    """
    found = []
    for entry in store.list(""):
        data = store.get(entry.key).data
        if entry.key.startswith(keys.CLAIMS) and data == b"{}":
            continue
        text = entry.key + data.decode("latin1")
        if entry.key.endswith(".parquet"):
            text += str(parquet.decode(data).to_pylist())
        if b'"bytes"' in data:
            text += msgspec.convert(msgspec.json.decode(data)["bytes"], bytes).decode("latin1")
        needles = [*NEEDLES, *(HASHES if not entry.key.startswith(kept) else ())]
        if any(needle in text for needle in needles):
            found.append(entry.key)
    return found


def forget(store: Store, by: By = "customer", value: str = CUSTOMER) -> Erased | None:
    finish(store, KEY)
    traces = find(store, KEY, SURVEY.id, by, value)
    return erase(store, KEY, traces, NOW, "os:tester") if traces else None


def others_are_there(store: Store) -> None:
    wanted = sorted(response.id for response in (*OTHERS, *LATER))
    assert sorted(row["response"] for row in rows(store)) == wanted
    assert sorted(row["response"] for row in rows(store, keys.CONTACTS)) == wanted
    assert links.look_up(store, "OTHER1")
    assert "rejected/2026-05-17/service/else.name.json" in names(store, keys.REJECTED)


def test_a_customer_is_nobody_who_left_only_a_telephone_number() -> None:
    """A row of contacts without a customer is no match for one."""
    store = MemoryStore()
    live(store, SURVEY)
    unknown = said(30, SURVEY, answers={"speed": 3, "phone": "139 0013-9000"})
    land(store, FIRST, unknown)
    merge(store, KEY, NOW)
    assert forget(store)
    assert [row["response"] for row in rows(store)] == [unknown.id]
    assert [row["response"] for row in rows(store, keys.CONTACTS)] == [unknown.id]


def test_a_customer_is_erased_from_every_byte(store: Store) -> None:
    planted(store)
    places = {key.split("/")[0] for key in held(store, "nothing")}
    assert places == {
        *("responses", "contacts", "landing", "claims", "links", "due", "rejected"),
        *("campaigns", "outbox", "invitations", "asked", "heard", "optouts"),
    }
    gone = forget(store)
    assert gone == Erased(
        responses=1, contacts=1, landed=3, claims=1, links=2, due=2, rejected=3, invitations=1
    )
    left = [
        record.read(store, key)
        for c in record.campaigns(store)
        for key in record.shard_keys(store, c)
    ]
    assert sorted(e.customer for shard in left for e in shard.invitations.values()) == ["c1", "c2"]
    assert contact_rule.look_up(store, HASHES)[HASHES[0]].opted_out == NOON  # and it stays
    assert held(store) == []
    assert merge(store, KEY, NOW).merged == len(LATER)
    assert held(store) == []
    others_are_there(store)
    assert names(store, keys.ERASURES) == []


def test_the_mark_of_a_break_off_goes_with_the_answer_that_names_it(store: Store) -> None:
    """While that waits to be merged; merge has taken it away otherwise."""
    live(store, SURVEY)
    mark = BreakOff(FIRST.id[:-1] + "0", SURVEY.version, "en", "speed")
    other = mark._replace(id=FIRST.id[:-1] + "1")
    for each in (mark, other):
        store.create(break_offs.key(SURVEY.id, SURVEY.timezone, each), b"")
    land(store, replace(FIRST, left=mark.name))
    assert forget(store, "response", FIRST.id)
    assert [key.rpartition("/")[2] for key in names(store, keys.LEFT)] == [other.name]


def test_by_contact_all_responses_that_left_it_are_erased(store: Store) -> None:
    """However the number was spaced; what only the customer's name told stays a customer's."""
    planted(store)
    forget(store, "contact", "13800138017")
    merge(store, KEY, NOW)
    left = [key.split("/")[0] for key in held(store)]
    assert set(left) <= {"links", "rejected"}, left
    others_are_there(store)


def test_an_address_is_the_same_in_any_case() -> None:
    memory = MemoryStore()
    live(memory, SURVEY)
    land(memory, said(1, SURVEY, answers={"phone": "a.b@example.org"}), said(2, SURVEY))
    merge(memory, KEY, NOW)
    forget(memory, "contact", "A.B@Example.org")
    assert [row["response"] for row in rows(memory)] == [said(2, SURVEY).id]


def test_by_response_one_goes_with_its_personal_link(store: Store) -> None:
    planted(store)
    forget(store, "response", FIRST.id)
    assert links.look_up(store, CODE) is None
    assert merge(store, KEY, NOW).merged == len(LATER) + 1
    assert SECOND.id in {row["response"] for row in rows(store)}
    assert FIRST.id not in {row["response"] for row in rows(store)}
    assert not [key for key in names(store, "") if FIRST.id in key]


def test_nothing_held_is_nothing_to_do() -> None:
    memory = MemoryStore()
    live(memory, SURVEY)
    assert not find(memory, KEY, SURVEY.id, "customer", CUSTOMER)
    assert not find(memory, KEY, SURVEY.id, "contact", PHONE)


def test_a_replay_is_accepted_and_never_comes_back(store: Store) -> None:
    planted(store)
    forget(store)
    sent = Submission(
        id=SECOND.id, version=SURVEY.version, language="en", answers={"speed": 1, "phone": PHONE}
    )
    arrival = Arrival(now=SECOND.received_at, attributes=THEIRS)
    assert not accept(store, Definitions(store), SURVEY.id, sent, arrival).replay
    land(store, FIRST, EDIT, SECOND)
    assert claims.held(store, SURVEY.id, FIRST.link or "") == claims.NOBODYS
    store.create(keys.landing(SURVEY.id, FIRST.id, "ff"), b"torn " + FIRST.id.encode())
    done = merge(store, KEY, NOW)
    assert (done.merged, done.erased, done.rejected, done.conflicts) == (len(LATER), 5, 0, 0)
    assert held(store) == []
    others_are_there(store)


def test_tallies_of_touched_days_are_stale_and_empty_days_count_nobody(store: Store) -> None:
    live(store, SURVEY)
    land(store, SECOND)
    merge(store, KEY, NOW)
    tally(store, NOW)
    forget(store)
    assert tally(store, NOW).written == 1
    assert rows(store, keys.TALLIES) == []


def erasing_dies_at(memory: MemoryStore, call: int, after: bool) -> bool:
    """Whether it died."""
    mortal = Mortal(memory, call, after=after)
    try:
        finish(mortal, KEY)
        traces = find(mortal, KEY, SURVEY.id, "customer", CUSTOMER)
        erase(mortal, KEY, traces, NOW, "os:tester")
    except Crash:
        return True
    return False


@pytest.mark.parametrize("then", ["erase again", "finish", "merge and finish"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_between_any_two_calls_is_mended_by_the_next(after: bool, then: str) -> None:
    """By an erasure of the same person; or, once it was written down, by whoever comes."""
    call = 0
    while True:
        memory = MemoryStore()
        planted(memory)
        died = erasing_dies_at(memory, call, after)
        begun = any(names(memory, keys.TOMBSTONES))
        if then == "merge and finish":
            merge(memory, KEY, NOW)
        if then == "erase again":
            forget(memory)
        else:
            finish(memory, KEY)
        if begun or then == "erase again":
            assert held(memory) == [], call
            merge(memory, KEY, NOW)
            assert held(memory) == [], call
            others_are_there(memory)
        if not died:
            break
        call += 1
    assert call > 25


@pytest.mark.parametrize("first", [merge, erase], ids=["into merge", "into erase"])
def test_every_order_of_a_merge_and_an_erasure_ends_alike(first: Callable[..., Any]) -> None:
    """One of the two is run whole before the n-th call of the other, for every n."""
    call = 0
    while True:
        memory = MemoryStore()
        planted(memory)
        memory.delete(["landing/service/broken.json"])  # without an id, nothing can forbid it
        other = (lambda: forget(memory)) if first is merge else (lambda: merge(memory, KEY, NOW))  # noqa: B023
        shared = Interrupted(memory, call, other)
        if first is merge:
            merge(shared, KEY, NOW)
        else:
            traces = find(shared, KEY, SURVEY.id, "customer", CUSTOMER)
            erase(shared, KEY, traces, NOW, "os:tester")
        assert held(memory) == [] or not shared.happened, (call, held(memory))
        merge(memory, KEY, NOW)
        if not shared.happened:
            break
        assert held(memory) == [], call
        others_are_there(memory)
        call += 1
    assert call > 25


class Slow:
    """A merger's store: between its read of a table and its first write there, others act."""

    def __init__(self, store: Store, table: str, others: Callable[[], object]) -> None:
        self._store, self._table, self._others = store, table, others
        self.refused = False
        self.get, self.list, self.delete = store.get, store.list, store.delete

    def create(self, key: str, data: bytes) -> None:
        self._wait(key, lambda: self._store.create(key, data))

    def replace(self, key: str, data: bytes, tag: str) -> None:
        self._wait(key, lambda: self._store.replace(key, data, tag))

    def _wait(self, key: str, write: Callable[[], None]) -> None:
        others, self._others = self._others, lambda: None
        if key.startswith(self._table):
            others()
            try:
                write()
            except (Stale, Exists):
                self.refused = True
                raise
        else:
            self._others = others
            write()


def a_slow_merger(store: Store, table: str, there: list[Response]) -> Slow:
    """It has read the part and holds SECOND; others merge SECOND, which is then erased."""
    live(store, SURVEY)
    land(store, *there)
    merge(store, KEY, NOW)
    land(store, SECOND)

    def others() -> None:
        merge(store, KEY, NOW)
        forget(store)

    slow = Slow(store, table, others)
    merge(slow, KEY, NOW)  # type: ignore[arg-type]
    return slow


SAME_DAY = said(1, SURVEY, at("2026-05-18T09:00"), attributes={"customer": "c1"})


@pytest.mark.parametrize("there", [[], [SAME_DAY]], ids=["no part yet", "a part"])
@pytest.mark.parametrize("table", [keys.RESPONSES, keys.CONTACTS])
def test_a_merger_that_read_before_the_erasure_cannot_write_after_it(
    store: Store, table: str, there: list[Response]
) -> None:
    slow = a_slow_merger(store, table, there)
    assert slow.refused
    assert held(store) == []
    assert [row["response"] for row in rows(store)] == [response.id for response in there]


def test_without_generations_equal_bytes_let_the_slow_merger_write(
    s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What generations are for: S3 names a version by its bytes."""
    real = parts.encoded
    monkeypatch.setattr(
        parts, "encoded", lambda *part, **other: real(*part, **{**other, "taken": False})
    )
    store = S3Store("answers", "without-generations", s3_endpoint)
    slow = a_slow_merger(store, keys.RESPONSES, [SAME_DAY])
    assert not slow.refused
    assert SECOND.id in {row["response"] for row in rows(store)}


def test_generations_never_fall(store: Store) -> None:
    planted(store)
    name = keys.part(keys.RESPONSES, SURVEY.id, "2026-05-17", 0)
    seen = [parts.read(store, name).generation]
    forget(store)
    seen.append(parts.read(store, name).generation)
    merge(store, KEY, NOW)
    seen.append(parts.read(store, name).generation)
    forget(store, "response", OTHERS[0].id)
    seen.append(parts.read(store, name).generation)
    assert seen == [0, 1, 1, 2]


def test_merge_takes_out_what_an_erasure_left_that_was_cut_off(store: Store) -> None:
    planted(store)
    tombstones.put(store, SURVEY.id, "2026-05-17", FIRST.id, KEY)
    merge(store, KEY, NOW)
    for table in (keys.RESPONSES, keys.CONTACTS):
        assert FIRST.id not in {row["response"] for row in rows(store, table)}


def test_merge_looks_at_old_rows_again_only_where_tombstones_are_new(store: Store) -> None:
    """A day with tombstones costs one look at each row, not one in every merge."""
    planted(store)
    forget(store)
    name = keys.part(keys.RESPONSES, SURVEY.id, "2026-05-17", 0)
    assert parts.read(store, name).checked == ""
    merge(store, KEY, NOW)
    stones = tombstones.read(store, SURVEY.id, "2026-05-17", KEY)
    assert parts.read(store, name).checked == stones.digest != ""
    tombstones.put(store, SURVEY.id, "2026-05-17", OTHERS[0].id, KEY)
    land(store, said(60, SURVEY))
    merge(store, KEY, NOW)
    left = {row["response"] for row in rows(store)}
    assert OTHERS[0].id not in left
    assert OTHERS[1].id in left


def test_a_tombstone_needs_the_secret() -> None:
    assert tombstones.name_of(FIRST.id, KEY) != tombstones.name_of(FIRST.id, b"other")
    assert FIRST.id not in tombstones.name_of(FIRST.id, KEY)


def test_a_part_that_others_keep_changing_stops_it_and_finish_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = MemoryStore()
    planted(memory)
    with monkeypatch.context() as patched:
        patched.setattr(erasing, "TRIES", 0)
        with pytest.raises(erasing.Busy):
            forget(memory)
    assert finish(memory, KEY) == 1
    assert held(memory) == []


def test_a_bucket_that_keeps_versions_keeps_none_of_the_person(s3_endpoint: str) -> None:
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket="versioned")
    client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    store = S3Store("versioned", "data", s3_endpoint)
    planted(store)
    gone = forget(store)
    assert gone is not None
    assert gone.versions > 8
    merge(store, KEY, NOW)
    others_are_there(store)
    found = client.list_object_versions(Bucket="versioned")
    for version in found["Versions"]:
        body = client.get_object(
            Bucket="versioned", Key=version["Key"], VersionId=version["VersionId"]
        )["Body"].read()
        if version["Key"].endswith(".parquet"):
            body += str(parquet.decode(body).to_pylist()).encode()
        for needle in NEEDLES:
            nobodys = "/claims/" in version["Key"] and body == b"{}"
            assert nobodys or needle.encode() not in version["Key"].encode() + body, version["Key"]


def test_no_dictionary_remembers_who_was_erased() -> None:
    """Merge leaves columns of codes as the dictionaries they are, but not where it takes out a row:
    a dictionary keeps the values that no row has any more."""
    store = MemoryStore()
    live(store, SURVEY)
    victim = said(1, SURVEY, attributes={"agent": "a-of-one"})
    land(store, victim, said(2, SURVEY, attributes={"agent": "a2"}))
    merge(store, KEY, NOW)
    tombstones.put(store, SURVEY.id, "2026-05-17", victim.id, KEY)
    land(store, said(3, SURVEY, attributes={"agent": "a3"}))
    merge(store, KEY, NOW)
    [part] = names(store, keys.RESPONSES)
    agents = parquet.decode(store.get(part).data, ["agent"])["agent"]
    assert sorted(v for chunk in agents.chunks for v in chunk.dictionary.to_pylist()) == [
        "a2",
        "a3",
    ]
