"""Which channels there are: those the site configures, else the outbox."""

from __future__ import annotations

from collections.abc import Mapping

from ..site import read_site
from ..storage import Store
from .outbox import Outbox
from .port import Channel

KINDS = ("email", "sms", "wechat", "webhook", "wecom")


def open_channels(store: Store, environ: Mapping[str, str]) -> dict[str, Channel]:
    """Every channel by its kind. What is secret comes from the environment."""
    read_site(store)
    return {kind: Outbox(store, kind) for kind in KINDS}
