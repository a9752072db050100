"""Scores: the kernel's figures over tallies, by any segment, shown in three ways."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import msgspec
import pytest
from openpyxl import load_workbook
from rich.console import Console

from chalicelib import break_offs
from chalicelib.break_offs import BreakOff
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.storage import MemoryStore
from chalicelib.survey import Bands, Choice, Contract, figures, ids, index_of
from chalicelib.survey.questions import Calculated, Ces, Matrix, Ranking, Rating, Row, Score
from generator.completion import Stop
from generator.scoreboard import table
from generator.scores import Item, Scores, Unscorable, scores
from generator.sheets import COLUMNS, as_json, as_xlsx, score_rows
from generator.sheets import as_csv as sheet
from tests.jobs.answering import KEY, NOW, at, contract, land, live, said

SURVEY = contract(Ces(id="easy", text={"en": "Easy"}), Score(id="overall", text={"en": "Overall"}))
ANSWERS = [
    {"speed": 5, "care": 4, "recommend": 10, "solved": "yes", "contacts": "once", "easy": 7},
    {"speed": 4, "care": 2, "recommend": 9, "solved": "yes", "contacts": "more", "easy": 4},
    {"speed": "na", "care": 3, "recommend": 7, "solved": "no", "contacts": "once", "easy": 5},
    {"speed": 1, "recommend": 0, "solved": "yes", "improve": ["price", "skill"], "overall": 10},
    {"kind": "repair", "improve": ["price"], "overall": 7},
    {},
]


def scored(survey: Contract = SURVEY, by: str | None = None, **days: Any) -> Scores:
    store = MemoryStore()
    live(store, survey)
    agents = ["a1", "a1", "a1", "a2", "a2", None]
    land(
        store,
        *(
            said(
                number,
                survey,
                at(f"2026-05-{17 + number % 2}T10:00"),
                answers=dict(answers),
                attributes={"agent": agent} if agent else {},
            )
            for number, (answers, agent) in enumerate(zip(ANSWERS, agents, strict=True))
        ),
    )
    merge(store, KEY, NOW)
    tally(store, NOW)
    return scores(store, survey.id, by, **days)


def as_csv(found: Scores) -> str:
    return sheet(COLUMNS, score_rows(found))


def test_no_cell_of_a_spreadsheet_becomes_a_formula(tmp_path: Path) -> None:
    """Typed as texts, they are what they were."""
    file = tmp_path / "figures.xlsx"
    hostile = '=HYPERLINK("http://x","y")'
    file.write_bytes(
        as_xlsx(["segment", "n"], [{"segment": hostile, "n": 3}, {"segment": "a\x00"}])
    )
    sheet = load_workbook(file).active
    assert [(cell.value, cell.data_type) for cell in sheet["A"][1:]] == [
        (hostile, "s"),
        ("a ", "s"),
    ]
    assert sheet["B2"].value == 3


def item(scored: Scores, name: str, segment: int = 0) -> Item:
    return next(each for each in scored.segments[segment].items if each.id == name)


def test_everybody_is_one_segment() -> None:
    found = scored()
    assert (found.by, found.first, found.last) == (None, "2026-05-17", "2026-05-18")
    assert [(segment.value, segment.n) for segment in found.segments] == [("", 6)]


def test_a_rating_has_its_figures() -> None:
    """N/A and silence are in neither n nor mean."""
    speed = item(scored(), "speed")
    assert (speed.n, speed.na, speed.counts) == (3, 1, {"1": 1, "4": 1, "5": 1})
    assert speed.mean == figures.mean({5: 1, 4: 1, 1: 1})
    assert (speed.mean.mean, speed.mean.sd) == pytest.approx((fmean([5, 4, 1]), stdev([5, 4, 1])))
    assert speed.top2 == figures.share(2, 3)
    assert speed.full_marks == figures.share(1, 3)
    assert speed.band == "needs_improvement"
    assert (speed.nps, speed.ces, speed.yes) == (None, None, None)


def test_nps_ces_and_shares_are_where_they_belong() -> None:
    found = scored()
    assert item(found, "recommend").nps == figures.nps({10: 1, 9: 1, 7: 1, 0: 1})
    assert item(found, "recommend").band is None
    assert item(found, "easy").ces == figures.share(2, 3)
    assert item(found, "solved").yes == figures.share(3, 4)
    assert found.segments[0].fcr == figures.share(1, 3)


def test_other_scales_have_bands_on_five_points() -> None:
    """8.5 of 10 is 4.33 of 5, which is satisfied."""
    overall = item(scored(), "overall")
    assert overall.mean is not None
    assert (overall.mean.mean, overall.band) == (8.5, "satisfied")


def test_the_surveys_own_bands_are_used() -> None:
    survey = contract(Score(id="overall", text={}), bands=Bands(very_satisfied=4.2))
    store = MemoryStore()
    live(store, survey)
    land(store, said(1, survey, answers={"overall": 9}), said(2, survey, answers={"overall": 8}))
    merge(store, KEY, NOW)
    tally(store, NOW)
    assert item(scores(store, survey.id), "overall").band == "very_satisfied"


def test_several_codes_are_counted_over_who_chose_any() -> None:
    improve = item(scored(), "improve")
    assert (improve.n, improve.counts) == (2, {"price": 2, "skill": 1})


def test_the_index_is_the_mean_of_indexes() -> None:
    index = scored().segments[0].index
    assert index is not None
    each = [index_of(SURVEY, dict(answers)) for answers in ANSWERS]
    indexes = [value for value in each if value is not None]
    assert (index.n, index.mean) == (4, pytest.approx(fmean(indexes), abs=1e-9))
    assert index.band == figures.band(figures.on_five(index.mean, 0, 100))


def test_segments_are_the_values_of_a_key_the_largest_first() -> None:
    """Who has no value is in no segment."""
    found = scored(by="agent")
    assert [(segment.value, segment.n) for segment in found.segments] == [("a1", 3), ("a2", 2)]
    assert item(found, "speed", 1).counts == {"1": 1}
    assert [segment.value for segment in scored(by="kind").segments] == ["repair"]
    assert scored(by="kind").values["repair"] == {"en": "Repair"}


def test_a_table_of_the_largest_says_how_many_more_there_are() -> None:
    found = scored(by="agent", most=1)
    assert [(segment.value, segment.n) for segment in found.segments] == [("a1", 3)]
    assert found.more == 1
    assert "and 1 smaller ones: --most shows more" in shown(found, "en")
    assert found.segments == scored(by="agent").segments[:1]


def test_days_bound_what_is_scored() -> None:
    assert scored(first="2026-05-18").segments[0].n == 3
    assert scored(last="2026-05-17").segments[0].n == 3
    assert scored(first="2026-05-19").segments == []


def test_an_unknown_segment_lists_those_there_are() -> None:
    with pytest.raises(Unscorable, match="agent, channel, language, hour, kind"):
        scored(by="customer")


@pytest.mark.parametrize("survey", ["nowhere", "../service", ""])
def test_an_unknown_survey_is_said_to_be_none(survey: str) -> None:
    with pytest.raises(Unscorable, match="no survey"):
        scores(MemoryStore(), survey)


def test_json_is_complete_and_exact() -> None:
    found = scored(by="agent")
    assert msgspec.json.decode(as_json(found).encode(), type=Scores) == found


def test_csv_has_a_row_for_each_segment_and_item() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(scored(by="agent")))))
    by_name = {(row["segment"], row["item"]): row for row in rows}
    assert by_name["a1", "responses"]["n"] == "3"
    speed = by_name["a1", "speed"]
    assert (speed["n"], speed["na"], float(speed["mean"])) == ("2", "1", 4.5)
    assert (float(speed["top2"]), speed["counts"]) == (1.0, "4: 1; 5: 1")
    assert float(by_name["a2", "recommend"]["nps"]) == -100
    assert float(by_name["a1", "fcr"]["yes"]) == pytest.approx(1 / 3)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_csv_becomes_a_formula(start: str) -> None:
    """An attribute's value comes from outside."""
    store = MemoryStore()
    live(store, SURVEY)
    hostile = f"{start}cmd|' /C calc'!A1"
    land(store, said(1, SURVEY, attributes={"agent": hostile}))
    merge(store, KEY, NOW)
    tally(store, NOW)
    [*rows] = csv.DictReader(io.StringIO(as_csv(scores(store, SURVEY.id, "agent")), newline=""))
    assert {row["segment"] for row in rows} == {f"'{hostile}"}
    [segment] = json.loads(as_json(scores(store, SURVEY.id, "agent")))["segments"]
    assert segment["value"] == hostile


def shown(found: Scores, language: str) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table(found, language))
    return console.export_text()


def test_the_table_says_it_in_words_and_fits_a_terminal() -> None:
    for by in (None, "agent", "hour"):
        text = shown(scored(by=by), "en")
        assert "Service  2026-05-17 to 2026-05-18" in text
        assert max(map(len, text.splitlines())) <= 100
    whole = shown(scored(), "en")
    assert "NPS +25.0" in whole
    assert "66.7% (20.8–93.9) top 2" in whole
    assert "满意度指数" in shown(scored(), "zh-CN")
    assert "a1" in shown(scored(by="agent"), "zh-CN")
    assert "no responses yet" in shown(scored(first="2030-01-01"), "en")


def test_choices_are_called_by_their_texts() -> None:
    found = scored()
    whole = shown(found, "en")
    assert "improve" in found.choices
    for code in ("price", "skill"):
        assert found.choices["improve"][code]["en"] in whole
        assert f"{code} " not in whole


@pytest.mark.parametrize("width", [80, 120])
def test_no_figure_of_a_segment_is_cut_off(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table(scored(by="agent"), "en"))
    text = console.export_text()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_markup_in_a_text_is_shown_as_it_is() -> None:
    survey = contract(Rating(id="odd", text={"en": "[bold]Odd[/bold] [/]"}))
    store = MemoryStore()
    live(store, survey)
    land(store, said(1, survey, answers={"odd": 3}, attributes={"agent": "[red]a[/]"}))
    merge(store, KEY, NOW)
    tally(store, NOW)
    assert "[bold]Odd[/bold] [/]" in " ".join(shown(scores(store, survey.id), "en").split())
    assert "[red]a[/]" in shown(scores(store, survey.id, "agent"), "en")


RANKED = contract(
    Ranking(
        id="wish",
        text={"en": "Wish for {kind|us}"},
        choices=[Choice(code, {"en": code}) for code in ("quick", "cheap", "kind")],
        most=2,
    ),
    Matrix(
        id="staff",
        text={"en": "Staff"},
        rows=[Row("manner", {"en": "Manner"}), Row("tidy", {"en": "Tidy"})],
        na=True,
    ),
    Calculated(id="people", value=["mean", "staff_manner", "staff_tidy"]),
)


def test_a_ranking_tells_who_is_first_and_the_mean_rank() -> None:
    """And each row of a matrix is scored like any rating; a calculated value is a column."""
    store = MemoryStore()
    live(store, RANKED)
    wishes = [["quick", "cheap"], ["quick", "kind"], ["cheap", "quick"], None]
    land(
        store,
        *(
            said(
                number,
                RANKED,
                answers={"wish": wish, "staff_manner": 4, "staff_tidy": "na", "people": 4.0}
                if wish
                else {"staff_tidy": 1},
            )
            for number, wish in enumerate(wishes)
        ),
    )
    assert merge(store, KEY, NOW).rejected == 0
    tally(store, NOW)
    found = scores(store, RANKED.id)
    wish = item(found, "wish")
    assert (wish.n, wish.counts) == (3, {"quick": 2, "cheap": 1})
    assert wish.text == {"en": "Wish for us"}
    assert wish.ranks is not None
    ranks = {code: (rank.n, rank.mean) for code, rank in wish.ranks.items()}
    assert ranks == {"quick": (3, pytest.approx(4 / 3)), "cheap": (2, 1.5), "kind": (1, 2.0)}
    manner, tidy = item(found, "staff_manner"), item(found, "staff_tidy")
    assert manner.mean is not None
    assert (manner.n, manner.mean.mean, manner.type) == (3, 4.0, "rating")
    assert (tidy.n, tidy.na, tidy.counts) == (1, 3, {"1": 1})
    assert not any(each.id == "people" for each in found.segments[0].items)


BEGAN = contract(Rating(id="odd", text={"en": "Odd {kind|thing}", "zh-CN": "怪"}))
FIRST_LEFT = at("2026-05-17T10:00")


def left(
    *questions: str,
    ms: int = FIRST_LEFT,
    channels: tuple[str, ...] = ("web",) * 3,
    now: int = NOW,
) -> MemoryStore:
    """People who sent their answers, and others who left after these questions."""
    store = MemoryStore()
    live(store, BEGAN)
    land(
        store,
        *(said(n, BEGAN, FIRST_LEFT, channel=channel) for n, channel in enumerate(channels)),
    )
    merge(store, KEY, now)
    for number, question in enumerate(questions):
        mark = BreakOff(ids.make(ms, number), BEGAN.version, "en", question)
        store.create(break_offs.key(BEGAN.id, BEGAN.timezone, mark), b"")
    tally(store, now)
    return store


def test_the_completion_rate_is_of_those_who_began_on_the_page() -> None:
    """Whoever was asked on the telephone did not begin there."""
    found = scores(left("speed", "odd", "speed", channels=("web", "phone", "web")), BEGAN.id)
    assert found.completion is not None
    assert found.completion.rate == figures.completion(2, 3)
    assert found.completion.since is None
    assert found.completion.stopped == [
        Stop("speed", {"en": "Speed"}, 2),
        Stop("odd", {"en": "Odd thing", "zh-CN": "怪"}, 1),
    ]


def test_where_nobody_is_known_to_have_left_nothing_is_said() -> None:
    assert scores(left(), BEGAN.id).completion is None
    came_back = left("speed", now=FIRST_LEFT)
    came_back.delete([e.key for e in came_back.list("left/") if e.key.endswith("speed")])
    tally(came_back, FIRST_LEFT)
    assert [*came_back.list("break_offs/")]
    assert scores(came_back, BEGAN.id).completion is None


def test_days_before_the_first_known_break_off_do_not_count() -> None:
    """Nobody knows who left then: an old survey would look as if all went well."""
    store = left("speed", ms=at("2026-05-19T10:00"))
    found = scores(store, BEGAN.id).completion
    assert found is not None
    assert (found.rate, found.since) == (figures.completion(0, 1), "2026-05-19")
    assert "(since 2026-05-19)" in shown(scores(store, BEGAN.id), "en")
    within = scores(store, BEGAN.id, first="2026-05-19").completion
    assert within is not None
    assert within.since is None


def test_completion_is_of_the_days_that_are_shown() -> None:
    store = left("speed")
    assert scores(store, BEGAN.id, first="2026-05-18").completion is None
    assert scores(store, BEGAN.id, last="2026-05-16").completion is None
    assert scores(store, BEGAN.id, first="2026-05-17", last="2026-05-17").completion is not None
    assert scores(store, BEGAN.id, by="language").completion is None, "of the whole alone"


def test_completion_is_said_in_words_with_the_three_questions_where_most_stopped() -> None:
    stops = ["speed"] * 3 + ["odd"] * 4 + ["care"] * 2 + ["kind"]
    found = scores(left(*stops), BEGAN.id)
    text = shown(found, "en")
    assert "Completion rate 23.1% (8.2–50.3) of 13 who began" in text
    assert "10 left before sending, last answered: Odd thing (4); Speed (3); Care (2)" in text
    assert "Kind (1)" not in text
    chinese = shown(found, "zh-CN")
    assert "完成率 23.1% (8.2–50.3) 开始作答 13" in chinese
    assert "中途离开 10，离开前最后作答：怪 (4)；Speed (3)" in chinese
    nobody = scores(left("speed", channels=()), BEGAN.id)
    assert "no responses yet" in shown(nobody, "en")
    assert "Completion rate 0.0%" in shown(nobody, "en")


def test_completion_stands_in_json_and_in_tables() -> None:
    found = scores(left("speed", "odd", "speed"), BEGAN.id)
    assert msgspec.json.decode(as_json(found).encode(), type=Scores) == found
    [row] = [
        row
        for row in csv.DictReader(io.StringIO(as_csv(found)))
        if row["item"] == "completion rate"
    ]
    assert (row["n"], float(row["yes"]), row["counts"]) == ("6", 0.5, "speed: 2; odd: 1")
    assert float(row["yes_low"]) == figures.wilson(3, 6)[0]
