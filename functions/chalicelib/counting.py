"""The counting behind every score, as one SQL text in Athena's dialect, made from contracts.

It reads days of ``responses`` and gives one row per day (``dt``), segment, item and value: how
many people said so. The text keeps to SQL that Athena and DuckDB agree on: no division at all,
every name quoted, every cast written out, halves rounded by hand. Athena works out a subquery
again wherever it is named, so what needs no value of its own is counted side by side, at once.

============  ==================================================================================
item          value
============  ==================================================================================
``responses`` ``""``: everybody
a field       the code or number given; ``na``; of several codes each, and ``""``: who chose any
a ranking     ``1 speed``: who put ``speed`` first, and so on; and ``""``: who ranked any
``index``     whole points; ``total`` sums it exactly, in thousand-millionths of a point
``fcr``       ``yes``: solved with one contact; ``no``: anything else from who answered both
``flags``     a flag, and ``near_duplicate``
index_spread  ``""``: how far from whole points; ``total`` sums the squares, in millionths of one
reweighted    ``""``: an index without some question that it weighs
``moments``   ``x|y``: who gave both ratings; ``total`` is Σxy, ``total_x`` Σx, ``total_y`` Σy
============  ==================================================================================

A segment has one value per response, so only questions with one code can be segments. A response
without that value is in no segment of that key. Pairs of keys that an author asks for are a key
too (``team,hour``), and their values one (with ``BETWEEN`` in the middle). Moments are of every two
of the first ratings, and neither by hour nor by pairs: nobody is led by the hour.

Of an anonymous survey only segments of 10 people or more are told, and only where nobody finds a
smaller one by subtracting; and pairs of keys only on days when no two of their values, or one
without the other, were shared by fewer.

Every count is made twice: of responses that are ``flagged`` and of those that are not. A response
is flagged by its own facts (``chalicelib.survey.quality``) but ``plain`` and ``late``, and as
``speeder`` and ``repeat`` (``chalicelib.doubts``).
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from . import columns, doubts
from .columns import Column
from .doubts import FLAGGED, FLAGS
from .survey import Contract, Field
from .views import DAY, quoted, text

FORMAT = "5"
"""Raised when tallies change in a way that the text does not show."""

NANO = 1_000_000_000
"""In ``total``, one point of the index: sums of whole numbers are the same in any order."""
MICRO = 1_000_000
"""The same for squares, which would not fit otherwise."""
BETWEEN = 31
"""The number of the character between the two values of a pair: no value has it."""
MANY = 100
"""Sums made in one go: Athena compiles no list of more than 254."""
RATINGS = 30
"""Of so many, the first ones, every two have moments: 435 pairs."""

EVERYBODY = ""
INDEX = "index"
FCR = "fcr"
RESPONSES = "responses"
FLAGGED_BY = "flags"
SPREAD = "index_spread"
REWEIGHTED = "reweighted"
MOMENTS = "moments"
PEOPLE = 10
"""Of an anonymous survey no smaller segment is told."""

TALLIES = (
    *(Column(name, "string") for name in ("segment_key", "segment_value", "item", "value")),
    Column("flagged", "bool"),
    *(Column(name, "int64") for name in ("n", "total", "total_x", "total_y")),
)
"""The columns of tallies."""
COLUMNS = [column.name for column in TALLIES]

_NANO = '"nano points"'  # no question can be called that
_SQUARE = '"square of micro points"'
_LESS = '"less weight"'
_DAY = quoted(DAY.name)
COUNTED = ("code", "codes", "order", "scale")


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
    return list(dict.fromkeys([*known, *columns.ALWAYS, *chosen]))


def counted(contracts: Iterable[Contract]) -> list[Field]:
    """The fields that are counted by value."""
    fields = {
        field.id: field
        for version in contracts
        for question in version.questions
        if question.tallies
        for field in question.fields()
        if field.kind in COUNTED and not field.personal
    }
    return list(fields.values())


def key_pairs(contracts: Iterable[Contract]) -> list[str]:
    """The pairs of segment keys that any version asks for, ``team,hour``; each once."""
    versions = list(contracts)
    known = segment_keys(versions)
    asked = {frozenset(pair): pair for v in reversed(versions) for pair in reversed(v.segments)}
    return [",".join(pair) for pair in reversed(asked.values()) if set(pair) <= set(known)]


class _Sum(NamedTuple):
    """A row of tallies that is counted beside others: SQL for each number."""

    item: str
    value: str
    n: str
    total: str = "NULL"
    total_x: str = "NULL"
    total_y: str = "NULL"


class Steps(NamedTuple):
    """The counting, one query after the other, in Athena's SQL."""

    tables: list[tuple[str, str]]
    """To make, by name; each reads those before it."""
    counts: list[str]
    """To put together as ``tallied``, in any order."""
    told: list[tuple[str, str]]
    """What is told of ``tallied``: the last of these tables, or all of it."""

    @property
    def last(self) -> str:
        """The tallies, of ``tallied``."""
        return _with(self.told, self.told[-1][0] if self.told else "tallied")


def statement(
    contracts: Sequence[Contract], table: str = "responses", days: Sequence[str] = ()
) -> str:
    """The counting for all versions of a survey, as one statement of Athena's."""
    made = steps(contracts, table, days)
    known = [*made.tables, ("tallied", "\nUNION ALL\n".join(made.counts)), *made.told]
    return _with(known, known[-1][0])


def _with(known: Sequence[tuple[str, str]], source: str) -> str:
    ctes = ", ".join(f"{name} AS (\n{query}\n)" for name, query in known)
    return f"""{"WITH " * bool(ctes)}{ctes}
SELECT {_DAY}, {", ".join(COLUMNS)}
FROM {source}
WHERE segment_value IS NOT NULL
"""


def steps(
    contracts: Sequence[Contract], table: str = "responses", days: Sequence[str] = ()
) -> Steps:
    """The counting for all versions of a survey. ``table`` holds what is counted: any days, each
    of which is counted by itself; or only these ``days`` of it."""
    chosen = f"SELECT * FROM {quoted(table)} WHERE {_DAY} IN ({', '.join(map(text, days))})"
    table = "chosen" if days else table
    pairs = key_pairs(contracts)
    single = segment_keys(contracts)
    keys = [*single, *pairs]
    fields = counted(contracts)
    once, less = _once(contracts), _less(contracts)
    beside = [_Sum(RESPONSES, "", "COUNT(*)")]
    beside += [_Sum(FLAGGED_BY, f, _count(quoted(doubts.flag(f)))) for f in FLAGS]
    items = []
    for field in fields:
        if field.kind == "codes":
            beside.append(_Sum(field.id, "", f"COUNT({quoted(field.id)})"))
            each = f'answers CROSS JOIN UNNEST({quoted(field.id)}) AS each ("each code")'
            items.append(_item(keys, field.id, "each code", each))
        elif field.kind == "order":
            beside.append(_Sum(field.id, "", f"COUNT({quoted(field.id)})"))
            items.append(_item(keys, field.id, "each rank", _ranked(field)))
        else:
            items.append(_item(keys, field.id, field.id))
        if columns.has_na(field):
            beside.append(_Sum(field.id, "na", _count(quoted(columns.na(field.id)))))
    if less:
        items.append(_item(keys, INDEX, INDEX, total=f"SUM({_NANO})"))
        beside.append(_Sum(SPREAD, "", f"COUNT({quoted(INDEX)})", f"SUM({_SQUARE})"))
        beside.append(_Sum(REWEIGHTED, "", _count(_LESS)))
    if once:
        items.append(_item(keys, FCR, FCR))
    items += _side_by_side(keys, beside)
    items += _side_by_side([key for key in single if key != "hour"], _moments(fields))
    alike = doubts.alike(contracts, [_DAY, *_segments(keys), *doubts.flags()], table)
    if alike:
        found = [_Sum(FLAGGED_BY, doubts.ALIKE, "COUNT(*)")]
        items += _side_by_side(keys, found, "alike")
    tables = [
        *[("chosen", chosen)] * bool(days),
        *doubts.beside(table),
        ("answers", _answers(contracts, keys, once, less, table)),
        *alike,
    ]
    return Steps(tables, items, _told(pairs) if contracts[-1].anonymous else [])


def _told(pairs: Sequence[str]) -> list[tuple[str, str]]:
    """What is told of an anonymous survey.

    A segment of fewer people is left out, and so is the next larger one where those left out,
    with those in no segment, would be fewer still. What pairs of keys tell can be subtracted along
    either key, from what either key tells: there, one small cell is enough to tell nothing.
    """
    cells = [
        f"""SELECT {_DAY} AS "small day", {text(pair)} AS "small key" FROM answers
  GROUP BY {_DAY}, {", ".join(_by(key) for key in pair.split(","))} HAVING COUNT(*) < {PEOPLE}"""
        for pair in pairs
    ]
    small = (
        """LEFT JOIN (SELECT "small day", "small key" FROM small GROUP BY "small day", "small key")
  AS small ON "small day" = "a day" AND "small key" = "a key\""""
        if pairs
        else ""
    )
    return [
        *([("small", "\nUNION ALL\n".join(cells))] if pairs else []),
        (
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
) AS sizes ON {_DAY} = "a day" AND segment_key = "a key" AND segment_value = "a value" {small}
WHERE ("a key" = '' OR (people >= {PEOPLE} AND (untold = 0 OR untold >= {PEOPLE})))"""
            + ' AND "small key" IS NULL' * bool(pairs),
        ),
    ]


def _segments(keys: Iterable[str]) -> list[str]:
    return [f"{_segment(key)} AS {_by(key)}" for key in keys]


def _answers(
    contracts: Sequence[Contract], keys: Sequence[str], once: str, less: str, table: str
) -> str:
    """The columns that are counted, as they are counted."""
    index = f"{quoted(INDEX)} * 1E0"
    shown = [_DAY, *_segments(keys), *doubts.flags()]
    shown += [quoted(c.name) for field in counted(contracts) for c in columns.of(field)]
    if less:
        off = f"CAST(FLOOR(({index} - FLOOR({index} + 5E-1)) * {MICRO} + 5E-1) AS BIGINT)"
        shown += [
            f"CAST(FLOOR({index} + 5E-1) AS INTEGER) AS {quoted(INDEX)}",
            f"CAST(FLOOR({index} * {NANO} + 5E-1) AS BIGINT) AS {_NANO}",
            f"{off} * {off} AS {_SQUARE}",
            f"{less} AS {_LESS}",
        ]
    if once:
        shown.append(f"{once} AS {quoted(FCR)}")
    return "SELECT " + ",\n  ".join(shown) + f"\nFROM {quoted(table)} {doubts.BESIDE}"


def _less(contracts: Iterable[Contract]) -> str:
    """Whether the index does without a question that the version weighs; "" where none does.

    What is personal is stored apart, and cannot be seen here.
    """
    weighed: dict[tuple[str, ...], list[str]] = {}
    for version in contracts:
        names = tuple(q.id for q in version.weighted if not q.personal)
        if version.weighted:
            weighed.setdefault(names, []).append(version.version)
    cases = [
        f"WHEN {_of(versions)} THEN "
        + (" OR ".join(f"{quoted(name)} IS NULL" for name in names) or "FALSE")
        for names, versions in weighed.items()
    ]
    return (
        f"CASE WHEN {quoted(INDEX)} IS NOT NULL THEN CASE {' '.join(cases)} END END"
        if cases
        else ""
    )


def _moments(fields: Iterable[Field]) -> list[_Sum]:
    """The sums of every two ratings."""
    ratings = [field.id for field in fields if field.kind == "scale"][:RATINGS]
    return [
        _Sum(
            MOMENTS,
            f"{one}|{two}",
            f"COUNT({x} * {y})",
            f"SUM({x} * {y})",
            f"SUM(CASE WHEN {y} IS NOT NULL THEN {x} END)",
            f"SUM(CASE WHEN {x} IS NOT NULL THEN {y} END)",
        )
        for one, two in combinations(sorted(ratings), 2)
        for x, y in [(quoted(one), quoted(two))]
    ]


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
        f"WHEN {_of(versions)} THEN CASE"
        f" WHEN {quoted(solved)} = 'yes' AND {quoted(contacts)} = {text(first)} THEN 'yes'"
        f" WHEN {quoted(solved)} IS NOT NULL AND {quoted(contacts)} IS NOT NULL THEN 'no' END"
        for (solved, contacts, first), versions in asked.items()
    ]
    return f"CASE {' '.join(cases)} END" if cases else ""


def _ranked(field: Field) -> str:
    """Each code of a ranking with its rank, ``1 speed``."""
    code = quoted("each code")
    rank = f"CAST(ARRAY_POSITION({quoted(field.id)}, {code}) AS VARCHAR)"
    each = f"SELECT *, CONCAT({rank}, ' ', {code}) AS {quoted('each rank')}"
    return f"({each} FROM answers CROSS JOIN UNNEST({quoted(field.id)}) AS each ({code})) AS ranked"


def _item(
    keys: Sequence[str], item: str, by: str, source: str = "answers", total: str = "NULL"
) -> str:
    """Counts of one item's values, told apart ``by`` a column, for everybody and each segment."""
    return (
        f"SELECT {_told_by(keys)}, {text(item)} AS item, CAST({quoted(by)} AS VARCHAR) AS value,"
        f" {FLAGGED}, COUNT(*) AS n, CAST({total} AS BIGINT) AS total,"
        f" CAST(NULL AS BIGINT) AS total_x, CAST(NULL AS BIGINT) AS total_y"
        f" FROM {source} WHERE {quoted(by)} IS NOT NULL GROUP BY {_sets(keys, quoted(by))}"
    )


def _side_by_side(
    keys: Sequence[str], sums: Sequence[_Sum], source: str = "answers"
) -> Iterator[str]:
    """Sums that are made in one go, each a row of its own where it counts anybody."""
    for start in range(0, len(sums), MANY):
        some = sums[start : start + MANY]
        made = dict.fromkeys(sql for each in some for sql in each[2:] if sql != "NULL")
        names = {sql: f'"sum {n}"' for n, sql in enumerate(made)}
        shown = [f"CAST({sql} AS BIGINT) AS {name}" for sql, name in names.items()]
        lists = [[text(each[place]) for each in some] for place in range(2)]
        lists += [
            [names.get(each[place], "CAST(NULL AS BIGINT)") for each in some]
            for place in range(2, len(_Sum._fields))
        ]
        arrays = ", ".join(f"ARRAY[{', '.join(each)}]" for each in lists)
        yield (
            f"SELECT {_DAY}, {', '.join(COLUMNS)} FROM ("
            f"SELECT {_told_by(keys)}, {FLAGGED}, {', '.join(shown)}"
            f" FROM {source} GROUP BY {_sets(keys)}) AS sums"
            f" CROSS JOIN UNNEST({arrays}) AS each ({', '.join(_Sum._fields)}) WHERE n > 0"
        )


def _told_by(keys: Sequence[str]) -> str:
    """Day and segment of a row of grouping sets."""
    key = " ".join(f"WHEN GROUPING({_by(k)}) = 0 THEN {text(k)}" for k in keys)
    worth = " ".join(f"WHEN GROUPING({_by(k)}) = 0 THEN {_by(k)}" for k in keys)
    return (
        f"{_DAY}, CASE {key} ELSE '' END AS segment_key, CASE {worth} ELSE '' END AS segment_value"
    )


def _sets(keys: Sequence[str], *by: str) -> str:
    sets = [", ".join([_DAY, FLAGGED, *by, *[_by(key)] * bool(key)]) for key in [EVERYBODY, *keys]]
    return f"GROUPING SETS ({', '.join(f'({one})' for one in sets)})"


def _count(condition: str) -> str:
    return f"COUNT(CASE WHEN {condition} THEN 1 END)"


def _of(versions: Iterable[str]) -> str:
    return f"{quoted('version')} IN ({', '.join(map(text, versions))})"


def _segment(key: str) -> str:
    if "," in key:
        one, two = map(_segment, key.split(","))
        return f"{one} || CHR({BETWEEN}) || {two}"
    return f"LPAD(CAST({quoted(key)} AS VARCHAR), 2, '0')" if key == "hour" else quoted(key)


def _by(key: str) -> str:
    """A segment key's own name: the question it comes from is counted under another."""
    return quoted(f"by {key}")
