"""Judging a history by what is stored in the end. Nothing here asks the code that is judged.

==============  ===============================================================================
missing         acknowledged, and in no part
twice           two rows under one id
invented        a row nobody sent, or whose every sending was refused
changed         a field of the row (or of its contacts) is not what was sent under that id
time            ``received_at`` is not when one of the sendings up to its receipt arrived
dropped         acknowledged, lost to another body under its id, and not in ``rejected/``
link            two responses over one personal link, or a link's claim is not of its one response
contact         contacts that belong to no row
left            something lies in ``landing/`` though nothing keeps it from being merged
erased          erased, and there again
fell, exceeded  a reader saw a count fall, or more than was sent
untallied       the scores count another number than there are rows
==============  ===============================================================================
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

from chalicelib import claims, keys, links, parquet
from chalicelib.storage import Store
from chalicelib.survey import Contract
from generator.scores import scores

from .history import History, Said, Violation

Row: TypeAlias = dict[str, Any]

KINDS = (
    *("missing", "twice", "invented", "changed", "time", "dropped", "link", "contact", "left"),
    *("erased", "fell", "exceeded", "untallied"),
)


def check(history: History, store: Store, contract: Contract) -> list[Violation]:
    """Every violation, after the last merge and tally have ended and nothing runs any more."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in read(store, keys.RESPONSES):
        rows[row["response"]].append(row)
    contacts: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in read(store, keys.CONTACTS):
        contacts[row["response"], row["digest"]].append(row)
    found = [*history.seen]
    rejected = _rejected(store)
    for response, bodies in history.said.items():
        mine = rows.get(response, [])
        found += _of_one(response, list(bodies.values()), mine, contacts, rejected, history)
    strangers = rows.keys() - history.said.keys()
    found += [Violation("invented", response, "nobody sent it") for response in strangers]
    found += _links(history, rows)
    found += _claims(history, store, contract, rows)
    kept = {(response, row["digest"]) for response, mine in rows.items() for row in mine}
    found += [Violation("contact", key[0], "belongs to no row") for key in contacts.keys() - kept]
    found += [Violation("left", entry.key, "not merged") for entry in store.list(keys.LANDING)]
    return found + list(_tallied(store, contract, sum(map(len, rows.values()))))


def read(store: Store, table: str) -> list[Row]:
    """Every row of a table, as plain values."""
    parts = [parquet.decode(store.get(entry.key).data) for entry in store.list(table)]
    return [row for part in parts for row in part.to_pylist()]


def differences(said: Said, row: Row, contacts: list[Row], personal: Iterable[str]) -> list[str]:
    """The fields in which a row, with its contacts, is not what was said."""
    sent = said.submission
    apart = {"customer", *personal}
    answers = {name: value for name, value in sent.answers.items() if name not in apart}
    expected: Row = {
        **dict.fromkeys(("speed", "recommend", "kind", "improve", "comment")),
        **answers,
        "speed": None if answers.get("speed") == "na" else answers.get("speed"),
        "speed_na": answers.get("speed") == "na" if "speed" in answers else None,
        "store": said.attributes.get("store"),
        "version": sent.version,
        "language": sent.language,
        "duration": sent.duration,
        "link": links.hash_of(sent.link) if sent.link else None,
    }
    wrong = [name for name, value in expected.items() if row.get(name) != value]
    customer = {k: v for k, v in said.attributes.items() if k == "customer"}
    apart_sent = {k: v for k, v in {**sent.answers, **customer}.items() if k in apart}
    kept = [{name: each.get(name) for name in apart if each.get(name)} for each in contacts]
    return wrong + ["contacts"] * (kept != ([apart_sent] if apart_sent else []))


PERSONAL = ("phone",)


def _of_one(
    response: str,
    bodies: list[Said],
    rows: list[Row],
    contacts: dict[tuple[str, str], list[Row]],
    rejected: dict[str, list[object]],
    history: History,
) -> Iterator[Violation]:
    acknowledged = [said for said in bodies if said.acknowledged]
    if response in history.erasing | history.erased:
        if rows and response in history.erased:
            yield Violation("erased", response, "has a row again")
        return
    if not rows:
        if acknowledged:
            yield Violation("missing", response, f"{len(acknowledged)} bodies were acknowledged")
        return
    if len(rows) > 1:
        yield Violation("twice", response, f"{len(rows)} rows")
    row = rows[0]
    possible = [said for said in bodies if said.possible]
    if not possible:
        yield Violation("invented", response, "every sending was refused")
        return
    beside = contacts.get((response, row["digest"]), [])
    wrong = [differences(said, row, beside, PERSONAL) for said in possible]
    if all(wrong):
        yield Violation("changed", response, f"differs in {min(wrong, key=len)}")
        return
    won = possible[wrong.index([])]
    at = int(row["received_at"].timestamp() * 1000 + 0.5)
    if won.arrivals and at not in won.arrivals:
        yield Violation("time", response, f"{at}, but it arrived at {sorted(won.arrivals)}")
    for said in acknowledged:
        same = said.submission.answers == won.submission.answers
        if not (same or said.personal or said.submission.answers in rejected.get(response, [])):
            yield Violation("dropped", response, "an acknowledged body is nowhere")


def _links(history: History, rows: dict[str, list[Row]]) -> Iterator[Violation]:
    bodies = [said for bodies in history.said.values() for said in bodies.values()]
    personal = {
        links.hash_of(b.submission.link) for b in bodies if b.personal and b.submission.link
    }
    used = Counter(mine[0]["link"] for mine in rows.values())
    for link in personal:
        if used[link] > 1:
            yield Violation("link", "", f"{used[link]} responses over {link}")


def _claims(
    history: History, store: Store, contract: Contract, rows: dict[str, list[Row]]
) -> Iterator[Violation]:
    """A personal link is claimed by its response, and by none for nothing."""
    bodies = [said for bodies in history.said.values() for said in bodies.values()]
    personal = {b.submission.link for b in bodies if b.personal and b.submission.link}
    used = {row["link"]: (row["response"], row["digest"]) for mine in rows.values() for row in mine}
    for link in sorted(map(links.hash_of, personal)):
        claim = claims.held(store, contract.id, link)
        if claim and claim.id in history.erased:
            yield Violation("erased", claim.id, "has a claim")
        elif claim != claims.NOBODYS and (claim and (claim.id, claim.digest)) != used.get(link):
            yield Violation("link", claim.id if claim else "", f"has the claim on {link}, no row")
        elif link in used and claim == claims.NOBODYS:
            yield Violation("link", used[link][0], "has a row, and its link nobody's claim")


def _rejected(store: Store) -> dict[str, list[object]]:
    """Answers in ``rejected/`` by response id."""
    found: dict[str, list[object]] = defaultdict(list)
    for entry in store.list("rejected/"):
        body = msgspec.json.decode(store.get(entry.key).data).get("body")
        if isinstance(body, dict):
            found[body["id"]].append(body["answers"])
    return found


def _tallied(store: Store, contract: Contract, rows: int) -> Iterator[Violation]:
    n = sum(segment.n for segment in scores(store, contract.id).segments)
    if n != rows:
        yield Violation("untallied", "", f"scores count {n} of {rows} rows")
