"""``echoform customers``: what is known of each customer by their answers, as a table for the CRM.

One row for each customer number that links of the survey named: the last scores, index and day;
how they are reached and in which language; follow-ups that are open and improvement actions under
way that their last answers raised; and whether they opted out. It is personal, so each time it is
made is noted in the audit trail. No text becomes a formula (``exporting``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from chalicelib import actions, answered, audit, improving, keys, parts
from chalicelib.columns import CUSTOMER
from chalicelib.follow_ups.events import OPEN
from chalicelib.follow_ups.opening import open_record
from chalicelib.follow_ups.port import Query, Record, every
from chalicelib.invitations import contact_rule
from chalicelib.running import now
from chalicelib.storage import Store
from chalicelib.survey import Contract
from chalicelib.survey.figures import on_five
from generator import row_files
from generator.data import open_data, settings
from generator.exporting import NotExported
from generator.row_files import FORMATS

_FIXED = [
    ("customer", pa.string()), ("responses", pa.int32()), ("last_response", pa.string()),
    ("answered_at", pa.timestamp("ms", "UTC")), ("index", pa.float64()),
    ("channel", pa.string()), ("language", pa.string()), ("opted_out", pa.bool_()),
    ("open_follow_ups", pa.list_(pa.string())), ("open_actions", pa.list_(pa.string())),
]  # fmt: skip
BATCH = 10_000


def run_customers(
    survey: str, output: Path, form: str | None, data: str, say: Callable[[str], None]
) -> None:
    """Write the table. Raises EchoformError."""
    store, key = open_data(data), settings(data).key
    contracts = improving.versions(store, survey)
    if contracts[-1].anonymous or CUSTOMER not in contracts[-1].attributes:
        raise NotExported(f"{survey} knows no customers")
    form = form or output.suffix.lstrip(".")
    if form not in FORMATS:
        raise NotExported(f"{output}: not one of {', '.join(FORMATS)}; say --format")
    who = audit.operator()
    audit.record(store, who, "read_contacts", now(), survey)  # whoever cannot note does not read
    found = known(store, key, contracts, open_record(settings(data)))
    write(found, contracts, form, output)
    audit.record(store, who, "export", now(), survey, rows=len(found), contacts=1)
    say(f"{len(found):,} customers in {output}")


def known(
    store: Store, key: bytes, contracts: list[Contract], record: Record
) -> list[dict[str, Any]]:
    """A row for each customer, in order of their numbers."""
    survey, names = contracts[-1].id, [*improving.ratings(contracts)]
    last: dict[str, dict[str, Any]] = {}
    count: Counter[str] = Counter()
    responses: dict[str, str] = {}
    hashes: dict[str, set[str]] = defaultdict(set)
    for row, contact in _rows(store, survey):
        customer = contact[CUSTOMER]
        ways = answered.addresses(contracts[-1], contact)
        count[customer] += 1
        responses[row["response"]] = customer
        hashes[customer] |= {*contact_rule.person(key, customer, *(to for _, to in ways))}
        before = last.get(customer)
        if before is None or before["response"] < row["response"]:
            channel = ways[0][0] if ways else before["ways"] if before else None
            last[customer] = {**row, "ways": channel}
    out = contact_rule.look_up(store, {each for some in hashes.values() for each in some})
    waiting: dict[str, list[str]] = defaultdict(list)
    for item in every(record, Query(survey=survey, states=tuple(sorted(OPEN)))):
        if item.response in responses:
            waiting[responses[item.response]].append(item.id)
    raised = _raising(store, contracts)
    return [
        {
            "customer": customer,
            "responses": count[customer],
            "last_response": row["response"],
            "answered_at": row["received_at"],
            "index": row["index"],
            "channel": row["ways"],
            "language": row["language"],
            "opted_out": any(e in out and out[e].opted_out is not None for e in hashes[customer]),
            "open_follow_ups": sorted(waiting[customer]),
            "open_actions": raised(row),
            **{name: row.get(name) for name in names},
        }
        for customer, row in sorted(last.items())
    ]


def _rows(store: Store, survey: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every response of a known customer, and what is personal of it."""
    for entry in store.list(f"{keys.CONTACTS}{survey}/"):
        beside = parts.read(store, entry.key).rows
        rows = parts.read(store, keys.RESPONSES + entry.key.removeprefix(keys.CONTACTS)).rows
        if rows is None or beside is None or CUSTOMER not in beside.column_names:
            continue
        contacts = {
            (each["response"], each["digest"]): each
            for each in beside.to_pylist()
            if each[CUSTOMER]
        }
        mine = rows.filter(parts.among(rows["response"], {name for name, _ in contacts}))
        for row in mine.to_pylist():
            with suppress(KeyError):  # of a rival that lost
                yield row, contacts[row["response"], row["digest"]]


def _raising(store: Store, contracts: list[Contract]) -> Callable[[dict[str, Any]], list[str]]:
    """The actions under way that an answer raises: low on what they are about, of their segment."""
    asked = improving.ratings(contracts)
    under_way = [a for a in actions.every(store, contracts[-1].id) if a.state not in actions.OVER]

    def low(row: dict[str, Any], item: str) -> bool:
        point = row.get(item)
        if point is None or item not in asked:
            return False
        return on_five(point, *asked[item].ends) < contracts[-1].bands.satisfied

    def raised(row: dict[str, Any]) -> list[str]:
        found = []
        for action in under_way:
            segment, _, value = action.segment.partition("=")
            meant = not segment or str(row.get(segment)) == value
            if meant and any(low(row, item) for item in action.items):
                found.append(action.id)
        return found

    return raised


def write(rows: list[dict[str, Any]], contracts: list[Contract], form: str, path: Path) -> None:
    """The file appears when it is whole."""
    scores = [(name, pa.int32()) for name in improving.ratings(contracts)]
    schema = pa.schema([*_FIXED, *scores])
    with row_files.written(path, form, schema) as file:
        for at in range(0, max(len(rows), 1), BATCH):
            file.add(pa.Table.from_pylist(rows[at : at + BATCH], schema))
