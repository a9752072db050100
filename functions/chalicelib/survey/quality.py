"""What one response shows of how it came about, seen from itself alone.

These are facts, kept beside the answers for whoever wants to look; nothing is refused and nothing
deleted for them. What shows only beside other responses is decided where they are counted.

=================  ============================================================================
``straight_line``  at least 5 ratings on one scale, and all the same
``gibberish``      a text that says nothing: keys struck at random, one thing over and over
``one_character``  a text of one character that is no word
``honeypot``       a field was filled that people do not see
``too_fast``       sent sooner than a hand can tap the answers
``plain``          a form without script sent it, which has no id of its own
``late``           received long after it was sent off: the phone was offline, or its clock is wrong
=================  ============================================================================

That a form was plain speaks against nobody; it is what repeats are looked for among. A straight
line is also what a delighted customer draws, so it is one sign among others. A late
response is as good as any: that it was late speaks of the network and not of the answers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any
from unicodedata import category, normalize

from .conditions import Answer
from .contract import Contract
from .questions import Hidden, Scaled
from .response import Response

FACTS = ("straight_line", "gibberish", "one_character", "honeypot", "too_fast", "plain", "late")

RATINGS = 5
"""Fewer equal ratings are no line."""
LATE_MS = 10 * 60 * 1000
"""As far as a clock may be ahead and still be believed."""
FASTEST_S = 2
TAP_S = 0.2
"""One tap of a practised hand: K in the keystroke-level model (Card, Moran and Newell 1980)."""


class Judge:
    """Finds the facts of responses to one contract."""

    def __init__(self, contract: Contract) -> None:
        scales: dict[tuple[int, int], list[str]] = defaultdict(list)
        for question in contract.questions:
            if isinstance(question, Scaled):
                scales[question.ends].append(question.id)
        self._scales = [ids for ids in scales.values() if len(ids) >= RATINGS]
        self._texts = [
            field.id
            for question in contract.questions
            if not isinstance(question, Hidden)
            for field in question.fields()
            if field.kind == "text" and not field.personal
        ]

    def facts(
        self,
        responses: Sequence[Response],
        answers: Mapping[str, Sequence[Answer | None]],
        minted: Sequence[int],
    ) -> dict[str, list[bool]]:
        """The facts of each response. ``answers``: what each answered, by field, or None;
        ``minted``: the moment of each id."""
        lines = [zip(*(answers[name] for name in ids), strict=True) for ids in self._scales]
        texts = [answers[name] for name in self._texts]
        counts = _counts(answers.values(), len(responses))
        return {
            "straight_line": _any(_is_line, lines, len(responses)),
            "gibberish": _any(is_gibberish, texts, len(responses)),
            "one_character": _any(is_one_character, texts, len(responses)),
            "honeypot": [each.trap for each in responses],
            "too_fast": [
                is_too_fast(each.duration, count)
                for each, count in zip(responses, counts, strict=True)
            ],
            "plain": [not each.scripted for each in responses],
            "late": [
                each.received_at - at > LATE_MS for each, at in zip(responses, minted, strict=True)
            ],
        }


def _any(is_so: Callable[[Any], bool], columns: Sequence[Iterable[Any]], count: int) -> list[bool]:
    """Whether it is so of any of a response's values; each value is looked at once."""
    if not columns:
        return [False] * count
    rows = [*zip(*columns, strict=True)]
    signs = {value for value in {value for row in rows for value in row} if value and is_so(value)}
    return [not signs.isdisjoint(row) for row in rows] if signs else [False] * count


def _counts(columns: Iterable[Sequence[object]], count: int) -> list[int]:
    """How many of its fields each response answered."""
    rows = zip(*columns, strict=True) if columns else ()
    return [len(row) - row.count(None) for row in rows] or [0] * count


def is_too_fast(seconds: int | None, answers: int) -> bool:
    return seconds is not None and seconds < max(FASTEST_S, TAP_S * answers)


def is_one_character(text: str) -> bool:
    """Whether it is one character, and not one that is an answer in Chinese (好, 无)."""
    return len(text) == 1 and text not in _WORDS


def is_gibberish(text: str) -> bool:
    """Whether a text of two or more characters says nothing, in any of these ways.

    * No letter, digit or symbol in it: "...", "？？".
    * A character, or up to four Latin ones, over and over: "aaaaa", "asdasdasd", "11111"; but not
      what people do repeat: "哈哈哈哈", "hahaha", "666".
    * A walk along five keys: "qwerty", "lkjhgf".
    * Latin letters in an order that neither English nor pinyin has: at least 2 rare pairs that make
      up a fifth of all pairs; or 1 where all keys lie in the home row, or hardly any is a vowel.
    * What a pinyin keyboard makes of such keys: "阿斯顿发".
    * At least 4 Han characters, more than half of which neither simplified nor traditional texts
      commonly use (level 1 of GB 2312, level 1 of Big5).

    Rare pairs are those below 0.012 % of the pairs in 6,858 English words of software's
    documentation that are in no pinyin syllable. Texts in other scripts are not judged.
    """
    if len(text) < 2:
        return False
    text = normalize("NFKC", text).lower()
    said = _SILENT.sub("", text)
    if not said:
        return not any(category(letter) == "So" for letter in text)  # an emoji speaks
    return bool(_is_repeated(said) or _is_mash(text) or _is_han_mash(said))


def _is_line(answers: Sequence[Answer | None]) -> bool:
    given = [answer for answer in answers if type(answer) is int]
    return len(given) >= RATINGS and len(set(map(str, given))) == 1


def _is_repeated(text: str) -> bool:
    found = _REPEATED.fullmatch(text)
    once = (found[1] or found[2]) if found else ""
    return bool(found) and once not in _REPEATABLE and not (once[1:] and set(once) <= _LAUGHS)


def _is_mash(text: str) -> bool:
    words = _LATIN.findall(text)
    letters = "".join(words)
    if len(letters) < 5:
        return False
    if len(letters) * 2 > len(_SILENT.sub("", text)) and any(map(_is_walk, words)):
        return True
    pairs = sum(len(word) - 1 for word in words)
    rare = sum(b in _RARE[a] for word in words for a, b in pairwise(word))
    if len(letters) < 6 or not rare:
        return False
    if set(letters) <= _HOME or (rare >= 2 and rare * 5 >= pairs):
        return True
    return len(letters) >= 8 and sum(map(letters.count, "aeiouy")) * 5 < len(letters)


def _is_walk(word: str) -> bool:
    return any(word[at : at + 5] in row for at in range(len(word) - 4) for row in _ROWS)


def _is_han_mash(text: str) -> bool:
    han = _HAN.findall(text)
    if len(han) < 4:
        return False
    mashed = 0 if _MASHED.isdisjoint(han) else sum(map(len, _HAN_MASH.findall(text)))
    return mashed * 2 > len(han) or sum(map(_is_uncommon, han)) * 2 > len(han)


@cache
def _is_uncommon(han: str) -> bool:
    gb, big5 = han.encode("gb2312", "ignore"), han.encode("big5", "ignore")
    return not (gb and gb[0] < 0xD8 or big5 and big5[0] < 0xC7)


_WORDS = frozenset("好棒赞优良差慢快贵无没有是否行可中对")
_SILENT = re.compile(r"[\W_]+")
_REPEATED = re.compile(r"(.)\1{3,}|([a-z0-9]{2,4}?)\2{2,}")
_REPEATABLE = frozenset("哈嘿呵好赞棒牛谢顶68")
_LAUGHS = frozenset("hae")
_LATIN = re.compile("[a-z]+")
_HAN = re.compile("[\u3400-\u9fff]")
_HAN_MASH = re.compile(
    "阿斯顿(?!马丁|维拉)发?|阿?斯蒂芬?|阿斯达|阿萨德|啊?实打实大?|撒旦|撒打算?|范德萨|佛挡杀佛"
)
_MASHED = frozenset("阿啊斯实撒范佛")
"""One of these begins whatever ``_HAN_MASH`` finds."""
_HOME = frozenset("asdfghjkl")
_ROWS = [way for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm") for way in (row, row[::-1])]
_RARE = {
    "a": "jqz", "b": "fhkqvwxz", "c": "bgjqwxz", "d": "fhqwz", "e": "", "f": "bghjkqvwxz",
    "g": "bjkqwxyz", "h": "bcfghjkpqvwxz", "i": "hjwy", "j": "bfghjklmnqrstvwxyz",
    "k": "bcdfhjkqrvxyz", "l": "jqwxz", "m": "fghjkqrvwxz", "n": "qx", "o": "qz", "p": "bjmqvxz",
    "q": "bcdfghjklmnpqrstvwxyz", "r": "jqxz", "s": "bjxz", "t": "gjkqx", "u": "hjquvwxy",
    "v": "bcdfghjklnpqrstuvwxyz", "w": "bcgjkmpqtvwxyz", "x": "bdghjkmnqrsvwxyz",
    "y": "fghjkqvxyz", "z": "bcdfgjklmnpqrstvwxy",
}  # fmt: skip
