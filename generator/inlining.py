"""Style and script inside a page: minified, and named by their hashes in the page's policy."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256

import minify


def minified(kind: str, text: str) -> str:
    return str(minify.string(kind, text.replace("\0", "")))  # which would end there


def javascript(text: str, version: int) -> str:
    """Minified to what engines of that year read."""
    minify.config({"js-version": version})
    return minified("application/javascript", text)


@cache
def hashed(part: str) -> str:
    """A CSP source for an inline element: the hash of what stands between its tags."""
    text = part[part.index(">") + 1 : part.rindex("<")]
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
