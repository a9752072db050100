"""Counting in Athena leaves the very tallies that counting here leaves."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import boto3
import duckdb
import msgspec
import pytest
from moto import mock_aws

from chalicelib import columns, counting, keys, parquet
from chalicelib.jobs import elsewhere
from chalicelib.jobs.elsewhere import Athena, Failed, takes, unload
from chalicelib.jobs.here import translated
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import BadMode, Tallied, run, tally
from chalicelib.settings import Settings
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import Contract
from chalicelib.survey.questions import Rating
from chalicelib.views import DAY, view
from tests.jobs.answering import KEY, NOW, at, contract, land, live, names, said

SURVEY = contract(segments=[["agent", "kind"]])
PLACE = "s3://bucket/prefix"
_UNLOAD = re.compile(
    r"UNLOAD \(SELECT .*? FROM \((?P<counts>.*)\) AS counts\) TO 's3://bucket/prefix/(?P<to>.*?)'"
    r" WITH \(format = 'PARQUET', compression = 'SNAPPY', partitioned_by = ARRAY\['dt'\]\)",
    re.DOTALL,
)


class StandIn:
    """Athena as far as it is asked here: DuckDB runs the whole statement; files come in pieces, in
    no order."""

    def __init__(self, store: Store, survey: Contract, folder: Path, state: str = "SUCCEEDED"):
        self._store, self._survey, self._folder = store, survey, folder
        self._states = ["QUEUED", "RUNNING", state]
        self.asked: list[str] = []

    def start_query_execution(self, **asked: Any) -> dict[str, str]:
        assert asked["QueryExecutionContext"] == {"Database": "service"}
        assert asked["WorkGroup"] == "counting"
        self.asked.append(asked["QueryString"])
        return {"QueryExecutionId": "1"}

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:
        state = self._states[0] if len(self._states) == 1 else self._states.pop(0)
        if state == "SUCCEEDED":
            self._unload()
        return {"QueryExecution": {"Status": {"State": state, "StateChangeReason": "too much"}}}

    def _unload(self) -> None:
        found = _UNLOAD.fullmatch(self.asked[-1])
        assert found
        files = []
        for name in names(self._store, keys.RESPONSES):
            files.append(self._folder / name)
            files[-1].parent.mkdir(parents=True, exist_ok=True)
            files[-1].write_bytes(self._store.get(name).data)
        table = view(
            "responses_service", columns.responses([self._survey]), [*map(str, files)], by_day=True
        )
        with duckdb.connect() as connection:
            connection.execute(table)
            counts = connection.sql(translated(found["counts"])).to_arrow_table()
        rows = counts.cast(parquet.schema([DAY, *counting.TALLIES])).to_pylist()
        random.Random(1).shuffle(rows)
        for day in {row["dt"] for row in rows}:
            mine = [row for row in rows if row["dt"] == day]
            for piece in range(3):
                some = mine[piece::3]
                cells = {name: [row[name] for row in some] for name in counting.COLUMNS}
                table = parquet.table(counting.TALLIES, cells)
                self._store.create(f"{found['to']}dt={day}/{piece}", parquet.encode(table))


def athena(store: Store, folder: Path, survey: Contract = SURVEY, **how: str) -> Athena:
    client = StandIn(store, survey, folder, **how)
    return Athena(client, store, PLACE, "service", "counting", lambda seconds: None)


def answered(survey: Contract = SURVEY) -> MemoryStore:
    draw = random.Random(7)
    store = MemoryStore()
    live(store, survey)
    land(
        store,
        *(
            said(
                number,
                survey,
                at(f"2026-05-{17 + number % 3}T{draw.randrange(24):02}:10"),
                attributes={"agent": draw.choice(["a1", "a2"])},
                answers={
                    "kind": draw.choice(["repair", "advice"]),
                    "speed": draw.choice([1, 4, 5, "na"]),
                    "care": draw.randint(1, 5),
                    "improve": draw.choice([["price"], ["price", "time"]]),
                },
                duration=draw.randint(3, 300),
                trap=draw.random() < 0.1,
            )
            for number in range(200)
        ),
    )
    merge(store, KEY, NOW)
    return store


def kept(store: Store) -> dict[str, bytes]:
    return {name: store.get(name).data for name in names(store, keys.TALLIES)}


@pytest.mark.parametrize("anonymous", [False, True])
def test_the_same_tallies_to_the_byte(tmp_path: Path, anonymous: bool) -> None:
    """So that nothing is counted again only because it was counted elsewhere."""
    survey = msgspec.structs.replace(SURVEY, anonymous=anonymous)
    store = answered(survey)
    tally(store, NOW, key=KEY)
    here = kept(store)
    store.delete(here)
    there = athena(store, tmp_path, survey)
    assert tally(store, NOW, key=KEY, athena=there) == Tallied(days=3, written=3)
    assert len(there.client.asked) == 1
    assert kept(store) == here
    assert names(store, keys.STAGING) == []
    assert tally(store, NOW, key=KEY) == Tallied(days=3, unchanged=3)


def test_only_what_is_much_is_counted_there(tmp_path: Path) -> None:
    store = answered()
    there = athena(store, tmp_path)
    assert tally(store, NOW, athena=there, here=3).written == 3
    assert there.client.asked == []


def test_only_days_that_are_stale_are_read(tmp_path: Path) -> None:
    store = answered()
    tally(store, NOW)
    land(store, said(900, SURVEY, at("2026-05-18T08:00")))
    merge(store, KEY, NOW)
    there = athena(store, tmp_path)
    assert tally(store, NOW, athena=there).written == 1
    [statement] = there.client.asked
    assert 'FROM "responses_service" WHERE "dt" IN (\'2026-05-18\')' in statement


def test_what_arrives_while_athena_counts_makes_the_day_stale(tmp_path: Path) -> None:
    store = answered()
    there = athena(store, tmp_path)

    def later(seconds: float) -> None:
        if not names(store, "landing/") and len(there.client._states) == 2:
            land(store, said(900, SURVEY, at("2026-05-18T08:00")))
            merge(store, KEY, NOW)

    assert tally(store, NOW, athena=there._replace(pause=later)).written == 3
    assert tally(store, NOW) == Tallied(days=3, written=1, unchanged=2)


def test_a_query_that_fails_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    store = answered()
    with pytest.raises(ExceptionGroup) as failed:
        tally(store, NOW, athena=athena(store, tmp_path, state="FAILED"))
    [failure] = failed.value.exceptions
    assert isinstance(failure, Failed)
    assert str(failure) == "FAILED: too much"
    assert names(store, keys.TALLIES) == names(store, keys.STAGING) == []


def test_what_a_run_that_died_left_is_removed_after_a_day(tmp_path: Path) -> None:
    store = answered()
    for age in (0, elsewhere.ABANDONED_MS + 1):
        store.create(f"staging/service/{NOW - age}-ab/dt=2026-05-17/x", b"half")
    tally(store, NOW, athena=athena(store, tmp_path))
    assert names(store, keys.STAGING) == [f"staging/service/{NOW}-ab/dt=2026-05-17/x"]


def test_a_statement_that_athena_would_refuse_is_run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = answered()
    there = athena(store, tmp_path)
    monkeypatch.setattr(elsewhere, "LONGEST", 10_000)
    assert tally(store, NOW, athena=there).written == 3
    assert there.client.asked == []


def test_the_statement_of_many_questions_keeps_to_athena_s_limits() -> None:
    """262,144 bytes, and lists of 254: the first stops it for 300 questions, the second never."""
    survey = contract(*(Rating(id=f"question_{n}", text={}, na=True) for n in range(287)))
    assert not takes([survey], ["2026-05-17"])
    assert takes([SURVEY], [f"2026-05-{day}" for day in range(10, 31)])
    lists = re.findall(r"ARRAY\[(.*?)\]", counting.statement([survey]), re.DOTALL)
    assert max(each.count(", ") for each in lists) < 254
    assert len(lists) > 12, "they are made in several goes"


@mock_aws
def test_the_client_is_asked_as_boto3_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("athena")
    client.create_work_group(Name="counting", Configuration={})
    there = Athena(client, MemoryStore(), PLACE, "service", "counting", lambda seconds: None)
    assert [*there.tallies([SURVEY], ["2026-05-17"], NOW)] == []


def test_one_word_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = MemoryStore()
    for word in ("local", "auto", "athena"):
        environ = {"ECHOFORM_TALLY": word, "ECHOFORM_DATA": PLACE, "ECHOFORM_KEY": "k"}
        assert run(store, Settings.read(environ), NOW) == Tallied()
    with pytest.raises(BadMode, match="use local, athena or auto"):
        run(store, Settings(PLACE, None, b"k", tally="far"), NOW)
    with pytest.raises(BadMode, match="reads s3:// alone"):
        run(store, Settings("data", None, b"k", tally="auto"), NOW)


def test_unload_is_one_statement() -> None:
    statement = unload([SURVEY], ["2026-05-17"], "s3://b/x/")
    assert statement.count("UNLOAD") == 1
    assert ";" not in statement
