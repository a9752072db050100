"""You said, we did: telling the customers whose answers raised an improvement action.

Told are those who rated its dimension low in the wave in which it was low, in its segment, and who
left an address or were invited by one. Each is told once for an action: a mark for every hash that
they are known by is created before the message goes out, so whoever was cut off in between tells
nobody twice, and perhaps somebody not at all. (A message that may have gone out counts as gone.)

The contact rule is kept and not claimed: who was asked lately is told another time, but to be told
must not keep the unhappy out of the next wave, which would then seem to be better than it is.

What was done is said in words for customers, never in those of the plan, and it names no agent. A
message says nothing of anybody else, so few may be told as well as many; how many they were is told
to staff from 10 on, for an agent knows whom they served.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from msgspec.structs import replace

from . import actions, answered, improving, keys, links, messages, parts, tombstones
from .actions import Action, Step
from .channels import Channel, Unavailable, Undeliverable
from .columns import CUSTOMER
from .invitations import contact_rule, record, writing
from .invitations.contact_rule import OptOuts
from .invitations.invitation import Invitation
from .links import Link
from .site import read_site
from .storage import Exists, Missing, Store
from .survey import Contract, EchoformError
from .survey.figures import on_five
from .survey.words import nearest

FEWEST = 10
"""From so many on staff learn how many were told."""
LOOKED = 16
"""After so many messages it is asked again who opted out."""


class Untold(EchoformError):
    """Nobody can be told this. The message says why."""


class Told(Struct, frozen=True, kw_only=True):
    """Somebody to tell."""

    response: str
    language: str
    channel: str = ""
    to: str = ""
    name: str = ""
    hashes: list[str] = []


class Finding(Struct, frozen=True):
    """Whom to tell, and of the others how many are left out, by reason."""

    people: list[Told]
    left_out: Counter[str]
    agents: set[str]
    """Who served anybody in that wave: names that no message says."""


def find(store: Store, key: bytes, action: Action, days: int, now: int) -> Finding:
    """``key`` is the site's secret; ``days`` those of the contact rule. Raises Untold."""
    contracts = improving.versions(store, action.survey)
    if contracts[-1].anonymous:
        raise Untold(f"{action.survey} is anonymous: nobody knows who said what")
    agents: set[str] = set()
    raised = sorted(
        _raised(store, key, action, contracts, agents), key=lambda each: each[0], reverse=True
    )
    invited = _invited(store, action.survey, [row["link"] for _, row, _ in raised if row["link"]])
    found: dict[str, Told] = {}
    left_out: Counter[str] = Counter()
    for response, row, contact in raised:
        person = _person(key, contracts[-1], response, row, contact, invited.get(row["link"] or ""))
        if not person.to:
            left_out["no_address"] += 1
            continue
        # Whom a number and an address that both are known by show to be one is one.
        near = {found[e].response: found[e] for e in person.hashes if e in found}
        if near:
            left_out["same_customer"] += len(near)
            hashes = {*person.hashes, *(e for each in near.values() for e in each.hashes)}
            person = replace(near[max(near)], hashes=sorted(hashes))
        found |= dict.fromkeys(person.hashes, person)
    known = contact_rule.look_up(store, found)
    marked = {e.key.rpartition("/")[2] for e in store.list(keys.told(action.id, ""))}
    people = []
    for person in {each.response: each for each in found.values()}.values():
        why = contact_rule.forbids(known, person.hashes, "", days, now)
        if any(each in marked for each in person.hashes):
            why = "told_already"
        if why:
            left_out[why] += 1
        else:
            people.append(person)
    return Finding(people, left_out, agents)


def _raised(
    store: Store, key: bytes, action: Action, contracts: list[Contract], agents: set[str]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Responses that rate it low, in its wave and segment: id, row and what is personal."""
    known = improving.ratings(contracts)
    low = {
        item: [
            point
            for point in range(known[item].ends[0], known[item].ends[1] + 1)
            if on_five(point, *known[item].ends) < contracts[-1].bands.satisfied
        ]
        for item in action.items
        if item in known
    }
    segment, _, value = action.segment.partition("=")
    for entry in store.list(f"{keys.RESPONSES}{action.survey}/"):
        day = keys.day_of(entry.key)
        if not action.baseline.first <= day <= action.baseline.last:
            continue
        rows = parts.read(store, entry.key).rows
        beside = parts.read(store, keys.CONTACTS + entry.key.removeprefix(keys.RESPONSES)).rows
        if rows is None:
            continue
        if "agent" in rows.column_names:
            agents |= {each for each in rows["agent"].unique().to_pylist() if each}
        rows = rows.filter(_low(rows, low))
        mine = rows["response"].to_pylist()
        left = beside.filter(parts.among(beside["response"], mine)).to_pylist() if beside else []
        contacts = {(each["response"], each["digest"]): each for each in left}
        erased = tombstones.read(store, action.survey, day, key)  # after the rows, as merge does
        for row in rows.to_pylist():
            response = row["response"]
            if response not in erased and (not segment or str(row.get(segment)) == value):
                yield response, {"link": None, **row}, contacts.get((response, row["digest"]), {})


def _low(rows: pa.Table, low: Mapping[str, Sequence[int]]) -> pa.Array:
    """Which rows give any of these ratings one of these points."""
    masks = [
        pc.is_in(rows[item], pa.array(points, rows.schema.field(item).type))
        for item, points in low.items()
        if item in rows.column_names
    ]
    return reduce(pc.or_, masks) if masks else pa.repeat(False, rows.num_rows)


def _invited(store: Store, survey: str, hashes: Iterable[str]) -> dict[str, Invitation]:
    """Invitations by the hash of their link; each shard is read once."""
    wanted = {*hashes}
    found: dict[str, Invitation] = {}
    for campaign in record.campaigns(store, survey) if wanted else ():
        for shard in record.shards(store, campaign):
            found |= {e.link: e for e in shard.invitations.values() if e.link in wanted}
    return found


def _person(
    key: bytes,
    contract: Contract,
    response: str,
    row: Mapping[str, Any],
    contact: Mapping[str, Any],
    invitation: Invitation | None,
) -> Told:
    """An address that they left is better than the one they were invited by."""
    ways = answered.addresses(contract, contact)
    customer = str(contact.get(CUSTOMER) or (invitation.customer if invitation else ""))
    if invitation:
        ways.append((invitation.channel, invitation.to))
    if not ways:
        return Told(response=response, language=row["language"])
    return Told(
        response=response,
        language=row["language"],
        channel=ways[0][0],
        to=ways[0][1],
        name=invitation.fields.get("name", "") if invitation else "",
        hashes=sorted({*contact_rule.person(key, customer, *(to for _, to in ways))}),
    )


def checked(action: Action, did: Mapping[str, str], agents: Iterable[str]) -> None:
    """Raises EchoformError: it is too early, nothing is said, or somebody is named."""
    actions.moved(action, Step(at=0, by="", kind="tell"))
    if not did or not all(text.strip() for text in did.values()):
        raise Untold("say what was done, in words for customers: --did en=… --did zh-CN=…")
    for name in sorted({*agents, action.owner} - {""}):
        word = (
            rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])"
            if name.isascii()
            else re.escape(name)
        )
        for language, text in did.items():
            if re.search(word, text, re.IGNORECASE):
                raise Untold(f"what is said in {language} names {name}: customers are told no name")


def written(
    store: Store, action: Action, person: Told, did: Mapping[str, str], code: str
) -> messages.Rendered:
    """What a customer reads. Raises Unrendered."""
    contract = improving.versions(store, action.survey)[-1]
    language = nearest(person.language, did)
    said = did.get(language) or did.get("en") or next(iter(did.values()))
    fields = {
        "survey": contract.title.get(language) or contract.title[contract.languages[0]],
        "did": said,
        "name": person.name,
        "opt_out": writing.opt_out(read_site(store), code),
    }
    spoken = language if language in did else next(n for n, text in did.items() if text == said)
    return messages.render(store, "done", person.channel, spoken, fields)


def tell(
    store: Store,
    key: bytes,
    action: Action,
    finding: Finding,
    did: Mapping[str, str],
    channels: Mapping[str, Channel],
    by: str,
    now: int,
) -> Counter[str]:
    """Tell them; what became of it, in counts. Raises what ``checked`` does, and Unrendered."""
    checked(action, did, finding.agents)
    counts: Counter[str] = Counter()
    opted_out, out, shut = OptOuts(store), dict[str, int](), set[str]()
    for number, person in enumerate(finding.people):
        if number % LOOKED == 0:
            out = opted_out.refresh()
        if any(each in out for each in person.hashes):
            counts["opted_out"] += 1
        elif person.channel not in channels or person.channel in shut:
            counts["unavailable"] += 1
        else:
            became = _tell(store, key, action, person, did, channels[person.channel])
            counts[became] += 1
            if became == "unavailable":
                shut.add(person.channel)
    if counts["told"]:
        many = str(counts["told"]) if counts["told"] >= FEWEST else f"< {FEWEST}"
        step = Step(at=now, by=by, kind="tell", said=f"{many}: {next(iter(did.values()))}"[:2000])
        actions.change(store, action.id, lambda _: step)
    return counts


def _tell(
    store: Store,
    key: bytes,
    action: Action,
    person: Told,
    did: Mapping[str, str],
    channel: Channel,
) -> str:
    code = links.derived(key, f"told {action.id} {person.hashes[0]}")
    message = written(store, action, person, did, code)
    marks: list[str] = []
    for each in person.hashes:
        mark = keys.told(action.id, each)
        try:
            store.create(mark, b"")
        except Exists:
            return "told_already"
        marks.append(mark)
    # It opens no survey: it is over. It only knows who opts out by it.
    links.add(store, {code: Link(action.survey, True, expires_at=1, person=person.hashes)})
    try:
        channel.send(message.message(f"done-{action.id}-{person.hashes[0]}", person.to))
    except Undeliverable:
        return "undeliverable"
    except Unavailable:
        with suppress(Missing):
            store.delete(marks)  # nothing was sent: another time
        return "unavailable"
    except Exception:  # whether it went out nobody knows; it is not sent again
        return "uncertain"
    return "told"
