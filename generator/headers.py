"""What a server must send with each page, so that a browser trusts nothing it need not.

The policy stands in the page, with the hashes of its own script and style; a page cannot say there
who may frame it, so the server says it all. ``_headers`` is how Netlify and Cloudflare read it,
``headers.json`` is for every other server: ours sends exactly that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import unescape

_POLICY = re.compile(r'<meta http-equiv="?content-security-policy"? content="([^"]*)"', re.I)
_REFERRER = re.compile(r'<meta name="?referrer"? content="?([a-z-]+)', re.I)
_NEEDLESS = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
"""What no survey asks a browser for."""

FILES = ("_headers", "headers.json")


def headers_of(page: bytes, embed: Sequence[str] = ()) -> dict[str, str]:
    """The headers of a page that may be framed by the origins of ``embed`` only."""
    found = _POLICY.search(page.decode())
    referrer = _REFERRER.search(page.decode())
    policy = unescape(found[1]) if found else "default-src 'none'"
    framed = " ".join(embed) or "'none'"
    return {
        "Content-Security-Policy": f"{policy};frame-ancestors {framed}",
        "Permissions-Policy": ",".join(f"{name}=()" for name in _NEEDLESS),
        "Referrer-Policy": referrer[1] if referrer else "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def place(path: str) -> str:
    """Where a file of the site is found: ``after-sales/index.html`` at ``/after-sales/``."""
    return "/" + path.removesuffix("index.html")


def written(headers: Mapping[str, Mapping[str, str]]) -> dict[str, bytes]:
    """The files for servers, from the headers of every page by its place."""
    lines = [
        line
        for path, each in sorted(headers.items())
        for line in (path, *(f"  {name}: {value}" for name, value in each.items()))
    ]
    data = json.dumps(headers, indent=1, sort_keys=True)
    return dict(zip(FILES, (("\n".join(lines) + "\n").encode(), data.encode()), strict=True))
