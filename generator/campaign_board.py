"""A planned campaign as its owner reads it before anything goes out. It names nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from chalicelib.channels import Message
from chalicelib.channels.segments import segmented
from chalicelib.invitations.invitation import Campaign
from generator.loading import RowProblem
from generator.planning import REASONS, Plan
from generator.schedule import shown

_ROWS = 20
"""Problems shown; the rest is in a file."""
_STRATA = 20


class Example(NamedTuple):
    """A message as one customer would get it, masked."""

    kind: str
    channel: str
    to: str
    message: Message


def board(
    plan: Plan, table: str, timezone: str, examples: Sequence[Example], segments: float = 0
) -> Iterator[str]:
    """Line by line. ``segments``: of a text message, on average."""
    campaign = plan.campaign
    yield from _people(plan, table, segments)
    yield ""
    yield from times(campaign, timezone)
    yield from _rows(plan.problems, table)
    for number, example in enumerate(examples, start=1):
        yield from _example(number, example)


def times(campaign: Campaign, timezone: str) -> Iterator[str]:
    """When what goes out."""
    yield f"When ({timezone})"
    if campaign.notice_at is not None:
        yield _line("notice", shown(campaign.notice_at, timezone))
    yield _line("invitation", shown(campaign.send_at, timezone))
    if campaign.reminders:
        after = f"{campaign.remind_after_days} days after the last message"
        yield _line("reminders", f"{campaign.reminders} at most, {after}, to who has not answered")
    else:
        yield _line("reminders", "none (--reminders 2)")
    if campaign.deadline is not None:
        yield _line("last moment", shown(campaign.deadline, timezone))
    start, end = campaign.quiet
    if start != end:
        yield _line("never", f"between {start} and {end}")


def _people(plan: Plan, table: str, segments: float) -> Iterator[str]:
    campaign = plan.campaign
    left_out = sum(campaign.exclusions.values())
    yield _count(f"Rows in {table}", left_out + len(plan.chosen))
    for reason, what in REASONS.items():
        if many := campaign.exclusions.get(reason):
            more = f" ({campaign.contact_rule_days} days)" if reason == "asked" else ""
            yield _count(f"  - {what}{more}", many)
    yield _count("To be invited", len(plan.chosen))
    channels = Counter(each.channel for each in plan.chosen)
    for channel, many in sorted(channels.items()):
        yield _count(f"  by {channel}", many)
    if segments:
        yield _count(
            "  segments of these texts: they cost by segment", round(segments * channels["sms"])
        )
    if campaign.sample:
        yield from _frame(campaign.sample, campaign.frame)


def _frame(sample: Mapping[str, str], frame: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    yield ""
    by = f" by {sample['by']}" if sample["by"] else ""
    yield f"Sample of {sample['of']}{by}, drawn with the seed {sample['seed']}"
    for stratum, of in list(frame.items())[:_STRATA]:
        yield _line(_one_line(stratum) or "(empty)", f"{of['drawn']:,} of {of['eligible']:,}")
    if len(frame) > _STRATA:
        yield f"  and {len(frame) - _STRATA} more"


def _rows(problems: Sequence[RowProblem], table: str) -> Iterator[str]:
    if not problems:
        return
    yield ""
    yield f"Rows of {table} to look at"
    for row, what in problems[:_ROWS]:
        yield f"  row {row}: {_one_line(what)}"
    if len(problems) > _ROWS:
        yield f"  and {len(problems) - _ROWS:,} more"


def _example(number: int, example: Example) -> Iterator[str]:
    message = example.message
    text = message.text.strip()
    length = str(segmented(text)) if example.channel == "sms" else f"{len(text)} characters"
    how = f"{example.kind} by {example.channel} to {example.to}, {message.language}"
    yield ""
    yield f"Example {number}: {how}, {length}"
    if message.subject:
        yield f"  | {message.subject}"
        yield "  |"
    for line in text.splitlines():
        yield f"  | {line}"


def _line(name: str, value: str) -> str:
    return f"  {_wide(name, 12)} {value}"


def _count(what: str, many: int) -> str:
    return f"{_wide(what, 52)} {many:>9,}"


def _wide(text: str, cells: int) -> str:
    """As wide on the screen, where a Chinese character takes two cells."""
    return text + " " * (cells - cell_len(text))


def _one_line(text: str) -> str:
    """What a file says, kept from moving the cursor about."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:200]
