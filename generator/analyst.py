"""What the analyst's commands do: find figures, and print or write them in the form asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click
from msgspec import Struct
from rich.console import Console, RenderableType

from chalicelib.days import is_day
from chalicelib.running import now
from chalicelib.survey import EchoformError
from chalicelib.survey.comparing import Comparison
from generator.boards import compared_board, cut_board, drivers_board, trace_board
from generator.cuts import cut
from generator.data import open_data
from generator.driving import driving
from generator.scoreboard import table
from generator.scores import scores
from generator.sheets import COLUMNS, Row, as_csv, as_json, as_xlsx, score_rows
from generator.tallied import PERIODS, Unscorable, Window
from generator.tracing import trace
from generator.waves import compare_segments, compare_waves, window

LEGIBLE = 50
"""Segments in a table, unless told: more are for a file. Periods alone are all shown."""


def show_scores(
    survey: str,
    by: Sequence[str],
    days: Window,
    wave: str | None,
    with_flagged: bool,
    publishable: bool,
    most: int | None,
    form: str,
    out: Path | None,
    data: str,
) -> None:
    """Scores, in all or by keys; or of them what may be published."""
    store = open_data(data)
    if publishable:
        if not wave or any(days):
            raise EchoformError("publish a whole wave: --publishable --wave 2026-Q3")
        told = cut(store, survey, wave, by, not with_flagged, now())
        show(told, lambda: cut_board(told), form, out, [cells(row) for row in told.rows])
        return
    first, last = _days(days, wave)
    if most is None and form == "table" and not out and not {*by} <= {*PERIODS}:
        most = LEGIBLE
    found = scores(store, survey, by, first, last, not with_flagged, most)
    show(found, lambda: table(found, found.language), form, out, score_rows(found), COLUMNS)


def show_compared(
    survey: str,
    waves: Sequence[str],
    by: str | None,
    on: str | None,
    segment: str | None,
    with_flagged: bool,
    form: str,
    out: Path | None,
    data: str,
) -> None:
    """Two waves, or each segment of a key beside the rest (in a wave, if one is named)."""
    store = open_data(data)
    if by:
        days = window(waves[0]) if waves else (None, None)
        found = compare_segments(store, survey, by, on, days, not with_flagged)
    elif len(waves) == 2:
        pair = waves[0], waves[1]
        found = compare_waves(store, survey, pair, not with_flagged, _segment(segment))
    else:
        raise EchoformError("name two waves (--wave 2026-Q2 --wave 2026-Q3), or a key (--by agent)")
    rows: list[Row] = [
        {
            **{"segment": line.segment, "item": line.item, "figure": line.figure},
            **{"before": line.test.before.value, "before_n": line.test.before.n},
            **{"after": line.test.after.value, "after_n": line.test.after.n},
            **_test(line.test),
        }
        for line in found.lines
    ]
    show(found, lambda: compared_board(found), form, out, rows)


def show_traced(
    survey: str,
    dimension: str,
    by: Sequence[str],
    days: Window,
    wave: str | None,
    with_flagged: bool,
    form: str,
    out: Path | None,
    data: str,
) -> None:
    """Where a low dimension comes from."""
    days = _days(days, wave)
    found = trace(open_data(data), survey, dimension, by, days, not with_flagged)
    rows: list[Row] = [
        {
            **{"item": s.item, "key": s.key, "value": s.value, **cells(s.score)},
            **{"gain": s.gain, "of_answers": s.of_answers, "of_shortfall": s.of_shortfall},
            **_test(s.test),
        }
        for s in found.sources
    ]
    show(found, lambda: trace_board(found), form, out, rows)


def show_drivers(
    survey: str,
    on: str,
    among: Sequence[str],
    segment: str | None,
    days: Window,
    wave: str | None,
    with_flagged: bool,
    form: str,
    out: Path | None,
    data: str,
) -> None:
    """What drives a rating."""
    days, of = _days(days, wave), _segment(segment)
    found = driving(open_data(data), survey, on, among, days, of, not with_flagged)
    rows: list[Row] = [
        {
            **{"item": d.item, **cells(d.score), "share": d.share, "importance": d.importance},
            **{"weight": d.weight, "quadrant": d.quadrant, "r2": found.r2},
        }
        for d in found.drivers
    ]
    show(found, lambda: drivers_board(found), form, out, rows)


def show(
    found: Struct,
    board: Callable[[], RenderableType],
    form: str,
    out: Path | None,
    rows: Sequence[Row] | Iterator[Row],
    columns: Sequence[str] | None = None,
) -> None:
    """Print, or write to a file."""
    if form == "table":
        if out:
            raise EchoformError("a table is for the screen; --out takes --format csv, json or xlsx")
        Console().print(board())
        return
    listed = list(rows)
    names = columns or list(dict.fromkeys(name for row in listed for name in row))
    if form == "xlsx":
        if out is None:
            raise EchoformError("a spreadsheet needs a file: --out scores.xlsx")
        out.write_bytes(as_xlsx(names, listed))
        return
    text = as_json(found) if form == "json" else as_csv(names, listed)
    if out:
        out.write_text(text, "utf-8-sig" if form == "csv" else "utf-8", newline="")
    else:
        click.echo(text)


def cells(figure: Struct) -> Mapping[str, object]:
    """A figure's fields as cells."""
    return {
        name: " × ".join(value) if isinstance(value, list) else value
        for name in figure.__struct_fields__
        for value in [getattr(figure, name)]
    }


def _test(test: Comparison) -> Row:
    return {"p": test.p, "adjusted": test.adjusted, "verdict": test.verdict}


def _days(days: Window, wave: str | None) -> Window:
    if wave and any(days):
        raise EchoformError("say either --wave or --from and --to")
    for day in filter(None, days):
        if not is_day(day):
            raise EchoformError(f"{day!r} is no day; write it as 2026-05-17")
    return window(wave) if wave else days


def _segment(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    key, equals, value = text.partition("=")
    if not equals:
        raise Unscorable(f"{text!r} is no segment; write it as agent=A07")
    return key, value
