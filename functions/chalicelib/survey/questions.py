"""Question types: one class each, and the registry of them all.

A class says what an author may write, and which *fields* the question fills. A field is one answer:
its rule, when it is shown, and so its Parquet column. A question with "other, please say" fills two
fields, a statement one without a rule. Page, validator, columns and tallies walk fields and know no
question type, so a new type costs a class here and a template of the same name.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from msgspec import Meta, Struct
from msgspec.structs import replace

from .conditions import Condition
from .formulas import Formula
from .rules import LARGEST, Rule

OTHER = "other"
NA = "na"

Code: TypeAlias = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,62}$")]
Name: TypeAlias = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]
Slug: TypeAlias = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{0,62}$")]
Text: TypeAlias = dict[str, str]
"""A text in every language of the survey."""
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Day: TypeAlias = Annotated[str, Meta(pattern="^[12][0-9]{3}-[01][0-9]-[0-3][0-9]$")]
FileKind: TypeAlias = Literal["image/jpeg", "image/png", "image/webp", "application/pdf"]
Positive: TypeAlias = Annotated[int, Meta(ge=1, le=LARGEST)]


class Field(Struct, frozen=True):
    """One answer: its rule (None: nothing to answer), and when it is asked."""

    id: str
    rule: Rule | None
    required: bool = False
    show_if: Condition | None = None
    end_if: Condition | None = None
    choice_if: dict[str, Condition] = {}
    personal: bool = False

    @property
    def kind(self) -> str:
        """The rule's kind, or ``""`` where there is nothing to answer."""
        return self.rule[0] if self.rule else ""


class Picture(Struct, frozen=True, forbid_unknown_fields=True):
    """A picture that lies beside the page, named by the hash of its bytes; its size in pixels."""

    name: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\.(png|jpg|webp)$")]
    width: Positive
    height: Positive


class Choice(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One offered answer, stored as its code."""

    code: Code
    text: Text
    show_if: Condition | None = None
    image: Picture | None = None
    """Shown with the text, where choices are in sight."""


class Question(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="type",
):
    """What every question has."""

    id: Name
    text: Text
    hint: Text | None = None
    show_if: Condition | None = None
    end_if: Condition | None = None

    tallies: ClassVar[bool] = False
    """Whether its answers are counted by value."""

    @property
    def rule(self) -> Rule | None:
        return None

    def fields(self) -> tuple[Field, ...]:
        return (Field(self.id, self.rule, show_if=self.show_if, end_if=self.end_if),)


class Asked(Question, frozen=True, kw_only=True):
    """A question that takes an answer."""

    required: bool = False
    personal: bool = False

    def fields(self) -> tuple[Field, ...]:
        return (
            Field(
                self.id,
                self.rule,
                required=self.required,
                show_if=self.show_if,
                end_if=self.end_if,
                personal=self.personal,
            ),
        )


class Offering(Asked, frozen=True, kw_only=True):
    """Choices, each of which may have a condition of its own."""

    choices: Annotated[list[Choice], Meta(min_length=1)]

    tallies = True

    @property
    def codes(self) -> list[str]:
        return [choice.code for choice in self.choices]

    def fields(self) -> tuple[Field, ...]:
        when = {c.code: c.show_if for c in self.choices if c.show_if is not None}
        return tuple(replace(field, choice_if=when) for field in super().fields())


class Choosing(Offering, frozen=True, kw_only=True):
    """Choices, perhaps with "other, please say", whose text is a field of its own."""

    other: bool = False

    @property
    def codes(self) -> list[str]:
        return super().codes + [OTHER] * self.other

    def fields(self) -> tuple[Field, ...]:
        (main,) = super().fields()
        if not self.other:
            return (main,)
        main = replace(main, end_if=None)
        chosen = ["has" if main.kind == "codes" else "==", self.id, OTHER]
        say = Field(
            f"{self.id}_{OTHER}",
            ["text", 1, 500],
            required=True,
            show_if=chosen,
            end_if=self.end_if,
            personal=self.personal,
        )
        return (main, say)


class Single(Choosing, tag="single", frozen=True, kw_only=True):
    """One of several choices, all in sight."""

    segment: bool = False
    role: Literal["contacts"] | None = None
    """``contacts``: how often the customer had to ask; the first choice is once."""

    @property
    def rule(self) -> Rule:
        return ["code", self.codes]


class Dropdown(Choosing, tag="dropdown", frozen=True, kw_only=True):
    """One of many choices, in a list that opens."""

    segment: bool = False

    @property
    def rule(self) -> Rule:
        return ["code", self.codes]


class Multiple(Choosing, tag="multiple", frozen=True, kw_only=True):
    """Any of several choices."""

    least: Positive = 1
    most: Positive | None = None

    @property
    def rule(self) -> Rule:
        return ["codes", self.codes, self.least, self.most or len(self.codes)]


class Ranking(Offering, tag="ranking", frozen=True, kw_only=True):
    """Choices put in order, the best first: all of them, or the first ``most``."""

    most: Positive | None = None

    @property
    def rule(self) -> Rule:
        most = min(self.most or len(self.choices), len(self.choices))
        always = sum(choice.show_if is None for choice in self.choices)
        return ["order", self.codes, max(1, min(most, always)), most]


class YesNo(Asked, tag="yes_no", frozen=True, kw_only=True):
    """``yes`` or ``no``."""

    segment: bool = False
    role: Literal["solved"] | None = None
    """``solved``: whether the customer's problem is solved."""

    tallies = True

    @property
    def rule(self) -> Rule:
        return ["code", ["yes", "no"]]


class Scaled(Asked, frozen=True, kw_only=True):
    """A whole number between two ends, perhaps with "not applicable"."""

    na: bool = False
    dimension: Name | None = None
    weight: Share | None = None
    low_label: Text | None = None
    high_label: Text | None = None

    tallies = True

    @property
    def ends(self) -> tuple[int, int]:
        raise NotImplementedError

    @property
    def rule(self) -> Rule:
        return ["scale", *self.ends] + [1] * self.na


class Rating(Scaled, tag="rating", frozen=True, kw_only=True):
    """1 to N, 5 unless told: satisfaction with one thing."""

    scale: Annotated[int, Meta(ge=2, le=10)] = 5
    look: Literal["stars", "faces", "numbers"] = "stars"

    @property
    def ends(self) -> tuple[int, int]:
        return 1, self.scale


class Score(Scaled, tag="score", frozen=True, kw_only=True):
    """1 to 10."""

    @property
    def ends(self) -> tuple[int, int]:
        return 1, 10


class Nps(Scaled, tag="nps", frozen=True, kw_only=True):
    """How likely the customer is to recommend us, 0 to 10 (Net Promoter Score)."""

    @property
    def ends(self) -> tuple[int, int]:
        return 0, 10


class Ces(Scaled, tag="ces", frozen=True, kw_only=True):
    """Whether we made it easy, 1 to 7 (Customer Effort Score 2.0)."""

    @property
    def ends(self) -> tuple[int, int]:
        return 1, 7


class Row(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One row of a matrix: a rating of its own, in the column ``<matrix>_<code>``."""

    code: Name
    text: Text
    dimension: Name | None = None
    weight: Share | None = None


class Matrix(Asked, tag="matrix", frozen=True, kw_only=True):
    """Ratings of several things on one scale. Whoever measures sees its ratings alone."""

    rows: Annotated[list[Row], Meta(min_length=1, max_length=30)]
    scale: Annotated[int, Meta(ge=2, le=10)] = 5
    look: Literal["stars", "faces", "numbers"] = "stars"
    na: bool = False
    low_label: Text | None = None
    high_label: Text | None = None

    def ratings(self) -> tuple[Rating, ...]:
        """A rating for each row."""
        return tuple(
            Rating(
                id=f"{self.id}_{row.code}",
                text=row.text,
                required=self.required,
                personal=self.personal,
                show_if=self.show_if,
                end_if=self.end_if if row is self.rows[-1] else None,
                na=self.na,
                dimension=row.dimension,
                weight=row.weight,
                low_label=self.low_label,
                high_label=self.high_label,
                scale=self.scale,
                look=self.look,
            )
            for row in self.rows
        )

    def fields(self) -> tuple[Field, ...]:
        return tuple(field for rating in self.ratings() for field in rating.fields())


class Number(Asked, tag="number", frozen=True, kw_only=True):
    """A number; whole unless ``decimals`` says otherwise."""

    least: float = -LARGEST
    most: float = LARGEST
    decimals: Annotated[int, Meta(ge=0, le=6)] = 0

    @property
    def rule(self) -> Rule:
        return ["number", *map(_plain, (self.least, self.most)), self.decimals]


class Date(Asked, tag="date", frozen=True, kw_only=True):
    """A day."""

    first: Day | None = None
    last: Day | None = None

    @property
    def rule(self) -> Rule:
        return ["date", self.first, self.last]


class ShortText(Asked, tag="short_text", frozen=True, kw_only=True):
    """One line of text."""

    least: Annotated[int, Meta(ge=0, le=200)] = 0
    most: Annotated[int, Meta(ge=1, le=500)] = 200

    @property
    def rule(self) -> Rule:
        return ["text", self.least, self.most]


class LongText(Asked, tag="long_text", frozen=True, kw_only=True):
    """Lines of text."""

    least: Annotated[int, Meta(ge=0, le=200)] = 0
    most: Annotated[int, Meta(ge=1, le=5000)] = 2000

    @property
    def rule(self) -> Rule:
        return ["text", self.least, self.most]


class Phone(Asked, tag="phone", frozen=True, kw_only=True):
    """A telephone number."""

    @property
    def rule(self) -> Rule:
        return ["phone"]


class Email(Asked, tag="email", frozen=True, kw_only=True):
    """An e-mail address."""

    @property
    def rule(self) -> Rule:
        return ["email"]


class Consent(Asked, tag="consent", frozen=True, kw_only=True):
    """A box that the customer ticks to agree to what the text says."""

    @property
    def rule(self) -> Rule:
        return ["true"]


class Statement(Question, tag="statement", frozen=True, kw_only=True):
    """A text to read; takes no answer."""


class Hidden(Asked, tag="hidden", frozen=True, kw_only=True):
    """A value the page's address brings (``?source=poster``), never shown."""

    text: Text = {}
    default: str = ""

    @property
    def rule(self) -> Rule:
        return ["text", 0, 200]


class Upload(Asked, tag="upload", frozen=True, kw_only=True):
    """Files the customer sends: a photo of the damage, an invoice. Stored as their tokens."""

    accept: Annotated[list[FileKind], Meta(min_length=1)]
    largest: Annotated[int, Meta(ge=1, le=20)] = 10
    """Megabytes of one file."""
    most: Annotated[int, Meta(ge=1, le=10)] = 1

    @property
    def rule(self) -> Rule:
        return ["files", self.most]


class Calculated(Question, tag="calculated", frozen=True, kw_only=True):
    """A number made of earlier answers, never asked: page and server each work it out."""

    text: Text = {}
    value: Formula
    personal: bool = False

    @property
    def rule(self) -> Rule:
        return ["value", self.value]  # never what is sent: ``reading`` works it out

    def fields(self) -> tuple[Field, ...]:
        return tuple(replace(field, personal=self.personal) for field in super().fields())


def _plain(number: float) -> float:
    """A whole number without its fraction, as JSON and JavaScript write it."""
    return int(number) if number == int(number) else number


AnyQuestion: TypeAlias = (
    Single
    | Dropdown
    | Multiple
    | Ranking
    | YesNo
    | Rating
    | Matrix
    | Score
    | Nps
    | Ces
    | Number
    | Date
    | ShortText
    | LongText
    | Phone
    | Email
    | Consent
    | Statement
    | Hidden
    | Upload
    | Calculated
)
"""The registry: every question type there is."""

TYPES: dict[str, type[Question]] = {
    str(cls.__struct_config__.tag): cls for cls in get_args(AnyQuestion)
}
