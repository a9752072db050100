"""What each function does in its life, so that what it asks AWS for can be seen.

In the order of ``REHEARSED``: what one leaves behind, those after it find.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from secrets import randbits
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from chalicelib import break_offs, days, keys, links, tombstones
from chalicelib.accept import Arrival, accept
from chalicelib.actions import Action, Step, Wave
from chalicelib.breaking_off import break_off
from chalicelib.collecting import JSON, Reply, collect
from chalicelib.days import DAY_MS
from chalicelib.follow_ups.dynamo import DynamoRecord
from chalicelib.follow_ups.events import Verification, opened
from chalicelib.invitations import codes, opting_out, record
from chalicelib.invitations.invitation import Campaign, Invitation
from chalicelib.invitations.service_events import ServiceEvents, completed, signature
from chalicelib.jobs.crm import tell_all
from chalicelib.jobs.decision import Mark
from chalicelib.jobs.landed import Part
from chalicelib.linking import standing_of
from chalicelib.links import Link
from chalicelib.published import Definitions
from chalicelib.running import now, run_job, run_notices, run_part
from chalicelib.settings import Settings
from chalicelib.staff import reader
from chalicelib.staff.api import open_desk
from chalicelib.staff.tokens import mint
from chalicelib.storage import S3Store
from chalicelib.survey import Submission, ids
from chalicelib.survey.contract import Retention
from chalicelib.survey.questions import Upload
from chalicelib.traces import find
from tests.invitations.test_fates import COMPLAINT, mailed
from tests.jobs.answering import KEY, contract, land, names, rows, said
from tests.laying import lay_messages
from tests.records import item
from tests.staff.desks import ask

SURVEY = contract(
    Upload(id="photo", text={"en": "Photo"}, accept=["image/png"]),
    retention=Retention(responses=365),
)
PERSONAL = "7CMM26J97MNWHFGVQRM39J17AWQ"
TABLE = "echoform-follow-ups"
QUIET = ("00:00", "00:00")
"""Never, so that it is rehearsed at any hour."""
CAMPAIGN = Campaign(
    id="june", survey=SURVEY.id, planned_at=1, send_at=1, nonce=codes.nonce(), quiet=QUIET
)
SENT, OUT, SPOKEN = "1" * 32, "2" * 32, "3" * 32
"""Who is written to, who opted out before, and who answered before."""
NOTED = Action(
    id="noted", survey=SURVEY.id, dimension="care", items=["care"],
    baseline=Wave("2026-01-01", "2026-01-02"),
    steps=[Step(at=1, by="boss", kind="open")],
)  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def submitted(number: int, **other: Any) -> Submission:
    return Submission(
        id=ids.make(now(), randbits(60) << 16 | number),
        version=SURVEY.version,
        language="en",
        answers={"speed": 1, "care": 4, **other.pop("answers", {})},
        **other,
    )


def _answer(store: S3Store) -> None:
    """Everything customers do: ask for a link, answer over one, without one, with a file, again."""
    definitions = Definitions(store)
    asked = msgspec.json.encode({"survey": SURVEY.id, "code": PERSONAL})
    assert standing_of(store, definitions, asked, now()).status == 200
    token = f"{days.day(now(), 'UTC')}-{1:032x}"
    # The customer's browser does this, with a form that the function signed.
    store.create(keys.upload(SURVEY.id, token, "photo"), PNG)
    for submission in (
        submitted(1, link=PERSONAL),
        submitted(2, answers={"photo": [token], "phone": "13800138000"}),
    ):
        for _ in range(2):
            assert told_left(store, left_by(1)).status == 204
            body = msgspec.json.encode(submission)
            reply = collect(store, definitions, SURVEY.id, {"content-type": JSON}, body, now())
            assert reply.status in (200, 201), reply.body
    with pytest.raises(Exception, match="already_answered"):
        accept(store, definitions, SURVEY.id, submitted(3, link=PERSONAL), Arrival(now=now()))


def left_by(number: int) -> str:
    """The mark that a page makes when it is put away."""
    return break_offs.BreakOff(ids.make(now(), number), SURVEY.version, "en", "speed").name


def told_left(store: S3Store, name: str) -> Reply:
    return break_off(store, Definitions(store), SURVEY.id, name.encode(), now())


def code(invitation: str) -> str:
    return codes.code(KEY, CAMPAIGN.nonce, invitation)


def _begin(store: S3Store) -> None:
    """A link, a campaign of three, messages, and a follow-up that an agent has."""
    links.add(store, {PERSONAL: Link(SURVEY.id, personal=True, attributes={"customer": "C9"})})
    lay_messages(
        store,
        {
            "invitation/email.en.txt": "Subject: How was it?\n\n{{ link }} {{ opt_out }}",
            "verification/sms.en.txt": "{{ link }} {{ opt_out }}",
        },
    )
    of = {SENT: "C1", OUT: "C601", SPOKEN: "C602"}
    record.create(
        store,
        KEY,
        CAMPAIGN,
        [
            Invitation(
                id=name, channel="email", to=f"{customer}@example.com", language="en", send_at=1,
                customer=customer,
            )
            for name, customer in of.items()
        ],
    )  # fmt: skip
    _open(1, assignee="a1", state="assigned")
    store.create(keys.action(NOTED.id), msgspec.json.encode(NOTED))


def _open(number: int, **other: Any) -> None:
    DynamoRecord(TABLE).open(opened(item(number, **other), now()))


def _staff(settings: Settings, store: S3Store) -> None:
    """Everything staff do. There is no function to ask for what is in the parts."""
    desk = open_desk(settings, store, {"ECHOFORM_READER": "Read"})
    token = mint(KEY, "boss", "manager", [], now(), 3_600_000)
    mine: dict[str, Any] = {"named": {"id": item(1).id}, "now": now()}
    one = "/staff/follow-ups/{id}"
    assert ask(desk, "GET", "/staff/follow-ups", token, now=now())[0] == 200
    assert ask(desk, "GET", "/staff/team", token, now=now())[0] == 200
    step = {"version": 1, "move": "call", "channel": "phone", "outcome": "reached"}
    assert ask(desk, "POST", one, token, step, **mine)[0] == 200
    named = {"id": NOTED.id}
    assert ask(desk, "GET", "/staff/actions", token, now=now())[0] == 200
    step = {"version": 1, "move": "note", "said": "So"}
    assert ask(desk, "POST", "/staff/actions/{id}", token, step, named, now=now())[0] == 200
    for method, route in (("GET", one), ("POST", one + "/contact")):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            ask(desk, method, route, token, **mine)


def _invited(store: S3Store) -> None:
    """One of the invited answers, one opts out, and a service is completed."""
    definitions = Definitions(store)
    asked = msgspec.json.encode({"survey": SURVEY.id, "code": code(SPOKEN)})
    assert standing_of(store, definitions, asked, now()).status == 200
    answer = submitted(4, link=code(SPOKEN))
    accept(store, definitions, SURVEY.id, answer, Arrival(now=now()))
    assert opting_out.opted_out(store, definitions, code(OUT), {}, now()).status == 200
    event = {
        "id": "W1", "survey": SURVEY.id, "customer": "C603", "completed_at": _stamp(),
        "addresses": {"email": "c603@example.com"},
    }  # fmt: skip
    body = msgspec.json.encode(event)
    signed = {"echoform-signature": signature(b"both", now() // 1000, body)}
    known = {SURVEY.id: ServiceEvents()}
    reply = completed(store, KEY, b"both", known, definitions, signed, body, now())
    assert reply.status == 202, reply.body


def _stamp() -> str:
    return days.local(now() - 1000, "UTC").isoformat()


def _erased_meanwhile(store: S3Store) -> None:
    """A follow-up is due of a response that is erased, and was begun."""
    gone = ids.make(now(), 77)
    _open(2, response=gone, survey=SURVEY.id)
    mark = Mark(version=SURVEY.version, received_at=now())
    store.create(keys.due(SURVEY.id, gone, "unhappy"), msgspec.json.encode(mark))
    tombstones.put(store, SURVEY.id, days.day(now(), SURVEY.timezone), gone, KEY)


def _overdue(store: S3Store) -> None:
    """One is late, one is solved by whoever left a telephone number, one was asked long ago."""
    _open(3, assignee="a1", state="assigned")
    response = next(r["response"] for r in rows(store, keys.CONTACTS) if r.get("phone"))
    solved = {
        "response": response, "survey": SURVEY.id, "rule": "vip", "verify_with": SURVEY.id,
    }  # fmt: skip
    _open(4, **solved, state="resolved", resolved_at=now() - 1000, language="en")
    asked = Verification(sent_at=1, reminded_at=2, link=links.hash_of(PERSONAL))
    _open(5, state="verifying", verify_with=SURVEY.id, verification=asked)


def _counted(store: S3Store) -> None:
    """An action whose wave of one day is over, and the tallies of that day."""
    day = days.day(now() - 3 * DAY_MS, SURVEY.timezone)
    [today] = names(store, keys.TALLIES)
    store.create(keys.tallies(SURVEY.id, day), store.get(today).data)
    wave = Wave(day, day)
    action = Action(
        id="a-1", survey=SURVEY.id, dimension="speed", items=["speed"], baseline=wave, wave=wave,
        state="carried_out",
    )  # fmt: skip
    store.create(keys.action("a-1"), msgspec.json.encode(action))


def _read(settings: Settings, store: S3Store) -> None:
    response = next(row["response"] for row in rows(store, keys.CONTACTS))
    here = reader.here(store)
    today = days.day(now(), SURVEY.timezone)
    reader.answer(
        here, {"type": "lows", "survey": SURVEY.id, "wave": {"first": today, "last": today}}
    )
    for kind in ("answers", "contacts"):
        assert reader.answer(here, {"type": kind, "survey": SURVEY.id, "response": response})


def _gone(store: S3Store) -> None:
    """One left today, one so long ago that nobody comes back."""
    for ms in (now(), now() - 20 * DAY_MS):
        mark = break_offs.BreakOff(ids.make(ms, 1), SURVEY.version, "en", "speed")
        store.create(break_offs.key(SURVEY.id, SURVEY.timezone, mark), b"")


def _noticed(settings: Settings, store: S3Store) -> None:
    """Whoever was written to complains."""
    [shard] = record.shards(store, CAMPAIGN)
    each, place = shard.invitations[SENT], record.where(CAMPAIGN, shard.key, SENT)
    run_notices(settings, store, [mailed(CAMPAIGN, place, each, **COMPLAINT)])
    by_id = {"notification": {"messageId": "none", "timestamp": "2026-06-01 05:00:00.000"}}
    run_notices(settings, store, [msgspec.json.encode(by_id).decode()])


def _noted_long_ago(store: S3Store) -> None:
    store.create(keys.crm(SURVEY.id, "dt=2020-01-01/part-000"), b"{}")


def _crm(settings: Settings, store: S3Store) -> None:
    tell_all(store, DynamoRecord(TABLE), lambda key, body: True, now())


def _api(settings: Settings, store: S3Store) -> None:
    _answer(store)
    _invited(store)
    _staff(settings, store)


def _erase(store: S3Store) -> None:
    """An erasure that was cut off after its first step."""
    _open(6, response=ids.make(now() - 400 * DAY_MS, 6), survey=SURVEY.id)
    traces = find(store, KEY, SURVEY.id, "customer", "C1")
    assert traces.invitations
    store.create(keys.erasure(ids.make(now(), 1)), msgspec.json.encode(traces))


def _part(settings: Settings, store: S3Store) -> None:
    day = days.day(now(), SURVEY.timezone)
    part = msgspec.json.encode(Part(SURVEY.id, day, 0))
    run_part(settings, store, lambda: 900.0, part.decode())


def _one(store: S3Store) -> None:
    over = {"link": links.hash_of("a fourth"), "personal_link": True, "left": left_by(80)}
    land(store, said(80, SURVEY, now(), attributes={"customer": "C80"}, **over))


def _merge(settings: Settings, store: S3Store) -> None:
    """Once without time, when all goes to the queue, and once with."""
    for seconds in (1.0, 900.0):
        run_job("merge", settings, store, lambda seconds=seconds: seconds)  # type: ignore[misc]


def _nothing(store: S3Store) -> None:
    """Nothing is made ready for it."""


def _land(store: S3Store) -> None:
    came_back = {"left": left_by(1)}
    land(
        store,
        *(said(n, SURVEY, now(), attributes={"customer": f"C{n}"}, **came_back) for n in range(4)),
    )
    erased = said(5, SURVEY, now(), link=links.hash_of("a third"), personal_link=True)
    land(store, erased)  # and whoever accepted it was cut off before the claim
    tombstones.put(store, SURVEY.id, days.day(now(), SURVEY.timezone), erased.id, KEY)
    store.create(keys.landing(SURVEY.id, ids.make(now(), 9), "0" * 16), b"no answer at all")


Prepare = Callable[[S3Store], None]
Act = Callable[[Settings, S3Store], object]
REHEARSED: dict[str, tuple[Prepare, Act]] = {
    "api_handler": (_begin, _api),
    "merge": (_land, _merge),
    "merge_part": (_one, _part),
    "follow_up": (_erased_meanwhile, partial(run_job, "follow_up")),
    "follow_up_tables": (_nothing, partial(run_job, "follow_up_tables")),
    "escalate": (_overdue, partial(run_job, "escalate")),
    "invite": (_nothing, partial(run_job, "invite")),
    "notices": (_nothing, _noticed),
    "crm": (_noted_long_ago, _crm),
    "tally": (_gone, partial(run_job, "tally")),
    "read": (_nothing, _read),
    "judge": (_counted, partial(run_job, "judge")),
    "purge": (_erase, partial(run_job, "purge")),
}
"""In this order: what is made ready, and what the function then does."""
