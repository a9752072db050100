"""Message templates on the author's machine: those that ship, and the author's own over them.

The author's lie in ``messages/`` beside ``site.yaml``, under the same names; each is checked where
it was written. Publishing puts all of them, and the site's record, where the functions read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from chalicelib.messages import lay_messages
from chalicelib.site import SiteRecord, lay_site
from chalicelib.storage import Store
from generator.places import TEMPLATES
from generator.site import Site

_SHIPPED = TEMPLATES / "messages"


def lay(store: Store, site: Site) -> None:
    """Publish the site's record and all templates."""
    record = SiteRecord(
        url=site.url,
        api=site.api,
        name=site.name,
        colour=site.colour,
        service_events=site.service_events,
    )
    lay_site(store, record)
    lay_messages(store, shipped())


@cache
def shipped() -> Mapping[str, str]:
    """The templates that ship, by their names."""
    return {
        path.relative_to(_SHIPPED).as_posix(): path.read_text("utf-8")
        for path in sorted(_SHIPPED.rglob("*.*"))
    }
