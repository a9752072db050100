"""Exports: what was said, in a file that holds no formula and is never half there."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from chalicelib.jobs.merge import merge
from chalicelib.storage import MemoryStore
from chalicelib.survey.questions import Rating
from generator import row_files
from generator.exporting import Exported, NotExported, export
from generator.row_files import FORMATS
from tests.jobs.answering import KEY, NOW, at, contract, land, live, said

SURVEY = contract()
FORMULAS = [
    '=HYPERLINK("http://evil.example","x")', "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
    "＝1+1", "＋1", "－1", "＠x", "a,\"b\"\nc", " =1", "无", "http://example.org", "", "0012",
]  # fmt: skip
READ: dict[str, Any] = {
    "parquet": lambda path: pq.read_table(path).to_pylist(),
    "csv": lambda path: list(
        csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    ),
    "xlsx": lambda path: _sheet(_book(path)[0]),
}


def _csv(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _book(path: Path) -> Any:
    return openpyxl.load_workbook(io.BytesIO(path.read_bytes())).worksheets


def _sheet(sheet: Any) -> list[dict[str, Any]]:
    head, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    live(store, SURVEY)
    texts = [
        said(number, SURVEY, answers={"comment": text} if text else {"speed": 3})
        for number, text in enumerate(FORMULAS)
    ]
    whole = {
        "kind": "repair", "speed": "na", "care": 4, "improve": ["price", "time"], "price": 1.5,
        "bought": "2026-01-02", "agree": True, "phone": "13800138000",
    }  # fmt: skip
    later = at("2026-05-18T12:00")
    known = {"customer": "c1", "agent": "=a1"}
    land(store, *texts, said(99, SURVEY, later, answers=whole, attributes=known))
    merge(store, KEY, NOW)
    return store


def exported(store: MemoryStore, path: Path, form: str, **more: Any) -> list[dict[str, Any]]:
    export(store, [SURVEY], form, path, **more)
    rows: list[dict[str, Any]] = READ[form](path)
    return rows


@pytest.mark.parametrize("form", FORMATS)
def test_no_cell_becomes_a_formula(store: MemoryStore, tmp_path: Path, form: str) -> None:
    """In CSV an apostrophe stands before it; elsewhere the cell is a text, and as it was said."""
    rows = exported(store, tmp_path / f"all.{form}", form, last="2026-05-17")
    found = [row["comment"] or "" for row in rows]
    begins = tuple("=+-@\t\r\n＝＋－＠")
    wanted = [
        f"'{text}" if form == "csv" and text.startswith(begins) else text for text in FORMULAS
    ]
    if form == "xlsx":  # XML knows one kind of line end, Excel a spelling for the other
        wanted = [text.replace("\r", "\n") for text in wanted]
        found = [text.replace("_x000D_", "\n") for text in found]
    assert sorted(found) == sorted(wanted)


def test_excel_finds_neither_formula_nor_link(store: MemoryStore, tmp_path: Path) -> None:
    exported(store, tmp_path / "all.xlsx", "xlsx")
    with zipfile.ZipFile(tmp_path / "all.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "HYPERLINK" in sheet
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet.lower().replace("hyperlink(", "")


def test_values_keep_their_types(store: MemoryStore, tmp_path: Path) -> None:
    moment = datetime(2026, 5, 18, 4, 0, 0, 99_000)
    [row] = exported(store, tmp_path / "a.xlsx", "xlsx", first="2026-05-18")
    assert (row["speed"], row["speed_na"], row["care"], row["price"]) == (None, True, 4, 1.5)
    assert (row["improve"], row["bought"]) == ("price;time", datetime(2026, 1, 2))
    assert abs((row["received_at"] - moment).total_seconds()) < 0.001
    assert (row["dt"], row["agent"]) == ("2026-05-18", "=a1")
    [row] = exported(store, tmp_path / "a.csv", "csv", first="2026-05-18")
    assert (row["care"], row["improve"], row["bought"]) == ("4", "price;time", "2026-01-02")
    assert (row["received_at"], row["agent"]) == ("2026-05-18T04:00:00Z", "'=a1")
    [row] = exported(store, tmp_path / "a.parquet", "parquet", first="2026-05-18")
    assert (row["improve"], row["bought"]) == (["price", "time"], date(2026, 1, 2))


@pytest.mark.parametrize("form", FORMATS)
def test_codes_may_be_called_by_their_names(store: MemoryStore, tmp_path: Path, form: str) -> None:
    [row] = exported(store, tmp_path / "a", form, first="2026-05-18", language="en")
    assert row["kind"] == "Repair"
    assert row["improve"] == (["Price", "Time"] if form == "parquet" else "Price;Time")
    with pytest.raises(NotExported, match="does not speak 'fr'; it has: en"):
        exported(store, tmp_path / "a", form, language="fr")


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_personal_comes_only_when_asked(
    store: MemoryStore, tmp_path: Path, form: str
) -> None:
    [row] = exported(store, tmp_path / "a", form, first="2026-05-18")
    assert "phone" not in row
    assert row["customer"] not in (None, "", "c1")
    rows = exported(store, tmp_path / "a", form, contacts=True)
    assert (rows[-1]["customer"], rows[-1]["phone"]) == ("c1", "13800138000")
    assert not any(row["customer"] or row["phone"] for row in rows[:-1])


def test_a_new_question_is_empty_in_old_parts(store: MemoryStore, tmp_path: Path) -> None:
    newer = contract(Rating(id="worth", text={}))
    export(store, [SURVEY, newer], "csv", tmp_path / "a.csv")
    rows = READ["csv"](tmp_path / "a.csv")
    assert {row["worth"] for row in rows} == {""}


def test_an_excel_file_goes_on_in_further_sheets(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files, "LAST_ROW", 8)
    done = export(store, [SURVEY], "xlsx", tmp_path / "a.xlsx")
    assert done == Exported(rows=len(FORMULAS) + 1, cut=0)
    sheets = [_sheet(sheet) for sheet in _book(tmp_path / "a.xlsx")]
    assert [len(sheet) for sheet in sheets] == [7, 7, 4]
    assert len({row["response"] for sheet in sheets for row in sheet}) == len(FORMULAS) + 1


def test_what_excel_cannot_hold_is_told(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files, "LONGEST", 36)
    assert export(store, [SURVEY], "xlsx", tmp_path / "a.xlsx", last="2026-05-17").cut == 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_whole_or_not_there(
    store: MemoryStore, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = [entry.key for entry in store.list("responses/")][-1]
    store.delete([part])
    store.create(part, b"no Parquet")
    with pytest.raises(Exception, match="Parquet"):
        export(store, [SURVEY], form, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMATS)
def test_nobody_answered(tmp_path: Path, form: str) -> None:
    assert export(MemoryStore(), [SURVEY], form, tmp_path / "a") == Exported()
    assert (tmp_path / "a").is_file()
