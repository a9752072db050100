"""The analyst's commands, as typed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from moto import mock_aws

from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.published import DAY_MS
from chalicelib.storage import FolderStore, MemoryStore
from generator import analysing, analyst, athena, glue
from generator.__main__ import main
from generator.data import publish_all, settings
from generator.query import ask, open_views
from tests.jobs.answering import KEY, NOON, NOW, contract, land, said

SURVEY = contract(id="after-sales")


@pytest.fixture
def here(empty: Path) -> FolderStore:
    store = FolderStore(empty / "data")
    publish_all(store, [SURVEY], NOW)
    mine = {"kind": "repair", "comment": "=1+1", "phone": "13800138000"}
    land(store, said(1, SURVEY, answers=mine), said(2, SURVEY))
    merge(store, settings("data").key, NOW)
    return store


def echoform(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def trail(store: FolderStore) -> list[tuple[object, ...]]:
    with open_views(store) as views:
        return ask(views, "select what, survey, facts from audit order by happened_at, what").rows


def test_a_query_may_be_written_to_a_file(here: FolderStore) -> None:
    sql = "select kind, comment, count(*) as n from after_sales group by 1, 2 order by 1"
    for name in ("a.csv", "a.json", "a.parquet"):
        assert echoform("query", sql, "--output", name).exit_code == 0
    assert "repair,'=1+1,1" in Path("a.csv").read_text("utf-8-sig")
    [row, _] = json.loads(Path("a.json").read_text("utf-8"))
    assert row == {"kind": "repair", "comment": "=1+1", "n": 1}
    assert pq.read_table("a.parquet").to_pylist()[0] == row
    assert echoform("query", sql, "--output", "a.txt").exit_code == 0
    assert "(2 rows)" in Path("a.txt").read_text("utf-8")
    forms = [json.loads(str(facts))["format"] for what, _, facts in trail(here) if what == "export"]
    assert forms == ["csv", "json", "parquet", "text"]
    refused = echoform("query", sql, "--format", "parquet")
    assert "--output" in refused.output


def test_a_table_has_the_largest_segments_but_all_days(
    here: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analyst, "LEGIBLE", 1)
    for number, agent in ((3, "A07"), (4, "A99")):
        day = NOON + number * DAY_MS
        land(here, said(number, SURVEY, day, attributes={"agent": agent}))
    merge(here, settings("data").key, NOW)
    tally(here, NOW)

    def scores(*asked: str) -> str:
        return echoform("scores", "after-sales", "--by", *asked).output

    assert "1 smaller ones" in scores("agent")
    assert "smaller ones" not in scores("day")
    assert "smaller ones" not in scores("agent", "--most", "2")
    assert "A99" in scores("agent", "--format", "csv")


def test_an_export_is_noted_before_it_is_begun(here: FolderStore) -> None:
    done = echoform("export", "after-sales", "--output", "all.xlsx")
    assert "all.xlsx: 2 responses" in done.output
    assert echoform("export", "after-sales", "--output", "a.csv", "--contacts").exit_code == 0
    assert "13800138000" in Path("a.csv").read_text("utf-8-sig")
    assert sorted(trail(here)[1:], key=str) == [
        ("export", "after-sales", '{"format":"csv"}'),
        ("export", "after-sales", '{"format":"xlsx"}'),
        ("read_contacts", "after-sales", "{}"),
    ]
    assert echoform("export", "after-sales", "--output", "b.csv", "--labels").exit_code == 0
    assert ',"Repair",' in Path("b.csv").read_text("utf-8-sig")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["export", "nowhere", "--output", "a.csv"], "no survey 'nowhere' is live"),
        (["export", "after-sales", "--output", "a.doc"], "--format"),
        (["export", "after-sales", "--output", "a.csv", "--from", "May"], "'May' is no day"),
        (["export", "after-sales", "--output", "a.csv", "--labels", "fr"], "does not speak 'fr'"),
        (["dictionary", "nowhere"], "no survey 'nowhere' is live"),
        (["athena"], "--output DIR"),
        (["athena", "--apply"], "s3://"),
        (["athena", "after-sales", "--apply", "--data", "s3://b/p"], "leave the names out"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    here: FolderStore, arguments: list[str], why: str
) -> None:
    result = echoform(*arguments)
    assert result.exit_code == 1
    assert why in result.output


def test_the_dictionary_is_printed_or_written(here: FolderStore) -> None:
    printed = echoform("dictionary", "after-sales").output
    assert "## `responses_after_sales`" in printed
    assert echoform("dictionary", "after-sales", "--output", "d.md").exit_code == 0
    assert Path("d.md").read_text("utf-8") == printed


def test_athena_as_files(here: FolderStore) -> None:
    assert echoform("athena", "--output", "out").exit_code == 0
    assert "projection.dt.range" in Path("out/tables/responses_after_sales.sql").read_text("utf-8")
    assert len(list(Path("out/cookbook/after-sales").iterdir())) >= 18


@pytest.fixture
def aws(here: FolderStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    store = MemoryStore()
    publish_all(store, [SURVEY], NOW)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    monkeypatch.setattr(analysing, "open_data", lambda place: store)
    with mock_aws():
        yield


def test_athena_made_in_aws_once_and_again(aws: None) -> None:
    first = echoform("athena", "--apply", "--data", "s3://answers/data")
    assert "workgroup echoform made" in first.output
    assert re.search(r"\d+ tables made: .*\bresponses_after_sales\b", first.output)
    again = echoform("athena", "--apply", "--data", "s3://answers/data")
    assert "made" not in again.output
    asked = boto3.client("athena").list_query_executions(WorkGroup="echoform")
    found = re.search(r"(\d+) tables and (\d+) views are as they should be", again.output)
    assert found
    assert len(asked["QueryExecutionIds"]) == 2 * int(found[2])


ATHENA = (
    ["athena", "--apply", "--data", "s3://answers/data"],
    ["query", "select 1", "--engine", "athena", "--data", "s3://answers/data"],
)


@pytest.mark.parametrize("command", ATHENA)
@pytest.mark.parametrize(
    ("unset", "said"),
    [
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "no credentials of AWS were found: run"),
        (("AWS_REGION", "AWS_DEFAULT_REGION"), "no region is set: set AWS_REGION"),
    ],
)
def test_what_the_account_lacks_is_one_line(
    aws: None,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    unset: tuple[str, ...],
    said: str,
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in unset:
        monkeypatch.delenv(name, raising=False)
    refused = echoform(*command)
    assert refused.exit_code == 1
    assert refused.output.startswith(f"Error: {said}")
    assert refused.output.count("\n") == 1


@pytest.mark.parametrize("command", ATHENA)
def test_what_aws_refuses_is_one_line(
    aws: None, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Ask")

    monkeypatch.setattr(glue, "make_workgroup", refuse)
    monkeypatch.setattr(athena, "ask", refuse)
    refused = echoform(*command)
    assert refused.exit_code == 1
    assert refused.output == "Error: AWS does not allow Ask: no. Ask who runs the account\n"


def test_a_query_is_asked_there(aws: None) -> None:
    echoform("athena", "--apply", "--data", "s3://answers/data")
    asked = echoform("query", "select 1 as n", "--engine", "athena", "--data", "s3://answers/data")
    assert asked.exit_code == 0
    assert "bytes scanned in" in asked.output
