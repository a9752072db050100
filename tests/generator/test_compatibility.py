"""A stored column keeps its meaning: what may follow a live survey, and what may not."""

from __future__ import annotations

import pytest

from chalicelib.survey import Contract
from generator.compatibility import breaks, notices
from tests.generator.writing import HEAD, compiled, survey

LIVE = """
- {id: kind, type: single, text: Kind, other: true, choices: {x: X, y: Y}}
- {id: speed, type: rating, text: Speed}
- {id: paid, type: number, text: Paid}
- {id: note, type: short_text, text: Note}
- {id: intro, type: statement, text: Intro}
"""


def contract(questions: str = LIVE, head: str = f"{HEAD}attributes: [team]\n") -> Contract:
    found = compiled(survey(questions, head=head))
    assert found.contract is not None, found.findings
    return found.contract


def changed(old: str, new: str) -> Contract:
    assert old in LIVE
    return contract(LIVE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("type: rating", "type: score", "`speed` was a scale from 1 to 5 and becomes a scale fro"),
        ("type: rating", "type: rating, scale: 7", "becomes a scale from 1 to 7"),
        ("type: rating", "type: yes_no", "becomes one choice"),
        ("type: number", "type: number, decimals: 2", "becomes a number with decimals"),
        ("type: short_text", "type: phone", "`note` was a text and becomes a phone number"),
        ("type: short_text", "type: short_text, personal: true", "would be kept apart"),
        ("type: single", "type: multiple", "`kind` was one choice and becomes several choices"),
        ("id: note", "id: team2", ""),
    ],
)
def test_a_question_that_gets_a_second_meaning_breaks(old: str, new: str, reason: str) -> None:
    found = breaks(contract(), changed(old, new))
    assert bool(found) == bool(reason)
    assert reason in "".join(found)


STAFF = "- {id: staff, type: matrix, text: S, rows: {manner: Manner}}\n"
WISH = "- {id: wish, type: ranking, text: W, choices: {x: X, y: Y}}\n"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (STAFF, STAFF.replace("text: S", "text: S, scale: 7"), "`staff_manner` was a scale from"),
        (STAFF, "- {id: staff_manner, type: rating, text: M}", ""),
        (WISH, WISH.replace("ranking", "multiple"), "was choices in order"),
        ("- {id: v, type: calculated, value: 1}", "- {id: v, type: number, text: V}",
         "was a calculated value"),
        (STAFF, STAFF.replace("text: S", "text: S, personal: true"), "would be kept apart"),
    ],
)  # fmt: skip
def test_rows_rankings_and_values_are_columns(old: str, new: str, reason: str) -> None:
    found = breaks(contract(old), contract(new))
    assert bool(found) == bool(reason)
    assert reason in "".join(found)


def test_another_formula_is_noticed_and_so_is_a_row_that_is_gone() -> None:
    two = STAFF.replace("Manner", "Manner, tidy: Tidy")
    value = "- {id: people, type: calculated, value: mean(staff)}"
    assert notices(contract(STAFF + value), contract(two + value)) == [
        "`people` is calculated otherwise from now on; old values stay"
    ]
    assert "`staff_tidy` is no longer asked; its answers stay" in notices(
        contract(two + value), contract(STAFF + value)
    )


def test_other_text_is_a_column_too() -> None:
    live = contract("- {id: a, type: single, text: A, other: true, choices: {x: X}}")
    new = contract(
        "- {id: a, type: single, text: A, choices: {x: X}}\n- {id: a_other, type: score, text: B}"
    )
    assert "`a_other` was a text" in breaks(live, new)[0]
    personal = contract(
        "- {id: a, type: single, text: A, other: true, personal: true, choices: {x: X}}"
    )
    assert len(breaks(live, personal)) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("text: Speed", "text: How fast"),
        ("type: rating", "type: rating, na: true, required: true, weight: 100%"),
        ("type: single", "type: dropdown, segment: true"),
        ("type: short_text", "type: long_text"),
        ("type: number", "type: number, least: 5"),
        ("x: X, y: Y", "y: Y, x: X, z: Z"),
        ("other: true, ", ""),
        ("- {id: note, type: short_text, text: Note}\n", ""),
        ("- {id: intro, type: statement, text: Intro}", "- {id: intro, type: score, text: I}"),
        ("type: number, text: Paid", "type: number, text: Paid, show_if: speed < 3"),
    ],
)
def test_what_does_not_touch_the_meaning_may_change(old: str, new: str) -> None:
    assert breaks(contract(), changed(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Asia/Shanghai", "Europe/Paris", "`timezone` changes"),
        ("id: small", "id: other", "`id` changes from `small` to `other`"),
        ("timezone", "anonymous: true\ntimezone", "`anonymous` changes"),
    ],
)
def test_the_survey_s_own_names_stay(old: str, new: str, reason: str) -> None:
    head = f"{HEAD}attributes: [team]\n".replace(old, new)
    (only,) = breaks(contract(), contract(head=head))
    assert reason in only


def test_questions_and_attributes_do_not_change_places() -> None:
    question = contract("- {id: team, type: score, text: T}", head=HEAD)
    attribute = contract("- {id: a, type: score, text: T}")
    assert "becomes an attribute" in breaks(question, attribute)[0]
    assert "becomes a question" in breaks(attribute, question)[0]


def test_what_is_removed_is_noticed() -> None:
    less = contract("- {id: kind, type: single, text: Kind, choices: {y: Y}}")
    assert [notice.split(";")[0] for notice in notices(contract(), less)] == [
        "`kind` no longer offers `x`",
        "`kind` no longer offers `other`",
        "`kind_other` is no longer asked",
        "`speed` is no longer asked",
        "`paid` is no longer asked",
        "`note` is no longer asked",
    ]
    assert notices(contract(), contract()) == []


def test_keeping_answers_less_long_is_noticed() -> None:
    year, month = (
        contract(head=f"{HEAD}retention: {{responses: {kept}}}\n") for kept in ("400d", "30d")
    )
    assert [notices(*both) for both in ((month, year), (year, year), (year, contract()))] == [
        []
    ] * 3
    for longer in (year, contract()):
        assert notices(longer, month) == [
            "responses are kept for 30 days from now on; purge deletes what is older"
        ]
