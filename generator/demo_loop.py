"""The closed loop in the demo: unhappy answers, a day of a team's work, and whether it helped.

Everything goes the way it goes in earnest. Staff work over HTTP, with tokens; customers are asked
by the links in the outbox and answer as their page does; jobs do the rest. What needs time to pass
has passed: some customers were asked by telephone yesterday and this morning, and the jobs ran
then. At the end each follow-up must be where its story leads, with the history of what was done.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, TypeAlias

import msgspec
from chalice.local import LocalDevServer

from chalicelib import keys
from chalicelib.channels import Message
from chalicelib.channels.opening import open_channels
from chalicelib.follow_ups.events import item_id
from chalicelib.follow_ups.opening import open_record
from chalicelib.follow_ups.performance import HOUR_MS
from chalicelib.follow_ups.port import Record
from chalicelib.jobs.escalate import escalate
from chalicelib.jobs.follow_up import follow_up
from chalicelib.jobs.merge import merge
from chalicelib.links import look_up
from chalicelib.published import Definitions
from chalicelib.running import now, run_job
from chalicelib.settings import Settings
from chalicelib.storage import Store
from chalicelib.survey import Contract, EchoformError, holds, ids
from generator.admitting import run_token
from generator.calling import call
from generator.demo_stories import RESOLVE, TAKE, Story, told, whose
from generator.entering import Circumstances, Entry, hand_in
from generator.local import address
from generator.sample import draw

Data: TypeAlias = dict[str, Any]
Say: TypeAlias = Callable[[str], None]

MANAGER = "M1"
_EARLIER = {26: 6, 1: 8}
"""So many hours and a half ago, so many unhappy customers."""
_HOURS = 8.0
"""How long a token is good for."""


def earlier(
    store: Store, settings: Settings, contract: Contract, agents: Mapping[str, str], random: Random
) -> dict[str, Data]:
    """Unhappy customers of the last day, entered from the telephone; the jobs of every hour since.

    What was said, by response.
    """
    record, channels = open_record(settings), open_channels(store, os.environ)
    began, said = now(), dict[str, Data]()
    for hours in range(max(_EARLIER), -1, -1):
        at = began - hours * HOUR_MS
        for _ in range(_EARLIER.get(hours, 0)):
            received = at - HOUR_MS // 2
            agent = random.choice(list(agents))
            answers = _complaint(contract, random)
            entry = Entry(
                id=ids.make(received, random.getrandbits(80)),
                version=contract.version,
                language="zh-CN",
                answers=answers,
            )
            known = {"customer": customer(random), "agent": agent}
            known |= {"team": agents[agent], "store": "S012"}
            circumstances = Circumstances("phone", agent, None, known)
            hand_in(store, contract.id, entry, circumstances, received)
            said[entry.id] = answers
        merge(store, settings.key, at)
        follow_up(store, record, settings.key, at)
        escalate(store, record, channels, settings.key, at)
    return said


def customer(random: Random) -> str:
    """A customer's number, as a customer table has it."""
    return f"C{random.randrange(10**7, 10**8)}"


def _complaint(contract: Contract, random: Random) -> Data:
    """Of somebody who is unhappy and left a telephone number."""
    while "phone" not in (answers := draw(contract, random, 0.15, "zh-CN")):
        pass
    return answers


class Day:
    """A day of the team: who works, what is to be done, and what was done."""

    def __init__(
        self, server: LocalDevServer, store: Store, settings: Settings, agents: Mapping[str, str]
    ) -> None:
        self._server = server
        self._store = store
        self._settings = settings
        self._record = open_record(settings)
        self._teams = sorted({*agents.values()})
        people = {name: ("agent", [team]) for name, team in agents.items()}
        people |= {f"L-{team}": ("lead", [team]) for team in self._teams}
        people |= {MANAGER: ("manager", [])}
        self._tokens = {
            name: run_token(name, role, teams, _HOURS, None, settings.data)
            for name, (role, teams) in people.items()
        }
        self._requests = 0

    def run(self, contract: Contract, said: Mapping[str, Data], say: Say) -> None:
        """Work the day, check it, and say what happened. Raises EchoformError where it is wrong."""
        self._job("follow_up")
        items = {item["id"]: item for item in self._queue() if item["response"] in said}
        _check_opened(contract, said, items)
        stories = told(items.values(), said)
        before = {id: history(self._record, id) for id in items}
        self._work(items, stories)
        asked = self._job("escalate")["asked"]
        replies = self._reply(stories)
        self._job("merge")
        done = self._job("follow_up")
        for id, story in stories.items():
            check_ended(self._record, items[id], before[id], story, replies.get(id, ""))
        urgent = sum(item["priority"] == "urgent" for item in items.values())
        late = Counter(item["escalated"] for item in items.values() if item["escalated"])
        silent = asked - len(replies)
        stand = Counter(self._record.get(id).state for id in items).most_common()
        for line in (
            f"{len(items)} follow-ups opened by the survey's rules, {urgent} of them urgent",
            f"{late.total()} had waited too long, since yesterday or this morning: escalated to "
            f"the lead, {late['manager']} of them to the manager too",
            f"{len(self._tokens)} people worked on them over HTTP (/api/staff), in "
            f"{self._requests} requests: took, called, resolved, some in vain",
            f"{asked} customers were sent a link that asks whether it helped (outbox/sms): "
            f"{done['verified']} said yes, {done['reopened']} no, {silent} nothing yet",
            f"so now: {', '.join(f'{state} {count}' for state, count in stand)}",
            f"checked: each of these {len(items)} follow-ups is where it must be, with exactly "
            "the history of what was done",
        ):
            say(f"   {line}")

    def figures(self, say: Say) -> None:
        """The totals of the team page."""
        team = self._ask(MANAGER, "/team")
        on_time, hours = team["first_contact_on_time"], team["hours_to_solution"]
        rows = {
            "open": f"{team['open']}, {team['overdue']} of them overdue",
            "first contact on time": f"{on_time['share']:.0%} of {on_time['n']}",
            "hours to solution": f"{hours['median']:.1f} (median of {hours['n']}; a quick day)",
            "confirmed by the customer": str(team["verified_closed"]),
            "reopened by the customer": str(team["reopened"]),
            "unreachable": str(team["unreachable"]),
            "recovered detractors": f"{team['recovered_detractors']} of {team['detractors']}",
        }
        for name, figure in rows.items():
            say(f"   {name:<27}{figure}")

    def places(self) -> dict[str, str]:
        """Where the staff pages are, by who opens them: people with something to see."""
        asked = (self._record.get(id) for id in self._links())
        item = next(item for item in asked if item.state == "verifying")
        lead, site = f"L-{item.team}", f"{address(self._server)}/staff/#token="
        return {
            f"{lead}, lead of team {item.team}": site + self._tokens[lead],
            f"{item.agent}, agent of it": site + self._tokens[item.agent],
        }

    def unanswered(self) -> str:
        """The link of a customer who was asked whether it helped and has not said so yet."""
        for id, link in self._links().items():
            if self._record.get(id).state == "verifying":
                return link
        return ""

    def _job(self, name: str) -> dict[str, int]:
        return run_job(name, self._settings, self._store)

    def _ask(self, who: str, path: str, body: Any = None) -> Any:
        self._requests += 1
        return call(self._server, f"/staff{path}", body, self._tokens[who])

    def _queue(self) -> Iterator[Data]:
        cursor = ""
        while cursor is not None:
            page = self._ask(MANAGER, f"/follow-ups?limit=200&cursor={cursor}")
            yield from page["items"]
            cursor = page["next"]

    def _work(self, items: Mapping[str, Data], stories: Mapping[str, Story]) -> None:
        """All at once, each on what is theirs."""
        piles: dict[str, list[str]] = defaultdict(list)
        for id, story in stories.items():
            if story.steps:
                piles[whose(items[id])].append(id)

        def work(who: str) -> None:
            for id in piles[who]:
                seen = self._ask(who, f"/follow-ups/{id}")["item"]
                for step in stories[id].steps:
                    if step["move"] == "take":
                        self._ask(who, f"/follow-ups/{id}/contact", {})
                    body = {**step, "version": seen["version"]}
                    moved = self._ask(who, f"/follow-ups/{id}", body)
                    seen = moved["item"]

        with ThreadPoolExecutor(len(piles)) as pool:
            list(pool.map(work, piles))

    def _links(self) -> dict[str, str]:
        """By follow-up, the link that went out to its customer."""
        found: dict[str, str] = {}
        for entry in self._store.list(f"{keys.OUTBOX}sms/"):
            message = msgspec.json.decode(self._store.get(entry.key).data, type=Message)
            kind, _, about = message.key.partition("-")
            if kind == "verification":
                found[about.rsplit("-", 2)[0]] = message.fields["link"]
        return found

    def _reply(self, stories: Mapping[str, Story]) -> dict[str, str]:
        """Customers say whether it helped; their responses by follow-up."""
        said: dict[str, str] = {}
        links = self._links()
        for id, story in stories.items():
            if not story.says:
                continue
            code = links[id].partition("?")[2]
            asked = look_up(self._store, code)
            assert asked is not None
            survey = Definitions(self._store).current(asked.survey)
            body = {
                "id": ids.make(now(), int.from_bytes(os.urandom(10))),
                "version": survey.version,
                "language": "zh-CN",
                "duration": 31,
                "link": code,
                "answers": story.says,
            }
            said[id] = call(self._server, f"/responses/{survey.id}", body)["receipt"]
        return said


def _check_opened(contract: Contract, said: Mapping[str, Data], items: Mapping[str, Data]) -> None:
    """Exactly one follow-up for each answer and rule it meets; overdue ones escalated once each."""
    due = {
        item_id(contract.id, response, rule.id)
        for response, answers in said.items()
        for rule in contract.follow_ups
        if holds(rule.when, answers)
    }
    if due != items.keys():
        raise EchoformError(f"the loop is broken: {len(due ^ items.keys())} follow-ups differ")
    at = now()
    for item in items.values():
        lines = ("first_contact_due", "first_contact_late")
        passed = sum((item[line] or at) < at for line in lines)
        if item["escalated"] != ("", "lead", "manager")[passed]:
            raise EchoformError(f"the loop is broken: {item['id']} is with {item['escalated']!r}")


def check_ended(
    record: Record, item: Data, before: Sequence[str], story: Story, reply: str
) -> None:
    """The follow-up is where its story leads, with exactly the history of what was done.

    ``item`` and ``before`` are of when the day began; ``reply`` is what the customer sent.
    Raises EchoformError.
    """
    found = record.get(item["id"])
    who, ends = whose(item), story.ends or item["state"]
    expected = [*before, *(f"{who} {step['move']}" for step in story.steps)]
    if RESOLVE in story.steps:
        expected.append(f"system verify_{'failed' if ends == 'resolved' else 'sent'}")
    if reply:
        expected.append(f"system {'verified' if found.state == 'closed' else 'reopen'}")
    tried = [step["outcome"] for step in story.steps if step["move"] == "call"]
    right = (
        f"{found.state} {found.outcome}".strip() == ends,
        history(record, found.id) == expected,
        [attempt.outcome for attempt in found.attempts] == tried,
        found.verification.response == reply,
        found.reopened == (ends == "reopened"),
        found.assignee == (who if TAKE in story.steps else item["assignee"]),
    )
    if not all(right):
        raise EchoformError(
            f"the loop is broken for {found.id}, which is {found.state} {found.outcome} where "
            f"{ends} was to be: {right}\nits history {history(record, found.id)}\n"
            f"should be {expected}"
        )


def history(record: Record, id: str) -> list[str]:
    """Who did what."""
    return [f"{event.by} {event.kind}" for event in record.history(id)]
