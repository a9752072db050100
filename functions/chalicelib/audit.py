"""The audit trail: who did what, when, to which survey. Only ever added to.

An event is one object, created and never touched again. It never says what an answer said nor who
gave it: a trail that nobody may shorten must hold nothing that somebody may want erased.

=================  ==========================================================================
``publish``        a version became live
``export``         rows left as a file (``export``, or ``query`` to one)
``read_contacts``  a query, an export, or an agent about to call asked for what is personal
``read_uploads``   somebody fetched the files of a response
``erase``          one person was erased; the facts are counts
``purge``          days were deleted because they are not kept any longer
``staff_token``    somebody was given a token for the staff pages, with this role
``staff_revoke``   every token of somebody was ended
``refuse``         somebody of the staff tried what their role does not reach
``close``          a survey takes no more answers
``reopen``         it does again
``settle``         invitations in doubt were said to be sent, or sent again; facts are counts
``opt_out``        somebody was entered who wants no messages; not who
``opt_in``         that was undone
``tell``           customers were told what an improvement action did; facts are counts
``backup``         everything was copied to a backup; facts are counts
``restore``        a backup was put back; facts are counts
=================  ==========================================================================
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from secrets import randbits

import msgspec
from msgspec import Struct

from . import days, keys
from .storage import Store
from .survey import ids

EVENTS = (
    *("publish", "export", "read_contacts", "read_uploads", "erase", "purge"),
    *("close", "reopen", "settle", "opt_out", "opt_in"),
    *("staff_token", "staff_revoke", "refuse", "tell"),
    *("backup", "restore"),
)


class Event(Struct, frozen=True, kw_only=True):
    happened_at: str
    """As in ``2026-05-17T04:00:00.000Z``."""
    who: str
    """``os:`` and the name on this machine, ``job:`` and the job, or ``staff:`` and the person."""
    what: str
    survey: str = ""
    facts: dict[str, str | int] = {}


def record(
    store: Store, who: str, what: str, now: int, survey: str = "", **facts: str | int
) -> None:
    """Add an event. Whoever cannot record does not do."""
    at = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="milliseconds")
    at = at.replace("+00:00", "Z")
    event = Event(happened_at=at, who=who, what=what, survey=survey, facts=facts)
    name = keys.audit(days.day(now, "UTC"), ids.make(now, randbits(80)))
    store.create(name, msgspec.json.encode(event))


def operator() -> str:
    """Who runs this process."""
    try:
        return f"os:{getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as in a container
        return "os:unknown"
