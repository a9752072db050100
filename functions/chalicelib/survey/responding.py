"""Response rates: of all who were asked, how many answered.

AAPOR, Standard Definitions (2023): RR1 = I / ((I + P) + (R + NC + O) + (UH + UO)); RR2 counts
partial answers too. An invitation that is still under way is in neither.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Disposition: TypeAlias = Literal[
    "complete", "partial", "refusal", "noncontact", "other", "unknown", "pending"
]

DISPOSITIONS: dict[str, Disposition] = {
    "answered": "complete",
    "opted_out": "refusal",
    "opened": "refusal",  # 2.12: opened and did not answer
    "sent": "noncontact",  # of a list of customers, so whoever is silent is eligible
    "delivered": "noncontact",
    "excluded": "other",
    "bounced": "unknown",  # 3.3: returned undelivered
    "failed": "unknown",
    "uncertain": "unknown",
}
"""What an invitation's end is to AAPOR, by how far it came. Whoever was never reached by the
deadline is of unknown eligibility; what is still to be sent is pending."""


class Dispositions(Struct, frozen=True):
    """How many invitations ended how."""

    complete: int = 0
    partial: int = 0
    refusal: int = 0
    noncontact: int = 0
    other: int = 0
    unknown: int = 0

    @property
    def asked(self) -> int:
        return (
            (self.complete + self.partial)
            + (self.refusal + self.noncontact + self.other)
            + self.unknown
        )


def rr1(ended: Dispositions) -> float | None:
    """Complete answers, of all; None where nobody was asked."""
    return ended.complete / ended.asked if ended.asked else None


def rr2(ended: Dispositions) -> float | None:
    """Complete and partial answers, of all."""
    return (ended.complete + ended.partial) / ended.asked if ended.asked else None
