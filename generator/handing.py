"""Links handed out as QR codes: one code, a poster, or one for every row of a table.

What is drawn of a table is drawn again from the table of links that was made of it: posters hang
for years, and must not lead to other links when they are printed anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from msgspec import Struct

from chalicelib import links
from chalicelib.links import OPEN, Link
from chalicelib.storage import Store
from chalicelib.survey import Contract
from generator.data import open_data
from generator.hanging import pdf
from generator.issuing import Unissuable, issue, issue_all, new_link
from generator.link_addresses import short, url
from generator.local import live
from generator.poster import Poster, Sheet, Unprintable, code_side, poster, size_for
from generator.qr import code_of, png, svg
from generator.site import Site, load_site
from generator.tables import Ragged, read_table

_LANGUAGE = re.compile(r"([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)=(.+)", re.DOTALL)
_UNNAMED = re.compile(r"[^\w-]+")
"""What of a label is not for a file's name."""
_DRAWN: dict[str, Callable[[Poster, list[Sheet]], bytes]] = {
    "pdf": pdf,
    "svg": lambda _, sheets: svg(sheets[0].code.url),
    "png": lambda _, sheets: png(sheets[0].code.url),
}
_LOCAL = ("127.0.0.1", "localhost")


class Wanted(Struct, frozen=True, kw_only=True):
    """How codes are to be drawn."""

    output: Path
    kind: str | None = None
    size: str | None = None
    distance: float | None = None
    languages: list[str] = []
    calls: Sequence[str] = ()
    font: Path | None = None
    bleed: bool = False


def run_qr(
    survey: str,
    words: Sequence[str],
    code: str | None,
    table: Path | None,
    label: str,
    expires: str | None,
    wanted: Wanted,
    site: Path,
    data: str,
    say: Callable[[str], None],
) -> None:
    """Draw a link that there is, a new open one, or all of a table, and say where they are."""
    store = open_data(data)
    contract = live(store, survey)
    place = load_site(site if site.is_file() else None)
    hung = _hung(contract, place, wanted, code or "0" * OPEN)
    _kind(wanted, table is not None)
    if code is not None and (words or label or expires or table):
        raise Unissuable("--code draws a link as it is; leave the rest out, or --code")
    if code is not None:
        sheets = [_known(store, contract, place, code)]
    else:
        common = new_link(contract, words, False, expires, label)
        if table is None:
            (made,) = issue(store, [common])
            sheets = [_sheet(place, made, common)]
        else:
            sheets = list(_all(store, contract, place, table, common, say))
    for line in _written(hung, [sheet for sheet, _ in sheets], wanted, table is not None):
        say(line)
    if any(personal for _, personal in sheets):
        say("Keep it safe: each code is one customer's")
    if urlsplit(place.url).hostname in _LOCAL:
        say(f"These codes lead to {place.url}, this machine alone: write `url` in {site}")


def _hung(contract: Contract, site: Site, wanted: Wanted, code: str) -> Poster:
    """The poster, before any link is made. Raises Unprintable."""
    calls = {}
    for call in wanted.calls:
        named = _LANGUAGE.fullmatch(call)
        first = (wanted.languages or contract.languages)[0]
        calls[named[1] if named else first] = named[2] if named else call
    address = code_of(_address(site, contract.id, code))
    size = wanted.size or (size_for(address, wanted.distance) if wanted.distance else "A4")
    return poster(contract, site, size, wanted.languages, calls, wanted.font, wanted.bleed)


def _address(site: Site, survey: str, code: str) -> str:
    return (short if site.short else url)(site.url, survey, code)


def _known(store: Store, contract: Contract, site: Site, code: str) -> tuple[Sheet, bool]:
    """The sheet of a link that there is, and whether it is a personal one. Raises Unissuable."""
    link = links.look_up(store, code)
    if link is None or link.survey != contract.id:
        raise Unissuable(f"no link of {contract.id} has the code {code}")
    return _sheet(site, links.canonical(code), link)


def _sheet(site: Site, code: str, link: Link) -> tuple[Sheet, bool]:
    return Sheet(code_of(_address(site, link.survey, code)), link.label), link.personal


def _all(
    store: Store,
    contract: Contract,
    site: Site,
    table: Path,
    common: Link,
    say: Callable[[str], None],
) -> Iterator[tuple[Sheet, bool]]:
    """A sheet for each row: of the link it has, or of one that is made for it."""
    if "code" not in read_table(table).columns:
        made = table.with_name(f"{table.stem}-links.csv")
        if made.exists():
            raise Unissuable(
                f"{made} is there already: draw those links again with --from {made}, "
                f"or take it away to make others"
            )
        issued = issue_all(store, contract, table, common, site.url, made)
        say(f"{made}: {issued} open links; to draw them again: --from {made}")
        table = made
    elif common != Link(contract.id):
        raise Unissuable(f"{table} has links that are made already; give only --from and --output")
    for number, row in read_table(table).rows:
        if isinstance(row, Ragged):
            raise Unissuable(f"{table}:{number}: {row}")
        try:
            yield _known(store, contract, site, str(row["code"]))
        except Unissuable as wrong:
            raise Unissuable(f"{table}:{number}: {wrong}") from None


def _kind(wanted: Wanted, many: bool) -> tuple[str, bool]:
    """What kind of file is wanted, and whether one for each link. Raises Unprintable."""
    kind = wanted.output.suffix[1:].lower()
    if many and (wanted.output.is_dir() or not kind):
        return wanted.kind or "pdf", True
    if kind not in _DRAWN or (many and kind != "pdf"):
        raise Unprintable(
            f"{wanted.output}: call it .pdf, .svg or .png; for a file to each row of a table name "
            f"a folder, and with --format what they shall be"
        )
    return kind, False


def _written(hung: Poster, sheets: list[Sheet], wanted: Wanted, many: bool) -> Iterator[str]:
    """Write the sheets as asked; what to say of them."""
    kind, apart = _kind(wanted, many)
    if apart:
        wanted.output.mkdir(parents=True, exist_ok=True)
        for number, sheet in enumerate(sheets, 1):
            label = _UNNAMED.sub("-", sheet.label)[:60].strip("-")
            name = f"{number:04d}-{label}" if label else f"{number:04d}"
            _write(wanted.output / f"{name}.{kind}", _DRAWN[kind](hung, [sheet]))
    else:
        _write(wanted.output, _DRAWN[kind](hung, sheets))
    code = sheets[0].code
    if kind == "pdf":
        side = code_side(code, hung.size)
        told = f"{side:.0f} mm wide, read from {code.reach(side):.2f} m"
        yield f"{wanted.output}: {len(sheets)} × {hung.size}, the code {told}"
    else:
        sides = ", ".join(f"{code.side(reach):.0f} mm from {reach:g} m" for reach in (0.3, 1, 3))
        yield f"{wanted.output}: {len(sheets)} × {kind}; how wide to be read: {sides}"


def _write(path: Path, data: bytes) -> None:
    """The file whole or not at all, for its owner alone: a personal link may be on it."""
    partial = path.with_name(f".{path.name}-{token_hex(4)}")
    try:
        with open(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
