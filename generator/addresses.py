"""Addresses as channels take them: telephone numbers as E.164, e-mail addresses checked by their
form. Nothing is asked of any network.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from chalicelib.survey import EchoformError, Invalid
from chalicelib.survey.rules import check, narrow

_SHORTENED = re.compile(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+")
_AS_NUMBER = re.compile(r"\+?[0-9]{7,15}\.0")
"""As pandas and some CRMs export what Excel took for a number."""
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


class BadAddress(EchoformError):
    """An address that reaches nobody. Says what is wrong with it, and never quotes it: what is
    said of rows is logged and shown to people who need not know whom it concerns."""


def phone(text: str, country: str) -> str:
    """A mobile number as ``+8613800138000``; ``country`` is where numbers without one are."""
    said = narrow(text)
    if _AS_NUMBER.fullmatch(said):
        said = said.removesuffix(".0")
    if _SHORTENED.fullmatch(said):
        raise BadAddress("Excel shortened the number; format the column as text and export again")
    try:
        number = phonenumbers.parse(said, country)
    except NumberParseException:
        raise BadAddress("is no telephone number") from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise BadAddress("is no telephone number there is; digits are missing, or too many")
    if phonenumbers.number_type(number) not in _MOBILE:
        raise BadAddress("is no mobile number, so it gets no text message")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email(text: str, country: str = "") -> str:
    """An e-mail address, its domain in lower case (letters before the @ may mean something)."""
    try:
        said = str(check(["email"], text) or "")
    except Invalid:
        raise BadAddress("is no e-mail address") from None
    name, _, domain = said.rpartition("@")
    dotted = name.startswith(".") or name.endswith(".") or ".." in name
    hyphened = any(label.startswith("-") or label.endswith("-") for label in domain.split("."))
    if dotted or hyphened or not 0 < len(name) <= 64 or domain.rpartition(".")[2].isdigit():
        raise BadAddress("is no e-mail address")
    return f"{name}@{domain.lower()}"


def plain(text: str, country: str = "") -> str:
    """An open id, or whatever a webhook knows the customer by."""
    if not text.isprintable() or not text.isascii() or " " in text or len(text) > 200:
        raise BadAddress("has signs that no such id has")
    return text


READERS: dict[str, tuple[str, Callable[[str, str], str]]] = {
    "email": ("email", email),
    "sms": ("phone", phone),
    "wechat": ("wechat", plain),
    "webhook": ("customer", plain),
}
"""Of each channel: what of a customer is the address there, and how it is read."""
