"""What hostile clients send: corpora of strings, numbers, bodies, and what mixes them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import msgspec
from hypothesis import strategies as st

TEXTS = [
    "' OR 1=1; DROP TABLE responses; --",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "$(reboot)`id`",
    "../../../../etc/passwd",
    "..%2f..%2fclaims",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: a=b",
    "%s%n%x",
    "=cmd|' /C calc'!A0",
    "\x00",
    "\x1b[31m",
    "\u202eright to left",
    "\ufeff",
    "\u2028\u2029",
    "é" * 300,
    "e\u0301\u0302\u0303" * 100,
    "👩\u200d👩\u200d👧\u200d👦",
    "\U0010ffff",
    "ﷺ" * 50,
    "i̇İıI",
    "１２３",
    "٣",
    "x" * 5001,
    "",
    " ",
    "null",
    "undefined",
    "NaN",
    "__proto__",
    "constructor",
    "__class__",
    "items",
    "Grace Example 13912345678 grace@example.test",
]
NUMBERS = [0, -0.0, -1, 1.5, 2**31, 2**53 + 1, 2**63, 1e308, 5e-324, 1e-9, 4.000000001]
TOKENS = [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-0", b"01", b"+1", b"0x10", b"1_000"]
TYPES = [
    "application/json",
    "application/json; charset=utf-16",
    "APPLICATION/JSON;;;",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/xml",
    "application/json\tx",
    "",
    "é",
]
HEADERS = [
    ("Authorization", "Bearer x"),
    ("Authorization", "B\xe9arer"),
    ("Referer", "http://s.test/?<script>"),
    ("Referer", "http://[/"),
    ("Host", "s.test"),
    ("Content-Encoding", "gzip"),
    ("X-Forwarded-For", "1, 2, ' OR 1"),
    ("Cookie", "a=" + "b" * 4000),
    ("Accept-Language", "../../etc"),
    ("X-HTTP-Method-Override", "DELETE"),
]

texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=60))
scalars = st.one_of(
    texts,
    st.sampled_from(NUMBERS),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**64 - 1),
    st.booleans(),
    st.none(),
)
values = st.recursive(
    scalars,
    lambda some: st.one_of(st.lists(some, max_size=4), st.dictionaries(texts, some, max_size=4)),
    max_leaves=8,
)


def nested(depth: int) -> bytes:
    return b'{"id":' + b"[" * depth + b"]" * depth + b"}"


def bodies(valid: Callable[[], dict[str, Any]], names: list[str]) -> st.SearchStrategy[bytes]:
    """Bodies that start from a valid submission and go wrong somewhere, or are nothing of the kind.

    ``valid`` makes a submission with an id of its own; ``names`` are its survey's fields.
    """
    parts = st.sampled_from(["id", "version", "language", "answers", "duration", "link", "admin"])

    @st.composite
    def bent(draw: st.DrawFn) -> bytes:
        body = valid()
        for _ in range(draw(st.integers(0, 3))):
            if draw(st.booleans()):
                name = draw(st.one_of(st.sampled_from(names), texts))
                body["answers"] = {**body["answers"], name: draw(values)}
            elif (part := draw(parts)) != "answers":
                body[part] = draw(values)
        try:
            return msgspec.json.encode(body)
        except (UnicodeEncodeError, OverflowError):
            return b"{}"

    @st.composite
    def spoilt(draw: st.DrawFn) -> bytes:
        whole = msgspec.json.encode(valid())
        at = draw(st.integers(0, len(whole)))
        return draw(
            st.sampled_from(
                [
                    whole[:at],
                    whole[:at] + draw(st.binary(max_size=8)) + whole[at:],
                    b"\xef\xbb\xbf" + whole,
                    whole.decode().encode("utf-16"),
                    gzip.compress(whole),
                    whole + whole,
                    whole.replace(b'"repair"', b'"repair","service_type":"theft"'),
                    whole.replace(b"5", draw(st.sampled_from(TOKENS))),
                    whole.replace(b"5", b"9" * 400),
                    whole.replace(b'"repair"', b'"\\ud800"'),
                    whole.replace(b'"repair"', b'"\\udc00\\ud800"'),
                    whole.replace(b'"repair"', b'"\xed\xa0\x80"'),
                    nested(draw(st.sampled_from([10, 1000, 30_000]))),
                    b'{"a":' * 10_000,
                    b" " * 65_536,
                    b"x" * 65_537,
                    b"",
                ]
            )
        )

    @st.composite
    def form(draw: st.DrawFn) -> bytes:
        given = {"_version": valid()["version"], "_language": "en", **valid()["answers"]}
        fields = [f"{name}={quote_plus(str(value))}" for name, value in given.items()]
        junk = st.sampled_from(
            ["%", "%zz", "%ff", "a=%00", "=", "&&&", ";", "+", "%u0041=1", "a" * 999]
        )
        for _ in range(draw(st.integers(0, 3))):
            name = draw(st.one_of(st.sampled_from(names), st.sampled_from(TEXTS)))
            typed = draw(st.sampled_from(TEXTS)).encode("utf-8", "replace")
            more = f"{quote_plus(name)}={quote_plus(typed)}"
            fields.insert(draw(st.integers(0, len(fields))), draw(st.one_of(junk, st.just(more))))
        many = draw(st.sampled_from([1, 1, 1, 1, 200, 3000]))
        return "&".join(fields * many)[:70_000].encode()

    return st.one_of(bent(), bent(), spoilt(), form())
