"""The cookbook: each question, asked in Athena's SQL, answers what Python counts from the rows."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from math import sqrt
from statistics import mean, stdev, variance
from typing import Any, TypeAlias

import msgspec
import pytest
import trino_sql_validator

from chalicelib import break_offs, days, keys
from chalicelib.break_offs import BreakOff
from chalicelib.follow_ups import performance
from chalicelib.follow_ups.events import Item, item_id, opened
from chalicelib.follow_ups.landing import land as land_follow_ups
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.invitations import record
from chalicelib.invitations.invitation import Campaign, Invitation, Kind, Step
from chalicelib.invitations.landing import land as land_invitations
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.running import endless
from chalicelib.running import now as clock
from chalicelib.storage import MemoryStore
from chalicelib.survey import Contract, Section, figures, ids
from chalicelib.survey.responding import Dispositions, rr1
from generator.answer import Answer
from generator.catalog import catalog
from generator.cookbook import RECIPES, cookbook
from generator.glue import view_sql
from generator.query import Views, ask, open_views
from generator.scores import scores
from tests.jobs.answering import KEY, NOW, at, contract, land, live, rows, said

Row: TypeAlias = dict[str, Any]


def measured(survey: Contract) -> Contract:
    """With two dimensions, whose scales differ."""
    dimensions = {"speed": "pace", "care": "manner", "recommend": "manner"}
    questions = [
        msgspec.structs.replace(question, dimension=dimensions[question.id])
        if question.id in dimensions
        else question
        for question in survey.questions
    ]
    return msgspec.structs.replace(
        survey,
        attributes=["customer", "agent", "team"],
        sections=[Section(id="all", questions=questions)],
    )


SURVEY = measured(contract(id="after-sales"))
TEXTS = ["快递太慢", "The agent never called back", "无", "none", "师傅很专业，谢谢"]
"""Five texts."""


def answers(draw: random.Random) -> Row:
    given: Row = {
        "speed": draw.choice([1, 2, 3, 4, 5, 5, "na"]),
        "care": draw.randint(1, 5),
        "recommend": draw.randint(0, 10),
        "contacts": draw.choice(["once", "more"]),
        "solved": draw.choice(["yes", "no"]),
        "improve": draw.sample(["price", "time", "skill"], draw.randint(1, 3)),
        "price": draw.choice([1.5, 20.25, 3]),
        "comment": draw.choice(TEXTS),
    }
    return {name: answer for name, answer in given.items() if draw.random() < 0.85}


ASKED = Campaign(id="may", survey=SURVEY.id, planned_at=NOW, send_at=NOW, nonce="0" * 32)
ENDS: dict[str, list[Kind]] = {
    "complete": ["sent", "opened", "answered"],
    "refusal": ["sent", "opened", "expired"],
    "noncontact": ["sent", "delivered", "reminded", "expired"],
    "unknown": ["sent", "bounced"],
    "pending": ["sent"],
}
INVITED = [
    Invitation(
        id=f"{number:032x}",
        channel=["email", "sms"][number % 2],
        to=f"c{number}@example.com",
        language="en",
        send_at=NOW,
        attributes={"agent": f"a{number % 3}"} if number % 7 else {},
        steps=[Step(kind, NOW) for kind in list(ENDS.values())[number % 11 % 5]],
    )
    for number in range(120)
]


def response_rates(rows: list[Row]) -> list[tuple[Any, ...]]:
    """From how each invitation was made to end; of the answers nothing is needed."""
    groups: dict[tuple[str, str | None], Counter[str]] = defaultdict(Counter)
    for number, each in enumerate(INVITED):
        end = list(ENDS)[number % 11 % 5]
        groups[each.channel, each.attributes.get("agent")][end] += end != "pending"
    found = []
    for (channel, agent), ends in groups.items():
        n, hits = ends.total(), ends["complete"]
        rate = rr1(Dispositions(**{end: count for end, count in ends.items() if end != "pending"}))
        low, high = figures.wilson(hits, n)
        found.append(("may", channel, agent, n, hits, rate, low, high))
    return sorted(found, key=lambda row: (row[1], row[2] is None, row[2] or ""))


HOUR = 3_600_000
CALLED = at("2026-03-15T22:00")


def followed(number: int) -> Item:
    """One of 90 follow-ups: half of them called, some too late, some never, some not due yet."""
    opened_at = CALLED + number * 10 * HOUR
    due = opened_at + HOUR if number % 10 else at("2900-01-01T00:00")
    called = None if number % 3 == 0 else opened_at + number % 4 * HOUR // 2
    states = ["assigned", "unreachable", "closed", "closed", "closed"]
    ends = ["", "", "verified", "unverified", "unreachable"]
    response = f"{number:026d}"
    return Item(
        id=item_id(SURVEY.id, response, "unhappy"),
        survey=SURVEY.id,
        response=response,
        rule="unhappy",
        kind="call" if number % 7 else "no_contact",
        state=states[number % 5],
        outcome=ends[number % 5],
        team=["north", "south", ""][number % 3 % 2 + (number % 11 == 0)],
        first_contact_due=due if number % 7 else None,
        contacted_at=called,
        opened_at=opened_at,
        scores={"recommend": number % 9} if number % 4 else {},
    )


FOLLOWED = [followed(number) for number in range(90)]


def figures_of(items: list[Item]) -> performance.Figures:
    """What the team view says."""
    asked = performance.promoting([SURVEY])
    return performance.performance(
        items, clock(), lambda item: bool(performance.is_detractor(item, asked))
    )[0]


def on_time(rows: list[Row]) -> list[tuple[Any, ...]]:
    found = []
    for team in ("north", "south", ""):
        told = figures_of([item for item in FOLLOWED if item.team == team]).first_contact_on_time
        low, high = figures.wilson(round((told.share or 0) * told.n), told.n)
        found.append((team or None, told.n, told.share, low, high))
    return found


def recovered(rows: list[Row]) -> list[tuple[Any, ...]]:
    months: dict[date, list[Item]] = defaultdict(list)
    for item in FOLLOWED:
        day = days.local(item.opened_at, SURVEY.timezone)
        months[date(day.year, day.month, 1)].append(item)
    found = []
    asked = performance.promoting([SURVEY])
    for month, items in sorted(months.items()):
        told = figures_of(items)
        lost = figures_of([i for i in items if performance.is_detractor(i, asked)]).unreachable
        share = told.recovered_detractors / told.detractors
        found.append((month, told.detractors, told.recovered_detractors, share, lost))
    assert len(found) > 1
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> MemoryStore:
    """400 answers on 70 days."""
    draw = random.Random(5)
    store = MemoryStore()
    live(store, SURVEY)
    first = at("2026-03-01T00:10")
    for number in range(400):
        ms = first + draw.randrange(70 * 24 * 60) * 60_000
        known = {
            "customer": f"c{draw.randrange(150)}",
            "agent": f"a{draw.randrange(5)}",
            "team": f"t{draw.randrange(2)}",
        }
        land(
            store,
            said(
                number,
                SURVEY,
                ms,
                answers=answers(draw),
                attributes={n: v for n, v in known.items() if draw.random() < 0.9},
                channel=draw.choice(["web", "phone", "paper"]),
                duration=draw.choice([None, *range(1, 200)]),
                received_at=ms + draw.choice([0, 0, 0, 3_600_000]),
            ),
        )
    merge(store, KEY, NOW)
    for mark in LEFT:
        store.create(break_offs.key(SURVEY.id, SURVEY.timezone, mark), b"")
    tally(store, NOW)
    record.create(store, KEY, ASKED, INVITED)
    assert land_invitations(store, KEY, ASKED, [SURVEY])
    kept = SqliteRecord(tmp_path_factory.mktemp("record") / "follow_ups.sqlite")
    assert all(kept.open(opened(item, item.opened_at)) for item in FOLLOWED)
    assert land_follow_ups(store, kept, KEY, endless).follow_ups == len(FOLLOWED)
    return store


@pytest.fixture(scope="module")
def views(store: MemoryStore) -> Iterator[Views]:
    with open_views(store) as views:
        yield views


@pytest.fixture(scope="module")
def given(store: MemoryStore) -> list[Row]:
    """The rows as they lie, with their day."""
    found = []
    for entry in store.list(keys.RESPONSES):
        part = MemoryStore()
        part.create(entry.key, store.get(entry.key).data)
        found += [{**row, "dt": keys.day_of(entry.key)} for row in rows(part)]
    assert len(found) == 400
    return found


def flags(views: Views) -> list[tuple[Any, ...]]:
    return ask(views, "select dt, response, flag from flags_after_sales").rows


def by(rows: list[Row], *names: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        key = tuple(row[name] for name in names)
        found[key if len(key) > 1 else key[0]].append(row)
    return found


def having(rows: list[Row], *names: str) -> list[Row]:
    return [row for row in rows if all(row[name] is not None for name in names)]


def week(row: Row) -> date:
    day = date.fromisoformat(row["dt"])
    return day - timedelta(days=day.weekday())


def shares(groups: dict[Any, list[Row]], hit: Callable[[Row], bool]) -> list[tuple[Any, ...]]:
    found = []
    for who, mine in groups.items():
        share = figures.share(sum(map(hit, mine)), len(mine))
        assert share
        found.append((who, share.n, share.share, share.low, share.high))
    return sorted(found, key=lambda row: (row[0] is None, row[0] or ""))


def weeks_of_nps(rows: list[Row]) -> list[tuple[Any, ...]]:
    groups: dict[date, Counter[int]] = defaultdict(Counter)
    for row in having(rows, "recommend"):
        groups[week(row)][row["recommend"]] += 1
    found = [(day, figures.nps(counts)) for day, counts in sorted(groups.items())]
    return [(day, nps.n, nps.nps, nps.margin) for day, nps in found if nps]


def detractors(rows: list[Row]) -> list[tuple[Any, ...]]:
    mine = [
        row
        for row in having(rows, "recommend", "comment")
        if row["recommend"] <= 6 and row["comment"] not in ("无", "none")
    ]
    mine.sort(key=lambda row: (row["dt"], row["response"]), reverse=True)
    names = ("dt", "response", "agent", "team", "recommend", "comment")
    return [tuple(row[name] for name in names) for row in mine]


def waves(rows: list[Row]) -> list[tuple[Any, ...]]:
    newest = max(date.fromisoformat(row["dt"]) for row in rows)
    ago = [((newest - date.fromisoformat(r["dt"])).days, r["speed"]) for r in having(rows, "speed")]
    now = [speed for days, speed in ago if days < 28]
    before = [speed for days, speed in ago if 28 <= days < 56]
    change = mean(now) - mean(before)
    error = sqrt(variance(now) / len(now) + variance(before) / len(before))
    return [(len(now), len(before), mean(now), mean(before), change, change / error)]


def repeats(rows: list[Row]) -> list[tuple[Any, ...]]:
    found, seen = [], {}
    for row in sorted(having(rows, "customer"), key=lambda row: row["response"]):
        day, who = date.fromisoformat(row["dt"]), row["customer"]
        if who in seen and (day - seen[who]).days <= 30:
            found.append((who, seen[who], day, (day - seen[who]).days))
        seen[who] = day
    return found


def halves(rows: list[Row]) -> list[tuple[Any, ...]]:
    days = [date.fromisoformat(row["dt"]) for row in rows]
    chosen = min(days) + timedelta(days=(max(days) - min(days)).days // 2)
    groups: dict[str, list[int]] = defaultdict(list)
    for row in having(rows, "speed"):
        since = date.fromisoformat(row["dt"]) >= chosen
        groups["since" if since else "before"].append(row["speed"])
    return [(name, len(all_), mean(all_), stdev(all_)) for name, all_ in sorted(groups.items())]


def against(rows: list[Row]) -> list[tuple[Any, ...]]:
    found = []
    mine = having(rows, "speed", "agent")
    for who, group in by(mine, "agent").items():
        here = [row["speed"] for row in group]
        rest = [row["speed"] for row in mine if row["agent"] != who]
        found.append((who, len(here), mean(here), mean(rest), mean(here) - mean(rest)))
    return sorted(found, key=lambda row: row[4])


def ratings(rows: list[Row]) -> list[tuple[str, int]]:
    fields = ("speed", "care", "recommend")
    return [(f, row[f]) for row in rows for f in fields if row[f] is not None]


def dimensions(rows: list[Row]) -> list[tuple[Any, ...]]:
    measures = {"speed": ("pace", 1, 5), "care": ("manner", 1, 5), "recommend": ("manner", 0, 10)}
    groups: dict[str, list[float]] = defaultdict(list)
    for field, rating in ratings(rows):
        dimension, low, high = measures[field]
        groups[dimension].append(figures.on_five(rating, low, high))
    found = [(name, len(points), mean(points)) for name, points in groups.items()]
    return sorted(found, key=lambda row: row[2])


def distribution(rows: list[Row]) -> list[tuple[Any, ...]]:
    counts = Counter(ratings(rows))
    every = Counter(field for field, _ in ratings(rows))
    return [(*key, n, n / every[key[0]]) for key, n in sorted(counts.items())]


def improved(rows: list[Row]) -> list[tuple[Any, ...]]:
    mine = having(rows, "improve")
    counts = Counter(code for row in mine for code in row["improve"])
    found = [(code, code.title(), n, n / len(mine)) for code, n in counts.items()]
    return sorted(found, key=lambda row: (-row[2], row[0]))


def paces(rows: list[Row]) -> list[tuple[Any, ...]]:
    seconds = sorted(row["duration"] for row in having(rows, "duration"))
    n = len(seconds)
    return [("en", n, seconds[-(-n // 2) - 1], seconds[-(-9 * n // 10) - 1])]


def channels(rows: list[Row]) -> list[tuple[Any, ...]]:
    found = []
    for channel, group in by(rows, "channel").items():
        rated = len(having(group, "speed"))
        found.append((channel, len(group), rated, rated / len(group)))
    return sorted(found, key=lambda row: (-row[1], row[0]))


LEFT = [
    BreakOff(ids.make(at("2026-03-20T22:00") + n * n * HOUR, n), SURVEY.version, language, question)
    for n, (language, question) in enumerate(
        (["en", "zh-CN"][n % 3 // 2], ["speed", "care", "kind"][n % 5 // 2]) for n in range(35)
    )
]
"""Who left, in more weeks than one, and one week without any between them."""


def completed(rows: list[Row]) -> list[tuple[Any, ...]]:
    """From the marks as they were made, and the rows."""
    left = [(days.day(ids.time_of(m.id), SURVEY.timezone), m.language, m.question) for m in LEFT]
    since = min(day for day, *_ in left)
    sent = [(r["dt"], r["language"], None) for r in rows if r["channel"] == "web"]
    counts: dict[tuple[date, str], Counter[str | None]] = defaultdict(Counter)
    for day, language, question in left + [each for each in sent if each[0] >= since]:
        counts[week({"dt": day}), language][question] += 1
    found = []
    for (monday, language), people in sorted(counts.items()):
        rate = figures.completion(people[None], people.total() - people[None])
        assert rate
        told = (rate.n, rate.share, rate.low, rate.high)
        stops = sorted((-n, q is None, q or "") for q, n in people.items() if n)
        found += [(monday, language, None if sent else q, -n, *told) for n, sent, q in stops]
    assert len({day for day, *_ in found}) > 2
    return found


def teams(rows: list[Row]) -> list[tuple[Any, ...]]:
    groups = by(having(rows, "index"), "team")
    found = [
        (team, len(group), mean(r["index"] for r in group), stdev(r["index"] for r in group))
        for team, group in groups.items()
    ]
    return sorted(found, key=lambda row: -row[2])


def late(rows: list[Row]) -> list[tuple[Any, ...]]:
    groups = sorted(by(rows, "channel").items())
    counts = [(c, len(group), sum(row["late"] for row in group)) for c, group in groups]
    return [(channel, n, many, many / n) for channel, n, many in counts]


def hours(rows: list[Row]) -> list[tuple[Any, ...]]:
    groups = by(having(rows, "speed"), "hour")
    found = [(hour, len(g), mean(row["speed"] for row in g)) for hour, g in groups.items()]
    return sorted(found, key=lambda row: (row[2], row[0]))


def flagged(rows: list[Row], marks: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    mine = having(rows, "speed")
    doubted = {response for _, response, flag in marks if flag != "near_duplicate"}
    rest = [row["speed"] for row in mine if row["response"] not in doubted]
    return [(len(mine), mean(row["speed"] for row in mine), len(rest), mean(rest))]


def marked(marks: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    found = [
        (flag, sum(m[2] == flag for m in marks), len({m[0] for m in marks if m[2] == flag}))
        for flag in {mark[2] for mark in marks}
    ]
    return sorted(found, key=lambda row: (-row[1], row[0]))


def daily(rows: list[Row]) -> list[tuple[Any, ...]]:
    groups = sorted(by(having(rows, "speed"), "dt").items())
    return [(day, len(group), mean(row["speed"] for row in group)) for day, group in groups]


ORACLES: dict[str, Callable[[list[Row], list[tuple[Any, ...]]], list[tuple[Any, ...]]]] = {
    "response-rate": lambda rows, _: response_rates(rows),
    "csat-by-who-served": lambda rows, _: shares(
        by(having(rows, "agent", "speed"), "agent"), lambda row: row["speed"] >= 4
    ),
    "nps-by-week": lambda rows, _: weeks_of_nps(rows),
    "what-detractors-write": lambda rows, _: detractors(rows),
    "first-contact-resolution": lambda rows, _: shares(
        by(having(rows, "solved", "contacts"), "agent"),
        lambda row: row["solved"] == "yes" and row["contacts"] == "once",
    ),
    "worst-hour": lambda rows, _: hours(rows),
    "change-between-waves": lambda rows, _: waves(rows),
    "completion": lambda rows, _: completed(rows),
    "answers-by-channel": lambda rows, _: channels(rows),
    "quality-flags": lambda _, marks: marked(marks),
    "index-by-team": lambda rows, _: teams(rows),
    "distribution": lambda rows, _: distribution(rows),
    "dimensions": lambda rows, _: dimensions(rows),
    "repeat-customers": lambda rows, _: repeats(rows),
    "late-answers": lambda rows, _: late(rows),
    "language-mix": lambda rows, _: sorted(
        (day, "en", n) for day, n in Counter(map(week, rows)).items()
    ),
    "drop-after-a-day": lambda rows, _: halves(rows),
    "each-against-the-rest": lambda rows, _: against(rows),
    "with-and-without-flagged": flagged,
    "what-to-improve": lambda rows, _: improved(rows),
    "how-long-it-takes": lambda rows, _: paces(rows),
    "day-by-day-from-tallies": lambda rows, _: daily(rows),
    "first-contact-on-time": lambda rows, _: on_time(rows),
    "recovered-detractors": lambda rows, _: recovered(rows),
}


@pytest.mark.parametrize("recipe", cookbook([SURVEY]), ids=lambda recipe: recipe.name)
def test_each_recipe_answers_what_python_counts(
    recipe: Any, views: Views, given: list[Row]
) -> None:
    found = ask(views, recipe.sql)
    wanted = ORACLES[recipe.name](given, flags(views))
    assert same(found, wanted)


def same(found: Answer, wanted: list[tuple[Any, ...]]) -> bool:
    assert len(found.rows) == len(wanted)
    for mine, theirs in zip(found.rows, wanted, strict=True):
        assert [*mine] == [
            pytest.approx(cell, rel=1e-9, abs=1e-12) if isinstance(cell, float) else cell
            for cell in theirs
        ]
    return True


def test_the_cookbook_agrees_with_scores(views: Views, store: MemoryStore) -> None:
    """What is asked of rows in SQL, and what ``echoform scores`` makes of tallies."""
    known = {recipe.name: recipe.sql for recipe in cookbook([SURVEY])}
    found = {row[0]: row[1:] for row in ask(views, known["csat-by-who-served"]).rows}
    for segment in scores(store, SURVEY.id, by="agent").segments:
        [top2] = [item.top2 for item in segment.items if item.id == "speed"]
        assert top2
        assert found[segment.value] == pytest.approx((top2.n, top2.share, top2.low, top2.high))


def test_a_week_whose_answers_are_purged_is_none_in_which_nobody_sent() -> None:
    """Who left is counted for good, answers are kept for as long as the survey says."""
    store = MemoryStore()
    live(store, SURVEY)
    for number, day in enumerate(["2025-11-03", "2026-03-02"]):
        left = BreakOff(ids.make(at(f"{day}T10:00"), number), SURVEY.version, "en", "speed")
        store.create(break_offs.key(SURVEY.id, SURVEY.timezone, left), b"")
    land(store, said(1, SURVEY, at("2026-03-02T09:00"), answers={"speed": 4}, channel="web"))
    merge(store, KEY, NOW)
    tally(store, NOW)
    known = {recipe.name: recipe.sql for recipe in cookbook([SURVEY])}
    with open_views(store) as views:
        found = ask(views, known["completion"]).rows
    assert {(week, began, rate) for week, _, _, _, began, rate, *_ in found} == {
        (date(2026, 3, 2), 2, 0.5)
    }


def test_there_are_twenty_four_and_each_has_an_oracle() -> None:
    assert len(RECIPES) == 24
    assert RECIPES.keys() == ORACLES.keys() == {recipe.name for recipe in cookbook([SURVEY])}


def test_a_recipe_that_a_survey_cannot_answer_is_left_out() -> None:
    bare = msgspec.structs.replace(SURVEY, attributes=[], sections=SURVEY.sections[:1])
    assert "repeat-customers" not in {recipe.name for recipe in cookbook([bare])}


RESERVED = re.compile(
    r"(?<![\"'\w.])(first|last|skip|constraint|listagg|normalize|prepare|uescape)(?![\"'\w])", re.I
)


def test_all_of_it_is_sql_that_athena_reads() -> None:
    for recipe in cookbook([SURVEY]):
        assert trino_sql_validator.validate(recipe.sql).valid, recipe.sql
        assert not RESERVED.search(re.sub("NULLS LAST", "", recipe.sql)), recipe.sql
    for view in catalog({SURVEY.id: [SURVEY]}).views:
        assert trino_sql_validator.validate(view.sql).valid, view.sql
        assert view.name in view_sql(view)
