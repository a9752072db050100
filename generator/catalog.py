"""What analysts find: every table and view by name, the same in Athena and in DuckDB.

Tables lie in storage as they are. Views are SQL in Athena's dialect, made from contracts alone, and
translated where DuckDB runs them (``generator.dialect``); so that an analyst's query means the same
on a laptop and in AWS.

==========================  =====================================================================
``responses_<survey>``      its answers; ``<survey>`` alone is the same (dashes are underscores)
``contacts_<survey>``       what is personal
``tallies``                 the counts behind every score, of all surveys (``survey`` names which)
``tallies_<survey>``        those of one
``questions``, ``labels``   what was asked, in which words, in every version and language
``audit``                   who did what, when
``answers_<survey>``        long: a row for each answer, of several codes a row for each
``ratings_<survey>``        of these the ratings, as numbers, with scale and dimension
``labels_<survey>``         what codes are called now, a column for each language
``flags_<survey>``          what speaks against which response: a row for each flag
``invitations_<survey>``    who was asked: a row for each invitation, how far it came, and when
``invitations``             those of all surveys, without what only one knows
``follow_ups_<survey>``     what was followed up: a row for each follow-up, as it is now
``follow_up_events_<…>``    what happened to them: a row for each event
``follow_ups``,             those of all surveys, without what only one knows
``follow_up_events``
``break_offs_<survey>``     who began and left, by day: how many after which question
``consents``                every text that could be agreed to, by the hash kept with the answer
==========================  =====================================================================
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from chalicelib import break_offs, columns, doubts, keys
from chalicelib.columns import Column
from chalicelib.counting import TALLIES
from chalicelib.follow_ups import landing as follow_ups
from chalicelib.invitations import landing
from chalicelib.survey import Contract, Field, Question, Scaled
from chalicelib.survey.questions import NA
from chalicelib.views import DAY, quoted, text
from generator import codebook

AUDIT = tuple(Column(name, "string") for name in ("happened_at", "who", "what", "survey", "facts"))
AUDIT_EVENTS = "audit_events"
SURVEY = Column("survey", "string")

MANY = 100
"""Questions taken apart at once: Athena compiles no array of more than 254."""


class Table(NamedTuple):
    """Files under a prefix. ``by``: what is in their path, in that order."""

    name: str
    columns: tuple[Column, ...]
    prefix: str
    by: tuple[Column, ...] = ()
    kind: str = "parquet"


class View(NamedTuple):
    """``reads``: names of the tables and views in its SQL."""

    name: str
    sql: str
    reads: tuple[str, ...]


class Catalog(NamedTuple):
    tables: tuple[Table, ...]
    views: tuple[View, ...]
    """Each after those it reads."""


Surveys: TypeAlias = Mapping[str, Sequence[Contract]]
"""Every version of each survey, oldest first."""


SHARED = (
    *("tallies", "questions", "labels", "consents", "audit", "invitations"),
    *("follow_ups", "follow_up_events"),
)
"""What there is whatever was published."""


def names_of(survey: str) -> set[str]:
    """Every name a survey has, without looking at it."""
    kinds = (
        "responses",
        "contacts",
        "tallies",
        "flags",
        "answers",
        "ratings",
        "labels",
        "invitations",
        "follow_ups",
        "follow_up_events",
        "break_offs",
    )
    return {identifier(survey), *(keys.table(kind, survey) for kind in kinds)}


def catalog(surveys: Surveys) -> Catalog:
    """All tables and views of these surveys."""
    tables: list[Table] = [*_shared()]
    views: list[View] = [AUDIT_VIEW, CONSENTS, *_of_all(surveys)]
    for survey, versions in surveys.items():
        tables += tables_of(survey, versions)
        views += views_of(survey, versions)
    taken = {table.name for table in tables} | {view.name for view in views}
    for survey in surveys:
        if identifier(survey) not in taken:
            views.append(_as_is(identifier(survey), keys.table(keys.RESPONSES, survey)))
    return Catalog(tuple(tables), tuple(views))


def identifier(survey: str) -> str:
    return survey.replace("-", "_")


def _shared() -> tuple[Table, ...]:
    return (
        Table("tallies", TALLIES, keys.TALLIES, (SURVEY, DAY)),
        Table("questions", codebook.QUESTIONS, keys.QUESTIONS),
        Table("labels", codebook.LABELS, keys.LABELS),
        Table(AUDIT_EVENTS, AUDIT, keys.AUDIT, (DAY,), "json"),
    )


AUDIT_VIEW = View(
    "audit",
    "SELECT FROM_ISO8601_TIMESTAMP(happened_at) AS happened_at, who, what, survey, facts, dt\n"
    f"FROM {AUDIT_EVENTS}",
    (AUDIT_EVENTS,),
)
CONSENTS = View(
    "consents",
    "SELECT survey, field AS question, version, language, text_hash,\n"
    "  CASE WHEN hint IS NULL THEN text WHEN text IS NULL THEN hint\n"
    "    ELSE CONCAT(text, CHR(10), hint) END AS text\n"
    "FROM questions WHERE text_hash IS NOT NULL",
    ("questions",),
)


def tables_of(survey: str, versions: Sequence[Contract]) -> list[Table]:
    return [
        Table(keys.table(table, survey), wanted, f"{table}{survey}/", (DAY,))
        for table, wanted in (
            (keys.RESPONSES, columns.responses(versions)),
            (keys.CONTACTS, columns.contacts(versions)),
            (keys.INVITATIONS, landing.table(versions)),
            (keys.FOLLOW_UPS, follow_ups.table(versions)),
            (keys.FOLLOW_UP_EVENTS, follow_ups.EVENTS),
            (keys.BREAK_OFFS, break_offs.COLUMNS),
        )
    ]


_SHARED_COLUMNS = {
    keys.INVITATIONS: (*landing.BEFORE, *landing.AFTER, DAY),
    keys.FOLLOW_UPS: (*follow_ups.BEFORE, *follow_ups.AFTER, DAY),
    keys.FOLLOW_UP_EVENTS: (*follow_ups.EVENTS, DAY),
}


def _of_all(surveys: Iterable[str]) -> Iterator[View]:
    """Tables of all surveys together, which are called as their prefix."""
    for prefix, shared in _SHARED_COLUMNS.items():
        tables = {survey: keys.table(prefix, survey) for survey in surveys}
        made = [
            f"SELECT {text(survey)} AS survey, {_listed(shared)}\nFROM {quoted(table)}"
            for survey, table in tables.items()
        ]
        if made:
            yield View(prefix.rstrip("/"), "\nUNION ALL\n".join(made), tuple(tables.values()))


def views_of(survey: str, versions: Sequence[Contract]) -> list[View]:
    responses = keys.table(keys.RESPONSES, survey)
    fields = latest(versions)
    ratings = {name: each for name, each in fields.items() if each[1].kind == "scale"}
    tallied = f"SELECT {_listed(TALLIES)}, {quoted(DAY.name)}\nFROM tallies"
    return [
        View(
            keys.table("tallies", survey), f"{tallied} WHERE survey = {text(survey)}", ("tallies",)
        ),
        View(keys.table("flags", survey), doubts.statement(versions, responses), (responses,)),
        View(keys.table("answers", survey), _answers(responses, versions, fields), (responses,)),
        View(keys.table("ratings", survey), _ratings(responses, versions, ratings), (responses,)),
        View(keys.table("labels", survey), _labels(survey, versions), ("labels",)),
    ]


def latest(versions: Iterable[Contract]) -> dict[str, tuple[Question, Field]]:
    """Every field whose column analysts see, as the latest version that has it asks it."""
    return {
        field.id: (question, field)
        for version in versions
        for question in version.questions
        for field in question.fields()
        if field.rule and not field.personal
    }


def _as_is(name: str, table: str) -> View:
    return View(name, f"SELECT * FROM {quoted(table)}", (table,))


def _beside(versions: Sequence[Contract]) -> str:
    """What stands beside each answer of a response."""
    known = [name for version in versions for name in columns.attributes(version)]
    fixed = ["response", DAY.name, "received_at", "hour", "version", "language", "channel"]
    return ", ".join(quoted(name) for name in dict.fromkeys([*fixed, *known]))


def _answers(
    table: str, versions: Sequence[Contract], fields: Mapping[str, tuple[Question, Field]]
) -> str:
    """A field's answers as a list of texts, and as a number; then one row for each text."""
    selects = []
    for some in _portions(fields):
        names = ", ".join(text(name) for name, _ in some)
        said = ",\n    ".join(_texts(field) for _, (_, field) in some)
        numbers = ",\n    ".join(_number(field) for _, (_, field) in some)
        selects.append(
            f"SELECT {_beside(versions)},\n"
            f"  ELEMENT_AT(ARRAY[{names}], place) AS field, value,\n"
            f"  ELEMENT_AT(ARRAY[\n    {numbers}], place) AS number\n"
            f"FROM {quoted(table)}\n"
            f"CROSS JOIN UNNEST(SEQUENCE(1, {len(some)})) AS places (place)\n"
            f"CROSS JOIN UNNEST(ELEMENT_AT(ARRAY[\n    {said}], place)) AS said (value)\n"
            "WHERE value IS NOT NULL"
        )
    return "\nUNION ALL\n".join(selects) or _nothing(
        table, versions, {"field": "VARCHAR", "value": "VARCHAR", "number": "DOUBLE"}
    )


def _portions(
    fields: Mapping[str, tuple[Question, Field]],
) -> Iterator[list[tuple[str, tuple[Question, Field]]]]:
    every = list(fields.items())
    for start in range(0, len(every), MANY):
        yield every[start : start + MANY]


def _texts(field: Field) -> str:
    name = quoted(field.id)
    if field.kind == "codes":
        return name
    value = f"CAST({name} AS VARCHAR)"
    if field.kind == "number" and (field.rule or [])[3]:
        value = f"CAST(CAST({name} AS DECIMAL(18, 6)) AS VARCHAR)"  # both engines write it alike
    if columns.has_na(field):
        value = f"CASE WHEN {quoted(columns.na(field.id))} THEN {text(NA)} ELSE {value} END"
    return f"ARRAY[{value}]"


def _number(field: Field) -> str:
    counted = field.kind in ("scale", "number")
    return f"CAST({quoted(field.id) if counted else 'NULL'} AS DOUBLE)"


def _ratings(
    table: str, versions: Sequence[Contract], fields: Mapping[str, tuple[Question, Field]]
) -> str:
    """Ratings with their ends, so that scales can be told apart, and what they measure."""
    selects = []
    for some in _portions(fields):
        asked = [question for _, (question, _) in some if isinstance(question, Scaled)]
        dimensions = [text(q.dimension) if q.dimension else "CAST(NULL AS VARCHAR)" for q in asked]
        told = {
            "field": [text(question.id) for question in asked],
            "dimension": dimensions,
            "rating": [quoted(question.id) for question in asked],
            "low": [str(question.ends[0]) for question in asked],
            "high": [str(question.ends[1]) for question in asked],
        }
        shown = ",\n  ".join(
            f"ELEMENT_AT(ARRAY[{', '.join(cells)}], place) AS {name}"
            for name, cells in told.items()
        )
        selects.append(
            f"SELECT * FROM (SELECT {_beside(versions)},\n  {shown}\n"
            f"FROM {quoted(table)} CROSS JOIN UNNEST(SEQUENCE(1, {len(some)})) AS places (place)\n"
            ") AS rated WHERE rating IS NOT NULL"
        )
    types = {"field": "VARCHAR", "dimension": "VARCHAR"}
    types |= dict.fromkeys(("rating", "low", "high"), "INTEGER")
    return "\nUNION ALL\n".join(selects) or _nothing(table, versions, types)


def _nothing(table: str, versions: Sequence[Contract], types: Mapping[str, str]) -> str:
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in types.items())
    return f"SELECT {_beside(versions)}, {empty} FROM {quoted(table)} WHERE FALSE"


def _labels(survey: str, versions: Sequence[Contract]) -> str:
    """Codes as the latest version that has them calls them; those taken away keep their name."""
    order = " ".join(
        f"WHEN {text(each.version)} THEN {place}" for place, each in enumerate(versions)
    )
    languages = dict.fromkeys(language for each in versions for language in each.languages)
    shown = ",\n  ".join(
        f"MAX(CASE WHEN language = {text(language)} THEN label END) AS {label_in(language)}"
        for language in languages
    )
    return (
        f"SELECT field, code, MAX(CASE WHEN latest THEN position END) AS position,\n  {shown}\n"
        f"FROM (SELECT *, CASE version {order} END = MAX(CASE version {order} END)\n"
        "    OVER (PARTITION BY field, code) AS latest\n"
        f"  FROM labels WHERE survey = {text(survey)}) AS known\n"
        "WHERE latest GROUP BY field, code"
    )


def label_in(language: str) -> str:
    """The column of ``labels_<survey>`` that has the labels of a language."""
    return f"label_{language.lower().replace('-', '_')}"


def _listed(listed: Iterable[Column]) -> str:
    return ", ".join(quoted(column.name) for column in listed)
