"""Erasing and purging, as far as this checkout has them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from chalicelib.storage import Store


def function(module: str, name: str) -> Callable[..., Any] | None:
    """The function of that name, or None where there is no such module yet."""
    try:
        return getattr(import_module(module), name, None)
    except ModuleNotFoundError:
        return None


_ERASE = function("chalicelib.erasing", "erase")


def available() -> bool:
    return _ERASE is not None


def erase(store: Store, key: bytes, response: str, now: int) -> None:
    """Erase one response."""
    assert _ERASE is not None
    _ERASE(store, key, response=response, now=now)
