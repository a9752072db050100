"""What counts as an answer to a field, as data. ``conditions.js`` is the twin of this module.

A rule is a list: its kind, then its limits.

=========================================  ==================================================
``["code", [code, …]]``                    one of the codes
``["codes", [code, …], least, most]``      distinct codes, that many of them; kept in this order
``["order", [code, …], least, most]``      the same, kept in the order given; blanks are left out
``["scale", low, high]``                   a whole number; with a fourth item ``1``, or ``"na"``
``["number", low, high, decimals]``        a number with at most that many decimals
``["date", first, last]``                  a real day, ``YYYY-MM-DD``
``["text", least, most]``                  characters (code points) after cleaning
``["phone"]`` ``["email"]``                as the patterns below
``["true"]``                               ``true`` and nothing else
``["files", most]``                        distinct tokens of uploads, at most that many
``["value", formula]``                     nothing: ``reading`` works it out, whatever is sent
=========================================  ==================================================

``check`` refuses other types than these; only ``coerce``, for forms, turns text into numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date
from typing import Any, TypeAlias

from .conditions import Answer
from .errors import Invalid

Rule: TypeAlias = list[Any]

Raw: TypeAlias = str | int | float | bool | list[str] | None
"""An answer as it is sent, before it is checked."""

LARGEST = 2**31 - 1
"""Whole numbers are 32-bit columns."""

_BLANK = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"  # noqa: E501  what JavaScript's \s matches
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")
_DAY = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]")
PHONE = re.compile(r"\+?[0-9](?:[ -]?[0-9]){4,17}")
TOKEN = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]-[0-9a-f]{32}")
"""Of an upload: its day, and 128 random bits that only who sent it knows."""
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE)


def clean(text: str) -> str:
    """Text as it is kept: one kind of line end, no control characters, no blank ends."""
    # What can be printed has neither control characters nor a blank but the space.
    if text.isprintable() and text[:1] != " " != text[-1:]:
        return text
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip(_BLANK)


def narrow(text: str) -> str:
    """Full-width digits and signs, as a Chinese keyboard may give them, in ASCII."""
    return text if text.isascii() else text.translate(_WIDE)


def coerce(rule: Rule, texts: list[str]) -> Raw:
    """What a form's field sent, as the value a script would have sent."""
    if rule[0] in ("codes", "order", "value"):
        return texts
    if rule[0] == "files":  # one control holds them all
        return [token for token in " ".join(texts).split(" ") if token]
    text = texts[-1] if texts else ""
    if rule[0] == "true":
        return text == "true"
    if rule[0] in ("scale", "number") and _NUMBER.fullmatch(typed := narrow(clean(text))):
        number = float(typed)
        return int(number) if number.is_integer() else number
    return text


def _code(value: object, codes: Collection[str]) -> Answer | None:
    if not isinstance(value, str):
        raise Invalid("type")
    if value and value not in codes:
        raise Invalid("choice")
    return value or None


def _codes(value: object, codes: Collection[str], least: int, most: int) -> Answer | None:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise Invalid("type")
    if len(set(value)) < len(value) or not set(value) <= set(codes):
        raise Invalid("choice")
    if value and len(value) < least:
        raise Invalid("few", least=least)
    if len(value) > most:
        raise Invalid("many", most=most)
    return [code for code in codes if code in value] or None


def _order(value: object, codes: Collection[str], least: int, most: int) -> Answer | None:
    given = [code for code in value if code != ""] if isinstance(value, list) else value
    return given if _codes(given, codes, least, most) else None  # type: ignore[return-value]


def _number(value: object, low: float, high: float, decimals: int) -> Answer | None:
    if value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid("number")
    if not low <= value <= high:
        raise Invalid("range", low=low, high=high)
    if round(value, decimals) != value:
        raise Invalid("decimals", decimals=decimals)
    return float(value) + 0.0 if decimals else int(value)


def _scale(value: object, low: int, high: int, na: int = 0) -> Answer | None:
    if na and value == "na":
        return "na"
    return _number(value, low, high, 0)


def _date(value: object, first: str | None, last: str | None) -> Answer | None:
    if not isinstance(value, str):
        raise Invalid("type")
    if not value:
        return None
    if not _DAY.fullmatch(value):
        raise Invalid("date")
    try:
        date.fromisoformat(value)
    except ValueError:
        raise Invalid("date") from None
    if first and value < first or last and value > last:
        raise Invalid("days", first=first or "…", last=last or "…")
    return value


def _text(value: object, least: int, most: int) -> Answer | None:
    if not isinstance(value, str):
        raise Invalid("type")
    text = clean(value)
    if text and len(text) < least:
        raise Invalid("short", least=least)
    if len(text) > most:
        raise Invalid("long", most=most)
    return text or None


def _phone(value: object) -> Answer | None:
    text = narrow(str(_text(value, 0, 40) or ""))
    if text and not PHONE.fullmatch(text):
        raise Invalid("phone")
    return text or None


def _email(value: object) -> Answer | None:
    text = narrow(str(_text(value, 0, 254) or ""))
    if text and not _EMAIL.fullmatch(text):
        raise Invalid("email")
    return text or None


def _true(value: object) -> Answer | None:
    if not isinstance(value, bool):
        raise Invalid("type")
    return value or None


def _files(value: object, most: int) -> Answer | None:
    if not isinstance(value, list) or not all(isinstance(token, str) for token in value):
        raise Invalid("type")
    if len(set(value)) < len(value) or not all(map(TOKEN.fullmatch, value)):
        raise Invalid("upload")
    if len(value) > most:
        raise Invalid("many", most=most)
    return value or None


RULES: dict[str, Callable[..., Answer | None]] = {
    "code": _code,
    "codes": _codes,
    "order": _order,
    "scale": _scale,
    "number": _number,
    "date": _date,
    "text": _text,
    "phone": _phone,
    "email": _email,
    "true": _true,
    "files": _files,
    "value": lambda value, formula: None,
}


def is_blank(value: object) -> bool:
    """Whether a raw answer says nothing. (0 says something.)"""
    return value is None or value is False or value == "" or value == []


def check(rule: Rule, value: object) -> Answer | None:
    """The typed answer, or None where it is empty.

    Raises:
        Invalid: the value breaks the rule.
    """
    return None if value is None else RULES[rule[0]](value, *rule[1:])
