"""Loading tables: through the same accept, problems by row, and twice is once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chalicelib import keys
from chalicelib.jobs.merge import merge
from chalicelib.published import publish
from chalicelib.storage import MemoryStore
from chalicelib.survey import Contract, Response, Retention, ids
from chalicelib.survey.questions import Calculated, Consent, Date, Multiple, Score
from generator.loading import Loaded, load
from generator.mapping import BadMapping, read_mapping
from generator.tables import Unreadable
from tests.surveys import after_sales, choices, survey, text

SURVEY = after_sales()
HEADER = "单号,时间,渠道,坐席,类型,评分,改进,解决"
MAP = """
source_id: 单号
time: {column: 时间, format: "%d/%m/%Y %H:%M"}
channel: {column: 渠道, values: {纸质: paper}}
attributes: {agent: 坐席}
answers:
  service_type: 类型
  responsiveness: {column: 评分, values: {不适用: na}}
  resolution: 评分
  attitude: 评分
  overall: 评分
  recommend: 评分
  improve: {column: 改进, split: "、"}
  resolved: {column: 解决, values: {是: "yes", 否: "no"}}
  why_low: 单号
"""


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    publish(store, SURVEY, 0)
    return store


def load_rows(store: MemoryStore, folder: Path, *rows: str, encoding: str = "utf-8") -> Loaded:
    table, mapping = folder / "rows.csv", folder / "map.yaml"
    table.write_text("\n".join([HEADER, *rows]) + "\n", encoding)
    mapping.write_text(MAP, "utf-8")
    return load(store, SURVEY, table, read_mapping(mapping, SURVEY))


def landed(store: MemoryStore) -> list[Response]:
    return [Response.from_json(store.get(e.key).data) for e in store.list(keys.LANDING)]


GOOD = "A1,17/05/2026 09:30,纸质,A07,维修,2,响应速度、专业知识,是"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_row_becomes_a_response_as_if_it_had_been_answered(
    store: MemoryStore, tmp_path: Path, encoding: str
) -> None:
    assert load_rows(store, tmp_path, GOOD, encoding=encoding).accepted == 1
    [response] = landed(store)
    assert response.answers == {
        "service_type": "repair",  # the choice's own text is understood
        "responsiveness": 2,
        "resolution": 2,
        "attitude": 2,
        "why_low": "A1",
        "resolved": "yes",
        "overall": 2,
        "recommend": 2,
        "improve": ["speed", "skill"],
    }
    assert (response.channel, response.attributes) == ("paper", {"agent": "A07"})
    moment = datetime(2026, 5, 17, 1, 30, tzinfo=UTC).timestamp() * 1000  # 09:30 in Shanghai
    assert response.received_at == ids.time_of(response.id) == moment


def test_loading_again_meets_the_same_ids(store: MemoryStore, tmp_path: Path) -> None:
    load_rows(store, tmp_path, GOOD)
    again = load_rows(store, tmp_path, GOOD, "A2" + GOOD[2:])
    assert (again.accepted, again.there) == (1, 1)
    assert len(landed(store)) == 2


def test_good_rows_go_in_and_every_problem_is_listed_by_row(
    store: MemoryStore, tmp_path: Path
) -> None:
    loaded = load_rows(
        store,
        tmp_path,
        GOOD,
        "A2,2026-05-17,纸质,A07,维修,2,,是",
        ",17/05/2026 09:30,纸质,A07,维修,2,,是",
        "A4,17/05/2026 09:30,纸质,A07,偷窃,九,,也许",
        "A5,17/05/2026 09:30,纸质,A07,维修,5,,否",
    )
    assert loaded.accepted == 2
    assert [(p.row, p.what.split(":")[0]) for p in loaded.problems] == [
        (3, "时间"),
        (4, "单号"),
        (5, "service_type"),
        (5, "responsiveness"),
        (5, "resolution"),
        (5, "attitude"),
        (5, "resolved"),
        (5, "overall"),
        (5, "recommend"),
    ]


def test_a_row_of_a_day_that_is_not_kept_is_a_problem(store: MemoryStore, tmp_path: Path) -> None:
    keeping = msgspec.structs.replace(SURVEY, retention=Retention(responses=7))
    table, mapping = tmp_path / "rows.csv", tmp_path / "map.yaml"
    table.write_text(f"{HEADER}\nA1,17/05/2019 09:30,纸质,A07,维修,2,,是\n", "utf-8")
    mapping.write_text(MAP, "utf-8")
    loaded = load(store, keeping, table, read_mapping(mapping, keeping))
    assert loaded.accepted == 0
    assert loaded.problems[0].what.startswith("older than what this survey keeps")


def test_excel_and_parquet_are_read_as_well(store: MemoryStore, tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "source_id: id\ntime: at\nanswers: {service_type: type, responsiveness: n, resolution: n,"
        " attitude: n, resolved: solved, overall: n}\n"
    )
    at = datetime(2026, 5, 17, 9, 30)
    book = openpyxl.Workbook()
    book.active.append(["id", "at", "type", "n", "solved"])
    book.active.append(["X1", at, "repair", 5, "yes"])
    book.save(tmp_path / "rows.xlsx")
    columns = {"id": ["P1"], "at": [at], "type": ["repair"], "n": [5.0], "solved": ["yes"]}
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    for name in ("rows.xlsx", "rows.parquet"):
        read = read_mapping(mapping, SURVEY)
        loaded = load(store, SURVEY, tmp_path / name, read)
        assert (loaded.accepted, loaded.problems) == (1, [])
    assert {r.received_at for r in landed(store)} == {1_778_981_400_000}


def test_a_mapping_that_cannot_be_is_told_as_a_whole(tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "source_id: id\ntime: at\nattributes: {boss: b}\nanswers: {overal: n, shoe: s}\n"
    )
    with pytest.raises(BadMapping) as bad:
        read_mapping(mapping, SURVEY)
    assert str(bad.value).count("\n") == 2
    for wrong in ("overal", "shoe", "boss"):
        assert wrong in str(bad.value)


def test_a_calculated_value_is_not_loaded(tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text("source_id: id\ntime: at\nanswers: {mean: m}\n", "utf-8")
    with pytest.raises(BadMapping, match="mean: it is calculated"):
        read_mapping(mapping, survey(Calculated(id="mean", value=["sum", 1])))


def test_a_column_that_is_not_there_is_told_before_anything_is_accepted(
    store: MemoryStore, tmp_path: Path
) -> None:
    table, mapping = tmp_path / "rows.csv", tmp_path / "map.yaml"
    table.write_text("单号,时间\nA1,17/05/2026 09:30\n", "utf-8")
    mapping.write_text(MAP, "utf-8")
    with pytest.raises(BadMapping, match="渠道"):
        load(store, SURVEY, table, read_mapping(mapping, SURVEY))


def test_a_file_that_is_no_table_is_told_as_such(store: MemoryStore, tmp_path: Path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text(MAP, "utf-8")
    read = read_mapping(mapping, SURVEY)
    (tmp_path / "rows.csv").write_bytes(b"\xff\xfe\x00a,b\n\x81")
    for name in ("none.csv", "rows.pdf", "rows.csv"):
        with pytest.raises(Unreadable):
            load(store, SURVEY, tmp_path / name, read)


def load_table(store: MemoryStore, path: Path, contract: Contract, mapping: str) -> Loaded:
    (path.parent / "map.yaml").write_text(mapping, "utf-8")
    publish(store, contract, 0)
    return load(store, contract, path, read_mapping(path.parent / "map.yaml", contract))


def test_a_ragged_line_is_that_rows_problem_and_no_others(
    store: MemoryStore, tmp_path: Path
) -> None:
    loaded = load_rows(store, tmp_path, GOOD, GOOD + ",,,", "A3" + GOOD[2:])
    assert loaded.accepted == 2
    assert [problem.row for problem in loaded.problems] == [3]


def test_consents_dates_and_lists_come_as_tables_write_them(
    store: MemoryStore, tmp_path: Path
) -> None:
    offered = choices(a=("甲", "A"), b=("乙", "B"))
    contract = survey(
        Consent(id="agree", text=text("同意", "I agree")),
        Date(id="day", text=text("日期", "Day")),
        Multiple(id="many", text=text("多选", "Many"), choices=offered),
    )
    at = datetime(2026, 5, 17, 9, 30)
    columns = {
        "id": ["1", "2"],
        "at": [at, at],
        "agree": [True, False],
        "day": [at.date(), None],
        "many": [["甲", "B"], []],
    }
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    plain = "source_id: id\ntime: at\nanswers: {agree: agree, day: day, many: many}\n"
    assert load_table(store, tmp_path / "rows.parquet", contract, plain).problems == []
    assert sorted((r.answers for r in landed(store)), key=len) == [
        {},
        {"agree": True, "day": "2026-05-17", "many": ["a", "b"]},
    ]

    (tmp_path / "rows.csv").write_text(
        "id,at,agree,day\n3,2026-05-17,是,17/05/2026\n4,2026-05-17,perhaps,\n", "utf-8"
    )
    mapping = (
        "source_id: id\ntime: at\nanswers: {agree: agree, day: {column: day, format: '%d/%m/%Y'}}\n"
    )
    loaded = load_table(store, tmp_path / "rows.csv", contract, mapping)
    assert (loaded.accepted, [problem.row for problem in loaded.problems]) == (1, [3])
    assert {"agree": True, "day": "2026-05-17"} in [r.answers for r in landed(store)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "no column"),
        ("header.csv", b"id,at\n", "no column"),
        ("twice.csv", b"id,at,id\n1,2,3\n", "two columns"),
        ("broken.xlsx", b"not a zip", "cannot be read"),
        ("broken.parquet", b"PAR1 and then nothing", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_in_words(
    store: MemoryStore, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "map.yaml").write_text(MAP, "utf-8")
    with pytest.raises((Unreadable, BadMapping), match=said):
        load(store, SURVEY, tmp_path / name, read_mapping(tmp_path / "map.yaml", SURVEY))


def test_a_cell_longer_than_any_answer_is_that_rows_problem(
    store: MemoryStore, tmp_path: Path
) -> None:
    loaded = load_rows(store, tmp_path, GOOD, "A2" + GOOD[2:] + "x" * 200_000)
    assert loaded.accepted == 1
    assert [problem.row for problem in loaded.problems] == [3]


def test_rows_are_told_apart_by_what_became_of_them(store: MemoryStore, tmp_path: Path) -> None:
    """Merged, waiting, twice in the file, or said otherwise: each by its own name."""
    load_rows(store, tmp_path, GOOD)
    merge(store, b"key", 0)
    other = GOOD.replace(",2,", ",5,").replace("响应速度、专业知识", "")
    again = load_rows(store, tmp_path, GOOD, "B" + GOOD[1:], "B" + GOOD[1:], other)
    assert (again.accepted, again.there) == (1, 2)
    assert [(p.row, "other answers" in p.what) for p in again.problems] == [(5, True)]
    assert merge(store, b"key", 0).conflicts == 0
    alone = load_rows(store, tmp_path, other)
    assert (alone.accepted, ["other answers" in p.what for p in alone.problems]) == (0, [True])

    fresh = load_rows(store, tmp_path, "C" + GOOD[1:], "C" + other[1:])
    assert (fresh.accepted, [p.row for p in fresh.problems]) == (1, [3])


def test_an_answer_that_was_not_asked_is_left_out_and_told(
    store: MemoryStore, tmp_path: Path
) -> None:
    happy = GOOD.replace(",2,", ",5,")
    loaded = load_rows(store, tmp_path, happy)
    assert loaded.accepted == 1
    assert {note.what.split(":")[0] for note in loaded.notes} == {"why_low"}


def test_a_time_in_the_future_is_a_problem(store: MemoryStore, tmp_path: Path) -> None:
    loaded = load_rows(store, tmp_path, GOOD.replace("2026", "9999"))
    assert [problem.row for problem in loaded.problems] == [2]


def test_an_anonymous_surveys_rows_are_known_again_by_the_key(
    store: MemoryStore, tmp_path: Path
) -> None:
    contract = msgspec.structs.replace(
        survey(Score(id="n", text=text("分", "Score"))), anonymous=True
    )
    publish(store, contract, 0)
    (tmp_path / "rows.csv").write_text("id,at,n\n1,2026-05-17,5\n", "utf-8")
    (tmp_path / "map.yaml").write_text("source_id: id\ntime: at\nanswers: {n: n}\n", "utf-8")
    for accepted in (1, 0):
        read = read_mapping(tmp_path / "map.yaml", contract)
        loaded = load(store, contract, tmp_path / "rows.csv", read, key=b"key")
        assert (loaded.accepted, loaded.there) == (accepted, 1 - accepted)
        merge(store, b"key", 0)
