"""Links: their codes, the shards they are kept in, and what the page may ask about one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import claims, keys, links
from chalicelib.accept import Arrival, accept
from chalicelib.collecting import collect
from chalicelib.linking import standing_of
from chalicelib.links import OPEN, PERSONAL, Link, Taken
from chalicelib.published import Definitions, publish
from chalicelib.storage import Entry, MemoryStore, Store, Stored
from chalicelib.survey import Submission, ids
from chalicelib.survey.ids import ALPHABET
from tests.surveys import HAPPY, after_sales

NOW = 1_770_000_000_000
SURVEY = after_sales()


@st.composite
def minted(draw: st.DrawFn) -> str:
    symbols = draw(st.sampled_from([OPEN, PERSONAL]))
    bits = st.integers(0, (1 << 5 * (symbols - 1)) - 1)
    return links.spelled(draw(bits.filter(lambda number: number % 37 < 32)), symbols)


codes = minted()


@st.composite
def typed(draw: st.DrawFn) -> tuple[str, str]:
    """A code, and the same as somebody typed it."""
    code = draw(codes)
    alike = {"0": "0Oo", "1": "1IiLl"}
    letters = [draw(st.sampled_from(alike.get(c, c + c.lower()))) for c in code]
    dashed = [letter + "-" * draw(st.integers(0, 1)) for letter in letters]
    return code, "".join(dashed)


@given(typed())
def test_case_dashes_and_lookalikes_do_not_count(pair: tuple[str, str]) -> None:
    code, typing = pair
    assert links.CODE.fullmatch(typing)
    assert links.canonical(typing) == code
    assert links.hash_of(typing) == links.hash_of(code)
    assert not links.is_mistyped(typing)


@given(codes, st.data())
def test_any_one_wrong_symbol_is_noticed(code: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from([c for c in ALPHABET + "U" if c != code[at]]))
    assert links.is_mistyped(code[:at] + wrong + code[at + 1 :])


@given(codes, st.data())
def test_two_symbols_changed_about_are_noticed(code: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(code) - 2))
    swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert links.is_mistyped(swapped) == (swapped != code)


def test_a_personal_code_has_128_random_bits_and_no_letter_that_an_address_would_escape() -> None:
    made = [links.mint(PERSONAL) for _ in range(200)]
    assert (PERSONAL - 1) * 5 - 0.22 > 128, "5 of 37 check symbols are not given out: 0.21 bits"
    assert all(set(code) <= set(ALPHABET) for code in made)
    for at in range(PERSONAL - 1):
        assert len({code[at] for code in made}) > 20


def test_a_link_keeps_all_it_knows_and_never_its_code() -> None:
    store = MemoryStore()
    link = Link(SURVEY.id, True, {"customer": "C1"}, expires_at=NOW, label="Counter 3")
    code = links.mint(PERSONAL)
    links.add(store, {code: link})
    assert links.look_up(store, code.lower()) == link
    assert code.encode() not in b"".join(store.get(e.key).data for e in store.list(""))


def test_a_new_link_never_takes_the_code_of_another() -> None:
    store = MemoryStore()
    links.add(store, {"2345-6789": Link("one")}, new=True)
    with pytest.raises(Taken):
        links.add(store, {"23456789": Link("two")}, new=True)
    assert links.look_up(store, "23456789") == Link("one")
    links.add(store, {"23456789": Link("two")})
    assert links.look_up(store, "23456789") == Link("two")


class Counted(MemoryStore):
    """Counts what it is asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, str]] = []

    def get(self, key: str) -> Stored:
        self.calls.append(("get", key))
        return super().get(key)

    def create(self, key: str, data: bytes) -> None:
        self.calls.append(("create", key))
        super().create(key, data)

    def replace(self, key: str, data: bytes, tag: str) -> None:
        self.calls.append(("replace", key))
        super().replace(key, data, tag)


def test_bulk_writes_each_shard_once_and_accept_reads_one() -> None:
    store = Counted()
    publish(store, SURVEY, NOW)
    made = {links.mint(PERSONAL): Link(SURVEY.id, personal=True) for _ in range(9000)}
    links.add(store, made, new=True)
    written = [key for call, key in store.calls if call != "get" and key.startswith("links/")]
    assert len(written) == len(set(written)) > 3000
    definitions = Definitions(store)
    definitions.current(SURVEY.id)
    store.calls.clear()
    code = next(iter(made))
    sent = Submission(
        id=ids.make(NOW, 1), version=SURVEY.version, language="en", answers=HAPPY, link=code
    )
    accept(store, definitions, SURVEY.id, sent, Arrival(now=NOW))
    assert [key.split("/")[0] for call, key in store.calls if call == "get"] == ["links", "claims"]
    creates = [key.split("/")[0] for call, key in store.calls if call != "get"]
    assert creates == ["landing", "claims"], "what an answer costs, and in which order"


def test_many_adders_at_once_lose_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """All in one shard, so each is overtaken again and again."""
    monkeypatch.setattr(keys, "links", lambda code_hash: "links/one.json")
    made = [{f"{adder:02d}{n:04d}": Link(f"s{adder}-{n}") for n in range(10)} for adder in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda some: [links.add(store, {c: k}) for c, k in some.items()], made))
    for some in made:
        for code, link in some.items():
            assert links.look_up(store, code) == link


def ask(store: MemoryStore, code: object, survey: str = SURVEY.id, now: int = NOW) -> object:
    body = msgspec.json.encode({"survey": survey, "code": code})
    reply = standing_of(store, Definitions(store), body, now)
    said = msgspec.json.decode(reply.body)
    return said["status"] if reply.status == 200 else (reply.status, said["error"])


def test_the_page_learns_whether_a_link_is_open_answered_or_expired() -> None:
    store = MemoryStore()
    publish(store, SURVEY, NOW)
    links.add(
        store,
        {
            "OPEN": Link(SURVEY.id, attributes={"store": "012"}),
            "MINE": Link(SURVEY.id, personal=True, expires_at=NOW + 1),
            "FOREIGN": Link("another"),
        },
    )
    assert [ask(store, code) for code in ("open", "mine", "foreign", "unknown", "*")] == [
        "open",
        "open",
        "expired",
        "expired",
        "expired",
    ]
    sent = Submission(
        id=ids.make(NOW, 1), version=SURVEY.version, language="en", answers=HAPPY, link="mine"
    )
    accept(store, Definitions(store), SURVEY.id, sent, Arrival(now=NOW))
    assert ask(store, "MINE") == ask(store, "MINE", now=NOW + 2) == "answered"
    live = store.get(keys.current(SURVEY.id))
    closed = msgspec.json.decode(live.data) | {"closed_at": NOW - 1}
    store.replace(keys.current(SURVEY.id), msgspec.json.encode(closed), live.tag)
    assert [ask(store, code) for code in ("open", "mine", "unknown")] == ["closed"] * 3
    assert ask(store, "OPEN", survey="nothing") == (404, "not_found")
    assert ask(store, 5) == (400, "malformed")
    assert ask(store, "A" * 2000) == (413, "too_large")


def test_only_what_the_survey_itself_says_is_told_of_a_link() -> None:
    store = MemoryStore()
    title = {"zh-CN": "{agent} 的服务", "en": "The service of {agent}, {name}"}
    survey = msgspec.structs.replace(
        SURVEY, id="named", title=title, attributes=["customer", "agent", "team"]
    )
    publish(store, survey, NOW)
    known = {"customer": "C-77", "agent": "A07", "team": "north", "name": "not declared"}
    links.add(store, {"MINE": Link("named", personal=True, attributes=known)})
    body = msgspec.json.encode({"survey": "named", "code": "MINE"})
    reply = standing_of(store, Definitions(store), body, NOW)
    said = {"status": "open", "attributes": {"agent": "A07"}}
    assert msgspec.json.decode(reply.body) == said


def test_what_is_no_link_is_found_out_with_the_same_reads() -> None:
    store = Counted()
    publish(store, SURVEY, NOW)
    expired = {
        "EXPIRED1": Link(SURVEY.id, expires_at=NOW),
        "EXPIRED2": Link(SURVEY.id, personal=True, expires_at=NOW),
    }
    links.add(store, {**expired, "FOREIGN1": Link("another"), "FOREIGN2": Link("another", True)})
    asked, sent = [], []
    for code in (*expired, "FOREIGN1", "FOREIGN2", "UNKNOWN1"):
        store.calls.clear()
        assert ask(store, code) == "expired"
        asked.append([(call, key.split("/")[0]) for call, key in store.calls])
        definitions = Definitions(store)
        definitions.current(SURVEY.id)
        store.calls.clear()
        body = {"id": ids.make(NOW, 1), "version": SURVEY.version, "language": "en"}
        body |= {"answers": HAPPY, "link": code}
        headers = {"content-type": "application/json"}
        reply = collect(store, definitions, SURVEY.id, headers, msgspec.json.encode(body), NOW)
        sent.append((reply, [(call, key.split("/")[0]) for call, key in store.calls]))
    assert all(each == asked[0] for each in asked)
    assert all(each == sent[0] for each in sent), "the same words too"
    assert sent[0][0].status == 410
    assert sent[0][1] == [("get", "links")]


def test_an_anonymous_claim_leads_from_the_link_to_nothing() -> None:
    anonymous = msgspec.structs.replace(SURVEY, anonymous=True)
    store = MemoryStore()
    publish(store, anonymous, NOW)
    links.add(store, {"MINE": Link(SURVEY.id, personal=True, attributes={"customer": "C-77"})})
    sent = Submission(
        id=ids.make(NOW, 1), version=anonymous.version, language="en", answers=HAPPY, link="MINE"
    )
    accept(store, Definitions(store), SURVEY.id, sent, Arrival(now=NOW))
    entries: list[Entry] = list(store.list(""))
    kept = {entry.key: store.get(entry.key).data for entry in entries}
    for key, data in kept.items():
        here = key.encode() + data
        assert not (sent.id.encode() in here and links.hash_of("MINE").encode() in here)
        assert b"C-77" not in data or key.startswith("links/")
    assert claims.held(store, SURVEY.id, links.hash_of("MINE"))
