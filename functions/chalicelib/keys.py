"""The names of everything stored: the layout of the data, in one place."""

from __future__ import annotations

import zlib

DEFINITIONS = "definitions/"
LANDING = "landing/"
CLAIMING = "claiming/"
RESPONSES = "responses/"
CONTACTS = "contacts/"
TALLIES = "tallies/"
LINKS = "links/"
CLAIMS = "claims/"
DUE = "due/"
REJECTED = "rejected/"
TOMBSTONES = "tombstones/"
ERASURES = "erasures/"
AUDIT = "audit/"
STAGING = "staging/"


def contract(survey: str, version: str) -> str:
    return f"{DEFINITIONS}{survey}/{version}.json"


def current(survey: str) -> str:
    return f"{DEFINITIONS}{survey}/current.json"


def landing(survey: str, response: str, digest: str) -> str:
    return f"{LANDING}{survey}/{response}-{digest}.json"


def links(code_hash: str) -> str:
    return f"{LINKS}{code_hash[:3]}.json"


def claim(survey: str, code_hash: str) -> str:
    return f"{CLAIMS}{survey}/{code_hash}.json"


def claiming(survey: str, response: str, digest: str) -> str:
    """Where a submission waits while a personal link is claimed for it; named as it will land."""
    return f"{CLAIMING}{survey}/{response}-{digest}.json"


def part(table: str, survey: str, day: str, bucket: int) -> str:
    """``table`` is RESPONSES or CONTACTS; ``day`` is ``YYYY-MM-DD``."""
    return f"{table}{survey}/dt={day}/part-{bucket:03d}.parquet"


def tallies(survey: str, day: str) -> str:
    return f"{TALLIES}{survey}/dt={day}/tallies.parquet"


def due(survey: str, response: str, rule: str) -> str:
    return f"{DUE}{survey}/{response}-{rule}"


def rejected(day: str, survey: str, name: str) -> str:
    return f"{REJECTED}{day}/{survey}/{name}.json"


def tombstones(survey: str, day: str) -> str:
    """The prefix of a day's tombstones."""
    return f"{TOMBSTONES}{survey}/{day}/"


def erasure(name: str) -> str:
    """What an erasure set out to do; gone when it is done."""
    return f"{ERASURES}{name}.json"


def audit(day: str, name: str) -> str:
    return f"{AUDIT}dt={day}/{name}.json"


def survey_of(key: str) -> str:
    """The survey a key belongs to (its second path element)."""
    return key.split("/", 2)[1]


def response_of(key: str) -> str:
    """What stands where a key of ``landing/``, ``due/`` or ``rejected/`` has its response id."""
    return key.rpartition("/")[2][:26]


def day_of(key: str) -> str:
    """The day in a key's ``dt=`` element."""
    return key.split("dt=", 1)[1][:10]


def bucket(response: str, buckets: int) -> int:
    """The part of its day a response lies in: CRC-32 of the id, modulo the number of parts."""
    return zlib.crc32(response.encode()) % buckets


def table(prefix: str, survey: str) -> str:
    """What analysts call the parts under a prefix: ``responses_after_sales``."""
    return f"{prefix.rstrip('/')}_{survey.replace('-', '_')}"
