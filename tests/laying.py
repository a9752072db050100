"""What functions read beside surveys, laid where publishing lays it: without a ``site.yaml``."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chalicelib import keys
from chalicelib.messages import written_down
from chalicelib.site import SiteRecord, lay
from chalicelib.storage import Store


def lay_site(store: Store, record: SiteRecord) -> None:
    lay(store, keys.SITE, msgspec.json.encode(record))


def lay_messages(store: Store, templates: Mapping[str, str]) -> None:
    lay(store, keys.MESSAGES, written_down(templates))
