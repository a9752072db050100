"""What speaks against a response beside others of its day, as SQL that the counting builds on.

**Speeder**: faster than half the median of the day's responses to the same version; and, once there
are 100, more than 2 standard deviations below the mean of the logarithms. (The rules and the lower
limit are those of the quality flags in use for web surveys; see Greszki, Meyer and Schoen 2015.)
The day is the measure because a day's tallies must follow from that day's responses alone: counting
again then gives the same flags. Seconds are whole and logarithms are rounded to thousandths, so all
sums are of whole numbers, and exact; the median is the lower of two.

**Repeat**: a plain form, sent a second time. The page's script freezes an answer under one id, so a
double tap is one answer. A page without script cannot: it is the same file for everybody, so no
number in its form could tell two people apart. What can be seen is the very same answers, to the
same version in the same language, over the same link, within 10 minutes, twice from such a form;
the second is flagged, and counts in every figure until somebody leaves the flagged ones out. Where
moments are blunted to days (an anonymous survey) this is not looked for. Both lie in one day but
for ten minutes around midnight.

**Near duplicate**: somebody else wrote the very same text of 10 characters or more that day, and
more than 85 % of the rest is the same. With few questions, agreement without a text shows nothing,
so it is not looked for. The other answers are cut into blocks of at most 15 % of them, and two
responses are alike where all blocks but one agree: a sort of the few that share a text, never a
comparison of all with all. It misses differences that lie in several blocks, and it never claims
what is not so. It is for review: honest people may write the same few words, so it does not make a
response ``flagged``.
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import columns
from .survey import Contract
from .survey.quality import FACTS
from .survey.questions import Hidden
from .views import DAY, quoted, text

SPEEDER = "speeder"
ALIKE = "near_duplicate"
REPEAT = "repeat"
FLAGS = (*(fact for fact in FACTS if fact not in ("plain", "late")), SPEEDER, REPEAT)
"""What makes a response ``flagged``."""
FLAGGED = quoted("flagged")

MANY = 100
"""Responses from which on the spread says something."""
WRITTEN = 10
"""Characters from which on the same text is no accident."""
DIFFERENT = 0.15
AGAIN_MIN = 10
"""Minutes in which a plain form is sent again: Back and Send, or a reload."""

_DAY = quoted(DAY.name)
_SECONDS = 'GREATEST("duration", 1)'

BESIDE = (
    'LEFT JOIN paces ON "pace day" = "dt" AND "pace version" = "version"'
    ' LEFT JOIN repeats ON "repeat day" = "dt" AND "the repeat" = "response"'
)
"""Gives each response the longest duration that is too short for its day and version, and its own
name if it is a repeat."""


def flag(name: str) -> str:
    """The column that says whether a response has the flag."""
    return f"flag {name}"


def flags() -> list[str]:
    """The columns of all flags, and whether there is any; to be selected ``BESIDE``."""
    told = {fact: f"COALESCE({quoted(fact)}, FALSE)" for fact in FLAGS if fact in FACTS}
    told[SPEEDER] = 'COALESCE("duration" <= "the pace", FALSE)'
    told[REPEAT] = '"the repeat" IS NOT NULL'
    return [
        *(f"{each} AS {quoted(flag(name))}" for name, each in told.items()),
        f"({' OR '.join(told.values())}) AS {FLAGGED}",
    ]


def beside(table: str) -> list[tuple[str, str]]:
    """What stands ``BESIDE`` responses."""
    return [*_paces(table), ("repeats", _repeats(table))]


def _repeats(table: str) -> str:
    alike = f"""{_DAY}, "version", "language", COALESCE("link", ''), "digest\""""
    return f"""SELECT {_DAY} AS "repeat day", "response" AS "the repeat" FROM (
  SELECT {_DAY}, "response", "received_at",
    LAG("received_at") OVER (PARTITION BY {alike} ORDER BY "received_at", "response") AS before
  FROM {quoted(table)} WHERE "plain" AND "hour" IS NOT NULL
) AS plain WHERE "received_at" <= before + INTERVAL '{AGAIN_MIN}' MINUTE"""


def _paces(table: str) -> list[tuple[str, str]]:
    """How fast is too fast, by day and version."""
    whose = '(PARTITION BY "pace day", "pace version"'
    return [
        (
            "durations",
            f"""SELECT {_DAY} AS "pace day", "version" AS "pace version", {_SECONDS} AS seconds,
  CAST(FLOOR(LN({_SECONDS}) * 1E3 + 5E-1) AS BIGINT) AS logarithm, COUNT(*) AS n
FROM {quoted(table)} WHERE "duration" IS NOT NULL GROUP BY {_DAY}, "version", {_SECONDS}""",
        ),
        (
            "spread",
            f"""SELECT *, SUM(n) OVER {whose} ORDER BY seconds) AS so_far,
  CAST(SUM(n) OVER {whose}) AS DOUBLE) AS people,
  CAST(SUM(n * logarithm) OVER {whose}) AS DOUBLE) AS total,
  CAST(SUM(n * logarithm * logarithm) OVER {whose}) AS DOUBLE) AS squares
FROM durations""",
        ),
        (
            "medians",
            f"""SELECT *, people * logarithm - total AS below,
  MIN(CASE WHEN 2 * so_far >= people THEN seconds END) OVER {whose}) AS median
FROM spread""",
        ),
        (
            "paces",
            # x < mean - 2 sd, without a division: both sides times n, squared, times n - 1
            f"""SELECT "pace day", "pace version", MAX(seconds) AS "the pace" FROM medians
WHERE 2 * seconds < median OR (people >= {MANY} AND below < 0
  AND below * below * (people - 1) > 4 * people * (people * squares - total * total))
GROUP BY "pace day", "pace version\"""",
        ),
    ]


def alike(contracts: Iterable[Contract], shown: Sequence[str], table: str) -> list[tuple[str, str]]:
    """The near duplicates, with the columns ``shown``; nothing where nobody can write."""
    asked = [(q, f) for c in contracts for q in c.questions for f in q.fields()]
    fields = {f.id: (q, f) for q, f in asked if f.rule and not f.personal}
    written = [
        name for name, (q, f) in fields.items() if f.kind == "text" and not isinstance(q, Hidden)
    ]
    others = [
        quoted(column.name)
        for name, (_, field) in fields.items()
        if name not in written
        for column in columns.of(field)
    ]
    if not written:
        return []
    texts = [f"COALESCE({quoted(name)}, '')" for name in written]
    said = f"CONCAT({', '.join([*texts, repr('')])})"
    size = max(1, int(DIFFERENT * len(others)))
    blocks = [others[at : at + size] for at in range(0, len(others), size)] or [["1"]]
    rows = [f'ROW({", ".join(block)}) AS "block {n}"' for n, block in enumerate(blocks)]
    # With fewer than seven answers, one of them is more than 15 %: then all must agree.
    left_out = range(len(blocks)) if size <= DIFFERENT * len(others) else [-1]
    same = [
        ", ".join(
            [_DAY, quoted("the text"), *(f'"block {n}"' for n in range(len(blocks)) if n != left)]
        )
        for left in left_out
    ]
    counts = " OR ".join(f'"alike {n}" > 1' for n in range(len(same)))
    windows = [f'COUNT(*) OVER (PARTITION BY {by}) AS "alike {n}"' for n, by in enumerate(same)]
    return [
        (
            "texts",
            f"""SELECT {_DAY} AS "text day", "the text" FROM (SELECT {_DAY}, {said} AS "the text"
  FROM {quoted(table)}) AS texts
WHERE LENGTH("the text") >= {WRITTEN} GROUP BY {_DAY}, "the text" HAVING COUNT(*) > 1""",
        ),
        (
            "suspects",
            f"""SELECT {", ".join([*shown, quoted("the text"), *rows])}
FROM {quoted(table)} JOIN texts ON "text day" = {_DAY} AND "the text" = {said} {BESIDE}""",
        ),
        (
            "alike",
            f"""SELECT * FROM (SELECT *, {", ".join(windows)} FROM suspects) AS counted
WHERE {counts}""",
        ),
    ]


def statement(contracts: Sequence[Contract], table: str) -> str:
    """Which responses have which flag: ``dt``, ``response`` and ``flag``, one row for each.

    It says the same in Athena and in DuckDB.
    """
    same = alike(contracts, [_DAY, quoted("response"), *flags()], table)
    doubted = f"SELECT *, {', '.join(flags())} FROM {quoted(table)} {BESIDE}"
    known = [*beside(table), ("doubted", doubted), *same]
    sources = [(name, f"doubted WHERE {quoted(flag(name))}") for name in FLAGS]
    sources += [(ALIKE, "alike")] * bool(same)
    each = [
        f"SELECT {_DAY}, {quoted('response')}, {text(name)} AS flag FROM {source}"
        for name, source in sources
    ]
    ctes = ", ".join(f"{name} AS ({query})" for name, query in known)
    return f"WITH {ctes} " + " UNION ALL ".join(each)
