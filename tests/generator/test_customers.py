"""A customers' file as a table: however its cells are typed, and what --where may ask of it."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from generator.customers import Customers, Unfit
from generator.tables import Unreadable

ROWS = """客户编号,姓名,手机,service date,tier,store,visits
C1,王小明,13800138000,2026/11/1,VIP,012,3
C2,李芳,13800138001,2025-01-02,basic,013,
C3,Ann,13800138002,,VIP,012,12
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "june.csv"
    path.write_text(ROWS, "utf-8")
    return path


def kept(path: Path, sql: str) -> list[str]:
    customers = Customers(path, ["手机"], "Asia/Shanghai")
    customers.where(sql)
    return [row["客户编号"] for _, row in customers.rows()]


@pytest.mark.parametrize(
    ("sql", "whom"),
    [
        ("tier = 'VIP'", ["C1", "C3"]),
        ("\"service date\" >= DATE '2026-06-01'", ["C1"]),
        ('"service date" < current_date + 36500', ["C1", "C2"]),
        ("\"service date\" between '2025-01-01' and '2025-12-31'", ["C2"]),
        ('"service date" is null', ["C3"]),
        ("姓名 = '李芳' or visits > 5", ["C2", "C3"]),
        ("store = '012' -- the counter in the hall", ["C1", "C3"]),
        ("手机 like '138%' and TIER <> 'basic'", ["C1", "C3"]),
        (" ", ["C1", "C2", "C3"]),
    ],
)
def test_where_asks_for_days_numbers_and_texts_by_the_columns_own_names(
    file: Path, sql: str, whom: list[str]
) -> None:
    assert kept(file, sql) == whom


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("tierr = 'VIP'", '"tier" text'),
        ("\"service date\" > 'soon'", '"service date" day'),
        ("tier =", "syntax error"),
        ("tier", "--where"),
        ("true; drop table rows", "syntax error"),
        ("true); drop table rows; select (1", "one condition"),
    ],
)
def test_a_condition_that_cannot_be_is_refused_and_names_the_columns(
    file: Path, sql: str, said: str
) -> None:
    with pytest.raises(Unfit, match="--where: ") as refused:
        kept(file, sql)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "sql",
    [
        "exists (select * from read_text('{file}'))",
        "exists (select * from '{file}')",
        "exists (select * from glob('/*'))",
        "exists (select * from read_csv('http://127.0.0.1:9/x.csv'))",
        "true); set enable_external_access = true; select (true",
        "true); copy rows to '{file}.out'; select (true",
        "true); install httpfs; select (true",
        "getenv('HOME') is not null",
        "exists (select * from batch)",
    ],
)
def test_a_condition_reaches_no_file_no_network_and_no_setting(file: Path, sql: str) -> None:
    with pytest.raises(Unfit):
        kept(file, sql.format(file=file))
    assert [path.name for path in file.parent.iterdir()] == ["june.csv"]


def test_a_column_may_be_called_anything(tmp_path: Path) -> None:
    """Names are quoted wherever SQL reads them."""
    names = ['x"; drop table rows; --', "number", "select", "{{7*7}}", "=1+1", "a'b", "\\", "😀"]
    path = tmp_path / "hostile.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, [f"v{at}" for at in range(len(names))]])
    customers = Customers(path)
    assert customers.where("\"x\"\"; drop table rows; --\" = 'v0' and number = 'v1'") == 0
    assert list(customers.rows()) == [(2, {name: f"v{at}" for at, name in enumerate(names)})]


def test_excels_days_and_numbers_are_days_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "june.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["客户编号", "day", "moment", "phone", None])
    book.active.append(["C1", datetime(2026, 5, 1), datetime(2026, 5, 1, 9, 30), 13800138000, None])
    book.active.append([None, None, None, None, None])
    book.save(path)
    customers = Customers(path, ["phone"])
    assert customers.types == {
        "客户编号": "text",
        "day": "day",
        "moment": "moment",
        "phone": "text",
    }
    assert [row for _, row in customers.rows()] == [
        {
            "客户编号": "C1",
            "day": "2026-05-01",
            "moment": "2026-05-01 09:30:00",
            "phone": "13800138000",
        }
    ]


def test_an_empty_row_is_nobody_and_a_broken_one_a_problem_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,phone,,\nAnn,1,,\n,,,\nBo,2,3,4,5\nCy,3\n", "utf-8")
    customers = Customers(path)
    assert [row["name"] for _, row in customers.rows()] == ["Ann", "Cy"]
    assert [(p.row, p.what) for p in customers.problems] == [
        (4, "more cells than the header has columns")
    ]


@pytest.mark.parametrize("header", ["", ",,", "name,Name", "name,name"])
def test_a_file_whose_columns_cannot_be_told_apart_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\nx,y\n")
    with pytest.raises(Unreadable):
        Customers(path)


def test_a_title_above_the_columns_is_no_column(tmp_path: Path) -> None:
    """As CRM exports have it; rows keep the numbers that Excel shows."""
    path = tmp_path / "june.xlsx"
    book = openpyxl.Workbook()
    for row in [["2026年6月客户清单", None], [None, None], ["name", "phone"], ["Ann", "1"]]:
        book.active.append(row)
    book.save(path)
    assert list(Customers(path, ["phone"]).rows()) == [(4, {"name": "Ann", "phone": "1"})]
