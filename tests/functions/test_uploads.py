"""An answer names files that are there, of a kind its question takes, and its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from chalicelib import days, keys, uploads
from chalicelib.accept import Arrival, Receipt, accept
from chalicelib.days import DAY_MS
from chalicelib.published import Definitions, publish
from chalicelib.storage import MemoryStore, Missing, Store
from chalicelib.survey import Refused, Submission, ids
from chalicelib.survey.questions import Score, Upload
from chalicelib.uploading import LEAVE_S, Coming, given, leave, way
from tests.surveys import survey, text

NOW = 1_770_000_000_000
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
SURVEY = survey(
    Score(id="overall", text=text("总体", "Overall")),
    Upload(
        id="photo",
        text=text("照片", "Photo"),
        accept=["image/png", "image/webp"],
        largest=2,
        most=2,
    ),
    Upload(id="invoice", text=text("发票", "Invoice"), accept=["application/pdf"], required=True),
)
PDF = b"%PDF-1.7 and more"


def token(number: int, ms: int = NOW) -> str:
    return f"{days.day(ms, 'UTC')}-{number:032x}"


def put(store: Store, question: str, number: int, data: bytes, ms: int = NOW) -> str:
    name = token(number, ms)
    store.create(keys.upload(SURVEY.id, name, question), data)
    return name


def send(store: Store, number: int, answers: dict[str, Any], **how: Any) -> Receipt:
    sent = Submission(
        id=ids.make(NOW, number), version=SURVEY.version, language="en", answers=answers
    )
    return accept(store, Definitions(store), SURVEY.id, sent, Arrival(now=NOW, **how))


def problems(store: Store, number: int, answers: dict[str, Any]) -> list[tuple[str, str]]:
    before = list(store.list(""))
    with pytest.raises(Refused) as refused:
        send(store, number, answers)
    assert list(store.list("")) == before, "a refusal takes nothing"
    return [(problem.question, problem.code) for problem in refused.value.problems]


def test_an_answer_takes_its_files_once_however_often_it_is_sent(store: Store) -> None:
    publish(store, SURVEY, NOW)
    answers = {
        "photo": [put(store, "photo", 1, PNG), put(store, "photo", 2, b"RIFF....WEBPVP8 ")],
        "invoice": [put(store, "invoice", 3, PDF)],
    }
    assert not send(store, 1, answers).replay
    assert send(store, 1, answers).replay
    claims = [e.key for e in store.list(keys.UPLOADS) if e.key.endswith(keys.CLAIM)]
    assert {uploads.claimed(store, key) for key in claims} == {ids.make(NOW, 1)}
    assert len(claims) == 3


def test_what_an_answer_may_not_name(store: Store) -> None:
    publish(store, SURVEY, NOW)
    invoice = put(store, "invoice", 1, PDF)
    other = {"invoice": [put(store, "invoice", 2, PDF)]}
    send(store, 1, other)
    photo = put(store, "photo", 3, b"<html><script>alert(1)</script>")
    old = put(store, "invoice", 4, PDF, NOW - 9 * DAY_MS)
    assert problems(store, 2, other) == [("invoice", "upload")], "another response's"
    assert problems(store, 2, {"invoice": [token(9)]}) == [("invoice", "upload")], "never came"
    assert problems(store, 2, {"invoice": [old]}) == [("invoice", "upload")], "too old"
    assert problems(store, 2, {"invoice": [invoice], "photo": [invoice]}) == [("photo", "upload")]
    assert problems(store, 2, {"invoice": [invoice], "photo": [photo]}) == [("photo", "file_kind")]
    send(store, 2, {"invoice": [invoice]})


def test_of_many_responses_that_name_one_file_one_has_it() -> None:
    store = MemoryStore()
    publish(store, SURVEY, NOW)
    answers = {"invoice": [put(store, "invoice", 1, PDF)]}

    def tried(number: int) -> bool:
        try:
            return not send(store, number, answers).replay
        except Refused:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(tried, range(1, 40))) == 1
    assert len([*store.list(keys.LANDING)]) == 1


@pytest.mark.parametrize(
    "how", [{"scripted": False}, {"entered_by": "A07", "channel": "phone"}, {"loaded": True}]
)
def test_whoever_cannot_upload_need_not(how: dict[str, Any]) -> None:
    store = MemoryStore()
    publish(store, SURVEY, NOW)
    assert problems(store, 1, {"overall": 9}) == [("invoice", "required")]
    assert not send(store, 2, {"overall": 9}, **how).replay


# Leave to send


def ask(store: Store, **changes: Any) -> tuple[int, Any]:
    asked = {"version": SURVEY.version, "question": "photo", "size": 99, "type": "image/png"}
    body = msgspec.json.encode(asked | changes)
    reply = leave(Definitions(store), way(store, b"key", {}), SURVEY.id, body, NOW)
    return reply.status, msgspec.json.decode(reply.body)


def test_leave_is_for_one_new_name_one_kind_and_so_many_bytes() -> None:
    store = MemoryStore()
    publish(store, SURVEY, NOW)
    status, first = ask(store)
    _, second = ask(store)
    assert status == 200
    assert first["token"] != second["token"]
    key = keys.upload(SURVEY.id, first["token"], "photo")
    assert given(first["url"], b"key", NOW) == Coming(key, "image/png", 99)
    assert given(first["url"], b"key", NOW + LEAVE_S * 1000 + 1) is None
    assert given(first["url"], b"another key", NOW) is None
    for old, new in (("size=99", "size=999"), ("photo?", "invoice?"), ("png", "webp")):
        assert given(first["url"].replace(old, new), b"key", NOW) is None
    assert given(first["url"].split("&mac")[0], b"key", NOW) is None
    assert given(first["url"] + "é", b"key", NOW) is None


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"size": 2 * 1024 * 1024 + 1}, 422, "file_large"),
        ({"size": 0}, 422, "file_large"),
        ({"type": "text/html"}, 422, "file_kind"),
        ({"type": "application/pdf"}, 422, "file_kind"),
        ({"question": "overall"}, 422, "unknown"),
        ({"version": "0123456789abcdef"}, 409, "stale_version"),
        ({"admin": True}, 400, "malformed"),
        ({"type": "x" * 2000}, 413, "too_large"),
    ],
)
def test_leave_that_is_not_given(changes: dict[str, Any], status: int, error: str) -> None:
    store = MemoryStore()
    publish(store, SURVEY, NOW)
    found, body = ask(store, **changes)
    code = body["problems"][0]["code"] if body["problems"] else body["error"]
    assert (found, code) == (status, error)


def test_peeking_reads_the_beginning(store: Store) -> None:
    store.create("uploads/a/b", b"0123456789")
    assert store.peek("uploads/a/b", 4) == b"0123"
    assert store.peek("uploads/a/b", 99) == b"0123456789"
    with pytest.raises(Missing):
        store.peek("uploads/a/c", 4)
