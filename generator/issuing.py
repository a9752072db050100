"""Making links: one to print here and now, or one for every row of a table.

Links are stored before anybody sees their codes: cut off between the two, codes nobody has are
left over, and never a customer with a code that does not work. Whoever was cut off begins again.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from glob import escape
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from chalicelib import claims, links
from chalicelib.days import DAY_MS
from chalicelib.links import OPEN, PERSONAL, Link, Taken
from chalicelib.running import now
from chalicelib.storage import Store
from chalicelib.survey import Contract, EchoformError, Invalid
from chalicelib.survey.rules import check
from chalicelib.survey.words import say
from generator.cells import harmless
from generator.data import open_data
from generator.link_addresses import url
from generator.local import live
from generator.site import load_site
from generator.tables import Ragged, Row, read_table

CHUNK = 250_000
"""Links stored at a time, each shard once; it bounds memory."""
ADDED = ("code", "url")
"""The columns before those of the table."""
LABEL = "label"
_SPAN = re.compile(r"([1-9][0-9]{0,4})([dh])")
_HOUR_MS = DAY_MS // 24
_VALUE = ["text", 1, 200]


class Unissuable(EchoformError):
    """Links cannot be made as asked. Says why, and nothing was made."""


def pairs(words: Sequence[str]) -> dict[str, str]:
    """``--store 012 --agent=A7`` as attributes. Raises Unissuable."""
    found: dict[str, str] = {}
    left = list(words)
    while left:
        name, equals, value = left.pop(0).partition("=")
        if not name.startswith("--") or not (equals or left):
            raise Unissuable(f"{name!r} is no attribute; write it as --store 012")
        found[name[2:].replace("-", "_")] = value if equals else left.pop(0)
    return found


def attributes(contract: Contract, given: Mapping[str, str]) -> dict[str, str]:
    """What a link shall know, cleaned; what is empty is left out. Raises Unissuable."""
    if strange := [name for name in given if name not in contract.attributes]:
        known = ", ".join(contract.attributes) or "none"
        raise Unissuable(
            f"{contract.id} declares no attribute {', '.join(strange)} (it has: {known})"
        )
    return {name: value for name, text in given.items() if (value := _cleaned(name, text))}


def expiry(contract: Contract, text: str, at: int) -> int:
    """When ``30d``, ``12h`` or the end of the survey's day ``2026-06-30`` is. Raises Unissuable."""
    if span := _SPAN.fullmatch(text):
        return at + int(span[1]) * (DAY_MS if span[2] == "d" else _HOUR_MS)
    try:
        after = date.fromisoformat(text) + timedelta(days=1)
        end = datetime.combine(after, time(), ZoneInfo(contract.timezone))
    except (ValueError, OverflowError):
        raise Unissuable(f"{text!r} is no time; write 30d, 12h or 2026-06-30") from None
    if end.timestamp() * 1000 <= at:
        raise Unissuable(f"{text} is over already")
    return int(end.timestamp() * 1000)


def new_link(
    contract: Contract, words: Sequence[str], personal: bool, expires: str | None, label: str
) -> Link:
    """A link as the command line describes it. Raises Unissuable."""
    return Link(
        survey=contract.id,
        personal=personal,
        attributes=attributes(contract, pairs(words)),
        expires_at=expiry(contract, expires, now()) if expires else None,
        label=_cleaned(LABEL, label),
    )


def issue(store: Store, wanted: Sequence[Link]) -> list[str]:
    """Store new links; their codes, one for each."""
    while True:
        made: dict[str, Link] = {}
        for link in wanted:
            code = links.mint(PERSONAL if link.personal else OPEN)
            while code in made:  # an open code is short: there may be another such
                code = links.mint(OPEN)
            made[code] = link
        try:
            links.add(store, made, new=True)
        except Taken:  # so another survey's poster may have it
            continue
        return list(made)


def issue_all(
    store: Store, contract: Contract, table: Path, common: Link, site: str, to: Path
) -> int:
    """A link like ``common`` for every row, whose columns are attributes; how many.

    A column ``label`` is for those who issue. All rows are checked first. ``to`` appears whole or
    not at all, readable by its owner alone.
    """
    if to.exists():
        raise Unissuable(f"{to} is there already; name another file with --to")
    columns = read_table(table).columns
    attributes(contract, _split(contract, dict.fromkeys(columns, ""))[1])
    if not any(read_table(table).rows):
        raise Unissuable(f"{table}: no rows")
    every = read_table(table).rows
    wrong = [problem for row in every if (problem := _problem(contract, common, *row))]
    if wrong:
        more = f"\nand {len(wrong) - 20} more" if len(wrong) > 20 else ""
        raise Unissuable("\n".join(f"{table}:{each}" for each in wrong[:20]) + more)
    for left in to.parent.glob(f".{escape(to.name)}.[0-9]*"):
        left.unlink(missing_ok=True)  # by one who was cut off; it has codes in it
    partial = to.with_name(f".{to.name}.{os.getpid()}")
    issued = 0
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*ADDED, *map(harmless, columns)])
            for chunk in _chunks(table):
                codes = issue(store, [_link(contract, common, row) for row in chunk])
                for code, row in zip(codes, chunk, strict=True):
                    cells = map(harmless, row.values())
                    writer.writerow([code, url(site, contract.id, code), *cells])
                issued += len(chunk)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(to)
    finally:
        partial.unlink(missing_ok=True)
    return issued


def shown(store: Store, code: str, at: int) -> dict[str, str]:
    """What is known of a code, in words. Raises Unissuable where it is no link's."""
    link = links.look_up(store, code)
    if link is None:
        mistyped = "; it is mistyped, for its last symbol does not fit the others"
        raise Unissuable(f"no link has this code{mistyped if links.is_mistyped(code) else ''}")
    expired = link.expires_at is not None and link.expires_at <= at
    answered = link.personal and claims.held(store, link.survey, links.hash_of(code))
    return {
        "survey": link.survey,
        "kind": "personal" if link.personal else "open",
        "state": "answered" if answered else "expired" if expired else "open",
        **({"label": link.label} if link.label else {}),
        **({"expires": _moment(link.expires_at)} if link.expires_at is not None else {}),
        **link.attributes,
    }


def run_link(
    survey: str,
    words: Sequence[str],
    kind: str | None,
    table: Path | None,
    to: Path | None,
    expires: str | None,
    label: str,
    site: Path,
    data: str,
    say: Callable[[str], None],
) -> None:
    """Make the links asked for, and say where they are."""
    if kind is None and table is None:
        raise Unissuable("say which: --open, --personal, or --from a table of customers")
    store = open_data(data)
    contract = live(store, survey)
    link = new_link(contract, words, kind != "open", expires, label)
    start = load_site(site if site.is_file() else None).url
    if table is None:
        (code,) = issue(store, [link])
        say(url(start, contract.id, code))
        return
    to = to or table.with_name(f"{table.stem}-links.csv")
    issued = issue_all(store, contract, table, link, start, to)
    warning = "Keep it safe: each code is one customer's" if link.personal else "Open links"
    say(f"{to}: {issued} links. {warning}")


def _problem(contract: Contract, common: Link, number: int, row: Row | Ragged) -> str:
    """What is wrong with a row, after its number; "" if nothing is."""
    if isinstance(row, Ragged):
        return f"{number}: {row}"
    try:
        _link(contract, common, row)
    except Unissuable as wrong:
        return f"{number}: {wrong}"
    return ""


def _link(contract: Contract, common: Link, row: Row) -> Link:
    label, known = _split(contract, {name: str(cell) for name, cell in row.items()})
    told = {**common.attributes, **attributes(contract, known)}
    return msgspec.structs.replace(common, attributes=told, label=label or common.label)


def _cleaned(name: str, text: str) -> str:
    try:
        return _clean(text)
    except Invalid as wrong:
        raise Unissuable(f"{name}: {say('en', wrong.code, wrong.facts)}") from None


@lru_cache(1 << 16)
def _clean(text: str) -> str:
    """Remembered, for most cells of a long table are agents, teams and stores over and over."""
    return str(check(_VALUE, text) or "")


def _split(contract: Contract, row: dict[str, str]) -> tuple[str, dict[str, str]]:
    """A row's label, if that is no attribute of the survey's, and the rest."""
    label = row.pop(LABEL, "") if LABEL not in contract.attributes else ""
    return _cleaned(LABEL, label), row


def _chunks(table: Path) -> Iterator[list[Row]]:
    rows = (row for _, row in read_table(table).rows if not isinstance(row, Ragged))
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().isoformat(" ", "minutes")
