"""What S3 is for uploads, on a laptop: takes the file of a posted form, if it gave leave for it.

A body is let in only by an address that carries a MAC of ours, and only as long as that says, so
nobody fills memory or disk by sending. The file is on disk before it is acknowledged, and never
replaces another. It is never served: there is no address to get one from.
"""

from __future__ import annotations

import re

from chalicelib import uploads
from chalicelib.collecting import Reply, refusal
from chalicelib.keys import UPLOADS
from chalicelib.running import now
from chalicelib.storage import Exists, Store
from chalicelib.survey import Refused
from chalicelib.uploading import Coming, given

ADDRESS = f"/{UPLOADS}"
_ASKED = re.compile(rb"POST (/\S{1,1000}) ")
_AROUND = 4096
"""Bytes of a form that are not the file's."""
_BOUNDARY = re.compile(
    r'multipart/form-data;.*boundary="?([0-9A-Za-z\'()+_,./:=? -]{1,70})"?', re.I
)
_PARTS = 20


class Receiver:
    """``key`` is the secret that signed the leave."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key

    def room(self, head: bytes) -> int:
        """How many bytes may follow a request's head; 0 where this is none of ours."""
        asked = _ASKED.match(head)
        coming = self._given(asked[1].decode("latin-1")) if asked else None
        return coming.size + _AROUND if coming else 0

    def receive(self, url: str, kind: str, body: bytes) -> Reply:
        """Store the file in the form. ``kind`` is the request's content type."""
        coming = self._given(url)
        file = file_in(kind, body)
        if coming is None:
            return refusal(Refused("not_found"))
        if file is None or not file:
            return refusal(Refused("malformed"))
        if len(file) > coming.size:
            return refusal(Refused("too_large"))
        if uploads.kind_of(file) != coming.kind:
            return refusal(Refused("unsupported"))
        try:
            self._store.create(coming.key, file)
        except Exists:  # sent again, because the answer to it was lost
            if self._store.get(coming.key).data != file:
                return refusal(Refused("not_found"))
        return Reply(204, b"", {})

    def _given(self, url: str) -> Coming | None:
        try:
            return given(url, self._key, now())
        except ValueError:  # such as half of an IPv6 address
            return None


def file_in(kind: str, body: bytes) -> bytes | None:
    """What the part called ``file`` of a form holds (RFC 7578); None where there is none."""
    found = _BOUNDARY.fullmatch(kind)
    if found is None:
        return None
    between = b"\r\n--" + found[1].encode()
    at = 0
    for _ in range(_PARTS):
        head = body.find(b"\r\n\r\n", at)
        end = body.find(between, head + 4)
        if head < 0 or end < 0:
            return None
        if b'; name="file"' in body[at:head]:
            return body[head + 4 : end]
        at = end + len(between)
    return None
