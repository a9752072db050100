"""What Athena must know, made through Glue (moto): once, again, and changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto import mock_aws

from chalicelib import break_offs, parquet
from chalicelib.break_offs import BreakOff
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.storage import MemoryStore
from chalicelib.survey import ids
from chalicelib.survey.questions import Rating
from generator import athena, codebook
from generator.answer import BadQuery
from generator.athena import Scan
from generator.catalog import catalog
from generator.definition import compile_file
from generator.glue import (
    SINCE,
    files,
    first_day,
    make_tables,
    make_workgroup,
    table_input,
    workgroup,
)
from tests.jobs.answering import KEY, NOW, at, contract, land, live, said

ROOT = Path(__file__).parents[2]
SURVEY = contract(id="after-sales")
NEWER = contract(Rating(id="worth", text={}), id="after-sales")
PLACE = "s3://answers/data"


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def inputs(*versions: Any) -> list[dict[str, Any]]:
    known = {"after-sales": list(versions)}
    return [table_input(each, PLACE, SINCE, ["after-sales"]) for each in catalog(known).tables]


def test_tables_are_made_once_and_changed_where_they_changed(aws: None) -> None:
    client = boto3.client("glue")
    names = ["tallies", "questions", "labels", "audit_events"]
    names += ["responses_after_sales", "contacts_after_sales", "invitations_after_sales"]
    names += ["follow_ups_after_sales", "follow_up_events_after_sales", "break_offs_after_sales"]
    made = make_tables(client, "echoform", inputs(SURVEY))
    assert made == ["database echoform made", *(f"table {name} made" for name in names)]
    assert make_tables(client, "echoform", inputs(SURVEY)) == []
    changed = make_tables(client, "echoform", inputs(SURVEY, NEWER))
    assert changed == ["table responses_after_sales changed"]
    assert make_tables(client, "echoform", inputs(SURVEY, NEWER)) == []
    table = client.get_table(DatabaseName="echoform", Name="responses_after_sales")["Table"]
    columns = {c["Name"]: c["Type"] for c in table["StorageDescriptor"]["Columns"]}
    assert (columns["worth"], columns["improve"], columns["bought"]) == (
        "int", "array<string>", "date",
    )  # fmt: skip
    told = table["Parameters"]
    assert told["projection.dt.range"] == f"{SINCE},NOW+1DAYS"
    assert told["storage.location.template"] == f"{PLACE}/responses/after-sales/dt=${{dt}}/"


def test_every_column_lies_in_the_files_as_glue_says() -> None:
    """Glue's types are those that the Parquet has."""
    store = MemoryStore()
    live(store, SURVEY)
    everything = {"kind": "repair", "improve": ["price"], "bought": "2026-01-02", "phone": "138"}
    land(store, said(1, SURVEY, answers=everything))
    merge(store, KEY, NOW)
    spoken = {
        "string": "string", "list<element: string>": "array<string>", "int32": "int",
        "double": "double", "bool": "boolean", "date32[day]": "date",
        "timestamp[ms, tz=UTC]": "timestamp",
    }  # fmt: skip
    for made in inputs(SURVEY):
        prefix = made["StorageDescriptor"]["Location"].removeprefix(f"{PLACE}/")
        if prefix.startswith(("responses", "contacts")):
            [entry] = store.list(prefix)
            lie = parquet.decode(store.get(entry.key).data).schema
            wanted = {c["Name"]: c["Type"] for c in made["StorageDescriptor"]["Columns"]}
            assert wanted == {field.name: spoken[str(field.type)] for field in lie}


def test_break_offs_have_their_days_projected_and_the_types_of_their_files() -> None:
    store = MemoryStore()
    mark = BreakOff(ids.make(at("2026-05-17T12:00"), 1), SURVEY.version, "en", "speed")
    store.create(break_offs.key(SURVEY.id, SURVEY.timezone, mark), b"")
    tally(store, NOW)
    [made] = [each for each in inputs(SURVEY) if each["Name"] == "break_offs_after_sales"]
    told = made["Parameters"]
    place = told["storage.location.template"].removeprefix(f"{PLACE}/")
    [entry] = store.list(place.replace("${dt}", "2026-05-17"))
    lie = parquet.decode(store.get(entry.key).data).schema
    kinds = {"string": "string", "int": "int32"}
    columns = {c["Name"]: kinds[c["Type"]] for c in made["StorageDescriptor"]["Columns"]}
    assert columns == {field.name: str(field.type) for field in lie}
    assert told["projection.dt.type"] == "date"


def test_older_answers_move_the_first_day() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    assert first_day(store, ["after-sales"]) == SINCE
    land(store, said(1, SURVEY, at("2017-05-17T12:00")))
    merge(store, KEY, NOW)
    assert first_day(store, ["after-sales"]) == "2017-05-17"


def test_the_workgroup_limits_what_a_query_scans(aws: None) -> None:
    client = boto3.client("athena")
    wanted = workgroup("echoform", "s3://answers/athena/", limit_gb=3)
    assert make_workgroup(client, wanted) == ["workgroup echoform made"]
    assert make_workgroup(client, wanted) == []
    held = client.get_work_group(WorkGroup="echoform")["WorkGroup"]["Configuration"]
    assert held["BytesScannedCutoffPerQuery"] == 3 << 30
    assert held["EnforceWorkGroupConfiguration"]


def test_what_lies_in_infra_is_what_the_command_writes() -> None:
    """`echoform athena surveys/after-sales.yaml --output infra/athena` brings it up to date."""
    contract = compile_file(ROOT / "surveys" / "after-sales.yaml").contract
    assert contract
    place = "s3://BUCKET/PREFIX"
    group = workgroup("echoform", f"{place}/athena/")
    written = files({contract.id: [contract]}, place, SINCE, "echoform", group)
    there = {
        str(path.relative_to(ROOT / "infra" / "athena")): path.read_text("utf-8")
        for path in (ROOT / "infra" / "athena").rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert there == written
    assert json.loads(written["workgroup.json"])["Name"] == "echoform"
    assert len([path for path in written if path.startswith("cookbook/")]) == 24


def seeded(rows: list[list[str | None]], types: dict[str, str]) -> None:
    """What moto's Athena is to answer next."""
    data = [{"Data": [{"VarCharValue": cell} if cell else {} for cell in row]} for row in rows]
    info = [{"Name": name, "Type": kind} for name, kind in types.items()]
    body = {"results": [{"rows": data, "column_info": info}], "region": "us-east-1"}
    requests.post(
        "http://motoapi.amazonaws.com/moto-api/static/athena/query-results", json=body, timeout=5
    )


def test_athena_answers_with_values_of_their_types(aws: None) -> None:
    client = boto3.client("athena")
    make_workgroup(client, workgroup("echoform", "s3://answers/athena/"))
    types = {"agent": "varchar", "n": "bigint", "mean": "double", "late": "boolean"}
    seeded([[*types], ["=a1", "3", "4.5", "true"], [None, "0", None, "false"]], types)
    answer, scan = athena.ask(client, "select 1", "echoform", "echoform")
    assert answer.columns == [*types]
    assert answer.rows == [("=a1", 3, 4.5, True), (None, 0, None, False)]
    assert "'=a1" in answer.as_csv()
    assert scan.usd == pytest.approx(5 * 10 / 2**20)


class Slow:
    """An Athena that takes its time and answers in pages."""

    def __init__(self, *states: str) -> None:
        self.states = iter(states)
        self.stopped = ""

    def start_query_execution(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return {"QueryExecutionId": "q"}

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:
        status = {"State": next(self.states), "StateChangeReason": "too much was scanned"}
        facts = {"DataScannedInBytes": 30 << 30, "TotalExecutionTimeInMillis": 1500}
        return {"QueryExecution": {"Status": status, "Statistics": facts}}

    def get_query_results(self, NextToken: str = "", **_: Any) -> dict[str, Any]:
        first = [["n"]] if not NextToken else []
        start = int(NextToken or 0)
        rows = [*first, *([str(n)] for n in range(start, start + 2))]
        page = {
            "Rows": [{"Data": [{"VarCharValue": cell} for cell in row]} for row in rows],
            "ResultSetMetadata": {"ColumnInfo": [{"Name": "n", "Type": "bigint"}]},
        }
        return {"ResultSet": page, **({"NextToken": str(start + 2)} if start < 4 else {})}

    def stop_query_execution(self, QueryExecutionId: str) -> None:
        self.stopped = QueryExecutionId


def test_it_waits_says_how_far_it_is_and_reads_every_page() -> None:
    client, said_, waited = Slow("QUEUED", "RUNNING", "SUCCEEDED"), list[str](), list[float]()
    answer, scan = athena.ask(client, "select n from t", "d", "w", said_.append, waited.append)
    assert answer.rows == [(n,) for n in range(6)]
    assert said_ == [f"{state}, {30 << 30:,} bytes scanned" for state in ("queued", "running")]
    assert waited == [0.2, 0.5]
    assert scan == Scan(30 << 30, 1500)
    assert str(scan) == "32,212,254,720 bytes scanned in 1.5 s, about 0.146484 USD"
    assert client.asked["WorkGroup"] == "w"


def test_what_fails_there_says_why() -> None:
    with pytest.raises(BadQuery, match="cancelled: too much was scanned"):
        athena.ask(Slow("CANCELLED"), "select 1", "d", "w")
    for sql in ("drop table t", "select 1; select 2", "selec t from", "create table t as select 1"):
        with pytest.raises(BadQuery):
            athena.ask(Slow("SUCCEEDED"), sql, "d", "w")


def test_interrupted_it_stops_there_too() -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    client = Slow("RUNNING")
    with pytest.raises(KeyboardInterrupt):
        athena.ask(client, "select 1", "d", "w", pause=interrupt)
    assert client.stopped == "q"


@pytest.mark.parametrize("scanned", [0, 1, 10 << 20])
def test_ten_megabytes_are_paid_at_least(scanned: int) -> None:
    assert Scan(scanned, 0).usd == 5 * 10 / 2**20
    assert Scan((10 << 20) + 1, 0).usd == 5 * 11 / 2**20


def test_the_codebook_has_every_version() -> None:
    store = MemoryStore()
    codebook.write(store, [SURVEY])
    codebook.write(store, [SURVEY, NEWER])
    assert len([entry.key for entry in store.list("questions/")]) == 2
