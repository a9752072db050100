"""Analysts' tables and views, made in Glue and Athena: when surveys go live, or when asked to.

Publishing makes them where the stack has a database for them. Nobody who answers waits for them, so
there what keeps them from being made is said, and stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from chalicelib.published import Definitions
from chalicelib.storage import Store
from chalicelib.survey import Contract, EchoformError
from generator import athena, glue
from generator.account import refusal
from generator.catalog import Surveys, catalog

LATER = "`echoform athena --data {data} --apply` makes them"


class Database(Struct, frozen=True):
    """Whose tables they are, and of which answers."""

    clients: Mapping[str, Any]
    """Of AWS, by service."""
    store: Store
    data: str
    """What the store is called."""
    name: str
    workgroup: str


def tell(
    database: Database,
    contracts: Iterable[Contract],
    moved: bool,
    dry_run: bool,
    say: Callable[[str], object],
) -> None:
    """Make what Athena must know of these contracts and all others, or say what that would be.

    ``moved``: something went live, so views are made again; else only where a table changed.
    """
    data = database.data
    if not data.startswith("s3://"):
        say("Athena's tables: none, for it reads S3 alone")
        return
    later = LATER.format(data=data)
    said = "Athena, to come" if dry_run else "Athena"
    try:
        database.clients["glue"].get_database(Name=database.name)  # it is the stack's to make
        known = _known(database.store, contracts)
        _, views = make(database, known, lambda line: say(f"{said}: {line}"), moved, dry_run)
        if views:
            say(f"{said}: {views} views made")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "EntityNotFoundException":
            say(f"Athena's tables: left out, there is no database {database.name} in Glue; {later}")
        else:
            say(f"Athena's tables: left out. {refusal(error)}. Then {later}")
    except (BotoCoreError, EchoformError) as error:
        say(f"Athena's tables: left out. {error}. Then {later}")


def make(
    database: Database,
    known: Surveys,
    say: Callable[[str], object],
    moved: bool = True,
    dry_run: bool = False,
) -> tuple[int, int]:
    """Make the tables and views of all these versions; how many tables there are, and how many
    views were made: all where something ``moved`` or a table changed, else none. The database is
    made too where there is none. Raises BadQuery.
    """
    first = glue.first_day(database.store, known)
    everything = catalog(known)
    place, name = database.data.rstrip("/"), database.name
    inputs = [glue.table_input(each, place, first, [*known]) for each in everything.tables]
    changed = glue.make_tables(database.clients["glue"], name, inputs, dry_run)
    for line in _together(changed):
        say(line)
    if not changed and not moved:
        return len(inputs), 0
    if not dry_run:
        for view in everything.views:
            athena.run(database.clients["athena"], glue.view_sql(view), name, database.workgroup)
    return len(inputs), len(everything.views)


def _together(changed: Iterable[str]) -> Iterator[str]:
    """``table x made`` and ``table y made`` in one line, for a new survey has five."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in changed:
        kind, name, done = line.split()
        found.setdefault((kind, done), []).append(name)
    for (kind, done), names in found.items():
        many = f"{len(names)} {kind}s {done}: " if len(names) > 1 else f"{kind} {done}: "
        yield many + ", ".join(names)


def _known(store: Store, contracts: Iterable[Contract]) -> dict[str, list[Contract]]:
    """Every version of each survey, those of ``contracts`` being live."""
    definitions = Definitions(store)
    known = {survey: definitions.versions(survey) for survey in definitions.surveys()}
    for contract in contracts:
        past = [each for each in known.get(contract.id, []) if each.version != contract.version]
        known[contract.id] = [*past, contract]
    return dict(sorted(known.items()))
