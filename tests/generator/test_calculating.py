"""Matrices and calculated values as an author writes them, and what is refused and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.survey import Field, read
from generator.advice import minutes
from generator.calculating import bind_formula
from generator.definition import compile_file
from generator.expressions import Scope, bind
from tests.generator.writing import compiled, errors, survey

KITCHEN_SINK = Path(__file__).parent / "surveys" / "kitchen-sink.yaml"
ROWS = ["staff_manner", "staff_tidy"]
FIELDS = [
    *(Field(row, ["scale", 1, 5, 1]) for row in ROWS),
    Field("speed", ["scale", 1, 5]),
    Field("paid", ["number", -10, 1000, 2]),
    Field("average", ["value", ["mean", "speed"]]),
    Field("kind", ["code", ["repair"]]),
    Field("wish", ["order", ["quick", "cheap"], 2, 2]),
]
SCOPE = Scope(fields={field.id: field for field in FIELDS}, groups={"staff": ROWS})


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("any(staff) <= 2", ["or", ["<=", ROWS[0], 2], ["<=", ROWS[1], 2]]),
        ("all(staff) >= 4", ["and", [">=", ROWS[0], 4], [">=", ROWS[1], 4]]),
        ('any(staff) == "na"', ["or", ["==", ROWS[0], "na"], ["==", ROWS[1], "na"]]),
        ("2 >= any(staff)", ["or", ["<=", ROWS[0], 2], ["<=", ROWS[1], 2]]),
        ("1 < any(staff) < 4", [
            "or",
            ["and", [">", ROWS[0], 1], ["<", ROWS[0], 4]],
            ["and", [">", ROWS[1], 1], ["<", ROWS[1], 4]],
        ]),
        ("not all(staff) > 1", ["not", ["and", [">", ROWS[0], 1], [">", ROWS[1], 1]]]),
        ("staff_tidy <= 2", ["<=", ROWS[1], 2]),
        ("average < 2.5", ["<", "average", 2.5]),
        ('"quick" in wish', ["has", "wish", "quick"]),
    ],
)  # fmt: skip
def test_conditions_may_ask_any_or_all_rows_of_a_matrix(text: str, data: list[object]) -> None:
    bound = bind(text, SCOPE)
    assert bound.problems == []
    assert bound.condition == data


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("staff <= 2", "`staff` is a matrix", "`any(staff)`"),
        ("answered(staff)", "`staff` is a matrix", "`staff_manner`"),
        ("any(staff)", "is compared with a value", "any(ratings) <= 2"),
        ("any(speed) <= 2", "`speed` is no matrix", "`speed` alone"),
        ("any(staf) <= 2", "no question `staf`", "use `average`"),
        ("any(staff) <= 9", "9 is outside `staff_manner`", "from 1 to 5"),
        ("any(staff) <= all(staff)", "are both questions", "with a value"),
        ('wish == "quick"', "cannot be asked with `==`", '"quick" in wish'),
        ('average == "2"', "`average` is a number", "without quotes"),
    ],
)
def test_what_is_refused_of_rows(text: str, what: str, remedy: str) -> None:
    [problem] = bind(text, SCOPE).problems
    assert what in problem.what
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("speed", ["sum", "speed"]),
        ("5", ["sum", 5]),
        ("mean(staff, speed) * 20", ["*", ["mean", *ROWS, "speed"], 20]),
        ("-speed + 1.5", ["+", ["-", 0, "speed"], 1.5]),
        ("(paid - 1) / -2", ["/", ["-", "paid", 1], -2]),
        ("max(speed, 2 * average)", ["max", "speed", ["*", 2, "average"]]),
        ("count(kind, staff)", ["count", "kind", *ROWS]),
        ('1 if kind == "repair" else speed', ["if", ["==", "kind", "repair"], 1, "speed"]),
        ("min(1, 2 if any(staff) <= 2 else 3)",
         ["min", 1, ["if", ["or", ["<=", ROWS[0], 2], ["<=", ROWS[1], 2]], 2, 3]]),
    ],
)  # fmt: skip
def test_arithmetic_becomes_data(text: str, data: list[object]) -> None:
    bound = bind_formula(text, SCOPE)
    assert bound.problems == []
    assert bound.condition == data


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("speed +", "the formula cannot be read", "mean(speed, skill)"),
        ("speed ** 2", "cannot be calculated", "`+`, `-`, `*` and `/`"),
        ("kind + 1", "`kind` is no number", "1 if … else 0"),
        ("wish", "`wish` is no number", "1 if … else 0"),
        ("staff + 1", "`staff` is a matrix", "mean(staff)"),
        ("round(speed)", "cannot be calculated", "`count`"),
        ("mean()", "cannot be calculated", "did you mean `mean`?"),
        ("sped", "no question `sped`", "did you mean `speed`?"),
        ('"5"', "is not a number", "mean(speed, skill)"),
        ("speed > 2", "is not a number", "mean(speed, skill)"),
        ("9" * 400, "is not a number", "mean(speed, skill)"),
        ("count(1)", "counts questions", "count(speed, skill)"),
        ("1 if speed else 2", "`speed` is an answer", "speed <= 1"),
        ("__import__('os').system('x')", "cannot be calculated", "`count`"),
    ],
)
def test_arithmetic_that_cannot_be_is_refused(text: str, what: str, remedy: str) -> None:
    problem = bind_formula(text, SCOPE).problems[0]
    assert what in problem.what
    assert remedy in problem.remedy


def test_a_matrix_is_the_ratings_of_its_rows() -> None:
    """Each a field, a column, a tally, a dimension and a weight of its own."""
    contract = compile_file(KITCHEN_SINK).contract
    assert contract is not None
    names = [question.id for question in contract.questions]
    assert {"staff_manner", "staff_tidy"} < set(names)
    assert "staff" not in names
    assert [question.id for question in contract.weighted] == ["speed", "skill", "staff_tidy"]
    tidy = next(question for question in contract.questions if question.id == "staff_tidy")
    assert tidy.text == {"zh-CN": "整洁", "en": "Tidiness"}
    assert minutes(contract, "en") > 0


def test_a_value_sees_the_rows_before_it_and_later_conditions_see_the_value() -> None:
    found = compiled(
        survey("""
        - {id: staff, type: matrix, text: Staff, rows: {manner: Manner, tidy: Tidiness}}
        - {id: people, type: calculated, value: mean(staff)}
        - {id: why, type: long_text, text: Why?, show_if: people < 2.5}
        """)
    )
    assert found.findings == []
    assert found.contract is not None
    reading = read(found.contract.fields, {"staff_manner": 2, "staff_tidy": 2, "why": "slow"})
    assert reading.answers == {"staff_manner": 2, "staff_tidy": 2, "people": 2.0, "why": "slow"}
    assert "why" not in read(found.contract.fields, {"staff_manner": 4}).shown


@pytest.mark.parametrize(
    ("questions", "said"),
    [
        ("- {id: a, type: matrix, text: A, rows: {}}", "`rows` is empty"),
        ("- {id: a, type: matrix, text: A, rows: {Ab: B}}", "`Ab` cannot be"),
        ("- {id: a, type: matrix, text: A, rows: {b: B}}\n- {id: a_b, type: score, text: B}",
         "`a` needs the column `a_b`"),
        ("- {id: a, type: matrix, text: A, rows: {b: {text: B, weight: 50%}}}", "sum to 50%"),
        ("- {id: a, type: matrix, text: A, show_if: a_b > 1, rows: {b: B}}", "depend on itself"),
        ("- {id: r, type: ranking, text: R, most: 3, choices: {a: A, b: B}}", "`most` is 3"),
        ("- {id: v, type: calculated, value: later}\n- {id: later, type: score, text: L}",
         "`later` is asked later"),
        ("- {id: v, type: calculated, value: v + 1}", "cannot depend on itself"),
        ("- {id: v, type: calculated}", "`value` is missing"),
        ("- {id: n, type: number, text: N, personal: true}\n"
         "- {id: v, type: calculated, value: n * 2}", "made of `n`, which is personal"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_reason(questions: str, said: str) -> None:
    assert any(said in error for error in errors(survey(questions)))
