"""Queries: SQL over the Parquet, wherever it lies, that reads nothing else and writes nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from chalicelib import columns
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.storage import FolderStore, MemoryStore, Store
from chalicelib.survey.questions import Rating
from generator.answer import Answer, BadQuery
from generator.query import Views, ask, open_views
from tests.jobs.answering import KEY, NOW, at, contract, land, live, said
from tests.stores import s3_endpoint, store

__all__ = ["s3_endpoint", "store"]

SURVEY = contract(id="after-sales")


@pytest.fixture
def views(store: Store) -> Iterator[Views]:
    """Three answers on two days, in every kind of store."""
    live(store, SURVEY)
    live(store, contract(id="empty-one"))
    land(
        store,
        said(1, SURVEY, answers={"speed": 5, "bought": "2026-01-02", "phone": "13800138000"}),
        said(2, SURVEY, answers={"speed": 2, "improve": ["price"], "comment": "=1+1"}),
        said(3, SURVEY, at("2026-05-18T12:00"), attributes={"agent": "a1"}),
    )
    merge(store, KEY, NOW)
    tally(store, NOW)
    with open_views(store) as views:
        yield views


def test_each_survey_has_its_views(views: Views) -> None:
    assert ask(views, "select count(*), sum(speed) from after_sales").rows == [(3, 11)]
    assert ask(views, "select count(*) from responses_after_sales").rows == [(3,)]
    assert ask(views, "select phone from contacts_after_sales").rows == [("13800138000",)]
    assert ask(views, "select bought from after_sales where bought is not null").rows == [
        (date(2026, 1, 2),)
    ]


def test_the_day_is_a_column(views: Views) -> None:
    answer = ask(views, "select dt, count(*) from after_sales group by dt order by dt")
    assert answer.rows == [("2026-05-17", 2), ("2026-05-18", 1)]
    later = "explain select speed from after_sales where dt > concat('2026-05-', '17')"
    assert "1/2" in str(ask(views, later).rows)


def test_tallies_of_all_surveys_are_one_view(views: Views) -> None:
    answer = ask(
        views,
        "select survey, dt, n from tallies"
        " where segment_key = '' and item = 'responses' order by dt",
    )
    assert answer.rows == [("after-sales", "2026-05-17", 2), ("after-sales", "2026-05-18", 1)]


def test_a_survey_without_answers_is_an_empty_view_with_its_columns(views: Views) -> None:
    answer = ask(views, "select * from empty_one")
    wanted = [column.name for column in columns.responses([contract(id="empty-one")])]
    assert (answer.columns, answer.rows) == ([*wanted, "dt"], [])


def test_nothing_published_is_no_error() -> None:
    with open_views(MemoryStore()) as views:
        assert ask(views, "select count(*) from tallies").rows == [(0,)]


def test_a_new_question_reads_as_null_in_old_parts() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    live(store, contract(Rating(id="worth", text={}), id="after-sales"))
    with open_views(store) as views:
        assert ask(views, "select worth from after_sales").rows == [(None,)]


def test_a_survey_may_be_called_like_a_view() -> None:
    store = MemoryStore()
    for name in ("tallies", "audit", "x", "responses-x"):
        survey = contract(id=name)
        live(store, survey)
        land(store, said(1, survey), *([said(2, survey)] if name == "x" else []))
    merge(store, KEY, NOW)
    tally(store, NOW)
    with open_views(store) as views:
        assert ask(views, "select count(*) from responses_x").rows == [(2,)]
        assert ask(views, "select count(*) from responses_responses_x").rows == [(1,)]
        assert ask(views, "select count(distinct survey) from tallies").rows == [(4,)]


def test_a_folder_is_read_as_it_is_now(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    with open_views(store) as views:
        for number in range(2, 6):
            land(store, said(number, SURVEY))
            merge(store, KEY, NOW)
            assert ask(views, "select count(*) from after_sales").rows == [(number,)]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (
            "select * from nowhere",
            "after_sales, .*audit, break_offs_after_sales, .*consents, contacts_after_sales",
        ),
        ("select nothing from after_sales", "nothing"),
        ("selec 1", "syntax error"),
        ("select 1; select 2", "one question at a time"),
        ("", "one question at a time"),
        ("drop view after_sales", "one question at a time"),
        ("create table t as select 1", "one question at a time"),
        ("select 1 + 'x'::int", "Conversion"),
    ],
)
def test_what_cannot_be_answered_says_why(views: Views, sql: str, why: str) -> None:
    with pytest.raises(BadQuery, match=why):
        ask(views, sql)


def test_a_query_reads_the_tables_and_nothing_else(tmp_path: Path) -> None:
    """Not the secret of the folder it reads, nor anything beside it; and it writes nothing."""
    store = FolderStore(tmp_path)
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    (tmp_path / "secret.csv").write_text("a\n1\n")
    part = next(entry.key for entry in store.list("responses/"))
    with open_views(store) as views:
        for sql in (
            f"select * from '{tmp_path}/secret.csv'",
            f"select * from read_text('{tmp_path}/.key')",
            f"select * from read_csv('{tmp_path}/responses/../secret.csv')",
            f"copy (select 1 as response) to '{tmp_path}/{part}'",
            "set enable_external_access = true",
        ):
            with pytest.raises(BadQuery):
                ask(views, sql)
        assert ask(views, "select count(*) from after_sales").rows == [(1,)]


ANSWER = Answer(
    ["name", "n", "codes"], [("=1+1", -3, ["a", "b"]), ("[red]x[/]", 2**60, None), (None, 0, [])]
)


def test_answers_as_a_table() -> None:
    lines = ANSWER.as_table().splitlines()
    assert lines[0].split() == ["name", "┃", "n", "┃", "codes"]
    assert "[red]x[/]" in lines[3]
    assert lines[-1] == "(3 rows)"


def test_answers_as_csv_hold_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(ANSWER.as_csv())))
    assert rows == [
        ["name", "n", "codes"],
        ["'=1+1", "-3", '["a","b"]'],
        ["[red]x[/]", str(2**60), ""],
        ["", "0", "[]"],
    ]


def test_answers_as_json() -> None:
    assert json.loads(ANSWER.as_json())[:2] == [
        {"name": "=1+1", "n": -3, "codes": ["a", "b"]},
        {"name": "[red]x[/]", "n": 2**60, "codes": None},
    ]


def test_moments_and_fractions_have_words_too(views: Views) -> None:
    answer = ask(
        views,
        "select max(received_at) as moment, 1.50::decimal(4, 2) d, sum(speed) s from after_sales",
    )
    [row] = json.loads(answer.as_json())
    assert row["moment"].startswith("2026-05-18T04:00:00")
    assert (row["d"], row["s"]) == (1.5, 11)
