"""How things stand: what waits to be merged and since when; what could not be merged, and why."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from msgspec import Struct

from . import keys
from .accept import AHEAD_MS
from .storage import Missing, Store
from .survey import Response, ids


class Standing(Struct):
    """Of one survey."""

    waiting: int = 0
    oldest_s: float = 0.0
    """Age of the oldest answer that waits to be merged: what came before it is in the parts."""
    reasons: dict[str, int] = {}
    """How many landed objects could not be merged, by the reason in their names."""

    @property
    def conflicts(self) -> int:
        """Edits under an id that was merged with other answers."""
        return self.reasons.get(keys.CONFLICT, 0)

    @property
    def rejected(self) -> int:
        """All the others."""
        return sum(self.reasons.values()) - self.conflicts


def standing(store: Store, now: int) -> dict[str, Standing]:
    """By survey, those of which nothing ever arrived left out."""
    waiting: dict[str, list[str]] = defaultdict(list)
    found: dict[str, Standing] = defaultdict(Standing)
    for entry in store.list(keys.LANDING):
        waiting[keys.survey_of(entry.key)].append(entry.key)
    for survey, landed in waiting.items():
        oldest = _oldest(store, landed, now)
        found[survey] = Standing(len(landed), max(0, now - oldest) / 1000)
    for entry in store.list(keys.REJECTED):
        reasons = found[entry.key.split("/")[2]].reasons
        reason = keys.reason_of(entry.key)
        reasons[reason] = reasons.get(reason, 0) + 1
    return dict(sorted(found.items()))


def metrics(store: Store, now: int) -> dict[str, int]:
    """Over all surveys, for a log line."""
    all_of_them = standing(store, now).values()
    return {
        "waiting": sum(each.waiting for each in all_of_them),
        "oldest_unmerged_s": round(max((each.oldest_s for each in all_of_them), default=0.0)),
        "rejected_in_all": sum(each.rejected for each in all_of_them),
        "conflicts_in_all": sum(each.conflicts for each in all_of_them),
    }


def _oldest(store: Store, landed: list[str], now: int) -> int:
    """When the earliest of them was received.

    Ids sort by the time they were minted, and nothing is received before that, so a few reads tell.
    """
    oldest = now
    for key in landed:
        name = key.rsplit("/", 1)[1][:26]
        if ids.is_id(name) and ids.time_of(name) - AHEAD_MS >= oldest:
            break
        try:
            oldest = min(oldest, Response.from_json(store.get(key).data).received_at)
        except (Missing, msgspec.MsgspecError):
            continue  # merged since it was listed, or no response: merge says which
    return oldest
