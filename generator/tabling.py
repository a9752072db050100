"""What analysts' tables and views become when surveys go live: told, or made in Glue and Athena.

Made where the stack has a database for them. Nobody who answers waits for them, so what keeps them
from being made is said, and stops no publishing.
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
from generator.catalog import catalog

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
    try:
        for line in _made(database, contracts, moved, dry_run):
            say(line)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "EntityNotFoundException":
            say(f"Athena's tables: left out, there is no database {database.name} in Glue; {later}")
        else:
            say(f"Athena's tables: left out. {refusal(error)}. Then {later}")
    except (BotoCoreError, EchoformError) as error:
        say(f"Athena's tables: left out. {error}. Then {later}")


def _made(
    database: Database, contracts: Iterable[Contract], moved: bool, dry_run: bool
) -> Iterator[str]:
    name, client = database.name, database.clients["glue"]
    client.get_database(Name=name)
    known = _known(database.store, contracts)
    first = glue.first_day(database.store, known)
    everything = catalog(known)
    place = database.data.rstrip("/")
    inputs = [glue.table_input(each, place, first, [*known]) for each in everything.tables]
    changed = glue.make_tables(client, name, inputs, dry_run)
    said = "Athena, to come" if dry_run else "Athena"
    yield from (f"{said}: {line}" for line in _together(changed))
    if not changed and not moved:
        return
    if not dry_run:
        for view in everything.views:
            athena.run(database.clients["athena"], glue.view_sql(view), name, database.workgroup)
    yield f"{said}: {len(everything.views)} views made"


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
