"""Where a link's code leads: the plain address, and the short one, which QR codes are smallest by.

A QR code packs capitals, digits and a few signs more tightly than other letters, and ``?`` is none
of those signs. So the short form is all capitals and has the code in its path; whoever serves the
pages leads it to the plain form: our own server by ``led``, CloudFront by ``infra/rewrite.js``,
which say the same (``tests/vectors/addresses.json``). A survey's alias is its id in capitals, so
nobody has to keep a list of them.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from chalicelib.survey import EchoformError

_SHORT = re.compile(r"/S/([A-Za-z][A-Za-z0-9-]{0,62})/([0-9A-Za-z-]{4,64})/?")

_OPT_OUT = re.compile(r"[0-9A-Za-z]{10}(&|$)")
"""What a text message's opt-out has: no link's code is as long."""


class NoShortForm(EchoformError):
    """The site's address has what capitals would change."""


def url(site: str, survey: str, code: str) -> str:
    return f"{site.rstrip('/')}/{survey}/?{code}"


def short(site: str, survey: str, code: str) -> str:
    """The same in capitals. Raises NoShortForm."""
    if urlsplit(site).path.strip("/"):
        raise NoShortForm(
            f"{site}: short addresses are for a site that has a host of its own, and no path "
            f"behind it; leave `short` out of site.yaml"
        )
    return f"{site.rstrip('/')}/s/{survey}/{code}".upper()


def led(path: str, query: str) -> str | None:
    """Where a short address leads to, with what somebody added behind it; None if it is none."""
    if path == "/o" and _OPT_OUT.match(query):
        return f"/api/optouts?{query}"
    found = _SHORT.fullmatch(path)
    if found is None:
        return None
    return f"/{found[1].lower()}/?{found[2]}" + (f"&{query}" if query else "")
