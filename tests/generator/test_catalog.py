"""Tables and views as analysts see them, and Athena's SQL meaning the same in DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from secrets import token_hex
from typing import Any

import duckdb
import pytest

from chalicelib import keys, parquet
from chalicelib.jobs.merge import merge
from chalicelib.storage import FolderStore, MemoryStore, S3Store, Stale
from chalicelib.survey.questions import Rating, Single
from generator import codebook, query
from generator.answer import BadQuery
from generator.catalog import MANY, catalog, names_of
from generator.data import publish_all
from generator.dictionary import FIXED, dictionary
from generator.query import Views, ask, open_views
from generator.spans import ALWAYS, Days, days_of
from tests.jobs.answering import KEY, NOW, at, choices, contract, land, live, said
from tests.stores import BUCKET, s3_endpoint
from tests.surveys import after_sales, kitchen_sink

__all__ = ["s3_endpoint"]

SURVEY = contract(id="after-sales")
WHOLE: dict[str, Any] = {
    "kind": "other", "kind_other": "租赁", "speed": "na", "care": 4, "recommend": 0,
    "improve": ["price", "time"], "price": 1.5, "visits": 3, "bought": "2026-01-02",
    "comment": "=1+1", "agree": True, "phone": "13800138000",
}  # fmt: skip


@pytest.fixture
def views() -> Iterator[Views]:
    store = MemoryStore()
    live(store, SURVEY)
    land(
        store,
        said(1, SURVEY, answers=WHOLE, attributes={"agent": "a1"}),
        said(2, SURVEY, at("2026-05-18T12:00"), answers={"speed": 2}),
    )
    merge(store, KEY, NOW)
    with open_views(store) as views:
        yield views


def test_the_long_form_has_a_row_for_each_answer(views: Views) -> None:
    sql = "select agent, field, value, number from answers_after_sales order by dt, field, value"
    assert ask(views, sql).rows == [
        ("a1", "agree", "true", None),
        ("a1", "bought", "2026-01-02", None),
        ("a1", "care", "4", 4.0),
        ("a1", "comment", "=1+1", None),
        ("a1", "improve", "price", None),
        ("a1", "improve", "time", None),
        ("a1", "kind", "other", None),
        ("a1", "kind_other", "租赁", None),
        ("a1", "price", "1.500000", 1.5),
        ("a1", "recommend", "0", 0.0),
        ("a1", "speed", "na", None),
        ("a1", "visits", "3", 3.0),
        (None, "speed", "2", 2.0),
    ]


def test_ratings_come_with_their_scale(views: Views) -> None:
    sql = "select field, rating, low, high from ratings_after_sales order by dt, field"
    assert ask(views, sql).rows == [("care", 4, 1, 5), ("recommend", 0, 0, 10), ("speed", 2, 1, 5)]


def test_a_long_survey_is_taken_apart_in_portions() -> None:
    """Athena compiles no array of 300."""
    many = [Rating(id=f"q{number}", text={}) for number in range(2 * MANY)]
    store, long = MemoryStore(), contract(*many, id="long")
    live(store, long)
    land(store, said(1, long, answers={"q0": 1, f"q{MANY}": 2, f"q{2 * MANY - 1}": 3}))
    merge(store, KEY, NOW)
    with open_views(store) as views:
        sql = "select sum(number), count(*), count(distinct field) from answers_long"
        assert ask(views, sql).rows == [(6.0, 3, 3)]
        assert ask(views, "select sum(rating), count(*) from ratings_long").rows == [(6, 3)]


def test_codes_are_called_what_the_latest_version_calls_them() -> None:
    old, new = (
        contract(Single(id="why", text={}, choices=choices(*codes)))
        for codes in (("price", "gone"), ("price", "new"))
    )
    store = MemoryStore()
    live(store, old, new)
    with open_views(store) as views:
        sql = "select code, position, label_en from labels_service where field = 'why' order by 1"
        found = ask(views, sql).rows
    assert found == [("gone", 2, "Gone"), ("new", 2, "New"), ("price", 1, "Price")]


def test_the_codebook_lies_where_a_version_went_live() -> None:
    """As files for Athena, as views here: the same rows."""
    store = MemoryStore()
    publish_all(store, [SURVEY], NOW)
    publish_all(store, [contract(Rating(id="worth", text={}), id="after-sales")], NOW + 1)
    for table in (keys.QUESTIONS, keys.LABELS):
        entries = list(store.list(table))
        lie = [row for e in entries for row in parquet.decode(store.get(e.key).data).to_pylist()]
        assert len(entries) == 2
        with open_views(store) as views:
            found = ask(views, f"select * from {table.rstrip('/')}")
        mine = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        assert sorted(mine, key=str) == sorted(lie, key=str)


def test_every_question_is_in_the_codebook_in_every_language() -> None:
    survey = kitchen_sink()
    asked = {(row["field"], row["language"]) for row in codebook.questions(survey)}
    fields = {field.id for field in survey.fields if field.rule}
    assert asked == {(field, language) for field in fields for language in survey.languages}
    named = {(r["field"], r["language"], r["code"]): r["label"] for r in codebook.labels(survey)}
    assert named["one", "zh-CN", "a"] == "甲"
    assert named["one", "en", "other"] == "Other"
    assert named["go_on", "zh-CN", "no"] == "否"
    assert named["stars", "en", "na"] == "Not applicable"


def test_the_dictionary_describes_every_column() -> None:
    survey = after_sales()
    written = dictionary([survey])
    for line in written.splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        if line.startswith("| `") and len(cells) == 5:
            assert cells[2], line
            assert cells[3], line
    for field in survey.fields:
        assert f"| `{field.id}` |" in written
    assert "repair = 维修 / Repair" in written
    assert all(zh and en for zh, en in FIXED.values())


def test_a_text_cannot_break_the_dictionary() -> None:
    hostile = "a | b\n\n# <script>`x`"
    survey = contract(Rating(id="worth", text={"en": hostile}))
    [line] = [line for line in dictionary([survey]).splitlines() if "`worth`" in line]
    assert "a \\| b # &lt;script>\\`x\\`" in line


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("5 / 2", 2),
        ("sum(visits) / count(*) from after_sales", 1),
        ("regexp_extract('abc', '(z)', 1)", None),
        ("regexp_extract('abc', '(b)', 1)", "b"),
        ("date_diff('day', timestamp '2026-01-01 23:00:00', timestamp '2026-01-02 01:00:00')", 0),
        ("date_diff('day', date '2026-01-01', date '2026-01-03')", 2),
        (
            "date_diff('hour', cast(regexp_extract('2026-01-01 23:00:00', '.+') as timestamp),"
            " timestamp '2026-01-02 01:30:00')",
            2,
        ),
        ("try(1 / 0)", None),
        ("slice(array[1, 2, 3], 2, 2)", [2, 3]),
        ("cast(at_timezone(max(received_at), 'Asia/Shanghai') as varchar) from after_sales",
         "2026-05-18 12:00:00.002"),
        ("json_extract_scalar('{\"version\": \"v\"}', '$.version')", "v"),
        ("concat('a', null)", None),
        ("cardinality(improve) from after_sales where improve is not null", 2),
        ("bought from after_sales where bought is not null", date(2026, 1, 2)),
    ],
)  # fmt: skip
def test_sql_means_here_what_it_means_in_athena(views: Views, sql: str, value: object) -> None:
    """The right sides are Athena's, as documented or measured."""
    assert ask(views, f"select {sql}").rows == [(value,)]


@pytest.mark.parametrize(
    ("sql", "days"),
    [
        ("select 1 from after_sales", ALWAYS),
        ("select 1 from after_sales where dt = '2026-05-18'", Days("2026-05-18", "2026-05-18")),
        ("select 1 from after_sales a where '2026-05-18' <= a.dt", Days("2026-05-18")),
        ("select 1 from after_sales where (dt > '1' and speed = 1) and dt < '3'", Days("1", "3")),
        ("select 1 from after_sales where dt between '1' and '2'", Days("1", "2")),
        ("select 1 from after_sales where dt in ('3', '1')", Days("1", "3")),
        ("select 1 from answers_after_sales where dt >= '1'", Days("1")),
        ("select 1 from after_sales where dt = '1' or speed = 1", ALWAYS),
        ("select 1 from after_sales where not dt = '1'", ALWAYS),
        ("select 1 from after_sales where dt <> '1'", ALWAYS),
        ("select 1 from after_sales where bought = '1'", ALWAYS),
        ("select 1 from after_sales a join flags_after_sales f on a.dt = f.dt where f.dt = '1'",
         ALWAYS),
        ("select 1 from after_sales where dt = '1' union all select 1 from after_sales"
         " where dt = '3'", Days("1", "3")),
        ("with x as (select * from after_sales) select 1 from x where dt = '1'", ALWAYS),
        ("select 1 from (select * from after_sales) where dt = '1'", ALWAYS),
        ("from after_sales select 1 where no ] sql", ALWAYS),
    ],
)  # fmt: skip
def test_which_days_a_query_can_need(sql: str, days: Days) -> None:
    known = catalog({"after-sales": [SURVEY]})
    found = days_of(sql, known, re.findall(r"\w+", sql))
    assert found["responses_after_sales"] == days


def test_a_survey_is_known_by_the_names_it_has() -> None:
    known = catalog({"after-sales": [SURVEY]})
    names = {each.name for each in (*known.tables, *known.views)}
    assert names_of("after-sales") <= names


def test_of_s3_a_query_fetches_what_it_needs(s3_endpoint: str) -> None:
    """Neither other tables, nor other days, nor (of large parts) other columns."""
    store = S3Store(BUCKET, token_hex(8), s3_endpoint)
    live(store, SURVEY)
    texts = [token_hex(1000) for _ in range(400)]
    for day in ("2026-05-17", "2026-05-18", "2026-05-19"):
        land(
            store,
            *(
                said(n, SURVEY, at(f"{day}T12:00"), answers={"speed": 2, "comment": f"{day}{text}"})
                for n, text in enumerate(texts)
            ),
        )
    merge(store, KEY, NOW)
    part = len(store.get(next(e.key for e in store.list("responses/"))).data)
    assert part > 300_000

    def fetched(sql: str) -> int:
        with open_views(store) as views:
            assert ask(views, sql).rows
            return views.files.fetched

    whole = fetched("select sum(length(comment)) from after_sales")
    one_column = fetched("select sum(speed) from after_sales")
    one_day = fetched("select sum(length(comment)) from after_sales where dt = '2026-05-18'")
    assert whole > 3 * part * 0.9
    assert one_column < 3 * 80_000
    assert one_day < 1.3 * part
    assert fetched("select count(*) from audit") == 0
    assert fetched("select count(*) from questions") == 0


def test_a_part_replaced_under_a_reader_is_read_again(s3_endpoint: str) -> None:
    store = S3Store(BUCKET, token_hex(8), s3_endpoint)
    live(store, SURVEY)
    texts = {n: token_hex(1000) for n in range(400)}
    land(store, *(said(n, SURVEY, answers={"comment": text}) for n, text in texts.items()))
    merge(store, KEY, NOW)
    with open_views(store) as views:
        [entry] = store.list("responses/")
        tail = views.files.tail(entry.key)
        land(store, said(1000, SURVEY, answers={"comment": "one more"}))
        merge(store, KEY, NOW)
        with pytest.raises(OSError, match="replaced"):
            views.files.piece(entry.key, 0, 100)
        assert tail[1] > 100
        assert ask(views, "select count(comment) from after_sales").rows == [(401,)]


@pytest.mark.parametrize("replaced", [True, False])
def test_a_broken_file_that_was_replaced_is_read_again(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    """On a folder DuckDB opens a file several times, and takes two versions for a broken one. One
    that nobody replaced is broken."""
    store = FolderStore(tmp_path)
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    answer = query._answer
    asked = []

    def first_breaks(*given: Any) -> Any:
        asked.append(given)
        if len(asked) > 1:
            return answer(*given)
        answer(*given)
        if replaced:
            land(store, said(2, SURVEY))
            merge(store, KEY, NOW)
        raise duckdb.Error("Out of buffer")

    monkeypatch.setattr(query, "_answer", first_breaks)
    with open_views(store) as views:
        if replaced:
            assert ask(views, "select count(*) from after_sales").rows == [(2,)]
        else:
            with pytest.raises(BadQuery, match="Out of buffer"):
                ask(views, "select count(*) from after_sales")


def test_a_reader_that_stays_sees_parts_as_they_are_now(s3_endpoint: str) -> None:
    """Also where their footers have other places for what is in them."""
    store = S3Store(BUCKET, token_hex(8), s3_endpoint)
    live(store, SURVEY)
    with open_views(store) as views:
        for total in (1, 300, 301, 900):
            there = ask(views, "select count(*) from after_sales").rows[0][0]
            texts = [token_hex(500) for _ in range(there, total)]
            numbered = enumerate(texts, start=there)
            land(store, *(said(n, SURVEY, answers={"comment": text}) for n, text in numbered))
            merge(store, KEY, NOW)
            asked = ask(views, "select count(*), count(distinct comment) from after_sales")
            assert asked.rows == [(total, total)]


class Restless(S3Store):
    """Every part is replaced between any two looks at it."""

    def piece(self, key: str, start: int, end: int, tag: str) -> bytes:
        raise Stale(key)


def test_parts_that_are_replaced_without_end_are_read_all_the_same(s3_endpoint: str) -> None:
    store = Restless(BUCKET, token_hex(8), s3_endpoint)
    live(store, SURVEY)
    for day in ("2026-05-17", "2026-05-18"):
        comments = ({"comment": token_hex(1000)} for _ in range(100))
        land(
            store, *(said(n, SURVEY, at(f"{day}T12:00"), answers=a) for n, a in enumerate(comments))
        )
    merge(store, KEY, NOW)
    with open_views(store) as views:
        assert ask(views, "select count(comment) from after_sales").rows == [(200,)]


def test_a_folder_is_read_where_it_lies(tmp_path: Any) -> None:
    store = FolderStore(tmp_path)
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    with open_views(store) as views:
        assert ask(views, "select count(*) from after_sales").rows == [(1,)]
        assert views.files.fetched == 0
