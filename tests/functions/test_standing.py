"""How things stand: what waits and since when, and what was rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib import keys
from chalicelib.published import publish
from chalicelib.running import run_job
from chalicelib.settings import Settings
from chalicelib.standing import Standing, metrics, standing
from chalicelib.storage import FolderStore, MemoryStore
from chalicelib.survey import Response, ids
from generator.local import show_status
from tests.surveys import after_sales

NOW = 1_770_000_000_000
DAY = 24 * 60 * 60 * 1000


def land(store: MemoryStore, number: int, minted: int, received: int) -> None:
    response = Response(
        id=ids.make(minted, number),
        survey="after-sales",
        version="0" * 16,
        language="en",
        channel="web",
        received_at=received,
        answers={},
    )
    store.create(keys.landing("after-sales", response.id, "0" * 16), response.to_json())


def test_the_oldest_is_the_one_received_first_not_the_one_minted_first() -> None:
    """A phone that was offline for days brings an old id, but has not waited here."""
    store = MemoryStore()
    land(store, 1, NOW - 5 * DAY, NOW - 1000)
    land(store, 2, NOW - 60_000, NOW - 59_000)
    land(store, 3, NOW - 100, NOW)
    store.create(keys.landing("after-sales", "no-id", "0"), b"nothing")
    assert standing(store, NOW) == {"after-sales": Standing(4, 59.0)}
    assert metrics(store, NOW) == {
        "waiting": 4,
        "oldest_unmerged_s": 59,
        "rejected_in_all": 0,
        "conflicts_in_all": 0,
    }


def test_what_was_rejected_is_seen(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:

    store = FolderStore(tmp_path)
    publish(store, after_sales(), NOW)
    store.create("landing/after-sales/poison.json", b"{")
    settings = Settings(str(tmp_path), None, b"key")
    for answers in ({"overall": 9}, {"overall": 1}, {"overall": 2}, {"overall": "nine"}):
        response = Response(
            id=ids.make(NOW, 1),
            survey="after-sales",
            version=after_sales().version,
            language="en",
            channel="web",
            received_at=NOW,
            answers=answers,
        )
        name = keys.landing("after-sales", response.id, response.digest)
        store.create(name, response.to_json())
        counts = run_job("merge", settings, store)
    assert counts["rejected"] == 1
    assert metrics(store, NOW)["rejected_in_all"] == metrics(store, NOW)["conflicts_in_all"] == 2
    show_status(str(tmp_path))
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].split() == ["after-sales", "0", "2", "2"]
    assert shown[2:5] == [
        "after-sales: 2 × conflict: another body was merged under this id",
        "after-sales: 1 × an answer its question has no place for",
        "after-sales: 1 × not the name of a landed response",
    ]
    assert "rejected/" in shown[5]
