"""Flags: what speaks against a response is told beside every figure, and never takes it away."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from chalicelib import doubts, keys, parquet
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.storage import FolderStore, MemoryStore, Store
from chalicelib.survey import Contract, Response
from chalicelib.survey.questions import LongText, Nps, Rating
from generator.query import ask, open_views
from generator.scores import Scores, scores
from tests.jobs.answering import KEY, NOW, at, contract, land, live, names, rejected, rows, said

RATED = [f"r{number}" for number in range(1, 7)]
SURVEY = contract(
    *(Rating(id=name, text={"en": name}) for name in RATED),
    Nps(id="friends", text={"en": "Friends"}),
    LongText(id="wish", text={"en": "Wish"}),
)
TEXTS = [
    "等了两个小时才接通，希望更快",
    "The technician came late",
    "态度很好",
    "ok",
    "nothing to add",
]


def stored(*responses: Response, survey: Contract = SURVEY, store: Store | None = None) -> Store:
    store = store or MemoryStore()
    live(store, survey)
    land(store, *responses)
    merge(store, KEY, NOW)
    tally(store, NOW, key=KEY)
    return store


def honest(number: int, draw: random.Random, **other: Any) -> Response:
    """Somebody who rates, takes about a minute, and writes now and then."""
    mood = draw.choice([2, 3, 4, 4])
    given: dict[str, Any] = {name: mood + draw.choice([-1, 0, 0, 1]) for name in RATED}
    given |= {"friends": draw.randrange(11), "kind": draw.choice(["repair", "advice"])}
    if draw.random() < 0.3:
        given["wish"] = f"{draw.choice(TEXTS)} {number}"
    seconds = round(60 * draw.lognormvariate(0, 0.3))
    day = draw.choice(["2026-05-17", "2026-05-18", "2026-05-19"])
    return said(
        number,
        SURVEY,
        at(f"{day}T{draw.randrange(9, 18):02}:30"),
        **{"answers": given, "duration": seconds, "received_at": at(f"{day}T18:00")} | other,
    )


def dirty(number: int, draw: random.Random) -> tuple[str, Response]:
    """Somebody who does not mean it, and the flag that is due."""
    whole = honest(number, draw)
    kind = draw.choice([flag for flag in doubts.FLAGS if flag != doubts.REPEAT])
    said_now = dict(whole.answers)
    seconds, trap = whole.duration, False
    if kind == "straight_line":
        said_now |= dict.fromkeys(RATED, draw.randint(1, 5))
    elif kind == "gibberish":
        struck = "".join(draw.choices("asdfghjkl", k=draw.randint(10, 30)))
        said_now["wish"] = draw.choice([struck, "qwerty", "阿斯顿发", "11111", "。。。。"])
    elif kind == "one_character":
        said_now["wish"] = draw.choice(["a", "1", "。", "的"])
    elif kind == "honeypot":
        trap = True
    elif kind == "too_fast":
        seconds = draw.choice([0, 1])
    elif kind == "speeder":
        seconds = draw.randint(6, 18)
    return kind, honest(number, draw, answers=said_now, duration=seconds, trap=trap)


def flagged(store: Store, survey: Contract = SURVEY) -> dict[str, set[str]]:
    """The flags of each response, as whoever reviews them sees them."""
    name = survey.id.replace("-", "_")
    found: dict[str, set[str]] = {}
    with open_views(store) as views:
        for response, flag in ask(views, f"select response, flag from flags_{name}").rows:
            found.setdefault(response, set()).add(flag)
    return found


def without(store: Store, **how: Any) -> Scores:
    return scores(store, SURVEY.id, without_flagged=True, **how)


def test_seeded_dirt_is_found_and_honest_people_are_left_alone() -> None:
    """METHODS: recall at least 95 %, false flags at most 2 %."""
    draw = random.Random(3)
    clean = [honest(number, draw) for number in range(1800)]
    bad = [dirty(number, draw) for number in range(1800, 2000)]
    found = flagged(stored(*clean, *(response for _, response in bad)))
    hit = sum(kind in found.get(response.id, ()) for kind, response in bad)
    wrong = sum(bool(found.get(response.id, set()) - {doubts.ALIKE}) for response in clean)
    assert hit >= 0.95 * len(bad), hit
    # Six equal ratings in a row are a straight line, whoever draws it.
    lines = sum(len({response.answers[name] for name in RATED}) == 1 for response in clean)
    assert wrong - lines <= 0.02 * len(clean), (wrong, lines)
    assert lines <= 0.02 * len(clean)


def test_every_figure_is_there_with_and_without() -> None:
    store = stored(
        said(1, SURVEY, answers={"care": 5}),
        said(2, SURVEY, answers={"care": 1}, trap=True),
        said(3, SURVEY, answers={"care": 1, "wish": "x"}, trap=True),
        said(4, SURVEY, answers={"care": 3}, attributes={"agent": "a1"}),
    )
    [every] = scores(store, SURVEY.id).segments
    [kept] = without(store).segments
    assert (every.n, every.flagged, every.flags) == (4, 2, {"honeypot": 2, "one_character": 1})
    assert (kept.n, kept.flagged, kept.flags) == (2, 2, every.flags)
    care = [next(item for item in each.items if item.id == "care") for each in (every, kept)]
    assert [item.counts for item in care] == [{"1": 2, "3": 1, "5": 1}, {"3": 1, "5": 1}]
    [agent] = scores(store, SURVEY.id, "agent").segments
    assert (agent.n, agent.flagged) == (1, 0)


def test_where_all_are_flagged_nobody_is_left() -> None:
    store = stored(said(1, SURVEY, answers={"care": 5}, trap=True))
    [kept] = without(store).segments
    assert (kept.n, kept.index, kept.items, kept.flagged) == (0, None, [], 1)


def paced(*seconds: int | None, survey: Contract = SURVEY, start: int = 0) -> list[Response]:
    return [
        said(start + number, survey, duration=each, answers={}, received_at=at("2026-05-17T12:00"))
        for number, each in enumerate(seconds)
    ]


@pytest.mark.parametrize(
    ("seconds", "fast"),
    [
        ([100, 100, 49], [2]),
        ([100, 100, 50], []),
        ([49, 100], []),  # the lower of two is the median
        ([None, 30, 60, 80], []),
        ([60] * 50 + [64] * 49 + [45], [99]),  # far from the others, though not half their time
        ([60] * 50 + [64] * 48 + [45], []),  # 99 are too few to say so
        ([61] * 120, []),
    ],
)
def test_a_speeder_is_measured_by_the_day(seconds: Sequence[int | None], fast: list[int]) -> None:
    responses = paced(*seconds)
    found = flagged(stored(*responses))
    assert [n for n, each in enumerate(responses) if each.id in found] == fast
    assert all(flags == {"speeder"} for flags in found.values())


def test_a_speeder_is_measured_by_its_own_version() -> None:
    """A shorter survey is answered in less time."""
    longer = contract(LongText(id="more", text={"en": "More"}))
    store = MemoryStore()
    live(store, longer, SURVEY)
    land(store, *paced(200, 200, 200, survey=longer), *paced(60, 60, 60, start=10))
    merge(store, KEY, NOW)
    assert flagged(store) == {}


def test_counting_day_by_day_gives_the_flags_of_counting_at_once() -> None:
    """A response that comes later may make an earlier one a speeder: its day is counted anew."""
    draw = random.Random(4)
    responses = [dirty(number, draw)[1] for number in range(240)]
    stepwise = MemoryStore()
    live(stepwise, SURVEY)
    for start in range(0, 240, 60):
        stored(*responses[start : start + 60], store=stepwise)
    whole = stored(*responses)
    for name in names(whole, keys.TALLIES):
        both = [parquet.decode(store.get(name).data) for store in (stepwise, whole)]
        assert both[0].equals(both[1])
    assert names(stepwise, keys.TALLIES) == names(whole, keys.TALLIES)


LONG = {**dict.fromkeys(RATED, 3), "r1": 4, "friends": 7, "kind": "repair", "solved": "yes"}


@pytest.mark.parametrize(
    ("changes", "alike"),
    [
        ({}, True),
        ({"friends": 8}, True),  # one of many
        ({"friends": 8, "r1": 1, "r3": 1, "kind": "advice", "solved": "no"}, False),
        ({"wish": "Please call me earlier!"}, False),  # their own words
    ],
)
def test_a_near_duplicate_has_the_same_words_and_nearly_the_same_answers(
    changes: dict[str, Any], alike: bool
) -> None:
    said_once = {**LONG, "wish": "Please call me earlier"}
    one = said(1, SURVEY, answers=said_once)
    two = said(2, SURVEY, answers={**said_once, **changes})
    other_day = said(3, SURVEY, at("2026-05-18T12:00"), answers=said_once)
    store = stored(one, two, other_day)
    assert flagged(store) == ({one.id: {doubts.ALIKE}, two.id: {doubts.ALIKE}} if alike else {})
    [found] = scores(store, SURVEY.id).segments
    assert found.flagged == 0, "it is for review only"
    assert found.flags.get(doubts.ALIKE, 0) == 2 * alike


def test_few_questions_or_few_words_show_nothing() -> None:
    assert not flagged(stored(*(said(n, SURVEY, answers=LONG) for n in range(3))))
    assert not flagged(stored(*(said(n, SURVEY, answers={"wish": "很好"}) for n in range(3))))


def test_questions_may_be_called_like_anything_the_counting_uses() -> None:
    names = ("pace", "people", "seconds", "median", "said", "texts", "alike", "n", "total", "item")
    survey = contract(*(Rating(id=n, text={}) for n in names), LongText(id="flagged_by", text={}))
    one = said(1, survey, answers={"flagged_by": "the very same words", "pace": 3}, duration=5)
    two = said(2, survey, answers={"flagged_by": "the very same words", "pace": 3}, duration=50)
    store = stored(one, two, said(3, survey, answers={}, duration=50), survey=survey)
    assert flagged(store, survey)[one.id] == {"speeder", doubts.ALIKE}


def test_a_late_answer_belongs_to_its_day_is_marked_and_not_flagged() -> None:
    store = stored(said(1, SURVEY, at("2026-05-17T12:00")))
    late = said(2, SURVEY, at("2026-05-17T13:00"), received_at=at("2026-05-20T09:00"))
    land(store, late)
    merge(store, KEY, NOW)
    assert tally(store, NOW).written == 1
    assert [row["late"] for row in rows(store)] == [
        row["response"] == late.id for row in rows(store)
    ]
    [found] = scores(store, SURVEY.id).segments
    assert (found.n, found.flagged) == (2, 0)
    assert names(store, keys.RESPONSES) == ["responses/service/dt=2026-05-17/part-000.parquet"]


@pytest.mark.parametrize(
    ("zone", "moment", "day", "hour"),
    [
        ("America/New_York", "2026-03-08T06:59:59.999+00:00", "2026-03-08", 1),
        ("America/New_York", "2026-03-08T07:00:00+00:00", "2026-03-08", 3),  # 2 o'clock is missing
        ("America/New_York", "2026-03-08T04:59:59.999+00:00", "2026-03-07", 23),
        ("America/New_York", "2026-03-09T03:59:59.999+00:00", "2026-03-08", 23),  # 23 hours later
        ("America/New_York", "2026-03-09T04:00:00+00:00", "2026-03-09", 0),
        ("Europe/Berlin", "2026-10-25T00:30:00+00:00", "2026-10-25", 2),
        ("Europe/Berlin", "2026-10-25T01:30:00+00:00", "2026-10-25", 2),  # 2 o'clock comes twice
        ("Europe/Berlin", "2026-10-25T22:59:59.999+00:00", "2026-10-25", 23),
        ("Europe/Berlin", "2026-10-25T23:00:00+00:00", "2026-10-26", 0),
        ("Australia/Lord_Howe", "2026-04-04T15:15:00+00:00", "2026-04-05", 1),  # half an hour
        ("Asia/Kathmandu", "2026-05-16T18:14:59.999+00:00", "2026-05-16", 23),
        ("Asia/Kathmandu", "2026-05-16T18:15:00+00:00", "2026-05-17", 0),
        ("America/Sao_Paulo", "2018-11-04T02:59:59.999+00:00", "2018-11-03", 23),
        ("America/Sao_Paulo", "2018-11-04T03:00:00+00:00", "2018-11-04", 1),  # no midnight
        ("Pacific/Apia", "2011-12-30T09:59:59.999+00:00", "2011-12-29", 23),
        ("Pacific/Apia", "2011-12-30T10:00:00+00:00", "2011-12-31", 0),  # the 30th never was
    ],
)
def test_an_answer_lies_in_the_day_its_clocks_showed(
    zone: str, moment: str, day: str, hour: int
) -> None:
    survey = contract(timezone=zone)
    ms = round(datetime.fromisoformat(moment).timestamp() * 1000)
    store = stored(said(1, survey, ms), survey=survey)
    assert [keys.day_of(name) for name in names(store, keys.RESPONSES)] == [day]
    assert [row["hour"] for row in rows(store)] == [hour]
    assert [segment.value for segment in scores(store, "service", "hour").segments] == [
        f"{hour:02}"
    ]


def test_a_consent_says_which_text_was_agreed_to(tmp_path: Any) -> None:
    """By a hash that leads to the text: in every version and language."""
    store = FolderStore(tmp_path)
    stored(said(1, SURVEY, answers={"agree": True}), said(2, SURVEY, answers={}), store=store)
    [hash] = [row["agree_text"] for row in rows(store) if row["agree"]]
    assert [row["agree_text"] for row in rows(store) if not row["agree"]] == [None]
    with open_views(store) as views:
        found = ask(views, f"select * from consents where text_hash = '{hash}'")
    assert found.rows == [("service", "agree", SURVEY.version, "en", hash, "Agree")]


PLANTED = ("13812345678", "c-98765", "somebody@example.com", "planted words")


def test_what_is_personal_is_in_contacts_alone(
    tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Every byte outside contacts and what has just landed; of what was rejected, the reasons."""
    store = FolderStore(tmp_path)
    survey = contract(LongText(id="secret", text={"en": "Secret"}, personal=True))
    phone, customer, *texts = PLANTED
    answers = {"phone": phone, "secret": " ".join(texts), "speed": 1}
    live(store, survey)
    land(store, said(1, survey, answers=answers, attributes={"customer": customer}))
    land(store, said(2, survey, answers={"phone": [phone]}, attributes={"customer": customer}))
    land(store, said(3, survey, answers={customer: phone}))
    merge(store, KEY, NOW)
    tally(store, NOW, key=KEY)
    planted = [text.encode() for text in PLANTED]
    bodies = {name: store.get(name).data for name in names(store, "") if "rejected/" not in name}
    reasons = [str(each["reason"]) for each in rejected(store)]
    assert len(reasons) == 2
    contacts = b"".join(str(row).encode() for row in rows(store, keys.CONTACTS))
    assert all(text in contacts for text in planted)
    everywhere = [data for name, data in bodies.items() if not name.startswith(keys.CONTACTS)]
    everywhere += [str(row).encode() for row in rows(store)]
    everywhere += [
        str(parquet.decode(store.get(n).data)).encode() for n in names(store, "tallies/")
    ]
    everywhere += ["\n".join(reasons).encode(), "\n".join(bodies).encode(), caplog.text.encode()]
    for data in everywhere:
        assert not [text for text in planted if text in data]


def plain(number: int, ms: int, survey: Contract = SURVEY, **other: Any) -> Response:
    """A form without script, received when its id was minted."""
    return said(number, survey, ms, scripted=False, received_at=ms, **other)


def test_a_plain_form_that_is_sent_again_is_flagged() -> None:
    """The same answers, version, language and link within 10 minutes; the second one, not both."""
    noon, minute = at("2026-05-17T12:00"), 60_000
    same = {"answers": {"speed": 5, "care": 4}}
    store = stored(
        plain(1, noon, **same),
        plain(2, noon + minute, **same),
        plain(3, noon + minute * 2, answers={"speed": 5, "care": 3}),
        plain(4, noon + minute * 3, link="a poster", **same),
        plain(5, noon + minute * 12, **same),
        said(6, SURVEY, noon + minute, received_at=noon + minute, **same),
        said(7, SURVEY, noon + minute * 2, received_at=noon + minute * 2, **same),
    )
    again = plain(2, noon + minute, **same)
    assert flagged(store) == {again.id: {doubts.REPEAT}}
    [kept] = without(store).segments
    assert (kept.n, kept.flagged) == (6, 1)
    assert len(rows(store)) == 7, "nothing is deleted"


def test_where_times_are_not_kept_nobody_is_called_a_repeat() -> None:
    survey = contract(id="quiet", anonymous=True)
    noon = at("2026-05-17T12:00")
    same = {"answers": {"speed": 5, "care": 4}}
    store = stored(*(plain(n, noon + n, survey, **same) for n in (1, 2)), survey=survey)
    assert flagged(store, survey) == {}
