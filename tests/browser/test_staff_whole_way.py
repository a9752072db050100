"""The closed loop on the real code, from an unhappy answer to what the customer says in the end.

Customers answer on their pages, staff work on theirs (as wide as a phone), jobs run as the schedule
runs them; nothing between is made up. What the staff pages do by themselves is in ``test_staff``.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from chalicelib import keys, links
from chalicelib.channels import Message
from chalicelib.follow_ups.events import Item
from chalicelib.follow_ups.opening import open_record
from chalicelib.follow_ups.port import Query, every
from chalicelib.links import Link
from chalicelib.running import now, run_job
from chalicelib.settings import Settings
from chalicelib.staff.tokens import mint
from chalicelib.storage import FolderStore
from chalicelib.survey import Contract
from generator import messaging
from generator.building import gather
from generator.data import publish_all, settings
from generator.entering import Circumstances, hand_in, new_entry
from generator.local import address, site_pages
from generator.places import SURVEYS
from generator.serving import make_server
from tests.browser.walking import Mood, answer_all, is_last, sent

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> {{ 7 * 7 }}"
HOUR = 60 * 60 * 1000
WHO = {"customer": "C20488137", "agent": "A07", "team": "T1", "store": "S012"}

Open = Callable[..., Page]


class Live(NamedTuple):
    """Two surveys, the second of which asks whether it helped, and the staff pages."""

    url: str
    store: FolderStore
    settings: Settings
    survey: Contract
    verification: Contract

    def work(self) -> None:
        """The schedule, once."""
        for job in ("merge", "follow_up", "escalate"):
            run_job(job, self.settings, self.store)

    def item(self) -> Item:
        [item] = every(open_record(self.settings), Query())
        return item

    def history(self) -> list[str]:
        events = open_record(self.settings).history(self.item().id)
        return [f"{event.by} {event.kind}" for event in events]

    def sent_link(self) -> str:
        """Of the message that asks whether it helped."""
        [entry] = self.store.list(f"{keys.OUTBOX}sms/")
        return msgspec.json.decode(self.store.get(entry.key).data, type=Message).fields["link"]

    def complain(self) -> None:
        """An unhappy customer, entered from the telephone; the follow-up is opened."""
        answers = {
            "service_type": "repair", "speed": 1, "skill": 2, "manner": 3, "ease": 2,
            "what_went_wrong": HOSTILE, "solved": "no", "overall": 3, "recommend": 2,
            "call_me": "yes", "phone": "13800138000",
        }  # fmt: skip
        entry = new_entry(self.survey, "en", now())
        entry.answers = answers
        circumstances = Circumstances("phone", "A07", None, WHO)
        hand_in(self.store, self.survey.id, entry, circumstances, now())
        self.work()

    def audited(self) -> list[dict[str, str]]:
        found = self.store.list(keys.AUDIT)
        return [msgspec.json.decode(self.store.get(entry.key).data) for entry in found]

    def token(self, sub: str, role: str = "agent", at: int | None = None) -> str:
        return mint(self.settings.key, sub, role, ["T1"], at or now(), HOUR)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    gathered = gather([SURVEYS / f"{name}.yaml" for name in ("after-sales", "service-recovery")])
    of = settings(str(tmp_path))
    store = FolderStore(tmp_path)
    publish_all(store, gathered.contracts, now())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHOFORM_DATA", "")  # the server sets them; this sets them back
        patch.setenv("ECHOFORM_KEY", "")
        server = make_server(of, site_pages(gathered).get, "127.0.0.1", 0)
        messaging.lay(store, replace(gathered.site, url=address(server)))
        thread = threading.Thread(target=server.server.serve_forever)
        thread.start()
        yield Live(address(server), store, of, *gathered.contracts)
        server.server.shutdown()
        server.server.server_close()
        thread.join()


@pytest.fixture
def staff(phone: Open, live: Live) -> Iterator[Open]:
    """Opens the staff pages for somebody, on a phone of their own, at the one follow-up."""
    said: list[str] = []

    def open_staff(sub: str, role: str = "agent") -> Page:
        page = phone(before='localStorage.setItem("echoform-staff-language", \'"en"\')')
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.goto(f"{live.url}/staff/#token={live.token(sub, role)}")
        page.locator(".row a").click()
        page.wait_for_selector(".history")
        return page

    yield open_staff
    assert said == []


def answered(page: Page, contract: Contract, mood: Mood, url: str, **given: str) -> None:
    """A customer opens a link and answers all there is."""
    page.goto(url)
    texts = {name: [text] for name, text in given.items()}
    while True:
        answer_all(page, contract, mood, texts)
        last = is_last(page)
        page.click("#Next")
        if last:
            return sent(page)


def done(page: Page, move: str, state: str, **given: str) -> None:
    """Make a move as one does it on the page, and see the state it leads to."""
    page.click(f"#M-{move}")
    for name, value in given.items():
        field = page.locator(f"#Form [name={name}]").first
        if field.get_attribute("type") == "radio":
            page.locator(f"#Form [name={name}][value={value}]").check(force=True)
        else:
            field.fill(value)
    if given:
        page.click("#Form .first")
    expect(page.locator("#Head .tag", has_text=state).first).to_be_visible()


def at_once(page: Page) -> None:
    """The next look at what changed, now: as when the window comes back to the front."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize(
    ("mood", "state", "outcome", "last"),
    [
        ("happy", "Closed", "verified", "The customer confirmed that it helped"),
        ("unhappy", "Reopened", "", "The customer says it did not help: reopened"),
    ],
)
def test_an_unhappy_customer_is_called_back_and_asked_whether_it_helped(
    phone: Open, staff: Open, live: Live, mood: Mood, state: str, outcome: str, last: str
) -> None:
    code = links.mint(links.PERSONAL)
    links.add(live.store, {code: Link(live.survey.id, personal=True, attributes=WHO)})
    url = f"{live.url}/{live.survey.id}/?{code}"
    answered(phone(), live.survey, "unhappy", url, what_went_wrong=HOSTILE)
    live.work()

    page = staff("A07")
    expect(page.locator("#Head")).to_contain_text("left")  # the clock runs
    expect(page.locator("blockquote")).to_contain_text(HOSTILE)
    page.click("#Contact")
    expect(page.locator(".contact a").first).to_have_attribute("href", "tel:13800138000")
    done(page, "take", "Assigned")
    done(page, "call", "Contacted", channel="phone", outcome="reached")
    done(page, "start", "In progress")
    done(
        page, "resolve", "Resolved", cause="A part was missing", remedy="Fitted it, free of charge"
    )
    live.work()
    assert live.item().state == "verifying"
    answered(phone(), live.verification, mood, live.sent_link())
    live.work()

    at_once(page)
    expect(page.locator("#Head .tag", has_text=state).first).to_be_visible()
    expect(page.locator(".history li").first).to_contain_text(last)
    expect(page.locator("#Body")).to_contain_text("Did it help?")
    assert page.locator("main img, main script").count() == 0
    item = live.item()
    assert (item.state, item.outcome) == (state.lower(), outcome)
    assert item.reopened == (mood == "unhappy")
    by_staff = [f"A07 {move}" for move in ("take", "call", "start", "resolve")]
    end = "verified" if mood == "happy" else "reopen"
    assert live.history() == ["system open", *by_staff, "system verify_sent", f"system {end}"]


def test_two_of_a_team_take_the_same_one_and_the_second_is_told(staff: Open, live: Live) -> None:
    live.complain()
    one, other = staff("A08"), staff("A09")
    done(one, "take", "Assigned")
    other.click("#M-take")
    expect(other.locator("#Notice")).to_contain_text("This follow-up is somebody else's now")
    expect(other.locator(".row:not(.gone)")).to_have_count(0)
    assert live.history() == ["system open", "A08 take"]
    assert not [entry for entry in live.audited() if entry["what"] == "refuse"]


def test_whose_customer_it_was_sees_who_was_faster(staff: Open, live: Live) -> None:
    live.complain()
    own, other = staff("A07"), staff("A08")
    done(other, "take", "Assigned")
    own.click("#M-take")
    expect(own.locator("#Notice")).to_contain_text("A08 took it")
    assert live.history() == ["system open", "A08 take"]


def test_a_lead_gives_it_to_another_and_both_see_it(staff: Open, live: Live) -> None:
    live.complain()
    agent = staff("A07")
    done(agent, "take", "Assigned")
    lead = staff("L1", "lead")
    done(lead, "assign", "Assigned", to="A08")
    expect(lead.locator("#Head")).to_contain_text("A08")
    at_once(agent)
    expect(agent.locator(".history")).to_contain_text("L1 assigned it to A08")
    expect(staff("A08").locator("#Head")).to_contain_text("A08")
    assert live.item().assignee == "A08"


def test_when_a_token_ends_what_was_typed_is_kept_and_goes_on_with_the_next(
    staff: Open, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.complain()
    page = staff("A07")
    page.click("#M-note")
    page.fill("#A-note", HOSTILE)
    later = now() + 2 * HOUR
    monkeypatch.setattr(sys.modules["app"], "now", lambda: later)
    page.click("#Form .first")
    expect(page.locator("#Sign")).to_contain_text("Your access has ended")
    expect(page.locator("#A-note")).to_have_value(HOSTILE)
    assert live.history() == ["system open"]
    page.fill("#S-token", f"{live.url}/staff/#token={live.token('A07', at=later)}")
    page.click("#Sign .first")
    expect(page.locator(".history")).to_contain_text(HOSTILE)
    assert live.history() == ["system open", "A07 note"]


def test_what_a_customer_typed_stays_text_wherever_staff_see_it(staff: Open, live: Live) -> None:
    live.complain()
    page = staff("L1", "lead")
    for place in ("", "&view=feedback"):
        page.goto(f"{live.url}/staff/#token={live.token('L1', 'lead')}{place}")
        page.reload()
        expect(page.locator("main")).to_contain_text(HOSTILE[:12])
        assert page.locator("main img, main script").count() == 0
