"""Conditions in words: every operator, any depth, every language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.survey.conditions import COMPARISONS, Condition
from chalicelib.survey.questions import Consent, Date, Multiple, Number, Rating, ShortText, Single
from chalicelib.survey.words import WORDS
from generator.wording import Wording, shortened
from generator.wordlist import words_of
from tests.surveys import choices, survey, text

SURVEY = survey(
    Rating(id="speed", text=text("响应速度", "Response speed"), na=True),
    Rating(id="manner", text=text("服务态度？", "Manner?")),
    Single(
        id="kind",
        text=text("类型", "Kind"),
        choices=choices(repair=("维修", "Repair"), advice=("咨询", "Advice")),
        other=True,
    ),
    Multiple(id="improve", text=text("改进", "Improve"), choices=choices(price=("价格", "Price"))),
    Number(id="paid", text=text("金额", "Paid")),
    Date(id="visited", text=text("日期", "Visited")),
    ShortText(id="city", text=text("城市", "City")),
    Consent(id="agree", text=text("同意", "I agree")),
)
SAID: list[tuple[Condition, str, str]] = [
    (["<=", "speed", 2], "“响应速度”为 2 分或以下", "“Response speed” is 2 or less"),
    (["<", "speed", 2], "“响应速度”低于 2 分", "“Response speed” is below 2"),
    ([">", "speed", 2], "“响应速度”高于 2 分", "“Response speed” is above 2"),
    ([">=", "paid", 9.5], "“金额”为 9.5 或以上", "“Paid” is 9.5 or more"),
    (["==", "speed", "na"], "“响应速度”为“不适用”", "“Response speed” is “Not applicable”"),
    (["==", "kind", "repair"], "“类型”为“维修”", "“Kind” is “Repair”"),
    (["!=", "kind", "other"], "“类型”不为“其他”", "“Kind” is not “Other”"),
    (
        ["in", "kind", ["repair", "advice"]],
        "“类型”为“维修”或“咨询”",
        "“Kind” is “Repair” or “Advice”",
    ),
    (["!in", "kind", ["repair"]], "“类型”不为“维修”", "“Kind” is not “Repair”"),
    (["has", "improve", "price"], "“改进”选了“价格”", "“Improve” includes “Price”"),
    (["!has", "improve", "price"], "“改进”没有选“价格”", "“Improve” does not include “Price”"),
    ([">=", "visited", "2026-05-17"], "“日期”不早于2026-05-17", "“Visited” is 2026-05-17 or later"),
    (["<", "visited", "2026-05-17"], "“日期”早于2026-05-17", "“Visited” is before 2026-05-17"),
    (["==", "city", "北京"], "“城市”为“北京”", "“City” is “北京”"),
    (["==", "agree", True], "“同意”已勾选", "“I agree” is ticked"),
    (["!=", "agree", True], "“同意”未勾选", "“I agree” is not ticked"),
    (["answered", "city"], "“城市”已作答", "“City” is answered"),
    (["not", ["answered", "city"]], "“城市”未作答", "“City” is not answered"),
    (
        ["not", ["==", "kind", "repair"]],
        "并非（“类型”为“维修”）",
        "not (“Kind” is “Repair”)",
    ),
    (
        ["or", ["<=", "speed", 2], ["<=", "manner", 2], ["==", "kind", "repair"]],
        "“响应速度”或“服务态度”为 2 分或以下，或“类型”为“维修”",
        "“Response speed” or “Manner” is 2 or less, or “Kind” is “Repair”",
    ),
    (
        ["and", ["answered", "city"], ["or", ["<=", "speed", 2], [">", "manner", 4]]],
        "“城市”已作答，且（“响应速度”为 2 分或以下，或“服务态度”高于 4 分）",
        "“City” is answered and (“Response speed” is 2 or less, or “Manner” is above 4)",
    ),
    (["==", "tier", "vip"], "tier为“vip”", "tier is “vip”"),
]


@pytest.mark.parametrize(("condition", "zh", "en"), SAID, ids=lambda value: str(value)[:30])
def test_a_condition_is_said_in_words(condition: Condition, zh: str, en: str) -> None:
    for language, said in (("zh-CN", zh), ("en", en)):
        assert Wording(SURVEY, language, words_of(language, {})).sentence(condition) == said


def test_every_operator_is_said() -> None:
    flat = str(SAID)
    assert all(f"['{operator}'" in flat for operator in [*COMPARISONS, "answered", "not"])


def test_a_label_stands_behind_a_question() -> None:
    wording = Wording(SURVEY, "en", words_of("en", {}))
    assert wording.label(["<=", "speed", 2]) == " (if “Response speed” is 2 or less)"
    assert wording.label(None) == ""


LEAVES = st.sampled_from([condition for condition, _, _ in SAID[:17]])
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(st.just("not"), inner).map(list)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: ["and", *parts])
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: ["or", *parts])
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(CONDITIONS, st.sampled_from(sorted(WORDS)))
def test_any_depth_has_words_and_brackets_that_close(condition: Condition, language: str) -> None:
    said = Wording(SURVEY, language, words_of(language, {})).sentence(condition)
    assert said
    assert said.count("（") == said.count("）")
    assert said.count("(") == said.count(")")
    assert "{" not in said


def test_long_texts_are_cut_at_a_word() -> None:
    assert shortened("您的问题解决了吗？") == "您的问题解决了吗"
    assert shortened("All in all, how would you score this service of ours?").endswith("…")
    assert len(shortened("很" * 100)) <= 20
