"""Accept: check, store durably, acknowledge. The rules are DESIGN's "Exactly once"."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from chalicelib import keys, links
from chalicelib.accept import AHEAD_MS, OLDEST_MS, Arrival, Receipt, accept
from chalicelib.break_offs import BreakOff
from chalicelib.links import Link
from chalicelib.published import GRACE_MS, Definitions, publish
from chalicelib.storage import MemoryStore
from chalicelib.survey import Refused, Response, Submission, ids
from tests.surveys import HAPPY, after_sales

NOW = 1_770_000_000_000
SURVEY = after_sales()


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    publish(store, SURVEY, NOW - GRACE_MS)
    return store


def submission(number: int = 1, /, **changes: object) -> Submission:
    parts = {"version": SURVEY.version, "language": "zh-CN", "answers": HAPPY}
    return Submission(**{"id": ids.make(NOW, number), **parts, **changes})


def send(store: MemoryStore, sent: Submission, now: int = NOW, **how: object) -> Receipt:
    return accept(store, Definitions(store), SURVEY.id, sent, Arrival(now=now, **how))


def refused(store: MemoryStore, sent: Submission, now: int = NOW, **how: object) -> Refused:
    before = list(store.list(""))
    with pytest.raises(Refused) as refusal:
        send(store, sent, now, **how)
    assert list(store.list("")) == before, "a refusal writes nothing"
    return refusal.value


def landed(store: MemoryStore) -> list[Response]:
    return [Response.from_json(store.get(e.key).data) for e in store.list(keys.LANDING)]


def test_an_accepted_answer_has_landed(store: MemoryStore) -> None:
    receipt = send(store, submission(duration=42))
    [response] = landed(store)
    assert receipt == Receipt(response.id, replay=False)
    assert response.answers == HAPPY
    assert (response.received_at, response.duration, response.channel) == (NOW, 42, "web")


def test_sending_again_gets_the_same_receipt_and_lands_once(store: MemoryStore) -> None:
    first = send(store, submission())
    again = send(store, submission(), now=NOW + 60_000)
    assert again == Receipt(first.response, replay=True)
    assert len(landed(store)) == 1


def test_an_edit_under_one_id_lands_beside_it_for_merge_to_judge(store: MemoryStore) -> None:
    send(store, submission())
    send(store, submission(answers={**HAPPY, "overall": 9}))
    assert len(landed(store)) == 2


def test_a_response_of_another_time_is_taken_only_within_the_window(store: MemoryStore) -> None:
    for sent_at, code in [
        (NOW - OLDEST_MS, None),
        (NOW - OLDEST_MS - 1, "clock"),
        (NOW + AHEAD_MS, None),
        (NOW + AHEAD_MS + 1, "clock"),
    ]:
        sent = submission(id=ids.make(sent_at, 7))
        if code:
            assert refused(store, sent).code == code
        else:
            assert not send(store, sent).replay


@pytest.mark.parametrize(
    "bad", ["", "1", "../../etc/passwd", "01arz3ndektsv4rrffq69g5fav", "8" * 26, "0" * 27]
)
def test_a_malformed_id_is_refused(store: MemoryStore, bad: str) -> None:
    assert refused(store, submission(id=bad)).code == "bad_id"


@pytest.mark.parametrize("survey", ["nothing", "../after-sales", "after-sales/../x", "", "A", "."])
def test_a_survey_that_was_never_published_is_not_found(store: MemoryStore, survey: str) -> None:
    with pytest.raises(Refused) as refusal:
        accept(store, Definitions(store), survey, submission(), Arrival(now=NOW))
    assert refusal.value.code == "not_found"


@pytest.mark.parametrize("version", ["0" * 16, "../current", "current", "", "../../links/abc"])
def test_an_unknown_version_is_stale_and_names_no_path(store: MemoryStore, version: str) -> None:
    assert refused(store, submission(version=version)).code == "stale_version"


def test_a_superseded_version_is_taken_for_seven_days(store: MemoryStore) -> None:
    newer = msgspec.structs.replace(SURVEY, thanks={"zh-CN": "谢谢", "en": "Thanks"})
    publish(store, newer, NOW)
    day = NOW + GRACE_MS
    send(store, submission(id=ids.make(day, 1)), now=day)
    late = submission(id=ids.make(day + 1, 2))
    assert refused(store, late, now=day + 1).code == "stale_version"


def test_a_replay_wins_over_an_end(store: MemoryStore) -> None:
    send(store, submission())
    key = keys.current(SURVEY.id)
    closed = msgspec.json.encode({**msgspec.json.decode(store.get(key).data), "closed_at": NOW + 1})
    store.replace(key, closed, store.get(key).tag)
    assert send(store, submission(), now=NOW + 2).replay
    later = submission(id=ids.make(NOW + 1, 2))
    assert refused(store, later, now=NOW + 2).code == "gone"


def test_a_retry_fares_as_the_first_try_did_even_after_the_merge(store: MemoryStore) -> None:
    """Else its phone would be told to begin again, and one customer would count twice."""
    sent = submission()
    send(store, sent)
    newer = msgspec.structs.replace(SURVEY, thanks={"zh-CN": "谢谢", "en": "Thanks"})
    publish(store, newer, NOW - GRACE_MS + OLDEST_MS - 1)  # over, when the retry comes
    store.delete([entry.key for entry in store.list(keys.LANDING)])  # as a merge does
    assert send(store, sent, now=NOW + OLDEST_MS).response == sent.id


def test_every_problem_is_told_at_once(store: MemoryStore) -> None:
    answers = {
        "service_type": "theft",
        "responsiveness": "5",
        "resolution": 6,
        "attitude": True,
        "improve": ["speed"],
        "overall": 10,
        "shoe_size": 43,
    }
    problems = refused(store, submission(answers=answers)).problems
    assert {(p.question, p.code) for p in problems} == {
        ("service_type", "choice"),
        ("responsiveness", "number"),
        ("resolution", "range"),
        ("attitude", "number"),
        ("resolved", "required"),
        ("improve", "hidden"),
        ("shoe_size", "unknown"),
    }


def test_zero_is_an_answer_a_hidden_question_may_not_have(store: MemoryStore) -> None:
    """0 == False in Python; a hidden 0 must not pass as blank."""
    contract = msgspec.structs.replace(
        SURVEY,
        id="early-end",
        sections=[
            msgspec.structs.replace(SURVEY.sections[0], end_if=["==", "service_type", "advice"]),
            *SURVEY.sections[1:],
        ],
    )
    publish(store, contract, NOW)
    sent = submission(version=contract.version, answers={"service_type": "advice", "recommend": 0})
    with pytest.raises(Refused) as refusal:
        accept(store, Definitions(store), contract.id, sent, Arrival(now=NOW))
    assert [(p.question, p.code) for p in refusal.value.problems] == [("recommend", "hidden")]


def test_a_plain_form_shows_everything_so_its_hidden_answers_are_let_go(
    store: MemoryStore,
) -> None:
    answers = {**HAPPY, "improve": ["speed"], "service_type_other": "", "phone": "12345"}
    send(store, submission(answers=answers), scripted=False)
    assert landed(store)[0].answers == HAPPY


def test_an_open_link_knows_the_store_and_takes_any_number(store: MemoryStore) -> None:
    links.add(store, {"ABCD": Link(SURVEY.id, attributes={"store": "012", "unasked": "x"})})
    for number in (1, 2):
        send(store, submission(number, link="ab-cd"))
    assert [r.attributes for r in landed(store)] == [{"store": "012"}] * 2


def test_unknown_expired_and_foreign_links_are_refused_alike(store: MemoryStore) -> None:
    links.add(
        store,
        {"EXPIRED1": Link(SURVEY.id, expires_at=NOW), "FOREIGN1": Link("another-survey")},
    )
    for code in ("EXPIRED1", "FOREIGN1", "UNKNOWN1", "../../x", "*" * 10):
        assert refused(store, submission(link=code)).code == "gone"


def test_a_personal_link_takes_one_answer_under_a_hundred_tries(store: MemoryStore) -> None:
    links.add(store, {"PERSONAL": Link(SURVEY.id, personal=True)})

    def attempt(number: int) -> str:
        try:
            return send(store, submission(number, link="PERSONAL")).response
        except Refused as refusal:
            return refusal.code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(attempt, range(100)))
    assert answers.count("already_answered") == 99
    [response] = landed(store)
    assert response.id in answers


def test_the_same_persons_retry_gets_the_same_receipt(store: MemoryStore) -> None:
    links.add(store, {"PERSONAL": Link(SURVEY.id, personal=True, expires_at=NOW + 1)})
    first = send(store, submission(link="PERSONAL"))
    again = send(store, submission(link="PERSONAL"), now=NOW + 1000)
    assert again == Receipt(first.response, replay=True)


def test_a_crash_between_landing_and_claim_is_healed_by_the_retry(store: MemoryStore) -> None:
    links.add(store, {"PERSONAL": Link(SURVEY.id, personal=True)})
    first = send(store, submission(link="PERSONAL"))
    store.delete([entry.key for entry in store.list(keys.CLAIMS)])
    assert send(store, submission(link="PERSONAL")) == Receipt(first.response, replay=True)
    assert len(landed(store)) == len(list(store.list(keys.CLAIMS))) == 1


def test_loaded_rows_keep_their_own_time_and_open_no_follow_up(store: MemoryStore) -> None:
    then = NOW - 400 * 24 * 3600 * 1000
    sent = submission(id=ids.make(then, 1), answers={**HAPPY, "overall": 1, "recommend": 0})
    send(store, sent, now=then, loaded=True, channel="paper", attributes={"agent": "A7"})
    [response] = landed(store)
    assert (response.received_at, response.channel) == (then, "paper")
    assert response.attributes == {"agent": "A7"}
    assert not response.follow_up


LEFT = BreakOff(ids.make(NOW, 9), SURVEY.version, "zh-CN", "overall").name


def test_what_was_said_is_named_the_same_whether_its_page_was_put_away(store: MemoryStore) -> None:
    assert not send(store, submission()).replay
    assert send(store, submission(left=LEFT)).replay
    assert [response.left for response in landed(store)] == [""]


def test_an_anonymous_answer_names_none(store: MemoryStore) -> None:
    hidden = msgspec.structs.replace(SURVEY, anonymous=True)
    publish(store, hidden, NOW)
    send(store, submission(version=hidden.version, left=LEFT))
    assert [response.left for response in landed(store)] == [""]


def test_a_page_that_was_put_away_names_its_mark(store: MemoryStore) -> None:
    send(store, submission(left=LEFT))
    assert [response.left for response in landed(store)] == [LEFT]


@pytest.mark.parametrize(
    "hostile",
    ["", "../../responses", LEFT + "\n", LEFT + "x" * 9_000, "7" + "Z" * 25 + LEFT[26:], "\ud800"],
)
def test_a_mark_that_is_none_is_let_go_and_costs_no_answer(
    store: MemoryStore, hostile: str
) -> None:
    send(store, submission(left=hostile))
    assert [response.left for response in landed(store)] == [""]
