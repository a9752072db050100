"""``echoform invite``: shows a campaign, asks, puts it on record and sends what is due."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace as changed

from chalicelib import days
from chalicelib.invitations import record
from chalicelib.invitations.record import Campaign, Invitation
from chalicelib.running import now
from chalicelib.storage import Missing, Store
from chalicelib.survey import Contract, EchoformError
from generator import masking
from generator.addresses import READERS
from generator.campaign_board import Example, board, times
from generator.cells import harmless
from generator.customers import Customers
from generator.data import open_data, settings
from generator.loading import RowProblem
from generator.local import live
from generator.planning import Asked, Plan, invitations, plan
from generator.recognition import CustomerMap, beside, guess, read_map, written
from generator.schedule import DAY_MS, schedule, span
from generator.site import load_site
from generator.tables import read_table

Say: TypeAlias = Callable[[str], None]

_CAMPAIGN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LOOKED_AT = 10_000
EXAMPLES = 3


class Uninvited(EchoformError):
    """The campaign cannot be as it was asked for. Says why; nothing was written."""


def run_invite(
    survey: str,
    table: Path,
    *,
    send: bool,
    yes: bool,
    campaign: str | None,
    where: str,
    sample: str | None,
    by: str | None,
    seed: str,
    channels: tuple[str, ...],
    send_at: str | None,
    notice: str | None,
    window: str | None,
    deadline: str | None,
    reminders: int,
    remind_after: str,
    contact_rule: str,
    incentive: str,
    map_file: Path | None,
    country: str,
    site: Path,
    data: str,
    say: Say,
    ask: Callable[[str], bool],
) -> None:
    """Show what would be done; with ``send``, do it."""
    store, at = open_data(data), now()
    contract = live(store, survey)
    name = campaign or days.day(at, contract.timezone)
    if not _CAMPAIGN.fullmatch(name):
        raise Uninvited(f"--campaign {name!r}: write it with small letters, digits and -")
    if by and not sample:
        raise Uninvited("--by says what a --sample is drawn by; add --sample 30%")
    lay(store, load_site(site if site.is_file() else None))
    if found := planned(store, contract, name):
        say(f"Campaign {name} of {contract.id} is planned already, so nobody is added to it")
        say("(other customers: another --campaign).")
        for line in times(found, contract.timezone):
            say(line)
    else:
        meaning, columns = understood(table, map_file, contract, say)
        asked = Asked(
            campaign=name,
            schedule=schedule(contract.timezone, at, send_at, notice, window, deadline),
            channels=tuple(dict.fromkeys(channels)) or Asked.channels,
            where=where,
            sample=sample,
            by=_column(by, columns, meaning),
            seed=seed,
            country=country.upper(),
            contact_rule_days=_days("--contact-rule", contract_rule),
            reminders=reminders,
            remind_after_days=_days("--remind-after", remind_after),
        )
