"""A file of tallies is read by segment key, by segment, or for the sizes of segments alone."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from chalicelib import counting, parquet, tally_files

SEGMENTS = [f"a{number:04}" for number in range(1500)]
ROWS = [
    (key, segment, item, value, flagged, number % 7 + 1, None, None, None)
    for key, segments in (("", [""]), ("agent", SEGMENTS), ("team", ["t1", "t2"]))
    for number, segment in enumerate(segments)
    for item, value in (
        *(("care", "5"), ("responses", ""), ("speed", "1"), ("speed", "2"), ("wait", "na")),
        *([("moments", "care|speed")] if key != "team" else []),
    )
    for flagged in (False, True)
]


def table(rows: list[tuple[object, ...]]) -> pa.Table:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return pa.table(columns, schema=parquet.schema(counting.TALLIES))


def rows_of(found: pa.Table) -> list[tuple[object, ...]]:
    return sorted(tuple(row.values()) for row in found.to_pylist())


def sought(columns: list[str], **values: list[str]) -> list[tuple[object, ...]]:
    places = [counting.COLUMNS.index(name) for name in columns]
    return sorted(
        tuple(row[place] for place in places)
        for row in ROWS
        if all(row[counting.COLUMNS.index(name)] in some for name, some in values.items())
    )


def test_any_order_of_rows_is_one_file() -> None:
    """Counting here, in Athena, again or in two goes leaves the same bytes."""
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    assert tally_files.encode(table(shuffled), {"a": "b"}) == tally_files.encode(
        table(ROWS), {"a": "b"}
    )


def test_the_sizes_of_segments_lie_first_and_moments_last() -> None:
    items = parquet.decode(tally_files.encode(table(ROWS)))["item"].to_pylist()
    sizes = 2 * (len(SEGMENTS) + 3)
    assert set(items[:sizes]) == {counting.RESPONSES}
    assert counting.RESPONSES not in items[sizes:]
    moments = 2 * (len(SEGMENTS) + 1)
    assert set(items[-moments:]) == {counting.MOMENTS}
    assert counting.MOMENTS not in items[:-moments]


def test_whoever_wants_sizes_reads_nothing_else() -> None:
    """As long as the file is, what is left of it without its other row groups is enough."""
    columns = ["segment_value", "flagged", "n"]
    data = tally_files.encode(table(ROWS))
    wanted = sought(columns, segment_key=["agent"], item=["responses"])
    assert rows_of(tally_files.sizes(data, "agent", columns)) == wanted
    # Zeros where the other row groups are: whoever looks there fails.
    file = parquet.opened(data)
    first = file.metadata.row_group(3)
    start = first.column(0).dictionary_page_offset
    end = len(data) - 8 - file.metadata.serialized_size
    torn = data[:start] + bytes(end - start) + data[end:]
    assert rows_of(tally_files.sizes(torn, "agent", columns)) == wanted
    with pytest.raises((OSError, pa.ArrowException)):
        tally_files.read(torn, "agent", columns)


@pytest.mark.parametrize("segments", [["a0007"], ["a0000", "a0700", "a1499"], [], ["nobody"]])
def test_some_segments_are_read_with_all_that_is_counted_of_them(segments: list[str]) -> None:
    columns = ["segment_value", "item", "value", "flagged", "n"]
    found = tally_files.read(tally_files.encode(table(ROWS)), "agent", columns, segments)
    assert rows_of(found) == sought(columns, segment_key=["agent"], segment_value=segments)


def test_a_file_of_earlier_software_has_the_same_sizes() -> None:
    """Its rows lie otherwise, so all are looked at; days past their keeping stay as they were."""
    columns = ["segment_value", "flagged", "n"]
    data = parquet.encode(table(ROWS), {"echoform.sources": "{}"}, group=4096)
    found = tally_files.sizes(data, "agent", columns)
    assert rows_of(found) == sought(columns, segment_key=["agent"], item=["responses"])


def test_no_tallies_are_a_file_too() -> None:
    data = tally_files.encode(table(ROWS).slice(0, 0))
    assert tally_files.sizes(data, "", ["n"]).num_rows == 0
    assert tally_files.read(data, "", ["n"]).num_rows == 0
