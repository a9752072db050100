"""The contract: a compiled survey, immutable, named by the hash of its JSON (its *version*)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from . import piping
from .conditions import Condition
from .questions import AnyQuestion, Field, Matrix, Name, Scaled, Slug, Text

Minutes: TypeAlias = Annotated[int, Meta(ge=1, le=60 * 24 * 366)]
Days: TypeAlias = Annotated[int, Meta(ge=7, le=36_525)]
KeyPair: TypeAlias = Annotated[list[Name], Meta(min_length=2, max_length=2)]
Language: TypeAlias = Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")]
Origin: TypeAlias = Annotated[str, Meta(pattern=r"^https?://[^/\s;,'\"?#*]+$")]
Version: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]


class Section(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Questions that are asked together: one step of the page."""

    id: Name
    questions: Annotated[list[AnyQuestion], Meta(min_length=1)]
    title: Text | None = None
    show_if: Condition | None = None
    end_if: Condition | None = None
    """Where it holds after this section, the survey ends here."""

    @property
    def asked(self) -> Iterator[AnyQuestion]:
        """The questions as they are answered: a matrix is the ratings of its rows."""
        for question in self.questions:
            yield from question.ratings() if isinstance(question, Matrix) else (question,)


class Bands(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Lower ends of the bands, on the 1–5 mean. Below ``satisfied``: needs improvement."""

    very_satisfied: Annotated[float, Meta(ge=1, le=5)] = 4.5
    satisfied: Annotated[float, Meta(ge=1, le=5)] = 3.5


class Rule(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Creates a follow-up where its condition holds for a response."""

    id: Name
    when: Condition
    title: Text
    priority: Literal["urgent", "high", "normal"] = "normal"
    first_contact_within: Minutes = 24 * 60
    resolve_within: Minutes = 5 * 24 * 60
    assign_to: str = "team"
    verify_with: Slug | None = None
    verify_days: Annotated[int, Meta(ge=1, le=90)] = 3
    """So long an answer is waited for, before and after reminding."""


class Retention(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """For how many days answers are kept; what has no limit stays.

    A week at least: for so long a phone may still send again what it has sent.
    """

    responses: Days | None = None
    contacts: Days | None = None
    """What is personal. Never kept longer than its response."""


Weekday: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
Hours: TypeAlias = Annotated[str, Meta(pattern=f"^{_CLOCK}-{_CLOCK}$")]


class Calendar(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """When people work, in the survey's time zone: clocks of follow-ups run only then."""

    hours: Hours
    """As ``09:00-18:00``."""
    days: Annotated[list[Weekday], Meta(min_length=1, max_length=7)] = msgspec.field(
        default_factory=lambda: [*WEEKDAYS[:5]]
    )
    holidays: Literal["CN"] | None = None
    """``CN``: Chinese public holidays are free, and the make-up days for them are worked."""


class Contract(
    Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, dict=True
):
    """A survey as page, validator, columns, scores and rules all read it."""

    id: Slug
    title: Text
    languages: Annotated[list[Language], Meta(min_length=1, max_length=20)]
    """The first is the default."""
    timezone: str
    """An IANA name; days are counted here."""
    sections: Annotated[list[Section], Meta(min_length=1)]
    intro: Text | None = None
    thanks: Text | None = None
    attributes: list[Name] = []
    """What a link may know. ``customer`` is personal and is never stored beside answers."""
    segments: Annotated[list[KeyPair], Meta(max_length=8)] = []
    """Pairs of segment keys by which scores can be cut together."""
    dimensions: dict[str, Text] = {}
    """Titles of dimensions; one without a title is called by its id."""
    bands: Bands = Bands()
    follow_ups: list[Rule] = []
    calendar: Calendar | None = None
    anonymous: bool = False
    retention: Retention | None = None
    embed: list[Origin] = []
    """Sites that may show this survey in a frame, beside those of the whole site."""

    @cached_property
    def questions(self) -> tuple[AnyQuestion, ...]:
        """Every question in the order asked; a matrix is the ratings of its rows."""
        return tuple(question for section in self.sections for question in section.asked)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every field in the order asked, section conditions folded in."""
        fields: list[Field] = []
        for section in self.sections:
            inside = [field for question in section.asked for field in question.fields()]
            inside[-1] = msgspec.structs.replace(
                inside[-1], end_if=_joined("or", section.end_if, inside[-1].end_if)
            )
            fields += [
                msgspec.structs.replace(f, show_if=_joined("and", section.show_if, f.show_if))
                for f in inside
            ]
        return tuple(fields)

    @cached_property
    def weighted(self) -> tuple[Scaled, ...]:
        """The questions the index is made of."""
        return tuple(q for q in self.questions if isinstance(q, Scaled) and q.weight)

    @cached_property
    def piped(self) -> frozenset[str]:
        """The questions and attributes that are put into its texts."""
        return frozenset(piping.named(msgspec.to_builtins(self)))

    @property
    def told(self) -> list[str]:
        """The attributes a page may be told: those that its texts name, and no other."""
        return [name for name in self.attributes if name in self.piped]

    @cached_property
    def version(self) -> str:
        return sha256(self.to_json()).hexdigest()[:16]

    def to_json(self) -> bytes:
        """The canonical form: sorted keys, no spaces, defaults left out."""
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def from_json(cls, data: bytes) -> Contract:
        return _DECODER.decode(data)


# Made while one thread imports: msgspec 0.22 crashes where two threads at once are the first to
# decode a type, as a server's first two requests would be.
_DECODER = msgspec.json.Decoder(Contract)


def _joined(operator: str, *parts: Condition | None) -> Condition | None:
    present = [part for part in parts if part is not None]
    if len(present) > 1:
        return [operator, *present]
    return present[0] if present else None
