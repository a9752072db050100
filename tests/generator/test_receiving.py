"""The laptop's stand-in for S3 takes what leave was given for, and reads nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.running import now
from chalicelib.storage import FolderStore
from chalicelib.uploading import LEAVE_S, Coming, way
from generator.receiving import Receiver, file_in

KEY = b"a secret of the data"
NAME = "uploads/small/2026-05-17/0123/photo"
KIND = "multipart/form-data; boundary=xx"
PNG = b"\x89PNG\r\n\x1a\n" + b"\r\n--x-\r\n\r\n" * 9


def form(file: bytes, name: str = "file") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="a.png"'
    first = b'--xx\r\nContent-Disposition: form-data; name="key"\r\n\r\nx\r\n'
    return first + f"--xx\r\n{disposition}\r\n\r\n".encode() + file + b"\r\n--xx--\r\n"


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    return Receiver(FolderStore(tmp_path), KEY)


def url(store: FolderStore, size: int = len(PNG), at: int | None = None) -> str:
    return way(store, KEY, {})(Coming(NAME, "image/png", size), at or now()).url


def test_a_file_is_stored_whole_and_once(receiver: Receiver, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert receiver.receive(url(store), KIND, form(PNG)).status == 204
    assert store.get(NAME).data == PNG
    assert receiver.receive(url(store), KIND, form(PNG)).status == 204, "its reply was lost"
    other = PNG[:-1] + b"!"
    assert receiver.receive(url(store), KIND, form(other)).error == "not_found"
    assert store.get(NAME).data == PNG


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        (form(PNG + b"!"), KIND, "too_large"),
        (form(b"<html>"), KIND, "unsupported"),
        (form(b""), KIND, "malformed"),
        (form(PNG, "other"), KIND, "malformed"),
        (form(PNG)[:-20], KIND, "malformed"),
        (form(PNG), "application/json", "malformed"),
        (b"", KIND, "malformed"),
    ],
)
def test_what_is_refused_is_not_stored(
    receiver: Receiver, tmp_path: Path, body: bytes, kind: str, error: str
) -> None:
    store = FolderStore(tmp_path)
    assert receiver.receive(url(store), kind, body).error == error
    assert not list(store.list(""))


def test_only_leave_makes_room_for_a_body(receiver: Receiver, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    mine = url(store)

    def room(address: str) -> int:
        return receiver.room(f"POST {address} HTTP/1.1\r\n".encode())

    assert room(mine) >= len(form(PNG))
    over = url(store, at=now() - LEAVE_S * 1000 - 1)
    for address in (
        "/api/responses/x",
        mine[:-1],
        mine.replace("size=", "size=9"),
        over,
        "/[",
        "/",
    ):
        assert room(address) == 0, address
        assert receiver.receive(address, KIND, form(PNG)).error == "not_found"


def test_the_file_is_found_between_its_boundaries() -> None:
    assert file_in(KIND, form(PNG)) == PNG
    assert file_in('Multipart/Form-Data; charset=utf-8; boundary="xx"', form(PNG)) == PNG
