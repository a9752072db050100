"""Judge: whether improvement actions that were carried out have helped, by the wave after them.

Each rating of the dimension in that wave is tested against the wave it was low in (Welch; Holm,
where there are several). Where fewer than 30 answered, the wave goes on, at most twice as long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct

from .. import actions, days, keys, parquet
from ..actions import JUDGE, Action, Judged, Step, Wave
from ..published import Definitions
from ..settings import Settings
from ..storage import Store
from ..survey.comparing import NO_EVIDENCE, TOO_FEW, Comparison, compare, holm, of_counts

Points = dict[str, Counter[int]]
"""How many gave each value, by question."""


class Done(Struct):
    """Actions judged, and those that wait for more answers."""

    improved: int = 0
    reopened: int = 0
    waiting: int = 0


def run(store: Store, settings: Settings, now: int, left: object = None) -> Done:
    return judge(store, now)


def judge(store: Store, now: int) -> Done:
    """Raises ExceptionGroup at the end, where some could not be judged; the others were."""
    done = Done()
    failures: list[Exception] = []
    definitions = Definitions(store)
    for action in actions.every(store):
        if action.state != "carried_out" or action.wave is None:
            continue
        try:
            today = days.day(now, definitions.current(action.survey).timezone)
            _judge(store, action, action.wave, today, now, done)
        except Exception as failure:  # one must not keep the others waiting
            failures.append(failure)
    if failures:
        raise ExceptionGroup("some actions could not be judged", failures)
    return done


def _judge(store: Store, action: Action, wave: Wave, today: str, now: int, done: Done) -> None:
    if today <= wave.last:
        done.waiting += 1
        return
    tests = compared(store, action, wave)
    found = actions.verdict(tests)
    if found == TOO_FEW:
        yesterday, most = _before(today), wave.after(wave.last).last
        wave = Wave(wave.first, max(wave.last, min(yesterday, most)))
        tests = compared(store, action, wave)
        found = actions.verdict(tests)
        if found == TOO_FEW and yesterday < most:
            done.waiting += 1
            return
    target = action.target
    means = [test.after.value for test in tests.values()]
    on_target = None if target is None else bool(means) and min(means) >= target
    verdict = NO_EVIDENCE if found == TOO_FEW else found
    judged = Judged(wave, verdict, tests, on_target)
    made = actions.change(
        store, action.id, lambda _: Step(at=now, by=JUDGE, kind="judge", judged=judged)
    )
    done.improved += made.state == "improved"
    done.reopened += made.state == "reopened"


def _before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(1)).isoformat()


def compared(store: Store, action: Action, wave: Wave) -> dict[str, Comparison]:
    """Each rating of the action's in this wave beside its baseline."""
    before, after = (
        points(store, action.survey, each, action.items, action.segment)
        for each in (action.baseline, wave)
    )
    pairs = {
        item: (a, b)
        for item in action.items
        if (a := of_counts(before[item])) and (b := of_counts(after[item]))
    }
    tests = holm([compare(a, b, shares=False) for a, b in pairs.values()])
    return dict(zip(pairs, tests, strict=True))


def points(
    store: Store, survey: str, wave: Wave, items: Sequence[str], segment: str = ""
) -> Mapping[str, Counter[int]]:
    """How many gave each value of these ratings in a wave, from the tallies of its days."""
    key, _, value = segment.partition("=")
    found: Points = {item: Counter() for item in items}
    for entry in store.list(f"{keys.TALLIES}{survey}/"):
        if not wave.first <= keys.day_of(entry.key) <= wave.last:
            continue
        rows = parquet.decode_where(
            store.get(entry.key).data,
            {"segment_key": [key], "segment_value": [value], "item": items},
        )
        columns = (rows[name].to_pylist() for name in ("item", "value", "n"))
        for item, point, n in zip(*columns, strict=True):
            if point.isdigit():  # not "na"
                found[item][int(point)] += n
    return found
