"""The site's record: what the functions must know of ``site.yaml``, published beside surveys.

Nothing in it is secret. Publishing writes it; whoever makes links or sends messages reads it.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from . import keys
from .channels.configured import Channels, Crm
from .invitations.service_events import ServiceEvents
from .storage import Missing, Store


class SiteRecord(Struct, frozen=True, omit_defaults=True):
    url: str = "http://127.0.0.1:8000"
    """Where customers find the site; links begin with it."""
    api: str = "/api"
    """Where the functions answer, on the same site."""
    short: bool = False
    """Whether the host leads short addresses to the plain ones."""
    name: dict[str, str] = {}
    """The brand's name by language."""
    colour: str = "#0f6b62"
    channels: Channels = Channels()
    service_events: dict[str, ServiceEvents] = {}
    """By survey: how customers are asked after a service."""
    crm: Crm | None = None
    """Whom what was learnt of customers is told."""

    def called(self, language: str) -> str:
        """The brand's name in a language, else in the first there is."""
        return self.name.get(language) or next(iter(self.name.values()), "")


def read_site(store: Store) -> SiteRecord:
    """What was published last; the plain one where nothing was."""
    try:
        return msgspec.json.decode(store.get(keys.SITE).data, type=SiteRecord)
    except Missing:
        return SiteRecord()


def lay(store: Store, key: str, data: bytes) -> None:
    """Store a value that may be there already, in this version or another.

    Raises Exists or Stale where somebody else publishes at the same time.
    """
    try:
        stored = store.get(key)
    except Missing:
        store.create(key, data)
        return
    if stored.data != data:
        store.replace(key, data, stored.tag)
