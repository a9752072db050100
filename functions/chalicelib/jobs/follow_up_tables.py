"""Follow-up tables: what follow-ups came to, as Parquet beside the answers. Harmless to repeat."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..follow_ups.landing import Landed, land
from ..follow_ups.opening import open_record
from ..settings import Settings
from ..storage import Store


def run(
    store: Store, settings: Settings, now: int, left: Callable[[], float] = lambda: math.inf
) -> Landed:
    return land(store, open_record(settings), settings.key, left)
