"""Before it is published, a change is read in words: what is asked anew, what reads otherwise."""

from __future__ import annotations

import pytest

from generator.differences import differences
from tests.generator.test_compatibility import LIVE, contract

HEAD = """\
id: small
title: {zh-CN: 小, en: Small}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("text: Speed", "text: How fast", "`speed` reads “How fast” in en, not “Speed”"),
        ("x: X, y: Y", "x: X, y: Y, z: Z", "`kind` offers `z`"),
        ("x: X, y: Y", "x: X", "`kind` no longer offers `y`"),
        ("x: X, y: Y", "x: X, y: Why", "`kind` choice `y` reads “Why” in en, not “Y”"),
        ("x: X, y: Y", "y: Y, x: X", "`kind` offers its choices in another order"),
        (", other: true", "", '`kind` has no "other" any more'),
        ("text: Speed", "text: Speed, required: true", "`speed` must be answered"),
        ("text: Speed", "text: Speed, hint: Now", "`speed` (hint) is new in en"),
        ("text: Paid", "text: Paid, most: 9", "`paid` has other most"),
        ("id: note", "id: remark", "`remark` is new: “Note”"),
        ("id: note", "id: remark", "`note` is gone"),
    ],
)
def test_a_change_is_told_in_words(old: str, new: str, said: str) -> None:
    assert old in LIVE
    assert said in differences(contract(), contract(LIVE.replace(old, new)))


def test_an_order_is_told_and_nothing_is_where_nothing_changed() -> None:
    lines = LIVE.strip().splitlines()
    turned = "\n".join([lines[1], lines[0], *lines[2:]]) + "\n"
    assert differences(contract(), contract(turned)) == ["questions come in another order"]
    assert not differences(contract(), contract())


def test_of_the_survey_itself_what_changed_is_named() -> None:
    from tests.generator.writing import HEAD

    other = f"{HEAD}attributes: [team, store]\nthanks: Bye\ntimezone: Europe/Berlin\n"
    found = differences(contract(), contract(head=other.replace("timezone: Asia/Shanghai\n", "")))
    assert {"attribute `store` is new", "its thanks is new in en"} <= {*found}
