"""Erasing and purging, as far as this checkout has them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from chalicelib.follow_ups import Record
from chalicelib.running import JOBS
from chalicelib.settings import Settings
from chalicelib.storage import Store


def function(module: str, name: str) -> Callable[..., Any] | None:
    """The function of that name, or None where there is no such module yet."""
    try:
        return getattr(import_module(module), name, None)
    except ModuleNotFoundError:
        return None


_FIND = function("chalicelib.traces", "find")
_ERASE = function("chalicelib.erasing", "erase")


def scheduled(job: str) -> bool:
    """Whether there is a job of that name."""
    return job in JOBS


def available() -> bool:
    return _FIND is not None and _ERASE is not None


def erase(
    store: Store, key: bytes, survey: str, response: str, now: int, record: Record | None = None
) -> None:
    """Erase one response; when this returns, it is gone for good."""
    assert _FIND is not None
    assert _ERASE is not None
    _ERASE(store, key, _FIND(store, key, survey, "response", response), now, "tests", record)


def purge(store: Store, key: bytes, now: int) -> None:
    """One run of the scheduled purge."""
    import_module(JOBS["purge"]).run(store, Settings("", None, key), now)
