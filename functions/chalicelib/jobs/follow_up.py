"""Follow-up: marks under ``due/`` become follow-ups. Harmless to repeat, and to cut off anywhere.

Merge leaves a mark for each response and rule, after the response is in its part. Here its row is
read again, from the part: marks stay small, and nothing of an answer lies in two places meanwhile.
The follow-up is begun under an id made of response and rule, so that beginning it again does
nothing, and the mark goes last.

Telephone numbers and addresses are never copied: who needs one reads ``contacts/``, which is noted.

A mark may also say what a customer answered to whether a follow-up helped: that closes it, or takes
it up again. While the follow-up does not know yet that the customer was asked, the mark waits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec
from msgspec import Struct

from .. import answered, days, keys, tombstones
from ..answered import Answered
from ..columns import CUSTOMER
from ..follow_ups.acting import clock_of
from ..follow_ups.calendars import uncovered
from ..follow_ups.clocks import started
from ..follow_ups.events import SYSTEM, Event, Item, item_id, opened
from ..follow_ups.moves import IllegalMove
from ..follow_ups.opening import open_record
from ..follow_ups.port import Record, Stale, Unknown
from ..published import Definitions
from ..settings import Settings
from ..storage import Missing, Store
from ..survey import Contract, Rule, ids
from .decision import Mark

BATCH = 1000
LONGEST_COMMENT = 2000
_MARK = msgspec.json.Decoder(Mark)


class Opened(Struct):
    """What a run did, in follow-ups."""

    opened: int = 0
    known: int = 0
    """Were begun before: a replay, or a run that was cut off."""
    gone: int = 0
    """Their answer was erased or is not kept any more, or their rule never was."""
    verified: int = 0
    reopened: int = 0
    waiting: int = 0
    """Answers to a verification that the record does not know of yet."""
    without_calendar: int = 0
    """Due in a year whose holidays nobody knows yet: weekdays were taken as they are."""


def run(store: Store, settings: Settings, now: int, left: object = None) -> Opened:
    return follow_up(store, open_record(settings), settings.key, now)


def follow_up(store: Store, record: Record, secret: bytes, now: int) -> Opened:
    """Begin every follow-up that is due. ``secret`` is the one that names tombstones.

    Raises ExceptionGroup at the end, where some could not be begun; the others were.
    """
    done = Opened()
    failures: list[Exception] = []
    definitions = Definitions(store)
    for survey, names in _batches(store):
        try:
            _Batch(store, record, definitions, secret, now, survey, done).take(names)
        except Exception as failure:  # one bad survey must not keep the others waiting
            failures.append(failure)
    if failures:
        raise ExceptionGroup("some follow-ups could not be begun", failures)
    return done


def _batches(store: Store) -> Iterator[tuple[str, list[str]]]:
    """Names of marks of one survey each."""
    waiting: dict[str, list[str]] = defaultdict(list)
    for entry in store.list(keys.DUE):
        survey = keys.survey_of(entry.key)
        waiting[survey].append(entry.key)
        if len(waiting[survey]) == BATCH:
            yield survey, waiting.pop(survey)
    yield from waiting.items()


class _Batch:
    def __init__(
        self,
        store: Store,
        record: Record,
        definitions: Definitions,
        secret: bytes,
        now: int,
        survey: str,
        done: Opened,
    ) -> None:
        self._store = store
        self._record = record
        self._definitions = definitions
        self._secret = secret
        self._now = now
        self._survey = survey
        self._done = done

    def take(self, names: list[str]) -> None:
        marks = {name: mark for name in names if (mark := self._read(name)) is not None}
        asked = [name for name, mark in marks.items() if not mark.verifies]
        rows = answered.find(
            self._store,
            self._definitions,
            self._survey,
            {keys.response_of(name) for name in asked},
        )
        finished: list[str] = []
        for name, mark in marks.items():
            if mark.verifies:
                if self._verdict(name, mark):
                    finished.append(name)
            else:
                self._open(name, mark, rows)
                finished.append(name)
        self._forget_erased(asked)
        self._store.delete(finished)

    def _read(self, name: str) -> Mark | None:
        try:
            return _MARK.decode(self._store.get(name).data)
        except Missing:  # another run has finished with it
            return None

    def _open(self, name: str, mark: Mark, rows: dict[str, Answered]) -> None:
        response = keys.response_of(name)
        found = rows.get(response)
        try:
            contract = self._definitions.contract(self._survey, mark.version)
        except Missing:
            contract = None
        rule = contract and rule_named(contract, name.rpartition("/")[2][27:])
        if found is None or contract is None or not rule:
            self._done.gone += 1
            return
        item = begun(contract, rule, response, mark, found, self._now)
        if self._record.open(opened(item, self._now)):
            self._done.opened += 1
            last = item.resolve_late or self._now
            year = uncovered(last, contract.calendar, contract.timezone)
            self._done.without_calendar += year is not None
        else:
            self._done.known += 1

    def _forget_erased(self, names: Iterable[str]) -> None:
        """Take out again what was erased meanwhile.

        An erasure forbids the ids of all it erases, so this is for rules that no version has now.
        """
        timezone = self._definitions.current(self._survey).timezone
        by_day: dict[str, list[str]] = defaultdict(list)
        for name in names:
            by_day[days.day(ids.time_of(keys.response_of(name)), timezone)].append(name)
        for day, these in by_day.items():
            erased = tombstones.read(self._store, self._survey, day, self._secret)
            for name in these:
                response, rule = keys.response_of(name), name.rpartition("/")[2][27:]
                if erased and response in erased:
                    self._record.forget(item_id(self._survey, response, rule), self._now)

    def _verdict(self, name: str, mark: Mark) -> bool:
        """Note what the customer says; whether the mark has done its work."""
        try:
            item = self._record.get(mark.verifies)
        except Unknown:
            self._done.gone += 1
            return True
        if item.state == "resolved" and not item.verification.link:
            self._done.waiting += 1  # it was asked just now, and that is not on record yet
            return False
        if item.verification.link != mark.link:  # of an earlier round, or noted before
            self._done.known += 1
            return True
        event = self._said(item, keys.response_of(name), mark.helped)
        with suppress(IllegalMove):  # nothing waits for it any more
            try:
                item = self._record.append(item.id, item.version, event)
            except Stale:
                return False  # somebody else moved it: looked at again in a minute
            self._done.verified += mark.helped
            self._done.reopened += not mark.helped
        return True

    def _said(self, item: Item, response: str, helped: bool) -> Event:
        event = Event(
            id=item.id, number=0, at=self._now, by=SYSTEM, kind="verified", response=response
        )
        if helped:
            return event
        return msgspec.structs.replace(
            event,
            kind="reopen",
            reason="not_solved",
            clock=clock_of(self._definitions, item, self._now),
        )


def rule_named(contract: Contract, name: str) -> Rule | None:
    return next((rule for rule in contract.follow_ups if rule.id == name), None)


def begun(
    contract: Contract, rule: Rule, response: str, mark: Mark, found: Answered, now: int
) -> Item:
    """The follow-up of a response and a rule: what an agent needs, and nothing to reach them by."""
    row, contact = found
    known = {name: str(row[name]) for name in contract.attributes if row.get(name)}
    known.pop(CUSTOMER, None)
    facts = {} if contract.anonymous else known  # theirs are pseudonyms
    customer = contact.get(CUSTOMER) or ""
    reachable = bool(customer or answered.addresses(contract, contact))
    kind = "call" if reachable else "no_contact"
    start_at = mark.start_at
    if start_at is None:  # of an anonymous survey nobody knows the hour
        start_at = now if contract.anonymous else mark.received_at
    clock = started(rule, contract, start_at, kind)
    agent, team = facts.get("agent", ""), facts.get("team", "")
    assignee, pool, to_lead = assigned(rule.assign_to, agent, team)
    if kind == "no_contact":
        assignee, to_lead = "", True
    answers = answered.answers(contract, row)
    return Item(
        id=item_id(contract.id, response, rule.id),
        survey=contract.id,
        response=response,
        rule=rule.id,
        title=rule.title,
        priority=rule.priority,
        kind=kind,
        state="assigned" if assignee else "new",
        agent=agent,
        team=team,
        assignee=assignee,
        assigned_to_team=pool,
        to_lead=to_lead,
        facts=facts,
        scores={
            field.id: value
            for field in contract.fields
            if field.kind == "scale" and isinstance(value := answers.get(field.id), int)
        },
        index=row.get("index"),
        comment="\n".join(
            str(answers[field.id])
            for field in contract.fields
            if field.kind == "text" and field.id in answers
        )[:LONGEST_COMMENT],
        customer_masked=masked(customer),
        language=row["language"],
        received_at=mark.received_at,
        first_contact_due=clock.first_contact_due,
        first_contact_late=clock.first_contact_late,
        resolve_due=clock.resolve_due,
        resolve_late=clock.resolve_late,
        verify_with=rule.verify_with or "",
        verify_days=rule.verify_days,
    )


def assigned(to: str, agent: str, team: str) -> tuple[str, str, bool]:
    """Who has it, which team it waits in, and whether for its lead: by a rule's ``assign_to``.

    What should go to an agent whom the link does not know goes to the team.
    """
    if to == "agent":
        return agent, team, False
    if to == "lead":
        return "", team, True
    return "", team if to == "team" else to, False


def masked(customer: str) -> str:
    """A customer as agents may tell one from another: a quarter of it at each end."""
    shown = min(len(customer) // 4, 3)
    return f"{customer[:shown]}***{customer[len(customer) - shown :]}" if customer else ""
