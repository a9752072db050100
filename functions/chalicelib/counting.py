"""The counting behind every score, as one SQL text in Athena's dialect, made from contracts.

It reads days of ``responses`` and gives one row per day (``dt``), segment, item and value: how
many people said so. The text keeps to SQL that Athena and DuckDB agree on: no division at all,
every name quoted, every cast written out, halves rounded by hand.

============  ==================================================================================
item          value
============  ==================================================================================
``responses`` ``""``: everybody
a field       the code or number given; ``na``; of several codes each, and ``""``: who chose any
a ranking     ``1 speed``: who put ``speed`` first, and so on; and ``""``: who ranked any
``index``     whole points; ``total`` sums it exactly, in thousand-millionths of a point
``fcr``       ``yes``: solved with one contact; ``no``: anything else from who answered both
``flags``     a flag, and ``near_duplicate``
============  ==================================================================================

A segment has one value per response, so only questions with one code can be segments. A response
without that value is in no segment of that key. Of an anonymous survey only segments of 10 people
or more are told, and only where nobody finds a smaller one by subtracting.

Every count is made twice: of responses that are ``flagged`` and of those that are not. A response
is flagged by its own facts (``chalicelib.survey.quality``) but ``plain`` and ``late``, and as
``speeder`` and ``repeat`` (``chalicelib.doubts``).
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import columns, doubts
from .doubts import FLAGGED, FLAGS
from .survey import Contract, Field
from .views import DAY, quoted, text

FORMAT = "3"
"""Raised when tallies change in a way that the text does not show."""

NANO = 1_000_000_000
"""In ``total``, one point of the index: sums of whole numbers are the same in any order."""

EVERYBODY = ""
INDEX = "index"
FCR = "fcr"
RESPONSES = "responses"
FLAGGED_BY = "flags"
PEOPLE = 10
"""Of an anonymous survey no smaller segment is told."""

_ALWAYS = ("channel", "language", "hour")
_NANO = '"nano points"'  # no question can be called that
_DAY = quoted(DAY.name)
_COUNTED = ("code", "codes", "order", "scale")


def segment_keys(contracts: Iterable[Contract]) -> list[str]:
    """What scores can be cut by; never the customer."""
    versions = list(contracts)
    known = [a for v in versions for a in v.attributes if a != columns.CUSTOMER]
    chosen = [
        field.id
        for version in versions
        for question in version.questions
        if getattr(question, "segment", False)
        for field in question.fields()[:1]
        if field.kind == "code" and not field.personal
    ]
    return list(dict.fromkeys([*known, *_ALWAYS, *chosen]))


def counted(contracts: Iterable[Contract]) -> list[Field]:
    """The fields that are counted by value."""
    fields = {
        field.id: field
        for version in contracts
        for question in version.questions
        if question.tallies
        for field in question.fields()
        if field.kind in _COUNTED and not field.personal
    }
    return list(fields.values())


def statement(contracts: Sequence[Contract], table: str = "responses") -> str:
    """The counting for all versions of a survey, in Athena's SQL. ``table`` holds what is counted:
    any days, each of which is counted by itself."""
    keys = segment_keys(contracts)
    items = [_item(keys, RESPONSES, "''")]
    for field in counted(contracts):
        items += _field(keys, field)
    if any(version.weighted for version in contracts):
        points = f"CAST({quoted(INDEX)} AS VARCHAR)"
        items.append(_item(keys, INDEX, points, by=INDEX, total=f"SUM({_NANO})"))
    once = _once(contracts)
    if once:
        items.append(_item(keys, FCR, quoted(FCR), by=FCR))
    items += [_item(keys, FLAGGED_BY, text(f), where=quoted(doubts.flag(f))) for f in FLAGS]
    alike = doubts.alike(contracts, [_DAY, *_segments(keys), *doubts.flags()], table)
    if alike:
        items.append(_item(keys, FLAGGED_BY, text(doubts.ALIKE), source="alike"))
    union = "\nUNION ALL\n".join(items)
    known = [
        *doubts.beside(table),
        ("answers", _answers(contracts, keys, once, table)),
        *alike,
        ("tallied", union),
        *([_told()] if contracts[-1].anonymous else []),
    ]
    ctes = ", ".join(f"{name} AS (\n{query}\n)" for name, query in known)
    return f"""WITH {ctes}
SELECT {_DAY}, segment_key, segment_value, item, value, {FLAGGED}, n, total
FROM {known[-1][0]}
WHERE segment_value IS NOT NULL
ORDER BY {_DAY}, segment_key, segment_value, item, value, {FLAGGED}
"""


def _told() -> tuple[str, str]:
    """What is told of an anonymous survey.

    A segment of fewer people is left out, and so is the next larger one where those left out,
    with those in no segment, would be fewer still.
    """
    return (
        "told",
        f"""SELECT tallied.* FROM tallied JOIN (
  SELECT *, everybody - SUM(people) OVER (PARTITION BY "a day", "a key")
    + SUM(people) OVER (PARTITION BY "a day", "a key" ORDER BY people, "a value") - people AS untold
  FROM (
    SELECT *, SUM(CASE WHEN "a key" = '' THEN people END) OVER (PARTITION BY "a day") AS everybody
    FROM (
      SELECT {_DAY} AS "a day", segment_key AS "a key", segment_value AS "a value",
        SUM(n) AS people
      FROM tallied WHERE item = '{RESPONSES}' AND segment_value IS NOT NULL
      GROUP BY {_DAY}, segment_key, segment_value
    ) AS segments
  ) AS sizes
) AS sizes ON {_DAY} = "a day" AND segment_key = "a key" AND segment_value = "a value"
WHERE "a key" = '' OR (people >= {PEOPLE} AND (untold = 0 OR untold >= {PEOPLE}))""",
    )


def _segments(keys: Iterable[str]) -> list[str]:
    return [f"{_segment(key)} AS {_by(key)}" for key in keys]


def _answers(contracts: Sequence[Contract], keys: list[str], once: str, table: str) -> str:
    """The columns that are counted, as they are counted."""
    index = f"{quoted(INDEX)} * 1E0"
    shown = [_DAY, *_segments(keys), *doubts.flags()]
    shown += [quoted(c.name) for field in counted(contracts) for c in columns.of(field)]
    shown += [
        f"CAST(FLOOR({index} + 5E-1) AS INTEGER) AS {quoted(INDEX)}",
        f"CAST(FLOOR({index} * {NANO} + 5E-1) AS BIGINT) AS {_NANO}",
    ]
    if once:
        shown.append(f"{once} AS {quoted(FCR)}")
    return "SELECT " + ",\n  ".join(shown) + f"\nFROM {quoted(table)} {doubts.BESIDE}"


def _once(contracts: Sequence[Contract]) -> str:
    """Whether the first contact solved it, as each version asked; "" where none did."""
    asked: dict[tuple[str, str, str], list[str]] = {}
    for version in contracts:
        roles = {getattr(q, "role", None): q for q in version.questions}
        if "solved" in roles and "contacts" in roles:
            contacts = roles["contacts"].fields()[0]
            first = (contacts.rule or [])[1][0]
            key = roles["solved"].id, contacts.id, first
            asked.setdefault(key, []).append(version.version)
    cases = [
        f"WHEN {quoted('version')} IN ({', '.join(map(text, versions))}) THEN CASE"
        f" WHEN {quoted(solved)} = 'yes' AND {quoted(contacts)} = {text(first)} THEN 'yes'"
        f" WHEN {quoted(solved)} IS NOT NULL AND {quoted(contacts)} IS NOT NULL THEN 'no' END"
        for (solved, contacts, first), versions in asked.items()
    ]
    return f"CASE {' '.join(cases)} END" if cases else ""


def _field(keys: list[str], field: Field) -> list[str]:
    name = field.id
    answered = f"{quoted(name)} IS NOT NULL"
    if field.kind == "codes":
        each = f'answers CROSS JOIN UNNEST({quoted(name)}) AS each ("each code")'
        return [
            _item(keys, name, "''", where=answered),
            _item(keys, name, '"each code"', by="each code", source=each),
        ]
    if field.kind == "order":
        code = quoted("each code")
        rank = f"CAST(ARRAY_POSITION({quoted(name)}, {code}) AS VARCHAR)"
        each = f"SELECT *, CONCAT({rank}, ' ', {code}) AS {quoted('each rank')}"
        each += f" FROM answers CROSS JOIN UNNEST({quoted(name)}) AS each ({code})"
        return [
            _item(keys, name, "''", where=answered),
            _item(keys, name, quoted("each rank"), by="each rank", source=f"({each}) AS ranked"),
        ]
    items = [_item(keys, name, f"CAST({quoted(name)} AS VARCHAR)", by=name)]
    if columns.has_na(field):
        items.append(_item(keys, name, "'na'", where=quoted(columns.na(name))))
    return items


def _item(
    keys: list[str],
    item: str,
    value: str,
    *,
    by: str = "",
    where: str = "",
    total: str = "NULL",
    source: str = "answers",
) -> str:
    """Counts of one item, for everybody and for each segment; ``by`` is what is told apart."""
    where = where or (f"{quoted(by)} IS NOT NULL" if by else "TRUE")
    told = [_DAY, FLAGGED, *[quoted(by)] * bool(by)]
    sets = [", ".join([*told, *[_by(key)] * bool(key)]) for key in [EVERYBODY, *keys]]
    key = " ".join(f"WHEN GROUPING({_by(k)}) = 0 THEN {text(k)}" for k in keys)
    worth = " ".join(f"WHEN GROUPING({_by(k)}) = 0 THEN {_by(k)}" for k in keys)
    return (
        f"SELECT {_DAY}, CASE {key} ELSE '' END AS segment_key,"
        f" CASE {worth} ELSE '' END AS segment_value,"
        f" {text(item)} AS item, {value} AS value, {FLAGGED}, COUNT(*) AS n,"
        f" CAST({total} AS BIGINT) AS total"
        f" FROM {source} WHERE {where} GROUP BY GROUPING SETS ({', '.join(f'({s})' for s in sets)})"
    )


def _segment(key: str) -> str:
    return f"LPAD(CAST({quoted(key)} AS VARCHAR), 2, '0')" if key == "hour" else quoted(key)


def _by(key: str) -> str:
    """A segment key's own name: the question it comes from is counted under another."""
    return quoted(f"by {key}")
