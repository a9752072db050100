"""What customers upload: one object per file, and beside it, once an answer names it, whose it is.

    uploads/<survey>/<day>/<128 random bits>/<question>    the bytes, as they came
    uploads/<survey>/<day>/<128 random bits>/claim.json    the response that names them

The bytes go straight to storage, before there is a response. What holds them to it afterwards is
the name: it says survey and question, and nobody but who sent the file knows it. That it arrived
and is no other response's are facts of storage, which no signature in a token could tell; so accept
reads the first bytes, where a file of another kind than its name shows itself, and creates the
claim, which only one response can. That is one read and one write per file, and none for an answer
without files.

An upload is personal: it goes with its response, and with its contacts. One that no answer names
is purged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from . import days, keys
from .days import DAY_MS
from .storage import Exists, Missing, Store
from .survey import Answer, Contract, Problem, Refused, Response
from .survey.questions import Upload

FRESH_DAYS = 7
"""For so many days after it was uploaded an answer may name a file."""

_BEGINNINGS = {
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/webp": (8, b"WEBP"),
    "application/pdf": (0, b"%PDF-"),
}
SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
}
PEEK = 16
"""Bytes by which kinds are told apart."""


class Claim(Struct, frozen=True):
    response: str


_DECODER = msgspec.json.Decoder(Claim)


def kind_of(beginning: bytes) -> str:
    """The kind of a file, by its first bytes and by nothing it says of itself; "" for others."""
    for kind, (at, mark) in _BEGINNINGS.items():
        if beginning[at : at + len(mark)] == mark:
            return kind
    return ""


def take(
    store: Store, contract: Contract, response: Response, answers: Mapping[str, Answer]
) -> None:
    """Make the uploads that a response's answers name its own. Again, it changes nothing.

    Raises:
        Refused: one is not there, of another kind than its question takes, or another's. Then
            nothing was taken, so that the same files may come with a corrected answer.
    """
    named = list(_named(contract, answers))
    first = days.day(response.received_at - FRESH_DAYS * DAY_MS, "UTC")
    found = [_problem(store, response.survey, q, token, first) for q, token in named]
    problems = {problem.question: problem for problem in found if problem}
    if problems:
        raise Refused("problems", tuple(problems.values()))
    taken: list[str] = []
    for question, token in named:
        key = keys.upload_claim(response.survey, token)
        try:
            store.create(key, msgspec.json.encode(Claim(response.id)))
            taken.append(key)
        except Exists:
            if claimed(store, key) != response.id:
                store.delete(taken)
                raise Refused("problems", (Problem(question.id, "upload"),)) from None


def claimed(store: Store, key: str) -> str:
    """The response that has a claim; "" where there is none."""
    try:
        return _DECODER.decode(store.get(key).data).response
    except Missing:
        return ""


def _named(contract: Contract, answers: Mapping[str, Answer]) -> Iterator[tuple[Upload, str]]:
    for question in contract.questions:
        if isinstance(question, Upload):
            tokens = answers.get(question.id) or []
            assert isinstance(tokens, list)  # it was read
            yield from ((question, token) for token in tokens)


def _problem(store: Store, survey: str, question: Upload, token: str, first: str) -> Problem | None:
    if token < first:  # purge may be at it
        return Problem(question.id, "upload")
    try:
        beginning = store.peek(keys.upload(survey, token, question.id), PEEK)
    except Missing:
        return Problem(question.id, "upload")
    return None if kind_of(beginning) in question.accept else wrong_kind(question)


def wrong_kind(question: Upload) -> Problem:
    return Problem(question.id, "file_kind", {"kinds": listed(question)})


def listed(question: Upload) -> str:
    """The kinds a question takes, as people call them: JPEG, PDF."""
    return ", ".join(kind.partition("/")[2].upper() for kind in question.accept)
