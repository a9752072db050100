"""What one response shows of itself: facts that are recorded and refuse nothing."""

from __future__ import annotations

import random

import pytest

from chalicelib.survey import Contract, Response, ids
from chalicelib.survey.ids import time_of
from chalicelib.survey.quality import (
    FACTS,
    LATE_MS,
    Judge,
    is_gibberish,
    is_one_character,
    is_too_fast,
)
from chalicelib.survey.questions import Hidden, LongText, Nps, Phone, Rating
from tests.surveys import survey, text

NOW = 1_770_000_000_000
SURVEY = survey(
    *(Rating(id=name, text=text(name, name), na=True) for name in "abcdef"),
    Nps(id="nps", text=text("推荐", "Recommend")),
    LongText(id="why", text=text("原因", "Why")),
    LongText(id="private", text=text("私密", "Private"), personal=True),
    Phone(id="phone", text=text("电话", "Phone")),
    Hidden(id="source"),
)


def facts(contract: Contract = SURVEY, /, **parts: object) -> set[str]:
    whole = {"answers": {}, "received_at": NOW, "duration": 60} | parts
    response = Response(
        id=ids.make(NOW, 1), survey=contract.id, version="", language="en", channel="web", **whole
    )
    answers = {field.id: [response.answers.get(field.id)] for field in contract.fields}
    found = Judge(contract).facts([response], answers, [time_of(response.id)])
    assert set(found) == set(FACTS)
    return {name for name, [is_so] in found.items() if is_so}


def test_an_ordinary_response_has_no_fact() -> None:
    said = {"a": 5, "b": 5, "c": 5, "d": 5, "e": 4, "nps": 5, "why": "等了两个小时才接通"}
    assert facts(answers=said) == set()


def test_a_straight_line_is_five_equal_ratings_on_one_scale() -> None:
    five = dict.fromkeys("abcde", 3)
    assert facts(answers=five) == {"straight_line"}
    assert facts(answers={**five, "f": "na", "nps": 9}) == {"straight_line"}
    assert facts(answers={**five, "f": 4}) == set()
    assert facts(answers=dict.fromkeys("abcd", 3) | {"nps": 3}) == set()


def test_a_filled_trap_a_fast_hand_and_a_late_arrival_are_facts() -> None:
    assert facts(trap=True) == {"honeypot"}
    assert facts(duration=1) == {"too_fast"}
    assert facts(duration=None) == set()
    assert facts(received_at=NOW + LATE_MS) == set()
    assert facts(received_at=NOW + LATE_MS + 1) == {"late"}


def test_nobody_taps_faster_than_a_practised_hand() -> None:
    assert is_too_fast(3, 20)
    assert not is_too_fast(4, 20)
    assert not is_too_fast(2, 1)


def test_only_what_people_write_is_looked_at() -> None:
    """Not the address's own values, not numbers, and nothing personal."""
    said = {"source": "asdfgh", "phone": "11111111", "private": "asdfgh"}
    assert facts(answers=said) == set()
    assert facts(answers={"why": "asdfgh"}) == {"gibberish"}
    assert facts(answers={"why": "x"}) == {"one_character"}


@pytest.mark.parametrize("said", ["x", "1", "。", "-", "的"])
def test_one_character_says_little(said: str) -> None:
    assert is_one_character(said)


@pytest.mark.parametrize("said", ["好", "无", "ok", "👍🏽", ""])
def test_a_word_of_one_character_is_a_word(said: str) -> None:
    assert not is_one_character(said)


@pytest.mark.parametrize(
    "said",
    [
        "asdfgh",
        "qwertyui",
        "LKJHGFDSA",
        "zxcvbnm",
        "aaaaa",
        "asdasdasd",
        "11111",
        "dfgdfgdfg",
        "jkl;jkl;jkl",
        "hjkhjkh jkhkj",
        "xkqzjv",
        "阿斯顿发",
        "阿斯蒂芬",
        "啊啊啊啊啊",
        "的的的的的",
        "龘靐齉爩",
        "。。。",
        "???",
        "- -",
    ],
)
def test_what_says_nothing_is_gibberish(said: str) -> None:
    assert is_gibberish(said)


@pytest.mark.parametrize(
    "said",
    [
        "很好",
        "服务态度很好",
        "好好好好",
        "哈哈哈哈",
        "hahaha",
        "666",
        "无",
        "👍👍",
        "等了两个小时才接通",
        "Great service, thanks!",
        "The technician was three hours late",
        "ok",
        "KFC",
        "WiFi",
        "thx",
        "fuwu hen hao",
        "hen manyi xiexie",
        "订单号 20260517001",
        "個別客服態度不好",
        "鑫淼物业服务",
        "阿斯顿马丁的车",
        "HTTPS broken",
        "очень плохо",
        "サービスが良い",
        "서비스 좋아요",
        "Größe stimmt nicht",
        "",
    ],
)
def test_what_people_write_is_not_gibberish(said: str) -> None:
    assert not is_gibberish(said)


def test_keys_struck_at_random_are_found_nearly_always() -> None:
    draw = random.Random(1)
    struck = ["".join(draw.choices("asdfghjkl", k=draw.randint(10, 30))) for _ in range(1000)]
    assert sum(map(is_gibberish, struck)) >= 950


@pytest.mark.parametrize("said", ["\ud800\ud800", "\0" * 9, "a" * 5000, "𝒶𝓈𝒹𝒻", "é" * 40, "\n\n"])
def test_no_text_is_too_odd_to_be_looked_at(said: str) -> None:
    is_gibberish(said)
