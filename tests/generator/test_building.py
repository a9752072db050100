"""Building: gather, check, then write. Nothing is written where anything is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.published import Definitions
from chalicelib.storage import MemoryStore
from chalicelib.survey import EchoformError
from generator.building import Unbuildable, gather, plan, write
from generator.data import BreaksLive, publish_all

SURVEY = """\
id: counter
title: {zh-CN: 柜台服务, en: At the counter}
languages: [zh-CN, en]
timezone: Asia/Shanghai
sections:
  - id: all
    questions:
      - id: overall
        type: rating
        text: {zh-CN: 总体满意度, en: Overall}
        required: true
      - id: why
        type: long_text
        text: {zh-CN: 请说明原因, en: Why?}
        show_if: overall <= 2
"""


@pytest.fixture
def surveys(tmp_path: Path) -> Path:
    (tmp_path / "surveys").mkdir()
    (tmp_path / "surveys" / "counter.yaml").write_text(SURVEY, "utf-8")
    return tmp_path / "surveys"


def edit(surveys: Path, old: str, new: str) -> None:
    path = surveys / "counter.yaml"
    assert old in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def build(surveys: Path, dist: Path) -> list[str]:
    return sorted(write(plan(gather([surveys]), dist), dist).changed)


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_site_is_its_pages_and_their_contract(surveys: Path, tmp_path: Path) -> None:
    written = build(surveys, tmp_path / "dist")
    [contract] = gather([surveys]).contracts
    assert written == [
        "404.html",
        "_headers",
        "counter/en/index.html",
        "counter/en/thanks/index.html",
        "counter/index.html",
        "counter/thanks/index.html",
        f"definitions/counter/{contract.version}.json",
        "headers.json",
        "staff/index.html",
    ]


def test_only_what_changed_is_written_again(surveys: Path, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    build(surveys, dist)
    before = snapshot(dist)
    assert build(surveys, dist) == []
    assert snapshot(dist) == before
    edit(surveys, "id: counter\n", "# a note\nid: counter\n")
    assert build(surveys, dist) == [], "a comment changes no page"


def test_an_error_in_one_survey_writes_nothing_of_any(surveys: Path, tmp_path: Path) -> None:
    (surveys / "broken.yaml").write_text("id: broken\n", "utf-8")
    with pytest.raises(Unbuildable) as refused:
        build(surveys, tmp_path / "dist")
    assert refused.value.findings
    assert not (tmp_path / "dist").exists()


def test_a_change_that_breaks_what_was_built_is_refused(surveys: Path, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    build(surveys, dist)
    before = snapshot(dist)
    edit(surveys, "type: rating", "type: yes_no")
    edit(surveys, "        show_if: overall <= 2\n", "")
    with pytest.raises(EchoformError, match="overall"):
        build(surveys, dist)
    assert snapshot(dist) == before


def test_publishing_is_all_or_none_and_tells_what_breaks(surveys: Path) -> None:
    store = MemoryStore()
    changes = publish_all(store, gather([surveys]).contracts, now=1)
    assert len(changes) == 1
    assert publish_all(store, gather([surveys]).contracts, now=2) == []
    edit(surveys, "timezone: Asia/Shanghai", "timezone: Europe/Paris")
    before = list(store.list(""))
    with pytest.raises(BreaksLive, match="time"):
        publish_all(store, gather([surveys]).contracts, now=3)
    assert list(store.list("")) == before


def test_a_break_with_an_older_version_is_a_break_too(surveys: Path) -> None:
    """Its answers lie in the same columns."""
    store = MemoryStore()
    publish_all(store, gather([surveys]).contracts, now=1)
    with_why = (surveys / "counter.yaml").read_text("utf-8")
    edit(surveys, with_why[with_why.index("      - id: why") :], "")
    publish_all(store, gather([surveys]).contracts, now=2)
    (surveys / "counter.yaml").write_text(with_why, "utf-8")
    edit(surveys, "type: long_text", "type: number")
    with pytest.raises(BreaksLive, match="why"):
        publish_all(store, gather([surveys]).contracts, now=3)
    assert len(Definitions(store).versions("counter")) == 2


def test_pages_of_a_language_that_is_gone_are_removed(surveys: Path, tmp_path: Path) -> None:
    """An old page would send answers to a version nobody takes any more."""
    dist = tmp_path / "dist"
    build(surveys, dist)
    (dist / "another").mkdir()
    (dist / "another" / "index.html").write_text("somebody else's")
    text = (surveys / "counter.yaml").read_text("utf-8")
    text = text.replace("[zh-CN, en]", "[zh-CN]").replace(", en: At the counter", "")
    text = text.replace(", en: Overall", "").replace(", en: Why?", "")
    (surveys / "counter.yaml").write_text(text, "utf-8")
    written = write(plan(gather([surveys]), dist), dist)
    assert written.removed == ["counter/en/index.html", "counter/en/thanks/index.html"]
    assert (dist / "counter" / "index.html").is_file()
    assert (dist / "another" / "index.html").is_file()
