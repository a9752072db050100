"""Python and JavaScript agree on what is visible and what is valid (DESIGN.md, idea 3).

The vectors settle what is meant; random surveys with random answers show that nothing is left out.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.survey import Choice, Contract, Field, Invalid, Section, holds, read
from chalicelib.survey.formulas import value
from chalicelib.survey.questions import (
    AnyQuestion,
    Calculated,
    Ces,
    Consent,
    Date,
    Dropdown,
    Email,
    Hidden,
    LongText,
    Matrix,
    Multiple,
    Nps,
    Number,
    Phone,
    Ranking,
    Rating,
    Row,
    Score,
    ShortText,
    Single,
    Statement,
    Upload,
    YesNo,
)
from chalicelib.survey.rules import RULES, check, coerce
from generator.places import TEMPLATES
from generator.render import row

HERE = Path(__file__).parent
PAGE = TEMPLATES / "survey"
VECTORS = HERE.parent / "vectors"
SETS = 4
"""Sets of answers per random survey."""


class Twin:
    """The page's side, in one Node process for all of the tests here."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, function: str, *given: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([function, *given]) + "\n")
        self._process.stdin.flush()
        result: dict[str, Any] = json.loads(self._process.stdout.readline())
        return result


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    own = (PAGE / "parts" / f"{kind}.js" for kind in [*RULES, "choices", "pattern", "typed"])
    sources = [PAGE / "conditions.js", *(part for part in own if part.is_file())]
    command = [node, str(HERE / "twin.js"), *map(str, sources)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        yield Twin(process)


def vectors(name: str, part: str | None = None) -> list[Any]:
    data = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    return [pytest.param(each, id=each["why"]) for each in (data[part] if part else data)]


def exact(value: object) -> str:
    """A value as text that tells ``true`` from ``1``, and ``5.0`` not from ``5``."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def checked(rule: list[Any], raw: object) -> dict[str, object]:
    try:
        return {"value": check(rule, raw)}
    except Invalid as invalid:
        return {"problem": invalid.code}


def as_field(values: list[Any]) -> Field:
    identity, rule, required, show_if, end_if, choice_if = [*values, *[None] * (6 - len(values))]
    return Field(identity, rule, bool(required), show_if, end_if, choice_if or {})


def reading(fields: list[Field], raw: dict[str, Any]) -> dict[str, object]:
    result = read(fields, raw)
    problems = [(problem.question, problem.code) for problem in result.problems]
    return {"shown": result.shown, "answers": result.answers, "problems": problems}


def page_reading(twin: Twin, rows: list[Any], raw: dict[str, Any]) -> dict[str, object]:
    result = twin("read", rows, raw)["value"]
    problems = [problem[:2] for problem in result["problems"]]
    return {"shown": result["shown"], "answers": result["answers"], "problems": problems}


@pytest.mark.parametrize("vector", vectors("conditions"))
def test_conditions(twin: Twin, vector: dict[str, Any]) -> None:
    assert holds(vector["condition"], vector["answers"]) is vector["holds"]
    assert twin("holds", vector["condition"], vector["answers"]) == {"value": vector["holds"]}


@pytest.mark.parametrize("vector", vectors("rules", "check"))
def test_rules(twin: Twin, vector: dict[str, Any]) -> None:
    expected = (
        {"problem": vector["problem"]} if "problem" in vector else {"value": vector["answer"]}
    )
    assert exact(checked(vector["rule"], vector["raw"])) == exact(expected)
    if expected.get("problem") == "type":
        return  # coerce gives the page no such value
    assert exact(twin("check", vector["rule"], vector["raw"])) == exact(expected)


@pytest.mark.parametrize("vector", vectors("rules", "coerce"))
def test_what_a_form_sends(twin: Twin, vector: dict[str, Any]) -> None:
    assert exact(coerce(vector["rule"], vector["texts"])) == exact(vector["raw"])
    assert exact(twin("coerce", vector["rule"], vector["texts"])["value"]) == exact(vector["raw"])


@pytest.mark.parametrize("vector", vectors("formulas"))
def test_calculated_values(twin: Twin, vector: dict[str, Any]) -> None:
    """To the last bit: JSON writes a double as the shortest text that is that double."""
    found = value(vector["formula"], vector["answers"])
    assert found is None or isinstance(found, float)
    assert str(found) != "-0.0"
    assert exact(found) == exact(vector["value"])
    assert exact(twin("figure", vector["formula"], vector["answers"])["value"]) == exact(found)


@pytest.mark.parametrize("vector", vectors("reading"))
def test_reading(twin: Twin, vector: dict[str, Any]) -> None:
    expected = exact({key: vector[key] for key in ("shown", "answers", "problems")})
    fields = [as_field(values) for values in vector["fields"]]
    assert exact(reading(fields, vector["raw"])) == expected
    assert exact(page_reading(twin, vector["fields"], vector["raw"])) == expected


# Random surveys. Names and codes are few, so that conditions meet the answers they ask for.

TEXT = {"en": "text"}
CODES = ["a", "b", "c", "constructor"]
DAYS = ["2026-01-01", "2026-02-28", "2026-02-30", "2027-06-15", "1999-13-01"]
NUMBERS = st.sampled_from([0, 1, 2, 3, 5, 7, 10, -1, 2.5, 1.15, 0.1, 1e10, 11, 4.000000001])
STRANGE = ["", " ", "\u3000", "  ab\u3000", "a\r\nb", "\ud800", "\u0000", "👍👍👍", "x" * 41]
TOKENS = [f"2026-05-17-{digit * 32}" for digit in "0af"]
NUMERIC = ["5", "5.0", "１", "1e5", " 7 ", "-2", "13800138000", "+86 10-1234"]
TEXTS = st.sampled_from([*STRANGE, *NUMERIC, *DAYS, "a", "ab", "na", "true", "other", "a@b.cn"])


@st.composite
def conditions(draw: st.DrawFn, earlier: list[Field], depth: int = 2) -> list[Any] | None:
    """A condition on answers asked before, or None."""
    asked = [field for field in earlier if field.rule]
    if not asked or draw(st.booleans()):
        return None
    parts = [draw(_leaf(asked)) for _ in range(draw(st.integers(1, depth)))]
    joined = parts[0] if len(parts) == 1 else [draw(st.sampled_from(["and", "or"])), *parts]
    return ["not", joined] if draw(st.integers(0, 4)) == 0 else joined


@st.composite
def _leaf(draw: st.DrawFn, asked: list[Field]) -> list[Any]:
    field = draw(st.sampled_from(asked))
    operands = {
        "code": st.sampled_from([*CODES, "yes", "other"]),
        "codes": st.sampled_from(CODES),
        "order": st.sampled_from(CODES),
        "value": NUMBERS,
        "scale": st.one_of(NUMBERS, st.just("na")),
        "number": NUMBERS,
        "date": st.sampled_from(DAYS),
        "true": st.just(True),
    }.get(field.kind, TEXTS)
    operator = draw(
        st.sampled_from(["has", "!has", "answered"])
        if field.kind in ("codes", "order", "files")
        else st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "!in", "answered"])
    )
    if operator == "answered":
        return [operator, field.id]
    if operator in ("in", "!in"):
        return [operator, field.id, draw(st.lists(operands, max_size=3))]
    return [operator, field.id, draw(operands)]


OPERANDS = st.sampled_from([0, 1, 3, -2.5, 0.1, 1e-9, 1e15])


@st.composite
def formulas(draw: st.DrawFn, earlier: list[Field], depth: int = 3) -> list[Any]:
    """A formula over answers given before; also over such as have no number."""
    names = [field.id for field in earlier if field.rule]

    def operand() -> Any:
        kind = draw(st.integers(0, 2))
        if kind == 0 and depth:
            return draw(formulas(earlier, depth - 1))
        return draw(st.sampled_from(names)) if kind == 1 and names else draw(OPERANDS)

    operator = draw(st.sampled_from([*"+-*/", "sum", "mean", "min", "max", "count", "if"]))
    if operator == "count":
        return [
            operator,
            *draw(st.lists(st.sampled_from(names), max_size=4) if names else st.just([])),
        ]
    if operator == "if":
        condition = draw(conditions(earlier)) or ["not", ["answered", "nothing"]]
        return [operator, condition, operand(), operand()]
    count = 2 if operator in "+-*/" else draw(st.integers(1, 3))
    return [operator, *(operand() for _ in range(count))]


@st.composite
def questions(draw: st.DrawFn, name: str, earlier: list[Field]) -> AnyQuestion:
    some = st.booleans()
    base: dict[str, Any] = {"id": name, "text": TEXT}
    base |= {"show_if": draw(conditions(earlier)), "end_if": None}
    kind = draw(st.sampled_from(list(_MAKERS)))
    if kind is Calculated:
        return Calculated(**base, value=draw(formulas(earlier)))
    if kind is Matrix:
        base["rows"] = [Row(code, TEXT) for code in ("a", "b")]
    if kind is not Statement:
        base["required"] = draw(some)
    if draw(st.integers(0, 9)) == 0:
        base["end_if"] = draw(conditions(earlier))
    if kind in (Single, Dropdown, Multiple, Ranking):
        codes = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=4, unique=True))
        base["choices"] = [Choice(code, TEXT, draw(conditions(earlier, 1))) for code in codes]
        if kind is not Ranking:
            base["other"] = draw(some)
    return kind(**base, **{key: draw(values) for key, values in _MAKERS[kind].items()})


_MAKERS: dict[Any, dict[str, st.SearchStrategy[Any]]] = {
    Single: {},
    Dropdown: {},
    Multiple: {"least": st.integers(1, 2), "most": st.sampled_from([None, 2])},
    Ranking: {"most": st.sampled_from([None, 2])},
    YesNo: {},
    Matrix: {"na": st.booleans()},
    Calculated: {},
    Rating: {"scale": st.integers(2, 10), "na": st.booleans()},
    Score: {"na": st.booleans()},
    Nps: {},
    Ces: {"na": st.booleans()},
    Number: {"least": st.sampled_from([0.0, -5.5]), "decimals": st.integers(0, 3)},
    Date: {
        "first": st.sampled_from([None, "2026-02-01"]),
        "last": st.sampled_from([None, DAYS[3]]),
    },
    ShortText: {"least": st.integers(0, 3), "most": st.integers(2, 5)},
    LongText: {},
    Phone: {},
    Email: {},
    Consent: {},
    Statement: {},
    Hidden: {},
    Upload: {"accept": st.just(["image/png"]), "most": st.integers(1, 2)},
}


@st.composite
def surveys(draw: st.DrawFn) -> Contract:
    names = iter(["constructor", *(f"q{number}" for number in range(20))])
    sections: list[Section] = []
    earlier: list[Field] = []
    for number in range(draw(st.integers(1, 3))):
        show_if = draw(conditions(earlier))
        asked: list[AnyQuestion] = []
        for _ in range(draw(st.integers(1, 4))):
            asked.append(draw(questions(next(names), earlier)))
            earlier += asked[-1].fields()
        end_if = draw(conditions(earlier)) if draw(st.integers(0, 3)) == 0 else None
        sections.append(Section(f"s{number}", asked, show_if=show_if, end_if=end_if))
    return Contract(
        id="random", title=TEXT, languages=["en"], timezone="Asia/Shanghai", sections=sections
    )


def _fitting(field: Field) -> st.SearchStrategy[Any]:
    """Answers that mostly keep the field's rule."""
    return {
        "code": st.sampled_from([*CODES, "yes", "no", "other", ""]),
        "codes": st.lists(st.sampled_from([*CODES, "other"]), max_size=3, unique=True),
        "order": st.lists(st.sampled_from([*CODES, ""]), max_size=4, unique=True),
        "scale": st.one_of(st.integers(0, 10), st.just("na")),
        "number": NUMBERS,
        "date": st.sampled_from(DAYS),
        "true": st.booleans(),
        "files": st.lists(st.sampled_from([*TOKENS, "photo.jpg"]), max_size=3),
    }.get(field.kind, TEXTS)


@st.composite
def submissions(draw: st.DrawFn, fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        field.id: (
            coerce(field.rule, draw(st.lists(TEXTS, max_size=2)))
            if draw(st.integers(0, 5)) == 0
            else draw(_fitting(field))
        )
        for field in fields
        if field.rule and draw(st.integers(0, 5))
    }


def _agree(twin: Twin, data: st.DataObject) -> None:
    contract = data.draw(surveys())
    rows = [row(field) for field in contract.fields]
    for _ in range(SETS):
        raw = data.draw(submissions(contract.fields))
        here, there = reading(list(contract.fields), raw), page_reading(twin, rows, raw)
        assert exact(here) == exact(there)
    for field in contract.fields:
        if field.rule:
            texts = data.draw(st.lists(TEXTS, max_size=2))
            there = twin("coerce", field.rule, texts)["value"]
            assert exact(coerce(field.rule, texts)) == exact(there)


_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


@given(data=st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=_CHECKS, database=None)
def test_random_surveys(twin: Twin, data: st.DataObject) -> None:
    """320 sets of answers."""
    _agree(twin, data)


@pytest.mark.long
@given(data=st.data())
@settings(max_examples=2600, deadline=None, suppress_health_check=_CHECKS, database=None)
def test_many_random_surveys(twin: Twin, data: st.DataObject) -> None:
    """10,400 sets of answers."""
    _agree(twin, data)
