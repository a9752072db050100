"""Sweep: finish what accept was cut off with, though the phone never came back.

A submission over a personal link waits in ``claiming/`` until it is merged. Where it has not landed
a minute after it was received, whoever accepted it has died on the way: the link is claimed for it
and it lands, or, where the link has another's answer, it is removed. If it was merged meanwhile,
merge knows it again, so landing it once more changes nothing.
"""

from __future__ import annotations

from contextlib import suppress

from msgspec import Struct

from .. import claims, keys
from ..claims import Claim
from ..settings import Settings
from ..storage import Exists, Missing, Store
from ..survey import Refused, Response

PATIENCE_MS = 60 * 1000
"""How long accept is left to finish by itself."""


class Swept(Struct):
    """Submissions landed, removed because another has the link, and too young to be judged."""

    healed: int = 0
    removed: int = 0
    young: int = 0


def run(store: Store, settings: Settings, now: int, left: object = None) -> Swept:
    return sweep(store, now)


def sweep(store: Store, now: int) -> Swept:
    """Raises ExceptionGroup at the end, where some could not be finished; the others were."""
    swept = Swept()
    failures: list[Exception] = []
    for name in claims.unlanded(store):
        try:
            _finish(store, name, now, swept)
        except Exception as failure:  # one that cannot be read must not keep the others waiting
            failures.append(failure)
    if failures:
        raise ExceptionGroup("some submissions could not be finished", failures)
    return swept


def _finish(store: Store, name: str, now: int, swept: Swept) -> None:
    try:
        response = Response.from_json(store.get(name).data)
    except Missing:  # merged since it was listed
        return
    if response.received_at > now - PATIENCE_MS:
        swept.young += 1
        return
    mine = Claim(response.id, response.digest)
    try:
        wanted = claims.take(store, response.link or "", mine, response)
    except Refused:
        swept.removed += 1
        return
    if wanted is not None:
        with suppress(Exists):
            store.create(keys.landing(wanted.survey, wanted.id, wanted.digest), wanted.to_json())
            swept.healed += 1
