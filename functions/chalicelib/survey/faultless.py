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

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
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
        given = {field.id for field in asked if field.required and field.id in always}
        sheet = msgspec.defstruct(
            "AnySheet",
            [
                (places[field.id], _type(field.rule or []))
                if field.id in given
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
        writer = _Writer(places, given)
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
    "files": lambda most: Annotated[list[str], Meta(min_length=1, max_length=most)],
    "value": lambda formula: float,
}


def _type(rule: Rule) -> Any:
    return _TYPES[rule[0]](*rule[1:])


# What it cannot: whether an answer of that type would be kept as it is. Each is an expression, made
# of the answer's place {0} and a constant {1}; most answers pass before any function is called.


def _same(rule: Rule) -> Callable[[Any], bool]:
    def same(answer: Any) -> bool:
        try:
            # 0.0, which -0.0 would be kept as, is left to read
            return bool(answer) and check(rule, answer) == answer
        except Invalid:
            return False

    return same


def _in_order(codes: Sequence[str]) -> Callable[[list[str]], bool]:
    place = {code: number for number, code in enumerate(codes)}

    def in_order(chosen: list[str]) -> bool:
        last = -1
        for code in chosen:
            if place[code] <= last:
                return False
            last = place[code]
        return True

    return in_order


def _calculated(formula: Any, places: dict[str, Any]) -> Any:
    answers = {name: answer for name, answer in places.items() if answer is not UNSET}
    found = value(formula, answers)
    return UNSET if found is None else found


def _kept(rule: Rule) -> tuple[str, object] | None:
    """None where every answer of the type is kept."""
    kind, *limits = rule
    if kind == "text":
        neat = "{0}.isprintable() and {0}[0] != ' ' != {0}[-1]"
        return f"({neat} or {{1}}({{0}}) == {{0}})", clean
    if kind == "phone":
        return "{1}({0})", PHONE.fullmatch  # which leaves nothing to clean
    if kind == "codes":
        return "(len({0}) == 1 or {1}({0}))", _in_order(limits[0])
    if kind in ("code", "scale", "value") or kind == "number" and not limits[2]:
        return None
    return "{1}({0})", _same(rule)


_KINDS: dict[str, type] = {
    "codes": list,
    "order": list,
    "scale": int,
    "number": float,
    "true": bool,
    "files": list,
    "value": float,
}


def _kind(rule: Rule) -> type:
    """The class of an answer of the right type, where it is not N/A."""
    return int if rule[0] == "number" and not rule[3] else _KINDS.get(rule[0], str)


class _Writer:
    """The lines of the function, and the constants it names."""

    def __init__(self, places: dict[str, str], given: Container[str]) -> None:
        self._places = places
        self._given = given
        self._constants: dict[str, object] = {"UNSET": UNSET}
        self._rules: dict[str, Rule] = {}
        self._read: set[str] = set()
        self._may_end = False
        self._lines: list[str] = []

    def constant(self, value: object) -> str:
        name = f"C{len(self._constants)}"
        self._constants[name] = value
        return name

    def place(self, name: str) -> str:
        """The variable that holds an answer."""
        self._read.add(self._places[name])
        return self._places[name]

    def present(self, name: str) -> str:
        """Whether there is an answer; empty where the type says so already."""
        return "" if name in self._given else f"{self.place(name)} is not UNSET"

    def field(self, field: Field) -> None:
        asked = ["not ended"] if self._may_end else []
        if field.show_if is not None:
            asked.append(self.condition(field.show_if))
        if field.rule:
            self._answer(field, field.rule, _all(asked))
            self._rules[field.id] = field.rule
        if field.end_if is not None:
            before = "ended or " if self._may_end else ""
            self._lines.append(f" ended = {before}{self.condition(field.end_if)}")
            self._may_end = True

    def _answer(self, field: Field, rule: Rule, asked: str) -> None:
        right = [asked]
        kept = _kept(rule)
        if kept:
            right.append(kept[0].format(self.place(field.id), self.constant(kept[1])))
        for code, when in field.choice_if.items():
            other = f"{self.constant(code)} {_OTHER[_kind(rule)]} {self.place(field.id)}"
            right.append(f"({other} or {self.condition(when)})")
        if rule[0] == "value":
            self._lines.append(f" if {self._differs(field.id, rule, asked)}: return False")
            return
        if not any(right):
            return
        wrong = _all([self.present(field.id), f"not ({_all(right)})"])
        missing = _all([f"{self.place(field.id)} is UNSET", asked])
        self._lines.append(f" if {wrong}: return False")
        if field.required and asked:
            self._lines.append(f" if {missing}: return False")

    def _differs(self, name: str, rule: Rule, asked: str) -> str:
        """Whether a calculated value is another than ours, or there where it should not be."""
        known = dict.fromkeys(each for each in names(rule[1]) if each in self._rules)
        answers = ", ".join(f"{self.constant(each)}: {self.place(each)}" for each in known)
        ours = f"{self.constant(_calculated)}({self.constant(rule[1])}, {{{answers}}})"
        ours = f"({ours} if {asked} else UNSET)" if asked else ours
        return f"repr({self.place(name)}) != repr({ours})"  # tells -0.0 from 0.0

    def condition(self, condition: Condition) -> str:
        operator, *operands = condition
        if operator in ("and", "or"):
            return f"({f' {operator} '.join(map(self.condition, operands)) or operator == 'and'})"
        if operator == "not":
            return f"(not {self.condition(operands[0])})"
        if operands[0] not in self._rules:
            return "False"  # nothing is answered there yet
        return f"({self._comparison(operator, *operands) or True})"

    def _comparison(self, operator: str, name: str, *operands: Any) -> str:
        present, rule = self.present(name), self._rules[name]
        if operator == "answered":
            return present
        if operator == "in":
            equal = [self._comparison("==", name, each) for each in operands[0]]
            return " or ".join(equal) or "False"
        if operator == "!in":
            return _all([present, *(self._comparison("!=", name, each) for each in operands[0])])
        constant, place = self.constant(operands[0]), self.place(name)
        if operator in ("has", "!has"):
            within = {"has": "in", "!has": "not in"}[operator]
            return (
                _all([present, f"{constant} {within} {place}"]) if _kind(rule) is list else "False"
            )
        if rule[0] == "scale" and len(rule) > 3:  # may be N/A, which is another kind
            present = f"type({place}) is {'str' if isinstance(operands[0], str) else 'int'}"
        elif _compared(type(operands[0])) is not _compared(_kind(rule)):
            return "False"
        return _all([present, f"{place} {_OPERATORS[operator]} {constant}"])

    def source(self) -> str:
        reads = [f" {place} = sheet.{place}" for place in sorted(self._read)]
        return "\n".join(["def settled(sheet):", *reads, *self._lines, " return True"])

    def function(self) -> Callable[[Any], bool]:
        """Whether everything holds of a sheet that its type does not say."""
        exec(self.source(), self._constants)  # noqa: S102
        return cast(Callable[[Any], bool], self._constants["settled"])


def _all(tests: Iterable[str]) -> str:
    """Empty where nothing is tested."""
    return " and ".join(test for test in tests if test)


_OTHER: dict[type, str] = {str: "!=", list: "not in"}
"""That a code is not what was chosen."""


def _compared(kind: type) -> type:
    return float if kind is int else kind


_OPERATORS = {operator: operator for operator in ("==", "!=", "<", "<=", ">", ">=")}
