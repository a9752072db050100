"""The quick way in says yes only where ``read`` would keep every answer exactly as it is.

On the twins' random surveys: what it takes is read without a problem, to the same answers, the same
digest and the same stored bytes; and what is kept of any reading is itself faultless.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.survey import Contract, Faultless, Response, Sheet, Submission, ids, read, strangers
from chalicelib.survey.questions import Calculated
from tests.survey.test_twins import exact, submissions, surveys
from tests.surveys import after_sales, kitchen_sink, survey

VERSION = "0" * 16
ID = ids.make(1_770_000_000_000, 1)


def body(answers: dict[str, Any]) -> bytes:
    parts = {"id": ID, "version": VERSION, "language": "en", "answers": answers}
    return msgspec.json.encode(parts)


def response(answers: Any) -> Response:
    return Response(
        id=ID,
        survey="random",
        version=VERSION,
        language="en",
        channel="web",
        received_at=1,
        answers=answers,
    )


def agrees(contract: Contract, faultless: Faultless, raw: dict[str, Any]) -> bool:
    """Whether it was taken; everything that must then hold is asserted."""
    try:
        sent = body(raw)
    except UnicodeEncodeError:  # half a character: no JSON has it
        return False
    submission = faultless.decode(sent)
    if submission is None:
        return False
    reading = read(contract.fields, raw)
    assert not reading.problems
    assert not strangers(contract.fields, raw, reading.shown)
    assert isinstance(submission.answers, Sheet)
    assert exact(dict(submission.answers)) == exact(reading.answers)
    quick, slow = response(submission.answers), response(reading.answers)
    assert quick.digest == slow.digest
    assert Response.from_json(quick.to_json()) == Response.from_json(slow.to_json())
    return True


def _holds(data: st.DataObject) -> None:
    contract = data.draw(surveys())
    faultless = Faultless(contract.fields, VERSION)
    for _ in range(4):
        raw = data.draw(submissions(contract.fields))
        agrees(contract, faultless, raw)
        reading = read(contract.fields, raw)
        kept = {name: value for name, value in reading.answers.items() if value != 0}
        if not reading.problems and kept == reading.answers:
            again = read(contract.fields, reading.answers)
            assert again.answers == reading.answers
            assert agrees(contract, faultless, reading.answers), "the page's own answers are slow"


_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=_CHECKS, database=None)
def test_on_random_surveys(data: st.DataObject) -> None:
    """600 sets of answers."""
    _holds(data)


@pytest.mark.long
@given(data=st.data())
@settings(max_examples=2600, deadline=None, suppress_health_check=_CHECKS, database=None)
def test_on_many_random_surveys(data: st.DataObject) -> None:
    """10,400 sets of answers."""
    _holds(data)


HAPPY: dict[str, Any] = {
    "service_type": "repair",
    "responsiveness": "na",
    "resolution": 2,
    "attitude": 4,
    "why_low": "等了两天\n没有人联系我",
    "resolved": "no",
    "overall": 6,
    "improve": ["speed", "attitude"],
    "call_me": "yes",
    "phone": "13800138000",
}


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        ({}, True),
        ({"attitude": 4.0}, False),
        ({"attitude": True}, False),
        ({"attitude": "4"}, False),
        ({"attitude": 6}, False),
        ({"attitude": None}, False),
        ({"process": None}, False),
        ({"attitude": "na"}, False),
        ({"service_type": "theft"}, False),
        ({"service_type": "other"}, False),
        ({"service_type_other": "x"}, False),
        ({"why_low": " blank ends "}, False),
        ({"why_low": "bell\a"}, False),
        ({"why_low": "line\r\nend"}, False),
        ({"why_low": ""}, False),
        ({"why_low": "x" * 2000}, True),
        ({"why_low": "x" * 2001}, False),
        ({"improve": ["attitude", "speed"]}, False),
        ({"improve": ["speed", "speed"]}, False),
        ({"improve": []}, False),
        ({"phone": "13800138000\n"}, False),
        ({"phone": "call me"}, False),
        ({"call_me": "no"}, False),
        ({"shoe_size": 43}, False),
        ({"items": 1}, False),
    ],
)
def test_what_is_taken(change: dict[str, Any], taken: bool) -> None:
    contract = after_sales()
    faultless = Faultless(contract.fields, VERSION)
    assert agrees(contract, faultless, {**HAPPY, **change}) is taken


def test_without_a_required_answer_it_is_not_taken() -> None:
    contract = after_sales()
    faultless = Faultless(contract.fields, VERSION)
    for name in ("service_type", "attitude", "why_low", "phone"):
        assert not agrees(contract, faultless, {k: v for k, v in HAPPY.items() if k != name})


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({"average": 11 / 3}, True),
        ({"average": 3.67}, False),
        ({"average": "x"}, False),
        ({}, False),
    ],
)
def test_a_calculated_value_is_ours_whatever_is_sent(sent: dict[str, Any], taken: bool) -> None:
    contract = kitchen_sink()
    answers = {"one": "a", "stars": 2, "ratings_speed": 4, "ratings_care": 5, "agree": True}
    assert agrees(contract, Faultless(contract.fields, VERSION), {**answers, **sent}) is taken
    reading = read(contract.fields, {**answers, **sent})
    assert reading.answers["average"] == 11 / 3
    assert strangers(contract.fields, {**answers, **sent}, reading.shown) == []


def test_a_value_of_zero_has_no_sign() -> None:
    contract = survey(Calculated(id="v", value=["*", 0, 1]))
    faultless = Faultless(contract.fields, VERSION)
    assert agrees(contract, faultless, {"v": 0.0})
    assert not agrees(contract, faultless, {"v": -0.0})


def test_another_version_is_not_taken() -> None:
    contract = after_sales()
    faultless = Faultless(contract.fields, "f" * 16)
    assert faultless.decode(body(HAPPY)) is None


def test_a_sheet_reads_like_the_mapping_it_stands_for() -> None:
    contract = kitchen_sink()
    sent = {"one": "a", "go_on": "no"}
    submission = Faultless(contract.fields, VERSION).decode(body(sent))
    assert isinstance(submission, Submission)
    answers = submission.answers
    assert dict(answers) == dict(answers.items()) == sent
    assert ("one" in answers, "stars" in answers, "keys" in answers) == (True, False, False)
    assert (answers["one"], answers.get("stars"), answers.get("get")) == ("a", None, None)
    with pytest.raises(KeyError):
        answers["stars"]


def test_nothing_an_author_wrote_is_ever_run() -> None:
    """Names, codes and operands reach the compiled function as constants."""
    contract = after_sales()
    writer = Faultless(contract.fields, VERSION).source
    for word in ("repair", "other", "overall", "service", "yes", "speed"):
        assert word not in writer
