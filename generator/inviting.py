"""``echoform invite``: shows a campaign, asks, puts it on record and sends what is due."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from msgspec.structs import replace as changed
from phonenumbers import SUPPORTED_REGIONS

from chalicelib import days
from chalicelib.channels import Message, opening
from chalicelib.channels.configured import Outboxed
from chalicelib.channels.opening import open_channels
from chalicelib.channels.segments import segmented
from chalicelib.days import DAY_MS
from chalicelib.invitations import record
from chalicelib.invitations.invitation import Campaign, Invitation
from chalicelib.invitations.sending import Write
from chalicelib.invitations.writing import writer
from chalicelib.links import PERSONAL
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.site import read_site
from chalicelib.storage import Missing, Store
from chalicelib.survey import Contract, EchoformError
from generator import masking
from generator.addresses import READERS
from generator.campaign_board import Example, board, times
from generator.cells import harmless
from generator.customers import Customers
from generator.data import open_data, settings
from generator.delivering import deliver
from generator.loading import RowProblem
from generator.local import live
from generator.messaging import lay
from generator.planning import Asked, invitations, plan
from generator.recognition import CustomerMap, beside, guess, read_map, written
from generator.schedule import quiet as hours
from generator.schedule import schedule, span
from generator.site import load_site
from generator.tables import read_table

Say: TypeAlias = Callable[[str], None]

_CAMPAIGN = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LOOKED_AT = 10_000
_MEASURED = 1_000
_HERE = ("localhost", "127.0.0.1", "::1")
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
    quiet: str,
    incentive: str,
    map_file: Path | None,
    country: str,
    site: Path,
    data: str,
    say: Say,
    ask: Callable[[str], bool],
) -> None:
    """Show what would be done; with ``send``, do it."""
    store, key, at = open_data(data), settings(data).key, now()
    contract = live(store, survey)
    lay(store, load_site(site if site.is_file() else None))
    name = campaign or days.day(at, contract.timezone)
    if not _CAMPAIGN.fullmatch(name):
        raise Uninvited(f"--campaign {name!r}: write it with small letters, digits and -")
    if by and not sample:
        raise Uninvited("--by says what a --sample is drawn by; add --sample 30%")
    closed = Definitions(store).publication(contract.id).closed_at
    if send and closed is not None and closed <= at:
        raise Uninvited(f"{contract.id} is closed; first: echoform reopen {contract.id}")
    if going := planned(store, contract, name):
        say(f"Campaign {name} of {contract.id} is planned already: nobody is added to it, and")
        say("nobody gets anything twice. (For other customers, name another --campaign.)")
        say("\n".join(["", *times(going, contract.timezone), ""]))
        if send:
            deliver(store, key, going, contract, say)
        else:
            say("To go on with what is due: the same with --send")
        return
    if country.upper() not in SUPPORTED_REGIONS:
        raise Uninvited(f"--country {country}: there is no country of these two letters")
    columns = read_table(table).columns
    meaning = understood(table, columns, map_file, contract, say)
    asked = Asked(
        campaign=name,
        schedule=schedule(contract.timezone, at, send_at, notice, window, deadline),
        channels=tuple(dict.fromkeys(channels)) or ("email", "sms"),
        where=where,
        sample=sample,
        by=_column(by, columns, meaning),
        seed=seed,
        country=country.upper(),
        contact_rule_days=_days("--contact-rule", contact_rule),
        reminders=reminders,
        remind_after_days=_days("--remind-after", remind_after),
        quiet=hours(quiet),
        incentive=incentive,
    )
    reachable(table, columns, meaning, asked)
    customers = Customers(table, texts(meaning), contract.timezone)
    made = plan(store, key, contract, customers, meaning, asked, at)

    def people() -> Iterator[Invitation]:
        return invitations(made, customers, contract, meaning, asked)

    shown = examples(writer(store, Definitions(store)), made.campaign, people())
    dry = "" if send else " (only shown: nobody is put on record, nothing is sent)"
    say(f"Campaign {name} of {contract.id}{dry}\n")
    texts_paid = segments(writer(store, Definitions(store)), made.campaign, people())
    say("\n".join(board(made, table.name, contract.timezone, shown, texts_paid)))
    if made.problems:
        say(f"\nAll rows to look at: {listed(table, made.problems)}")
    say("")
    if not made.chosen:
        raise Uninvited("nobody is left to invite")
    lost = list(unready(store, {each.channel for each in made.chosen}))
    for each in lost:
        say(each.what)
    if send and (never := [each.what for each in lost if each.never]):
        raise Uninvited(f"nothing was written: {never[0]}")
    count = f"{len(made.chosen):,} invitation{'s' if len(made.chosen) > 1 else ''}"
    if not send:
        say(f"To do it: the same with --send. It writes {count} and their personal links into")
        say(f"{data}, and sends what is due.")
        return
    if not yes and not ask(f"Plan {count} and send what is due?"):
        raise Uninvited("stopped: nothing was written")
    record.create(store, key, made.campaign, people())
    say(f"{count} planned.")
    deliver(store, key, made.campaign, contract, say)


class Unready(NamedTuple):
    """What keeps messages from going out, or makes them useless."""

    what: str
    never: bool
    """Whether nobody could answer what went out."""


def unready(store: Store, kinds: Collection[str]) -> Iterator[Unready]:
    """What has to be set up before these channels reach anybody."""
    site = read_site(store)
    here = urlsplit(site.url).hostname in _HERE
    for kind, channel in open_channels(store, os.environ).items():
        said = getattr(site.channels, kind)
        if kind not in kinds or isinstance(said, Outboxed):
            continue
        if isinstance(channel, opening.Unready):
            yield Unready(f"By {kind} nothing can go out from here yet: {channel.reason}", False)
        if here:
            what = f"links lead to {site.url}, which is this machine alone; set `url` in site.yaml"
            yield Unready(what, never=getattr(said, "host", "") not in _HERE)


def planned(store: Store, contract: Contract, name: str) -> Campaign | None:
    """The campaign of that name, if there is one."""
    try:
        return record.read_campaign(store, contract.id, name)
    except Missing:
        return None


def understood(
    table: Path, columns: Sequence[str], given: Path | None, contract: Contract, say: Say
) -> CustomerMap:
    """What the columns are: as a map says, else guessed, and the guess kept beside the table."""
    path = given or beside(table)
    if given or path.is_file():
        say(f"Columns as {path} says.")
        return read_map(path, columns, contract)
    meaning = guess(columns, contract)
    if not any(meaning.named()):
        raise Uninvited(
            f"{table}: none of its columns is known: {_names(columns)}. The first row has to name "
            f"them, as 手机 or Email; or say what they are in {path}, as `phone: {columns[0]}`"
        )
    path.write_text(written(meaning, table.name), "utf-8")
    say(f"What the columns are was guessed; mend it in {path} where it is wrong:")
    for part, column in meaning.named():
        say(f"  {part:<20} {column}")
    say("")
    return meaning


def texts(meaning: CustomerMap) -> list[str]:
    """Columns that are no numbers, even where they hold nothing else."""
    return [column for part, column in meaning.named() if ":" not in part]


def reachable(table: Path, columns: Sequence[str], meaning: CustomerMap, asked: Asked) -> None:
    """Raises Uninvited where no column holds an address for any of the channels."""
    parts = {READERS[channel][0]: channel for channel in asked.channels}
    if any(getattr(meaning, part) for part in parts):
        return
    wanted = " or ".join(f"{part} (for {channel})" for part, channel in parts.items())
    raise Uninvited(
        f"{table}: no column is known to hold {wanted}. It has: {_names(columns)}. "
        f"Say which it is in {beside(table)}"
    )


def examples(write: Write, campaign: Campaign, people: Iterator[Invitation]) -> list[Example]:
    """Messages of a few who are invited, as unlike each other as the first thousands are."""
    found: dict[tuple[str, str, str], Invitation] = {}
    more: list[Invitation] = []
    for each in islice(people, _LOOKED_AT):
        first = found.setdefault((each.channel, each.language, each.stratum), each)
        if first is not each and len(more) < EXAMPLES:
            more.append(each)
    chosen = [*found.values(), *more][:EXAMPLES]
    ahead = [("notice", each) for each in chosen[:1] if campaign.notice_at is not None]
    asking = [("invitation", each) for each in chosen]
    return [_example(write, campaign, kind, each) for kind, each in [*ahead, *asking]]


def segments(write: Write, campaign: Campaign, people: Iterator[Invitation]) -> float:
    """Of a text message that invites, on average, told from the first thousand of them; 0 where
    there is none."""
    found = [each for each in islice(people, _LOOKED_AT) if each.channel == "sms"][:_MEASURED]
    sizes = [
        segmented(_written(write, campaign, "invitation", each).text.strip()).segments
        for each in found
    ]
    return sum(sizes) / len(sizes) if sizes else 0


def listed(table: Path, problems: Sequence[RowProblem]) -> Path:
    """A file of all problems, beside the table."""
    path = table.with_name(f"{table.stem}.problems.csv")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "problem"])
        writer.writerows([problem.row, harmless(problem.what)] for problem in problems)
    return path


def _example(write: Write, campaign: Campaign, kind: str, each: Invitation) -> Example:
    """As it would go out, but for the code, which is none, and the customer, who is nobody."""
    fields = dict(each.fields)
    if "name" in fields:
        fields["name"] = masking.name(fields["name"])
    masked = changed(each, fields=fields)
    message = _written(write, campaign, kind, masked)
    return Example(kind, each.channel, masking.address(each.to), message)


def _written(write: Write, campaign: Campaign, kind: str, each: Invitation) -> Message:
    return write(campaign, each, kind, "X" * PERSONAL, f"{campaign.id}/{each.id}")


def _column(by: str | None, columns: Sequence[str], meaning: CustomerMap) -> str | None:
    """The column that --by names, itself or by the attribute that it fills. Raises Uninvited."""
    if by is None or by in columns:
        return by
    if by in meaning.attributes:
        return meaning.attributes[by]
    raise Uninvited(f"--by {by}: there is no such column (there are: {_names(columns)})")


def _names(columns: Sequence[str]) -> str:
    return ", ".join(filter(None, columns))


def _days(option: str, text: str) -> int:
    ms = span(text) if text != "0" else 0
    if ms % DAY_MS:
        raise Uninvited(f"{option} {text}: whole days, as 30d")
    return ms // DAY_MS
