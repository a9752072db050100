"""Figures as JSON, CSV and XLSX: complete and unrounded, and no cell is ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct

from chalicelib import counting
from chalicelib.survey.figures import Share
from generator.cells import harmless
from generator.completion import RATE
from generator.scores import Scores, Segment

Row: TypeAlias = Mapping[str, object]


def as_json(figures: Struct) -> str:
    return msgspec.json.format(msgspec.json.encode(figures)).decode()


def as_csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: harmless(cell) for name, cell in row.items()})
    return out.getvalue()


def as_xlsx(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """One sheet. Texts are typed as texts, so they need no mark to stay what they are."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("figures")
    sheet.freeze_panes = "A2"
    sheet.append(list(columns))
    for row in rows:
        cells = []
        for name in columns:
            value = row.get(name)
            if isinstance(value, str):
                value = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub(" ", value)[:32_767])
                value.data_type = "s"
            cells.append(value)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_SHARES = ("top2", "full_marks", "ces", "yes")
COLUMNS = [
    *("survey", "by", "segment", "item", "type", "n", "na", "mean", "sd", "mean_low", "mean_high"),
    *("band", "nps", "margin"),
    *(f"{share}{end}" for share in _SHARES for end in ("", "_low", "_high")),
    *("reweighted", "counts"),
]
"""Of ``scores``: one row for each segment and item."""


def score_rows(scores: Scores) -> Iterator[dict[str, object]]:
    for segment in scores.segments:
        named = {"survey": scores.survey, "by": scores.by or "", "segment": segment.value}
        for row in _rows(segment):
            yield named | row
    if whole := scores.completion:
        row = {
            "survey": scores.survey,
            "item": RATE,
            "n": whole.rate.n,
            **_share("yes", whole.rate),
        }
        yield row | {"counts": "; ".join(f"{stop.question}: {stop.n}" for stop in whole.stopped)}


def _rows(segment: Segment) -> Iterator[dict[str, object]]:
    yield {"item": counting.RESPONSES, "n": segment.n}
    named = "; ".join(f"{name}: {n}" for name, n in segment.flags.items())
    yield {"item": counting.FLAGGED_BY, "n": segment.flagged, "counts": named}
    if index := segment.index:
        row = {"item": counting.INDEX, "n": index.n, "mean": index.mean, "band": index.band}
        interval = {"mean_low": index.low, "mean_high": index.high}
        yield row | interval | {"reweighted": index.reweighted}
    if segment.fcr:
        yield {"item": counting.FCR, "n": segment.fcr.n, **_share("yes", segment.fcr)}
    for item in segment.items:
        row = {"item": item.id, "type": item.type, "n": item.n, "na": item.na}
        if item.mean:
            row |= {"mean": item.mean.mean, "sd": item.mean.sd, "band": item.band}
            row |= {"mean_low": item.mean.low, "mean_high": item.mean.high}
        if item.nps:
            row |= {"nps": item.nps.nps, "margin": item.nps.margin}
        for name in _SHARES:
            row |= _share(name, getattr(item, name))
        yield row | {"counts": "; ".join(f"{value}: {n}" for value, n in item.counts.items())}


def _share(name: str, share: Share | None) -> dict[str, object]:
    if share is None:
        return {}
    return {name: share.share, f"{name}_low": share.low, f"{name}_high": share.high}
