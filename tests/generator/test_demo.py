"""The demo keeps its promise, and would notice if it did not."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from chalicelib.storage import FolderStore
from chalicelib.survey import EchoformError, read
from generator import demo
from generator.__main__ import main
from generator.sample import draw
from tests.surveys import after_sales, kitchen_sink


def test_the_demo_runs_to_its_end(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    result = CliRunner().invoke(main, ["demo", "--once", "--data", data], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert re.search(r"each of 160 acknowledged answers is there exactly once", result.output)
    assert "Index" in result.output
    said: list[str] = []
    store = FolderStore(Path(data))
    with pytest.raises(EchoformError, match="promise"):
        demo._check(store, {"0" * 26: {"overall": 1}}, 0, said.append)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("contract", [after_sales(), kitchen_sink()], ids=lambda c: c.id)
def test_made_up_answers_are_valid_and_only_to_what_is_shown(contract, language: str) -> None:
    random = Random(3)
    for _ in range(200):
        answers = draw(contract, random, random.random(), language)
        reading = read(contract.fields, answers)
        assert reading.problems == []
        assert set(reading.answers) == set(answers)
