"""An invitation: one person asked once to answer one survey, and the campaign it is of.

It holds its steps in the order they were learnt of; its state is their fold. Where it lies is
``record``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import replace as changed

State: TypeAlias = Literal[
    "planned",
    "noticed",
    "sending",
    "sent",
    "delivered",
    "opened",
    "answered",
    "bounced",
    "failed",
    "opted_out",
    "excluded",
    "expired",
    "uncertain",
]
"""How far an invitation came. ``sending`` is the intent, put before the send; ``uncertain`` was cut
off between the two, on a channel that cannot tell; ``excluded`` was asked meanwhile by another
campaign."""

Kind: TypeAlias = (
    State
    | Literal[
        "noticing",  # the intent to send the notice
        "reminding",  # the intent to send a reminder
        "reminded",
        "again",  # an uncertain one, which somebody saw never went out
    ]
)

OVER: tuple[State, ...] = ("answered", "opted_out", "excluded", "bounced", "failed", "expired")
"""Nothing more is sent to these; of several, the first says the state."""
_SEEN: tuple[State, ...] = ("opened", "delivered")
INTENTS = frozenset(["sending", "noticing", "reminding"])


class Step(Struct, frozen=True, array_like=True, omit_defaults=True):
    kind: Kind
    at: int
    """Milliseconds since 1970."""
    note: str = ""
    """The provider's id of what was sent, or why not."""


class Invitation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person asked once to answer one survey."""

    id: str
    """``codes.invitation_id``: planned again, the same."""
    channel: str
    to: str
    language: str
    send_at: int
    customer: str = ""
    attributes: dict[str, str] = {}
    """What the link knows; those that the survey declares."""
    deadline: int | None = None
    """Where it has one of its own; else its campaign's."""
    fields: dict[str, str] = {}
    """What the message's template may say."""
    stratum: str = ""
    link: str = ""
    """The hash of its personal code; ``create`` and ``add`` fill it in."""
    steps: list[Step] = []

    @property
    def state(self) -> State:
        kinds = {step.kind for step in self.steps}
        for state in (*OVER, *_SEEN):
            if state in kinds:
                return state
        return _under_way(self.steps)

    def at(self, kind: Kind) -> int | None:
        """When that first happened."""
        return next((step.at for step in self.steps if step.kind == kind), None)

    def times(self, kind: Kind) -> list[int]:
        return [step.at for step in self.steps if step.kind == kind]

    def then(self, kind: Kind, at: int, note: str = "") -> Invitation:
        return changed(self, steps=[*self.steps, Step(kind, at, note)])

    def unsent(self) -> Invitation:
        """The last intent taken back: its channel took nothing."""
        steps = self.steps[:-1] if self.steps and self.steps[-1].kind in INTENTS else self.steps
        return changed(self, steps=steps)


class Campaign(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A planning: whom, when, and out of how many."""

    id: str
    survey: str
    planned_at: int
    send_at: int
    nonce: str
    """``codes.nonce()``: personal codes are made of it."""
    notice_at: int | None = None
    deadline: int | None = None
    """When links expire and reminders end."""
    remind_after_days: Annotated[int, Meta(ge=1)] = 3
    reminders: Annotated[int, Meta(ge=0, le=2)] = 0
    contact_rule_days: Annotated[int, Meta(ge=0, le=366)] = 30
    quiet: tuple[str, str] = ("21:00", "09:00")
    """Nothing is sent from the first time of day to the second, on the survey's clocks."""
    sample: dict[str, str] = {}
    frame: dict[str, dict[str, int]] = {}
    """Of each stratum how many were ``eligible`` and how many ``drawn``."""
    exclusions: dict[str, int] = {}
    where: str = ""
    standing: bool = False
    """Of a service: invitations are added to it as services are completed."""

    @property
    def name(self) -> str:
        return f"{self.survey}/{self.id}"


def deadline(campaign: Campaign, invitation: Invitation) -> int | None:
    """When its link expires, and reminders end."""
    return invitation.deadline or campaign.deadline


def _under_way(steps: Sequence[Step]) -> State:
    state: State = "planned"
    before: State = state
    for step in steps:
        if step.kind == "sending":
            before = before if state == "sending" else state
        if step.kind in ("noticed", "sending", "sent", "uncertain"):
            state = step.kind
        elif step.kind == "again":
            state = before
    return state
