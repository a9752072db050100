"""The customers' table for the CRM: the last of each, formula-safe, and noted."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from python_calamine import CalamineWorkbook

from chalicelib import keys
from chalicelib.follow_ups.events import Item, item_id, opened
from chalicelib.follow_ups.opening import open_record
from chalicelib.improving import begin
from chalicelib.invitations import contact_rule
from chalicelib.jobs.merge import merge
from chalicelib.storage import FolderStore
from chalicelib.survey.questions import Rating
from generator.__main__ import main
from generator.data import settings
from tests.jobs.answering import NOON, at, contract, land, live, said

SURVEY = contract(Rating(id="manner", text={"en": "Manner"}, dimension="attitude"))
FORMULA = "=HYPERLINK(1)"


def response(number: int, customer: str, manner: int, day: str) -> Any:
    answers = {"manner": manner, "speed": 5, "care": 5, "phone": "13800138000"}
    known = {"customer": customer, "agent": "A07"}
    return said(number, SURVEY, at(f"{day}T10:00"), answers=answers, attributes=known)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """C1 answered twice, the second time badly; another's number is a formula; one is unknown."""
    folder = tmp_path / "data"
    store, key = FolderStore(folder), settings(str(folder)).key
    live(store, SURVEY)
    bad = response(2, "C1", 1, "2026-05-09")
    unknown = said(4, SURVEY, at("2026-05-03T10:00"), attributes={"agent": "A07"})
    land(
        store,
        response(1, "C1", 5, "2026-05-02"),
        bad,
        response(3, FORMULA, 5, "2026-05-03"),
        unknown,
    )
    merge(store, key, NOON)
    plan = {"owner": "L1", "due": "2026-06-01", "cause": "x", "plan": "y"}
    begin(store, SURVEY.id, "attitude", "2026-05", "M1", NOON, **plan)
    id = item_id(SURVEY.id, bad.id, "unhappy")
    item = Item(id=id, survey=SURVEY.id, response=bad.id, rule="unhappy", received_at=NOON)
    open_record(settings(str(folder))).open(opened(item, NOON))
    contact_rule.opt_out(store, contact_rule.person(key, FORMULA), NOON)
    return folder


def run(data: Path, output: Path, survey: str = SURVEY.id) -> str:
    given = ["customers", survey, "--output", str(output), "--data", str(data)]
    return CliRunner().invoke(main, given).output


def test_each_customer_is_a_row_with_their_last_answers_and_what_is_open(
    data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "crm.parquet"
    assert "2 customers" in run(data, output)
    formula, c1 = pq.read_table(output).to_pylist()
    assert (c1["customer"], c1["responses"], c1["manner"]) == ("C1", 2, 1)
    assert (c1["channel"], c1["language"], c1["opted_out"]) == ("sms", "en", False)
    assert c1["answered_at"].date().isoformat() == "2026-05-09"
    assert len(c1["open_follow_ups"]) == 1
    assert c1["open_actions"] == [f"{SURVEY.id}-attitude-1"]
    assert (formula["customer"], formula["opted_out"]) == (FORMULA, True)
    assert (formula["open_follow_ups"], formula["open_actions"]) == ([], [])
    assert "13800138000" not in str(c1)


def test_no_customer_is_a_formula(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "crm.csv")
    with (tmp_path / "crm.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["customer"] for row in csv.DictReader(file)] == [f"'{FORMULA}", "C1"]
    run(data, tmp_path / "crm.xlsx")
    sheet = CalamineWorkbook.from_path(str(tmp_path / "crm.xlsx")).get_sheet_by_index(0)
    assert sheet.to_python()[1][0] == FORMULA, "a text, in a file that knows texts from formulas"


def test_it_is_noted_before_it_is_read(data: Path, tmp_path: Path) -> None:
    run(data, tmp_path / "crm.csv")
    store = FolderStore(data)
    noted = [msgspec.json.decode(store.get(entry.key).data) for entry in store.list(keys.AUDIT)]
    assert [event["what"] for event in noted] == ["read_contacts", "export"]


@pytest.mark.parametrize(
    ("survey", "name", "expected"),
    [("none", "crm.csv", "no survey 'none'"), (SURVEY.id, "crm.pdf", "not one of parquet")],
)
def test_what_cannot_be_made_says_why(
    data: Path, tmp_path: Path, survey: str, name: str, expected: str
) -> None:
    assert expected in run(data, tmp_path / name, survey)
    assert not (tmp_path / name).exists()
