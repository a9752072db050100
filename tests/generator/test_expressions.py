"""Conditions: what an author may write, what it becomes, and what is refused and how."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.survey import Field, holds, read
from chalicelib.survey.conditions import COMPARISONS
from chalicelib.survey.rules import RULES
from generator.expressions import Scope, bind
from generator.operands import KINDS
from generator.reachability import _VALUES, Asked, judge
from tests.generator.writing import HEAD, compiled, errors, survey, warnings

FIELDS = [
    Field("kind", ["code", ["repair", "advice"]]),
    Field("kind_other", ["text", 1, 500]),
    Field("improve", ["codes", ["speed", "skill"], 1, 2]),
    Field("speed", ["scale", 1, 5, 1]),
    Field("overall", ["scale", 1, 10]),
    Field("visits", ["number", 0, 99, 0]),
    Field("paid", ["number", -10, 1000, 2]),
    Field("day", ["date", "2020-01-01", None]),
    Field("note", ["text", 2, 10]),
    Field("phone", ["phone"], personal=True),
    Field("mail", ["email"]),
    Field("agree", ["true"]),
    Field("intro", None),
]
SCOPE = Scope(
    fields={field.id: field for field in FIELDS},
    later={"after": frozenset(), "twin": frozenset({"mine"}), "mine": frozenset()},
    attributes=frozenset({"agent", "index"}),
    unread=frozenset({"broken"}),
    owner=frozenset({"mine"}),
)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('kind == "repair"', ["==", "kind", "repair"]),
        ('"repair" != kind', ["!=", "kind", "repair"]),
        ('kind in ["repair", "advice"]', ["in", "kind", ["repair", "advice"]]),
        ('kind not in ("repair",)', ["!in", "kind", ["repair"]]),
        ('"speed" in improve', ["has", "improve", "speed"]),
        ('"speed" not in improve', ["!has", "improve", "speed"]),
        ("overall <= 2", ["<=", "overall", 2]),
        ("2 > overall", ["<", "overall", 2]),
        ("2 < overall", [">", "overall", 2]),
        ("2 >= overall", ["<=", "overall", 2]),
        ("2 <= overall < 4", ["and", [">=", "overall", 2], ["<", "overall", 4]]),
        ("overall < 2.5", ["<", "overall", 2.5]),
        ('speed == "na"', ["==", "speed", "na"]),
        ('speed in (1, "na")', ["in", "speed", [1, "na"]]),
        ("paid >= -1.25", [">=", "paid", -1.25]),
        ('day >= "2026-05-17"', [">=", "day", "2026-05-17"]),
        ('note == "hello"', ["==", "note", "hello"]),
        ("agree == True", ["==", "agree", True]),
        ("agree == true", ["==", "agree", True]),
        ("answered(phone)", ["answered", "phone"]),
        ("answered(kind_other)", ["answered", "kind_other"]),
        ("not answered(phone)", ["not", ["answered", "phone"]]),
        ("visits == 0 or visits == 1 or visits == 2",
         ["or", ["==", "visits", 0], ["==", "visits", 1], ["==", "visits", 2]]),
        ("visits < 1 and\n  (overall < 2 or not speed > 3)",
         ["and", ["<", "visits", 1], ["or", ["<", "overall", 2], ["not", [">", "speed", 3]]]]),
    ],
)  # fmt: skip
def test_what_is_written_becomes_data(text: str, data: list[object]) -> None:
    bound = bind(text, SCOPE)
    assert bound.problems == []
    assert bound.condition == data


def test_every_operator_of_the_kernel_can_be_written() -> None:
    operators = set().union(*(kind.operators for kind in KINDS.values()))
    assert operators == set(COMPARISONS)


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("overal <= 2", "no question `overal`", "did you mean `overall`?"),
        ("after == 1", "`after` is asked later", "move it up"),
        ("mine == 1", "cannot depend on itself", "an earlier question"),
        ("twin == 1", "this and `twin` depend on each other", "only the later one"),
        ('agent == "a"', "`agent` is an attribute", "`when` of follow_ups"),
        ("index < 40", "`index` is an attribute", "`when` of follow_ups"),
        ("answered(intro)", "`intro` takes no answer", "that does"),
        ("kind", "`kind` is an answer", '`kind == "repair"`'),
        ("kind == repair", "`repair` is a choice of `kind`", 'put it in quotes: "repair"'),
        ("kind == repare", "no question `repare`", "use `agree`"),
        ("speed == overall", "are both questions", "with a value"),
        ("speed == overall + 1", "`overall + 1` is not a comparison", "with a value"),
        ("1 == 1", "are both values", "name a question"),
        ('kind == "repairs"', "no choice `repairs`", "did you mean `repair`?"),
        ("kind == 1", "`1` is not a choice", "in quotes"),
        ('kind < "repair"', "cannot be asked with `<`", 'write `kind == "repair"`'),
        ('"repair" in kind', "cannot be asked with `in`", 'write `kind == "repair"`'),
        ('improve == "speed"', "cannot be asked with `==`", 'write `"speed" in improve`'),
        ('"price" in improve', "no choice `price`", "use `skill` or `speed`"),
        ('kind in "repair"', "`in` wants a list", 'in ["a", "b"]'),
        ('kind == ["repair"]', "compared with a list", "in [...]"),
        ("kind in []", "the list is empty", "at least one"),
        ("overall <= 11", "11 is outside `overall`", "from 1 to 10"),
        ("overall == 2.5", "`overall` is never 2.5", "whole"),
        ('overall <= "2"', "`overall` is a number, not '2'", "without quotes"),
        ("overall == True", "`overall` is a number, not True", "without quotes"),
        ('overall == "na"', "`overall` has no `na`", "add `na: true`"),
        ('speed < "na"', "`na` has no order", 'write `speed == "na"`'),
        ("paid == 1.255", "`paid` is never 1.255", "2 decimal places"),
        ("visits >= -1", "-1 is outside", "from 0 to 99"),
        ('day > "17.5.2026"', "can never be", "2026-05-17"),
        ('day > "2019-01-01"', "can never be", "2026-05-17"),
        ('note == "x"', "can never be", "note"),
        ("note == 5", "not compared with 5", 'a text: "…"'),
        ("note < 5", "cannot be asked with `<`", "note"),
        ("agree == False", "ticked or not answered", "not answered(agree)"),
        ("agree != True", "cannot be asked with `!=`", "agree == True"),
        ("answered(phone, mail)", "cannot be called", "answered(question)"),
        ("answered(1)", "asks about one question", "answered(question)"),
        ("len(note) > 3", "`len(note)` is not a comparison", "such as"),
        ("note.upper() == 'A'", "is not a comparison", "such as"),
        ("improve[0] == 'speed'", "is not a comparison", "such as"),
        ("__import__('os')", "cannot be called", "answered(question)"),
        ("(lambda: 1)", "is not a comparison", "such as"),
        ("overall is 1", "`is` does not compare", "`==`"),
        ("-overall", "is not a comparison", "such as"),
        ("true", "`true` alone is no condition", "name a question"),
        ("'repair'", "is not a comparison", "such as"),
        ("overall = 1", "`=` does not compare", "`==`"),
        ("overall < 1 && speed < 1", "`&&` is not an operator", "`and`"),
        ("overall < 1 || speed < 1", "`||` is not an operator", "`or`"),
        ("overall <> 1", "`<>` is not an operator", "`!=`"),
        ("overall ≤ 1", "≤, ≥ and ≠", "`<=`"),
        ("!answered(phone)", "`!` does not negate", "`not`"),
        ("kind == “repair”", "full-width quotes", '"…"'),
        ("（overall < 1）", "full-width signs", "half-width"),
        ("overall <", "cannot be read", "such as"),
        ("overall < 1 )", "cannot be read", "such as"),
        ("a" * 2001, "2,001 characters", "at most 2,000"),
        ("(" * 300 + "1" + ")" * 300, "cannot be read", "such as"),
    ],
)
def test_what_is_refused_says_what_to_do(text: str, what: str, remedy: str) -> None:
    bound = bind(text, SCOPE)
    assert bound.condition is None
    (problem,) = bound.problems
    assert what in problem.what
    assert remedy in problem.remedy


def test_every_problem_of_a_condition_is_said() -> None:
    bound = bind('nothing == 1 and overall < 99 or kind == "x"', SCOPE)
    assert len(bound.problems) == 3


def test_a_question_with_problems_of_its_own_may_be_named() -> None:
    assert bind('broken == "x" or answered(broken)', SCOPE).problems == []
    assert bind('broken == "x"', SCOPE).condition is None


@given(st.text(max_size=60) | st.text("andornt ()<=>!\"'1[],.kispeed", max_size=40))
@settings(max_examples=300, deadline=None)
def test_binding_is_total(text: str) -> None:
    """Whatever is written is bound or refused, and nothing is run."""
    bound = bind(text, SCOPE)
    assert (bound.condition is None) == bool(bound.problems)
    if bound.condition is not None:
        holds(bound.condition, {})


# What each place may name

QUESTIONS = """
- {id: first, type: yes_no, text: First}
- {id: second, type: single, text: Second, other: true, choices: {x: X, y: {text: Y, show_if: C}}}
- {id: third, type: score, text: Third}
"""


def test_a_choice_sees_earlier_questions_only() -> None:
    assert compiled(survey(QUESTIONS.replace("C}", 'first == "yes"}'))).contract
    (only,) = errors(survey(QUESTIONS.replace("C}", 'second == "x"}')))
    assert only.startswith("small.yaml:9: second: a question cannot depend on itself")
    (only,) = errors(survey(QUESTIONS.replace("C}", "third > 2}")))
    assert "`third` is asked later" in only


@pytest.mark.parametrize("end", ['second == "x"', "answered(second_other)", 'first == "no"'])
def test_an_end_sees_its_own_question(end: str) -> None:
    text = QUESTIONS.replace("C}", 'first == "yes"}').replace(
        "type: single", f"end_if: {end}, type: single"
    )
    assert compiled(survey(text)).contract


def test_two_questions_that_depend_on_each_other() -> None:
    found = errors(
        survey("""
        - {id: a, type: yes_no, text: A, show_if: b == "yes"}
        - {id: b, type: yes_no, text: B, show_if: a == "yes"}
        """)
    )
    (only,) = found
    assert only.startswith("small.yaml:8: a: this and `b` depend on each other")


def test_sections_see_earlier_sections_and_ends_their_own() -> None:
    def text(show_if: str, end_if: str) -> str:
        return (
            f"{HEAD}sections:\n"
            "  - {id: one, questions: [{id: a, type: score, text: A}]}\n"
            f"  - id: two\n    show_if: {show_if}\n    end_if: {end_if}\n"
            "    questions: [{id: b, type: score, text: B}]\n"
        )

    assert compiled(text("a < 5", "b < 5")).contract
    (only,) = errors(text("b < 5", "a < 5"))
    assert only.startswith("small.yaml:8: sections two: `b` is asked later")


def test_rules_see_everything_and_what_the_link_knows() -> None:
    def rule(when: str) -> str:
        questions = "- {id: a, type: rating, text: A, weight: 100%}"
        after = f"follow_ups:\n  - {{id: r, title: R, when: {when}}}\n"
        return survey(questions, head=f"{HEAD}attributes: [tier]\n", after=after)

    for when in ("a < 3", 'tier == "vip" and a < 5', 'tier in ["vip", "gold"]', "index <= 40.5"):
        # in flow style a list would end the mapping, so conditions stand in quotes
        assert compiled(rule(f"'{when}'")).contract, errors(rule(f"'{when}'"))
    assert "101 is outside `index`" in errors(rule("index < 101"))[0]
    assert "cannot be asked with `<`" in errors(rule("'tier < \"vip\"'"))[0]


# What can never hold, and what always does


@pytest.mark.parametrize(
    ("questions", "line", "expected"),
    [
        ('- {id: b, type: score, text: B, show_if: a == "x" and a == "y"}', 9, "never shown"),
        (
            '- {id: b, type: yes_no, text: B, show_if: a == "x"}\n'
            '- {id: c, type: score, text: C, show_if: a == "y" and answered(b)}',
            10,
            "never shown",
        ),
        (
            "- {id: n, type: number, text: N}\n"
            "- {id: b, type: score, text: B, show_if: n > 5 and n < 6}",
            10,
            "never shown",
        ),
        (
            "- {id: d, type: date, text: D}\n"
            "- {id: b, type: score, text: B, show_if: "
            'd > "2026-01-01" and d < "2026-01-02"}',
            10,
            "never shown",
        ),
        ('- {id: b, type: yes_no, text: B, end_if: a == "x" and a != "x"}', 9, "never ends here"),
        (
            "- {id: b, type: single, text: B, "
            'choices: {p: P, q: {text: Q, show_if: a == "x" and a == "y"}}}',
            9,
            "`q` is never offered",
        ),
        (
            '- {id: b, type: yes_no, text: B, required: true, end_if: a == "x" or a == "y"}\n'
            "- {id: c, type: score, text: C}",
            10,
            "can never be reached",
        ),
    ],
)
def test_what_can_never_happen_is_an_error(questions: str, line: int, expected: str) -> None:
    first = "- {id: a, type: single, required: true, text: A, choices: {x: X, y: Y}}\n"
    (only,) = errors(survey(first + questions))
    assert only.startswith(f"small.yaml:{line}: ")
    assert expected in only


def test_a_section_after_a_certain_end_can_never_be_reached() -> None:
    more = "  - {id: more, questions: [{id: b, type: score, text: B}]}\n"
    questions = "- {id: a, type: score, required: true, text: A, end_if: a >= 1}"
    (only,) = errors(survey(questions) + more)
    assert only.startswith("small.yaml:9: sections more: this section can never be reached")


def test_a_rule_that_never_opens() -> None:
    after = "follow_ups:\n  - {id: r, title: R, when: a == 1 and b == 1}\n"
    questions = "- {id: a, type: score, text: A}\n- {id: b, type: score, text: B, show_if: a == 2}"
    assert "never opens a follow-up" in errors(survey(questions, after=after))[0]


@pytest.mark.parametrize(
    "condition",
    ["answered(a)", "a <= 10", "a <= 5 or a >= 4", "not a > 10", "not answered(a) or a >= 1"],
)
def test_what_always_holds_is_a_warning(condition: str) -> None:
    questions = (
        "- {id: a, type: score, required: true, text: A}\n"
        f"- {{id: b, type: score, text: B, show_if: {condition}}}"
    )
    assert "the condition always holds" in "\n".join(warnings(survey(questions)))


def test_a_question_that_may_be_skipped_does_not_always_hold() -> None:
    questions = "- {id: a, type: score, text: A}\n- {id: b, type: score, text: B, show_if: a <= 10}"
    assert warnings(survey(questions)) == []


def test_too_many_combinations_are_let_pass() -> None:
    """Never a problem that is not there."""
    questions = "\n".join(f"- {{id: q{n}, type: score, text: Q}}" for n in range(14))
    every = " and ".join(f"q{n} == 5" for n in range(14))
    last = f"- {{id: z, type: score, text: Z, show_if: ({every}) and q0 == 6}}"
    assert errors(survey(f"{questions}\n{last}")) == []


NAMES = ("a", "b", "c")


def conditions(names: tuple[str, ...]) -> st.SearchStrategy[list[object]]:
    leaves = st.one_of(
        st.tuples(st.sampled_from(["==", "!=", "<", ">="]), st.sampled_from(names),
                  st.integers(1, 3)).map(list),
        st.tuples(st.just("answered"), st.sampled_from(names)).map(list),
    )  # fmt: skip
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from(["and", "or"]), inner, inner).map(list),
            st.tuples(st.just("not"), inner).map(list),
        ),
        max_leaves=4,
    )


@st.composite
def surveys(draw: st.DrawFn) -> tuple[list[Field], list[object]]:
    fields = [
        Field(
            name,
            ["scale", 1, 3],
            required=draw(st.booleans()),
            show_if=draw(st.none() | conditions(NAMES[:n])) if n else None,
            end_if=draw(st.none() | conditions(NAMES[: n + 1])),
        )
        for n, name in enumerate(NAMES)
    ]
    return fields, draw(conditions(NAMES))


def every_reading(fields: list[Field]) -> Iterator[tuple[dict[str, object], bool]]:
    """Every valid response, as the kernel reads it, and whether the survey went on to its end."""
    last = Field("last", ["true"])
    for values in product([None, 1, 2, 3], repeat=len(fields)):
        reading = read([*fields, last], dict(zip(NAMES, values, strict=True)))
        if not reading.problems:
            yield dict(reading.answers), "last" in reading.shown


@given(surveys())
@settings(max_examples=200, deadline=None)
def test_the_verdict_is_what_trying_everything_finds(
    drawn: tuple[list[Field], list[object]],
) -> None:
    fields, condition = drawn
    for ended in (False, True):
        verdict = judge(fields, Asked(condition, len(fields), ended=ended))
        met = [answers for answers, going in every_reading(fields) if going or ended]
        truths = {holds(condition, answers) for answers in met}  # type: ignore[arg-type]
        assert (verdict.asked, verdict.holds, verdict.fails) == (
            bool(met), True in truths, False in truths,
        )  # fmt: skip


def test_every_kind_of_rule_can_be_asked_and_reasoned_about() -> None:
    assert set(KINDS) == set(_VALUES) == set(RULES)
