"""Answers that staff enter: asked one by one by the kernel's rules, and never lost silently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib import keys, links
from chalicelib.links import Link
from chalicelib.published import publish
from chalicelib.running import now, run_job
from chalicelib.storage import FolderStore, StorageError
from chalicelib.survey import Choice, Contract, Response
from chalicelib.survey.questions import (
    Calculated,
    Consent,
    Hidden,
    LongText,
    Matrix,
    Multiple,
    Number,
    Ranking,
    Rating,
    Row,
    Single,
    Statement,
    YesNo,
)
from generator.__main__ import main
from generator.asking import WORDS
from generator.data import settings
from tests.surveys import after_sales, choices, survey, text

SURVEY = survey(
    Statement(id="hello", text=text("录音说明", "We may record this")),
    Hidden(id="source", default="desk"),
    Single(
        id="kind",
        text=text("类型", "Kind"),
        required=True,
        other=True,
        choices=[
            Choice("repair", text("维修", "Repair")),
            Choice("advice", text("咨询", "Advice")),
        ],
    ),
    Rating(id="speed", text=text("速度", "Speed"), required=True, na=True),
    LongText(id="why", text=text("原因", "Why"), show_if=["<=", "speed", 2], required=True),
    Multiple(
        id="improve",
        text=text("改进", "Improve"),
        choices=[
            Choice("price", text("价格", "Price")),
            Choice("time", text("时间", "Time"), show_if=["<=", "speed", 2]),
            Choice("skill", text("专业", "Skill")),
        ],
    ),
    Number(id="visits", text=text("次数", "Visits")),
    YesNo(id="solved", text=text("解决了吗", "Solved")),
    Consent(id="agree", text=text("同意", "Agree")),
)


@pytest.fixture(autouse=True)
def data(empty: Path) -> FolderStore:
    """The data of a folder to work in, where the survey is live."""
    store = FolderStore(empty / "data")
    for contract in (SURVEY, after_sales()):
        publish(store, contract, now())
    return store


def enter(*more: str, typed: list[str] | None = None, contract: Contract = SURVEY) -> Result:
    """Run the command; where the lines typed run out, it is as if Ctrl-C were pressed."""
    told = ("enter", contract.id, "--channel", "phone", "--by", "A07", *more)
    lines = "".join(f"{line}\n" for line in typed or [])
    return CliRunner().invoke(main, told, input=lines, catch_exceptions=False)


def landed(data: FolderStore) -> list[Response]:
    return [Response.from_json(data.get(e.key).data) for e in data.list(keys.LANDING)]


def kept() -> dict[str, Any]:
    [path] = Path().glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_rows_and_ranks_are_asked_and_figures_are_not(data: FolderStore) -> None:
    survey_ = survey(
        Matrix(
            id="m",
            text=text("请评价", "Rate"),
            rows=[Row("a", text("甲", "A")), Row("b", text("乙", "B"))],
        ),
        Calculated(id="mean", value=["mean", "m_a", "m_b"]),
        Ranking(
            id="wish",
            text=text("排序，均分{mean}", "Order, mean {mean}"),
            choices=choices(x=("子", "X"), y=("丑", "Y"), z=("寅", "Z")),
            most=2,
        ),
    )
    publish(data, survey_, now())
    result = enter("--language", "en", typed=["4", "5", "3, 1"], contract=survey_)
    assert result.exit_code == 0, result.output
    assert "Rate\n\nA" in result.output
    assert "Order, mean 4.5" in result.output
    assert "2 numbers, the first first" in result.output
    [response] = landed(data)
    assert response.answers == {"m_a": 4, "m_b": 5, "mean": 4.5, "wish": ["z", "x"]}


def test_a_call_becomes_a_response_like_any_other(data: FolderStore) -> None:
    typed = ["3", "a gift", "5", "1, 2", "4", "1", "y"]
    result = enter("--recording-consent", "yes", "--language", "en", typed=typed)
    assert result.exit_code == 0, result.output
    [response] = landed(data)
    assert response.answers == {
        "source": "desk",
        "kind": "other",
        "kind_other": "a gift",
        "speed": 5,
        "improve": ["price", "skill"],
        "visits": 4,
        "solved": "yes",
        "agree": True,
    }
    assert (response.channel, response.entered_by) == ("phone", "A07")
    assert (response.recording_consent, response.language) == (True, "en")
    assert response.id in result.output
    run_job("merge", settings("data"), data)
    assert not landed(data)
    assert not list(Path().glob("*.json"))


def test_it_is_asked_in_the_surveys_language_and_skips_what_is_hidden(data: FolderStore) -> None:
    result = enter(typed=["1", "na", "", "", "", ""])
    assert result.exit_code == 0, result.output
    assert "速度" in result.output
    assert "原因" not in result.output
    assert "时间" not in result.output
    assert landed(data)[0].answers == {"source": "desk", "kind": "repair", "speed": "na"}
    assert landed(data)[0].recording_consent is None


def test_what_is_wrong_is_said_and_asked_again(data: FolderStore) -> None:
    typed = ["", "9", "1", "7", "2", "", "slow", "2", "x", "3", "1", ""]
    result = enter("--language", "en", typed=typed)
    assert result.exit_code == 0, result.output
    for words in (
        "Answer this question",
        "Choose one of the answers listed",
        "Enter a number from 1 to 5",
        "Enter a number\n",
    ):
        assert words in result.output
    assert landed(data)[0].answers["improve"] == ["time"]
    assert landed(data)[0].answers["why"] == "slow"


def test_one_may_go_back_and_what_that_hides_is_gone(data: FolderStore) -> None:
    result = enter(typed=["1", "1", "slow", "<", "<", "5", "", "", "", ""])
    assert result.exit_code == 0, result.output
    assert landed(data)[0].answers == {"source": "desk", "kind": "repair", "speed": 5}


def test_interrupted_it_keeps_the_answers_and_goes_on_from_there(data: FolderStore) -> None:
    result = enter(typed=["1", "4"])
    assert result.exit_code == 1
    assert "Nothing was handed in" in result.output
    assert not landed(data)
    draft = kept()
    [path] = Path().glob("*.json")
    assert path.stat().st_mode & 0o077 == 0
    assert draft["answers"] == {"source": "desk", "kind": "repair", "speed": 4}
    again = enter("--resume", path.name, typed=["", "3", "", ""])
    assert again.exit_code == 0, again.output
    [response] = landed(data)
    assert response.id == draft["id"]
    assert response.answers == {**draft["answers"], "visits": 3}


def test_storage_that_fails_loses_nothing_and_twice_is_once(
    data: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = FolderStore.create

    def unsure(self: FolderStore, key: str, body: bytes) -> None:
        create(self, key, body)
        raise StorageError(key)

    with monkeypatch.context() as broken:
        broken.setattr(FolderStore, "create", unsure)
        assert enter(typed=["1", "4", "", "", "", ""]).exit_code == 1
    [path] = Path().glob("*.json")
    again = enter("--from-json", path.name)
    assert "it was there already" in again.output
    assert len(landed(data)) == 1


def test_a_script_hands_in_a_file_and_reads_every_problem(data: FolderStore) -> None:
    Path("good.json").write_text(json.dumps({"answers": {"kind": "repair", "speed": 5}}))
    Path("bad.json").write_text(json.dumps({"answers": {"kind": "theft", "why": "x"}}))
    Path("worse.json").write_text("{")
    assert enter("--from-json", "good.json").exit_code == 0
    result = enter("--from-json", "bad.json", "--language", "en")
    assert result.exit_code == 1
    for problem in (
        "kind: Choose one of the answers listed",
        "speed: Answer this question",
        "why: This question was not shown, so it takes no answer",
    ):
        assert problem in result.output
    assert "worse.json" in enter("--from-json", "worse.json").output
    assert len(landed(data)) == 1


def test_what_is_known_of_the_customer_comes_along(data: FolderStore) -> None:
    links.add(data, {"MINE": Link("after-sales", personal=True, attributes={"customer": "C1"})})
    answers = {
        "service_type": "repair",
        "responsiveness": 5,
        "resolution": 5,
        "attitude": 5,
        "resolved": "yes",
        "overall": 9,
    }
    Path("said.json").write_text(json.dumps({"answers": answers}))
    told = ("--agent", "A9", "--link", "mine", "--from-json", "said.json")
    assert enter(*told, contract=after_sales()).exit_code == 0
    assert landed(data)[0].attributes == {"customer": "C1", "agent": "A9"}
    again = enter(*told, contract=after_sales())
    assert again.exit_code == 1
    assert "您已经提交过答卷" in again.output


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--shop", "1"), "declares no attribute shop"),
        (("--language", "fr"), "is not in fr"),
        (("--by", "a person"), "--by: a short code"),
        (("--resume", "a", "--from-json", "b"), "take one"),
    ],
)
def test_what_cannot_be_entered_is_said_first(more: tuple[str, ...], reason: str) -> None:
    result = enter(*more)
    assert result.exit_code == 1
    assert reason in result.output


def test_the_terminal_says_the_same_in_both_languages() -> None:
    assert WORDS["zh-CN"].keys() == WORDS["en"].keys()
