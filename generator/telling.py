"""``echoform actions tell``: shows who would be told what, and tells them with ``--send``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from chalicelib import actions, audit, telling
from chalicelib.channels.opening import open_channels
from chalicelib.running import now
from chalicelib.survey import EchoformError
from generator import masking
from generator.data import open_data, settings

WHY = {
    "no_address": "left no address and were not invited by one",
    "same_customer": "said so more than once",
    "opted_out": "want no messages",
    "asked": "were asked something lately (--contact-rule)",
    "told_already": "are told already",
    "told": "told",
    "undeliverable": "not reached: their address is wrong",
    "unavailable": "not told: their channel takes nothing now; run it again",
    "uncertain": "may have been told; they are not told again",
}
EXAMPLE = "EXAMPLE0"
"""In place of the personal code in what is shown."""


def run_tell(
    id: str, did: Sequence[str], days: int, data: str, send: bool, say: Callable[[str], None]
) -> None:
    """Tell the customers whose answers raised an action what was done, or say who they are."""
    store, key = open_data(data), settings(data).key
    action = actions.read(store, id).action
    said = dict(map(_worded, did))
    telling.checked(action, said, ())
    who = audit.operator()
    audit.record(store, who, "read_contacts", now(), action.survey, action=action.id)
    finding = telling.find(store, key, action, days, now())
    telling.checked(action, said, finding.agents)
    say(f"{len(finding.people):,} to tell")
    for why, count in finding.left_out.items():
        say(f"{count:,} {WHY[why]}")
    if finding.people and not send:
        one = _masked(finding.people[0])
        shown = telling.written(store, action, one, said, EXAMPLE)
        say(f"\nfor example, by {one.channel} to {one.to}:\n\n{shown.subject}\n{shown.text}")
        say("nothing was sent; with --send it is")
    if send:
        channels = open_channels(store, os.environ)
        counts = telling.tell(store, key, action, finding, said, channels, who, now())
        audit.record(store, who, "tell", now(), action.survey, action=action.id, **counts)
        for became, count in counts.items():
            say(f"{count:,} {WHY[became]}")


def _masked(person: telling.Told) -> telling.Told:
    """The same, so that it may be looked at."""
    return replace(person, to=masking.address(person.to), name=masking.name(person.name))


def _worded(text: str) -> tuple[str, str]:
    language, equals, said = text.partition("=")
    if not equals or not said.strip():
        raise EchoformError(f"--did {text!r}: write the language first, as in en=We …")
    return language, said
