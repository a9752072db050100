"""Advice: what makes surveys worse, and only that."""

from __future__ import annotations

import pytest

from generator import advice
from tests.generator.writing import HEAD, compiled, survey, warnings

RATINGS = "\n".join(f"- {{id: r{n}, type: rating, text: R, required: true}}" for n in range(3))


def scales(low: str, high: str) -> str:
    return f"- {{id: a, type: rating, text: A, low_label: {low}, high_label: {high}}}"


def offered(*texts: str) -> str:
    choices = ", ".join(f"c{n}: {text}" for n, text in enumerate(texts))
    return f"- {{id: a, type: single, text: A, choices: {{{choices}}}}}"


def rated(text: str, kind: str = "rating") -> str:
    return f"- {{id: a, type: {kind}, text: {text}}}"


ADVISED = [
    (rated("Speed and manner"), "two things"),
    (rated("price/quality"), "two things"),
    (rated("服务态度和专业能力"), "two things"),
    (rated("响应速度、解决能力"), "two things"),
    (scales("Good", "Very good"), "lean one way"),
    (scales("满意", "非常满意"), "lean one way"),
    ("- {id: a, type: rating, text: A, low_label: Bad}", "only one end"),
    (offered("非常满意", "满意", "一般", "不满意"), "2 praise, 1 blame"),
    (offered("Excellent", "Good", "Great", "Poor"), "3 praise, 1 blame"),
    (RATINGS, "none of the 3 required ratings"),
    ("- {id: w, type: long_text, text: Why}\n- {id: a, type: score, text: A}", "behind `a`"),
    ("- {id: p, type: phone, text: Phone}", "add `personal: true`"),
    ("- {id: p, type: email, text: Mail, personal: true, required: true}", "must leave `p`"),
    ("\n".join(f"- {{id: q{n}, type: yes_no, text: Q}}" for n in range(31)), "asks 31 questions"),
    (
        "\n".join(f"- {{id: q{n}, type: long_text, required: true, text: Q}}" for n in range(16)),
        "takes about 3.2 minutes",
    ),
    ("- {id: a, type: score, text: 请您打个分}", "the `en` text is Chinese"),
]


@pytest.mark.parametrize(("questions", "expected"), ADVISED, ids=[one for _, one in ADVISED])
def test_what_is_advised_against(questions: str, expected: str) -> None:
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in questions)
    head = HEAD.replace("[en]", "[zh-CN]") if chinese and "`en`" not in expected else HEAD
    (only,) = warnings(survey(questions, head=head))
    assert expected in only
    assert compiled(survey(questions, head=head)).contract is not None


@pytest.mark.parametrize(
    "questions",
    [
        rated("您与客服人员的沟通"),
        rated("我们回应的及时性"),
        rated("How likely are you to recommend us to friends or colleagues?", "nps"),
        rated("Handling of the order"),
        "- {id: a, type: short_text, text: Name and number of the order}",
        scales("Very dissatisfied", "Very satisfied"),
        scales("非常不满意", "非常满意"),
        offered("非常满意", "满意", "一般", "不满意", "非常不满意"),
        offered("Repair", "Advice", "Good advice", "No answer"),
        RATINGS.replace("required: true", "required: true, na: true", 1),
        "- {id: a, type: score, text: A}\n- {id: w, type: long_text, text: Why}",
        "- {id: a, type: score, text: A}\n"
        "- {id: w, type: long_text, text: Why, show_if: a < 3}\n"
        "- {id: b, type: score, text: B}",
        "- {id: a, type: yes_no, text: A}\n"
        '- {id: p, type: phone, text: P, personal: true, required: true, show_if: a == "yes"}',
    ],
)
def test_what_is_well_written_is_left_alone(questions: str) -> None:
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in questions)
    head = HEAD.replace("[en]", "[zh-CN]") if chinese else HEAD
    assert warnings(survey(questions, head=head)) == []


def test_advice_stands_at_its_line_and_question() -> None:
    (only,) = warnings(survey("- {id: a, type: score, text: A}\n- {id: p, type: phone, text: P}"))
    assert only.startswith("small.yaml:9: warning: p: ")


def test_minutes_grow_with_what_is_read_and_written() -> None:
    def estimate(questions: str) -> float:
        contract = compiled(survey(questions)).contract
        assert contract is not None
        return advice.minutes(contract, "en")

    short = estimate("- {id: a, type: score, text: A}")
    assert 0 < short < 0.1
    assert estimate("- {id: a, type: score, text: A long text that has to be read}") > short
    assert estimate("- {id: a, type: long_text, text: A}") > short
    assert estimate("- {id: a, type: long_text, text: A, required: true}") > estimate(
        "- {id: a, type: long_text, text: A}"
    )
    assert estimate("- {id: a, type: hidden, text: A long text that nobody sees}") == 0
