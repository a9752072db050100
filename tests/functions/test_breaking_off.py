"""Who began and left is told once, as a name without anything in it; nothing else is stored."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib import break_offs, keys
from chalicelib.accept import AHEAD_MS, OLDEST_MS
from chalicelib.break_offs import BreakOff
from chalicelib.breaking_off import LARGEST_NAME, break_off
from chalicelib.collecting import REFUSALS, Reply
from chalicelib.published import GRACE_MS, Definitions, close, publish
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import ids
from chalicelib.survey.questions import Calculated, Hidden, Score, Single, Statement
from tests.surveys import choices, survey, text

NOW = 1_770_000_000_000
SURVEY = survey(
    Statement(id="welcome", text=text("欢迎", "Welcome")),
    Single(id="kind", text=text("类型", "Kind"), choices=choices(a=("甲", "A")), other=True),
    Score(id="overall", text=text("总体", "Overall")),
    Hidden(id="source"),
    Calculated(id="double", value=["+", "overall", "overall"]),
)
OLDER = replace(SURVEY, title=text("旧", "Old"))
MARK = BreakOff(ids.make(NOW, 7), SURVEY.version, "en", "overall")


@pytest.fixture
def live(store: Store) -> Store:
    publish(store, OLDER, NOW - GRACE_MS - 1)
    publish(store, SURVEY, NOW - GRACE_MS)
    return store


def told(
    store: Store, mark: BreakOff | bytes = MARK, now: int = NOW, survey: str = SURVEY.id
) -> Reply:
    body = mark if isinstance(mark, bytes) else mark.name.encode()
    return break_off(store, Definitions(store), survey, body, now)


def error(reply: Reply) -> str:
    body = msgspec.json.decode(reply.body)
    assert {*body} == {"error", "message", "problems"}
    assert reply.status == REFUSALS[body["error"]]
    return str(body["error"])


def marks(store: Store) -> list[str]:
    return [entry.key for entry in store.list(keys.LEFT)]


def test_a_mark_is_kept_once_and_is_empty(live: Store) -> None:
    assert told(live) == told(live) == Reply(204, b"", {})
    [mark] = marks(live)
    assert mark == break_offs.key(SURVEY.id, SURVEY.timezone, MARK)
    assert live.get(mark).data == b""


def test_the_words_beside_a_choice_may_be_the_last(live: Store) -> None:
    assert told(live, MARK._replace(question="kind_other")).status == 204


def test_whoever_opened_an_earlier_version_is_counted_too(live: Store) -> None:
    assert told(live, MARK._replace(version=OLDER.version)).status == 204
    assert error(told(live, MARK._replace(version=OLDER.version), NOW + 1)) == "stale_version"


@pytest.mark.parametrize(
    ("mark", "code"),
    [
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (MARK.name.encode() + b"\n", "malformed"),
        (MARK.name.replace("overall", "../../responses").encode(), "malformed"),
        (b'{"left": "' + MARK.name.encode() + b'"}', "malformed"),
        (MARK._replace(id="7" + "Z" * 25), "malformed"),
        (b"x" * LARGEST_NAME, "malformed"),
        (b"x" * (LARGEST_NAME + 1), "too_large"),
        (MARK._replace(language="fr"), "malformed"),
        (MARK._replace(question="nothing"), "malformed"),
        (MARK._replace(question="source"), "malformed"),
        (MARK._replace(question="double"), "malformed"),
        (MARK._replace(question="welcome"), "malformed"),
        (MARK._replace(version="0" * 16), "stale_version"),
        (MARK._replace(id=ids.make(NOW - OLDEST_MS - 1, 7)), "clock"),
        (MARK._replace(id=ids.make(NOW + AHEAD_MS + 1, 7)), "clock"),
    ],
)
def test_what_says_nothing_of_this_survey_is_refused(mark: BreakOff | bytes, code: str) -> None:
    store = MemoryStore()
    publish(store, SURVEY, NOW)
    assert error(told(store, mark)) == code
    assert marks(store) == []


@pytest.mark.parametrize("name", ["none", "", "../responses", "Test", "x" * 200])
def test_a_survey_that_is_none_is_not_found(live: Store, name: str) -> None:
    assert error(told(live, survey=name)) == "not_found"


def test_nobody_leaves_a_survey_that_is_closed(live: Store) -> None:
    close(live, SURVEY.id, NOW)
    assert error(told(live)) == "gone"
    assert marks(live) == []


def test_of_an_anonymous_survey_nobody_is_told_to_have_left(store: Store) -> None:
    """When somebody left could be set beside when their link was opened."""
    publish(store, hidden := replace(SURVEY, anonymous=True), NOW)
    assert error(told(store, MARK._replace(version=hidden.version))) == "not_found"
    assert marks(store) == []
