"""The demo keeps its promise, and would notice if it did not."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from msgspec.structs import asdict

from chalicelib.follow_ups.opening import open_record
from chalicelib.follow_ups.port import Query, every
from chalicelib.storage import FolderStore
from chalicelib.survey import EchoformError, read
from generator import demo
from generator.__main__ import main
from generator.data import settings
from generator.demo_loop import check_ended, history
from generator.demo_stories import STORIES
from generator.sample import draw
from tests.surveys import after_sales, kitchen_sink


def test_the_demo_runs_to_its_end(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    result = CliRunner().invoke(main, ["demo", "--once", "--data", data], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert re.search(r"each of 160 acknowledged answers is there exactly once", result.output)
    assert "Index" in result.output
    assert re.search(r"Completion rate 8\d\.\d% \(.*\) of 18\d who began \(since ", result.output)
    assert "22 left before sending, last answered: " in result.output
    said: list[str] = []
    store = FolderStore(Path(data))
    with pytest.raises(EchoformError, match="promise"):
        demo._check(store, {"0" * 26: {"overall": 1}}, 0, said.append)
    loop = result.output.partition("7. The closed loop")[2]
    assert re.search(r"each of these \d+ follow-ups is where it must be", loop)
    assert {"closed", "reopened", "in_progress", "verifying", "unreachable"} <= {*loop.split()}
    assert re.search(r"escalated to the lead, [1-9]\d* of them to the manager", loop)
    _notices_what_went_otherwise(Path(data))


def _notices_what_went_otherwise(data: Path) -> None:
    """A story that ends elsewhere, a step nobody made, an answer nobody gave."""
    record = open_record(settings(str(data)))
    item = next(i for i in every(record, Query(states=("closed",))) if i.outcome == "verified")
    seen = {**asdict(item), "assignee": ""}
    before = [h for h in history(record, item.id) if h.startswith("system ") and "ver" not in h]
    tried = [a.outcome for a in item.attempts]
    [story] = [
        s
        for s in STORIES["call"]
        if s.ends == "closed verified"
        and [step["outcome"] for step in s.steps if step["move"] == "call"] == tried
    ]
    answer = item.verification.response
    check_ended(record, seen, before, story, answer)
    wrong = (
        (before, story._replace(ends="reopened"), answer),
        (before, story._replace(steps=story.steps[1:]), answer),
        ([*before, "system escalate"], story, answer),
        (before, story, ""),
    )
    for otherwise in wrong:
        with pytest.raises(EchoformError, match="loop is broken"):
            check_ended(record, seen, *otherwise)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("contract", [after_sales(), kitchen_sink()], ids=lambda c: c.id)
def test_made_up_answers_are_valid_and_only_to_what_is_shown(contract, language: str) -> None:
    random = Random(3)
    for _ in range(200):
        answers = draw(contract, random, random.random(), language)
        reading = read(contract.fields, answers)
        assert reading.problems == []
        assert set(reading.answers) == set(answers)
