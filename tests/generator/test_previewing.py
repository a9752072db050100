"""Preview: pages follow what is saved, problems show where the page was, nothing is published."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from chalicelib.storage import MemoryStore
from generator.previewing import Preview
from generator.serving import Page

SURVEY = """\
id: counter
title: {zh-CN: 柜台服务, en: At the counter}
languages: [zh-CN, en]
timezone: Asia/Shanghai
sections:
  - id: all
    questions:
      - {id: overall, type: rating, text: {zh-CN: 总体满意度, en: Overall}}
"""


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "counter.yaml"
    path.write_text(SURVEY, "utf-8")
    return path


def page(preview: Preview, path: str) -> str:
    found = preview.find_page(path)
    assert isinstance(found, Page)
    return found.body.decode()


def test_every_language_stands_in_a_frame(survey: Path) -> None:
    preview = Preview([survey], MemoryStore())
    frame = page(preview, "/")
    assert 'src="/counter/"' in frame
    assert 'src="/counter/en/"' in frame
    assert "总体满意度" in page(preview, "/counter/")


def test_a_save_shows_at_once_and_wakes_who_waits(survey: Path) -> None:
    preview = Preview([survey], MemoryStore())
    woken: list[str] = []
    waiting = threading.Thread(target=lambda: woken.append(page(preview, "/changes/1")))
    waiting.start()
    survey.write_text(SURVEY.replace("总体满意度", "整体感受"), "utf-8")
    preview.rebuild()
    waiting.join(10)
    assert woken == ["2"]
    assert "整体感受" in page(preview, "/counter/")


def test_problems_stand_where_the_page_was_and_go_when_they_are_mended(survey: Path) -> None:
    preview = Preview([survey], MemoryStore())
    survey.write_text(SURVEY.replace("rating", "<b>rating</b>"), "utf-8")
    preview.rebuild()
    frame = page(preview, "/")
    assert "counter.yaml:8" in frame
    assert "<b>rating" not in frame, "what an author types is text"
    assert preview.find_page("/counter/") is None
    survey.write_text(SURVEY, "utf-8")
    preview.rebuild()
    assert "counter.yaml:8" not in page(preview, "/")


def test_a_change_that_would_break_a_live_survey_can_still_be_tried(survey: Path) -> None:
    preview = Preview([survey], MemoryStore())
    survey.write_text(SURVEY.replace("type: rating", "type: yes_no"), "utf-8")
    preview.rebuild()
    assert preview.find_page("/counter/") is not None


def test_a_site_that_cannot_be_used_is_said_and_not_a_crash(survey: Path) -> None:
    (survey.parent / "site.yaml").write_text("colour: yellow\n", "utf-8")
    preview = Preview([survey.parent], MemoryStore())
    assert "site.yaml" in page(preview, "/")
