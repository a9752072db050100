"""The quick way in for what needs no correcting: nearly all, since the page checks too.

``reading.read`` says what is visible, what is kept and everything that is wrong. This module only
recognises submissions that ``read`` would keep exactly as they are, and has no opinion on any
other; a test holds the two together on random surveys.

A contract becomes a type, so msgspec decodes and checks kinds, codes, ranges and what is always
required in C. What a type cannot say (conditions, the form of texts) is compiled into one function.
The text of that function is made of positions and Python's own operators alone: names, codes and
operands reach it as constants, by reference, so nothing that anybody wrote is ever run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil, floor
from typing import Annotated, Any, ClassVar, Literal, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from .conditions import Answer, Condition
from .errors import Invalid
from .formulas import names, value
from .questions import NA, Field
from .response import Submission
from .rules import PHONE, Rule, check, clean


class Sheet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers without a fault: an attribute per field, UNSET where there is no answer.

    Read like the mapping it stands for, and written as the same JSON, by name.
    """

    places: ClassVar[dict[str, str]] = {}

    def keys(self) -> Iterator[str]:
        return (name for name, place in self.places.items() if getattr(self, place) is not UNSET)

    def __getitem__(self, name: str) -> Answer:
        answer = self.get(name)
        if answer is None:
            raise KeyError(name)
        return answer

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> Answer | None:
        answer = getattr(self, self.places[name]) if name in self.places else UNSET
        return None if answer is UNSET else cast(Answer, answer)

    def items(self) -> Iterator[tuple[str, Answer]]:
        return ((name, self[name]) for name in self.keys())


class Faultless:
    """Recognises the faultless submissions of one version."""

    def __init__(self, fields: Sequence[Field], version: str) -> None:
        asked = [field for field in fields if field.rule]
        places = {field.id: f"A{number}" for number, field in enumerate(asked)}
        always = set(_always_asked(fields))
        sheet = msgspec.defstruct(
            "AnySheet",
            [
                (places[field.id], _type(field.rule or []))
                if field.required and field.id in always
                else (places[field.id], _type(field.rule or []) | UnsetType, UNSET)
                for field in sorted(asked, key=lambda field: field.id)
            ],
            bases=(Sheet,),
            namespace={"places": dict(sorted(places.items()))},
            rename={place: name for name, place in places.items()},
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        submission = msgspec.defstruct(
            "FaultlessSubmission",
            [("version", Literal[version]), ("answers", sheet)],
            bases=(Submission,),
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        decoder = msgspec.json.Decoder(submission)
        self._decode = cast(Callable[[bytes], Submission], decoder.decode)
        writer = _Writer(places)
        for field in fields:
            writer.field(field)
        self.source = writer.source()
        """The text of the compiled function."""
        self._settled = writer.function()

    def decode(self, body: bytes) -> Submission | None:
        """The submission, its answers a ``Sheet``; None where ``read`` must look at it."""
        try:
            submission = self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return submission if self._settled(submission.answers) else None


def _always_asked(fields: Sequence[Field]) -> Iterator[str]:
    for field in fields:
        if field.show_if is None:
            yield field.id
        if field.end_if is not None:
            return


# What a type can say of a rule.


def _whole(low: float, high: float) -> Any:
    return Annotated[int, Meta(ge=ceil(low), le=floor(high))]


_TYPES: dict[str, Callable[..., Any]] = {
    "code": lambda codes: Literal[tuple(codes)],
    "codes": lambda codes, least, most: Annotated[
        list[Literal[tuple(codes)]],  # type: ignore[misc]
        Meta(min_length=max(least, 1), max_length=most),
    ],
    "order": lambda codes, least, most: Annotated[
        list[Literal[tuple(codes)]],  # type: ignore[misc]
        Meta(min_length=max(least, 1), max_length=most),
    ],
    "scale": lambda low, high, na=0: _whole(low, high) | Literal[NA] if na else _whole(low, high),
    "number": lambda low, high, decimals: float if decimals else _whole(low, high),
    "date": lambda first, last: str,
    "text": lambda least, most: Annotated[str, Meta(min_length=max(least, 1), max_length=most)],
    "phone": lambda: str,
    "email": lambda: str,
    "true": lambda: bool,
    "value": lambda formula: float,
}


def _type(rule: Rule) -> Any:
    return _TYPES[rule[0]](*rule[1:])


# What it cannot: how an answer of that type would be kept.


def _checked(rule: Rule) -> Callable[[Any], object]:
    def kept(answer: Any) -> object:
        try:
            return check(rule, answer) or None  # 0.0, which -0.0 would be kept as, is left to read
        except Invalid:
            return None

    return kept


def _calculated(formula: Any, places: dict[str, Any]) -> Any:
    answers = {name: answer for name, answer in places.items() if answer is not UNSET}
    found = value(formula, answers)
    return UNSET if found is None else found


def _phone(text: str) -> str | None:
    return text if PHONE.fullmatch(text) else None  # which leaves nothing to clean


def _kept(rule: Rule) -> Callable[[Any], object] | None:
    """None where every answer of the type is kept as it is."""
    kind, *limits = rule
    if kind == "text":
        return clean
    if kind == "phone":
        return _phone
    if kind == "codes":
        return lambda codes: [code for code in limits[0] if code in codes]
    if kind in ("code", "scale", "value") or kind == "number" and not limits[2]:
        return None
    return _checked(rule)


_KINDS: dict[str, type] = {
    "codes": list,
    "order": list,
    "scale": int,
    "number": float,
    "true": bool,
    "value": float,
}


def _kind(rule: Rule) -> type:
    """The class of an answer of the right type, where it is not N/A."""
    return int if rule[0] == "number" and not rule[3] else _KINDS.get(rule[0], str)


class _Writer:
    """The lines of the function, and the constants it names."""

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places
        self._constants: dict[str, object] = {"UNSET": UNSET}
        self._rules: dict[str, Rule] = {}
        self._may_end = False
        self._lines = ["def settled(sheet):", " ended = False"]

    def constant(self, value: object) -> str:
        name = f"C{len(self._constants)}"
        self._constants[name] = value
        return name

    def field(self, field: Field) -> None:
        asked = ["not ended"] if self._may_end else []
        if field.show_if is not None:
            asked.append(self.condition(field.show_if))
        if field.rule:
            self._answer(field, field.rule, " and ".join(asked))
        if field.end_if is not None:
            self._lines.append(f" ended = ended or {self.condition(field.end_if)}")
            self._may_end = True

    def _answer(self, field: Field, rule: Rule, asked: str) -> None:
        place, kept = self._places[field.id], _kept(rule)
        wrong = [f"not ({asked})"] if asked else []
        if kept:
            wrong.append(f"{self.constant(kept)}({place}) != {place}")
        for code, when in field.choice_if.items():
            chosen = "in" if _kind(rule) is list else "=="
            wrong.append(f"{self.constant(code)} {chosen} {place} and not {self.condition(when)}")
        self._lines.append(f" {place} = sheet.{place}")
        if rule[0] == "value":
            self._lines.append(f" if {self._differs(field.id, rule, asked)}: return False")
        elif wrong:
            self._lines += [
                f" if {place} is not UNSET:",
                f"  if {' or '.join(wrong)}: return False",
            ]
            if field.required and asked:
                self._lines.append(f" elif {asked}: return False")
        self._rules[field.id] = rule

    def _differs(self, name: str, rule: Rule, asked: str) -> str:
        """Whether a calculated value is another than ours, or there where it should not be."""
        known = dict.fromkeys(each for each in names(rule[1]) if each in self._rules)
        answers = ", ".join(f"{self.constant(each)}: {self._places[each]}" for each in known)
        ours = f"{self.constant(_calculated)}({self.constant(rule[1])}, {{{answers}}})"
        ours = f"({ours} if {asked} else UNSET)" if asked else ours
        return f"repr({self._places[name]}) != repr({ours})"  # tells -0.0 from 0.0

    def condition(self, condition: Condition) -> str:
        operator, *operands = condition
        if operator in ("and", "or"):
            return f"({f' {operator} '.join(map(self.condition, operands)) or operator == 'and'})"
        if operator == "not":
            return f"(not {self.condition(operands[0])})"
        if operands[0] not in self._rules:
            return "False"  # nothing is answered there yet
        return f"({self._comparison(operator, *operands)})"

    def _comparison(self, operator: str, name: str, *operands: Any) -> str:
        place, rule = self._places[name], self._rules[name]
        present = f"{place} is not UNSET"
        if operator == "answered":
            return present
        if operator == "in":
            equal = [self._comparison("==", name, each) for each in operands[0]]
            return " or ".join(equal) or "False"
        if operator == "!in":
            return " and ".join(
                [present, *(self._comparison("!=", name, each) for each in operands[0])]
            )
        constant = self.constant(operands[0])
        if operator in ("has", "!has"):
            within = {"has": "in", "!has": "not in"}[operator]
            return f"{present} and {constant} {within} {place}" if _kind(rule) is list else "False"
        if rule[0] == "scale" and len(rule) > 3:  # may be N/A, which is another kind
            present = f"type({place}) is {'str' if isinstance(operands[0], str) else 'int'}"
        elif _compared(type(operands[0])) is not _compared(_kind(rule)):
            return "False"
        return f"{present} and {place} {_OPERATORS[operator]} {constant}"

    def source(self) -> str:
        return "\n".join([*self._lines, " return True"])

    def function(self) -> Callable[[Any], bool]:
        """Whether everything holds of a sheet that its type does not say."""
        exec(self.source(), self._constants)  # noqa: S102
        return cast(Callable[[Any], bool], self._constants["settled"])


def _compared(kind: type) -> type:
    return float if kind is int else kind


_OPERATORS = {operator: operator for operator in ("==", "!=", "<", "<=", ">", ">=")}
