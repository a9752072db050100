"""A campaign from its record to the figures, over a real mail server and the real API.

A kill -9 in its middle, and everybody gets exactly one; answers come by personal link; reminders go
to the silent alone; response rates by segment are what an independent count says.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes, policy
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from chalicelib.channels.configured import Channels, Smtp
from chalicelib.channels.opening import open_channels
from chalicelib.days import DAY_MS
from chalicelib.invitations import codes, contact_rule, record
from chalicelib.invitations.invitation import Campaign, Invitation
from chalicelib.jobs.invite import Invited, invite
from chalicelib.published import publish
from chalicelib.running import endless, now
from chalicelib.settings import Settings
from chalicelib.site import SiteRecord
from chalicelib.storage import FolderStore
from chalicelib.survey import ids
from chalicelib.survey.responding import Dispositions, rr1
from generator.__main__ import main
from generator.message_templates import shipped
from generator.query import ask, open_views
from generator.serving import make_server
from tests.channels.servers import Sink as Letters
from tests.channels.servers import mail_server
from tests.laying import lay_messages, lay_site
from tests.surveys import HAPPY, after_sales

ROOT = Path(__file__).parents[2]
KEY = b"a secret of the campaign"
SURVEY = after_sales()
TIERS = ("VIP", "gold", "plain")
DOUBTFUL = re.compile(r"^  ([0-9a-f]{32})  email to \S+  <([0-9a-f]{32})@", re.M)
CODE = re.compile(r"/after-sales/(?:en/)?\?([0-9A-Z]{27})")


class Sink(Letters):
    """A mail server's memory: to whom, and what."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[tuple[str, str, str]] = []
        """Address, Message-ID and text."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter = message_from_bytes(envelope.content, policy=policy.default)
        body = letter.get_body(("plain",))
        assert body is not None
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        self.letters.append((envelope.rcpt_tos[0], letter["Message-ID"], body.get_content()))
        return "250 OK"

    def to(self, since: int = 0) -> Counter[str]:
        return Counter(address for address, _, _ in self.letters[since:])


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    local = make_server(Settings(str(folder), None, KEY), {}.get, "127.0.0.1", 0)
    thread = threading.Thread(target=local.server.serve_forever)
    thread.start()
    try:
        yield local.server.server_address[1]
    finally:
        local.server.shutdown()
        local.server.server_close()
        thread.join()


def customer(number: int) -> dict[str, str]:
    return {
        "customer": f"C{number:05d}",
        "to": f"c{number}@example.com",
        "tier": TIERS[number % 7 % 3],
    }


def planned(store: FolderStore, count: int, port: int) -> tuple[Campaign, set[str]]:
    """A campaign of so many; and who is to be left out: opted out, or asked by another."""
    publish(store, SURVEY, now())
    lay_messages(store, shipped())
    mail = Smtp(
        host="127.0.0.1", port=port, secure="none", sender="care@example.com", per_second=1000
    )
    lay_site(store, SiteRecord(url="https://survey.example.com", channels=Channels(email=mail)))
    campaign = Campaign(
        id="vip",
        survey=SURVEY.id,
        planned_at=now(),
        send_at=now(),
        nonce=codes.nonce(),
        deadline=now() + 20 * DAY_MS,
        reminders=1,
        remind_after_days=2,
        quiet=("00:00", "00:00"),
    )
    people = [customer(number) for number in range(count)]
    invitations = [
        Invitation(
            id=codes.invitation_id(KEY, campaign.name, each["customer"]),
            customer=each["customer"],
            channel="email",
            to=each["to"],
            language="en",
            send_at=campaign.send_at,
            attributes={"customer": each["customer"], "tier": each["tier"]},
            fields={"name": "=HYPERLINK(1)\r\nBcc: x@example.com"},
            stratum=each["tier"],
        )
        for each in people
    ]
    assert record.create(store, KEY, campaign, invitations) == count
    out, asked = people[5], people[6]
    contact_rule.opt_out(store, contact_rule.person(KEY, "", out["to"]), now())
    theirs = {"another": contact_rule.person(KEY, asked["customer"])}
    assert contact_rule.claim(store, theirs, 30, now()) == {}
    return campaign, {out["to"], asked["to"]}


def sending(folder: Path) -> subprocess.Popen[bytes]:
    code = (
        "import os; from chalicelib.running import Settings, run_job\n"
        "run_job('invite', Settings.read(os.environ))"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "functions")])
    environ = {"ECHOFORM_DATA": str(folder), "ECHOFORM_KEY": KEY.decode(), "PYTHONPATH": path}
    return subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **environ})


def later(store: FolderStore, by: int) -> Invited:
    channels = open_channels(store, os.environ)
    return invite(store, KEY, lambda: now() + by, endless, channels)


def settle(folder: Path, campaign: Campaign, sink: Sink) -> tuple[int, int]:
    """What is in doubt, settled as its operator does, by the mail server's log; how many, and how
    many of them are to be sent again."""
    arrived = {name.strip("<>").partition("@")[0] for _, name, _ in sink.letters}
    told = echoform("campaigns", SURVEY.id, "--data", str(folder))
    doubtful = dict(DOUBTFUL.findall(told))
    lost = {name for name, mail in doubtful.items() if mail not in arrived}
    for names, how in ((doubtful.keys() - lost, "--sent"), (lost, "--again")):
        if names:
            said = echoform("settle", SURVEY.id, campaign.id, *names, how, "--data", str(folder))
            assert said.startswith(f"{len(names)} settled as ")
    return len(doubtful), len(lost)


def echoform(*line: str) -> str:
    done = CliRunner().invoke(main, line)
    assert done.exit_code == 0, done.output
    return done.output


def post(port: int, path: str, body: object) -> tuple[int, Any]:
    head = {"Content-Type": "application/json"}
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", f"/api/{path}", msgspec.json.encode(body), head)
        reply = connection.getresponse()
        return reply.status, msgspec.json.decode(reply.read())


def answer(port: int, code: str, number: int) -> None:
    """As the page does: ask how the link stands, then send."""
    asked = {"survey": SURVEY.id, "code": code}
    assert post(port, "links", asked)[1]["status"] == "open"
    body = {
        "id": ids.make(now(), number),
        "version": SURVEY.version,
        "language": "en",
        "link": code,
        "answers": HAPPY,
    }
    assert post(port, f"responses/{SURVEY.id}", body)[0] == 201


@pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=pytest.mark.long)])
def test_everybody_gets_one_though_it_is_killed(tmp_path: Path, count: int) -> None:
    sink, store = Sink(), FolderStore(tmp_path)
    with mail_server(sink) as port:
        campaign, left_out = planned(store, count, port)
        process = sending(tmp_path)
        deadline = time.monotonic() + 600
        while len(sink.letters) < count // 3:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        started, before = time.monotonic(), len(sink.letters)
        assert before < count - len(left_out)
        assert sending(tmp_path).wait() == 0
        rate = (len(sink.letters) - before) / (time.monotonic() - started)
        in_doubt = later(store, 3 * 60_000).uncertain
        assert 0 < in_doubt <= 16
        doubtful, lost = settle(tmp_path, campaign, sink)
        assert doubtful == in_doubt
        assert later(store, 4 * 60_000).sent == lost
        everybody = {customer(number)["to"] for number in range(count)} - left_out
        assert sink.to() == dict.fromkeys(everybody, 1)

        chosen = sorted(everybody, key=lambda address: Random(address).random())
        answering = set(chosen[: 2 * count // 5])
        found = {to: CODE.search(text) for to, _, text in sink.letters}
        with serving(tmp_path) as api:
            for number, to in enumerate(sorted(answering)):
                code = found[to]
                assert code is not None
                answer(api, code[1], number)
        learnt = later(store, 5 * 60_000)
        assert (learnt.answered, learnt.opened) == (len(answering), len(answering))

        sent = len(sink.letters)
        assert later(store, 2 * DAY_MS + 60 * 60_000).reminded == len(everybody - answering)
        assert sink.to(sent) == dict.fromkeys(everybody - answering, 1)
        again = {to: CODE.search(text) for to, _, text in sink.letters[sent:]}
        assert all((a := again[to]) and (b := found[to]) and a[1] == b[1] for to in again)

    assert later(store, 21 * DAY_MS).expired == len(everybody - answering)
    with open_views(store) as views:
        rows = ask(
            views,
            "select tier, cast(count_if(disposition = 'complete') as double) / count(*),"
            " count(*) from invitations_after_sales group by tier order by tier",
        ).rows
    counted: dict[str, Counter[str]] = {tier: Counter() for tier in TIERS}
    for number in range(count):
        to = customer(number)["to"]
        end = "complete" if to in answering else "noncontact"
        end = {5: "refusal", 6: "other"}.get(number, end)
        counted[customer(number)["tier"]][end] += 1
    wanted = [(tier, rr1(Dispositions(**ends)), ends.total()) for tier, ends in counted.items()]
    assert rows == sorted(wanted)
    print(f"{count}: {before} before the kill, {doubtful} in doubt, {lost} of them lost;")
    print(f"{rate:.0f} messages a second; {len(answering)} answered; {rows}")
    assert count < 1000 or rate >= 50, f"{rate:.0f} messages a second"
