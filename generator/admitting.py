"""``echoform staff``: tokens for those who call customers back, and their end."""

from __future__ import annotations

from chalicelib import audit
from chalicelib.follow_ups.opening import open_record
from chalicelib.running import now
from chalicelib.staff.tokens import mint
from generator.data import open_data, settings

HOUR_MS = 60 * 60 * 1000


def run_token(
    sub: str, role: str, teams: list[str], hours: float, site: str | None, data: str
) -> str:
    """A token, or the address that carries it: behind the #, so that no server logs it.

    Raises CannotMint.
    """
    at = now()
    made = mint(settings(data).key, sub, role, teams, at, round(hours * HOUR_MS))
    audit.record(
        open_data(data),
        audit.operator(),
        "staff_token",
        at,
        sub=sub,
        role=role,
        teams=", ".join(teams),
        minutes=round(hours * 60),
    )
    return f"{site.rstrip('/')}/staff/#token={made}" if site else made


def run_revoke(sub: str, data: str) -> None:
    """Refuse whatever tokens this person has been given."""
    at = now()
    open_record(settings(data)).revoke(sub, at)
    audit.record(open_data(data), audit.operator(), "staff_revoke", at, sub=sub)
