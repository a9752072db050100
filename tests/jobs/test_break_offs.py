"""Who left is counted while they may come back, settled when they cannot, and never lost."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import break_offs, keys, parquet
from chalicelib.break_offs import BACK_DAYS, BreakOff
from chalicelib.days import DAY_MS
from chalicelib.jobs.break_offs import COUNTED, EVERY_MS, HOUR_MS, PAGE
from chalicelib.jobs.tally import run, tally
from chalicelib.settings import Settings
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import ids
from tests.jobs.answering import KEY, NOON, Crash, Mortal, names, rows

VERSION = "0123456789abcdef"
TODAY = NOON + DAY_MS
OVER = NOON + (BACK_DAYS + 3) * DAY_MS
FILE = "break_offs/service/dt=2026-05-17/break_offs.parquet"


def leave(
    store: Store,
    question: str = "speed",
    number: int = 1,
    ms: int = NOON,
    survey: str = "service",
    language: str = "en",
) -> str:
    """Somebody leaves; the key of their mark."""
    mark = BreakOff(ids.make(ms, number), VERSION, language, question)
    key = break_offs.key(survey, "Asia/Shanghai", mark)
    store.create(key, b"")
    return key


def counted(store: Store) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in rows(store, keys.BREAK_OFFS)]


def test_those_who_left_are_counted_by_version_language_and_question(store: Store) -> None:
    for number, (question, language) in enumerate(
        [("speed", "en"), ("care", "en"), ("speed", "en"), ("speed", "zh-CN")]
    ):
        leave(store, question, number, language=language)
    leave(store, number=9, ms=NOON + DAY_MS)
    leave(store, survey="other")
    tally(store, TODAY)
    assert names(store, keys.BREAK_OFFS) == [
        "break_offs/other/dt=2026-05-17/break_offs.parquet",
        FILE,
        "break_offs/service/dt=2026-05-18/break_offs.parquet",
    ]
    assert parquet.decode(store.get(FILE).data).to_pylist() == [
        {"version": VERSION, "language": "en", "question": "care", "n": 1},
        {"version": VERSION, "language": "en", "question": "speed", "n": 2},
        {"version": VERSION, "language": "zh-CN", "question": "speed", "n": 1},
    ]
    assert str(parquet.decode(store.get(FILE).data).schema.field("n").type) == "int32"


def test_a_second_run_writes_nothing(store: Store) -> None:
    leave(store)
    tally(store, TODAY)
    there = [*store.list("")]
    tally(store, TODAY + DAY_MS)
    assert [*store.list("")] == there


def test_a_day_is_counted_again_exactly_when_its_marks_changed(store: Store) -> None:
    """Also where as many came back as left meanwhile, at the same question: it may be another day's
    last run that is cut off, and tags must tell."""
    first = leave(store, number=1)
    tally(store, TODAY)
    before = store.get(FILE).tag
    store.delete([first])
    leave(store, "care", number=2)
    tally(store, TODAY)
    assert store.get(FILE).tag != before
    assert counted(store) == [(VERSION, "en", "care", 1)]


def test_a_day_of_which_all_came_back_has_no_rows(store: Store) -> None:
    """Though nobody at all is marked any more."""
    mark = leave(store)
    tally(store, TODAY)
    store.delete([mark])
    tally(store, TODAY)
    assert names(store, keys.BREAK_OFFS) == [FILE]
    assert counted(store) == []


def test_a_day_is_settled_when_nobody_comes_back_any_more(store: Store) -> None:
    leave(store)
    tally(store, NOON + (BACK_DAYS + 1) * DAY_MS)
    assert len(names(store, keys.LEFT)) == 2, "one mark and the note of the day"
    tally(store, OVER)
    assert names(store, keys.LEFT) == []
    assert counted(store) == [(VERSION, "en", "speed", 1)]
    settled = store.get(FILE)
    tally(store, OVER + DAY_MS)
    assert store.get(FILE) == settled


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Pacific/Kiritimati"])
def test_a_day_is_not_settled_before_its_last_mark_may_come_back(zone: str) -> None:
    """Wherever the survey is, from the first to the last moment of its day."""
    for ms in range(NOON, NOON + DAY_MS, DAY_MS // 24):
        store = MemoryStore()
        mark = BreakOff(ids.make(ms, 1), VERSION, "en", "speed")
        store.create(break_offs.key("service", zone, mark), b"")
        tally(store, ms + BACK_DAYS * DAY_MS)
        assert len(names(store, keys.LEFT)) == 2
        tally(store, ms + (BACK_DAYS + 3) * DAY_MS)
        assert not names(store, keys.LEFT)


def test_a_mark_that_comes_too_late_changes_nothing_that_is_settled(store: Store) -> None:
    leave(store)
    tally(store, OVER)
    leave(store, number=2)
    tally(store, OVER)
    assert counted(store) == [(VERSION, "en", "speed", 1)]
    assert names(store, keys.LEFT) == []


@pytest.mark.parametrize("before", [False, True], ids=["never counted", "counted before"])
@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_wherever_settling_is_cut_off_nobody_is_lost(before: bool, after: bool) -> None:
    """A settled file is never made again of the marks that are left."""
    for call in range(100):
        store = MemoryStore()
        for number in range(5):
            leave(store, number=number)
        if before:
            tally(store, TODAY)
        try:
            tally(Mortal(store, call, after=after), OVER)  # type: ignore[arg-type]
        except Crash:
            pass
        else:
            break
        tally(store, OVER)
        assert counted(store) == [(VERSION, "en", "speed", 5)], call
        assert names(store, keys.LEFT) == [], call
    assert call > 8


@pytest.mark.parametrize("after", [False, True])
def test_wherever_counting_is_cut_off_the_next_run_makes_it_right(after: bool) -> None:
    """Also if everybody comes back before it."""
    for call in range(100):
        store = MemoryStore()
        mark = leave(store)
        try:
            tally(Mortal(store, call, after=after), TODAY)  # type: ignore[arg-type]
        except Crash:
            pass
        else:
            break
        store.delete([mark])
        tally(store, TODAY)
        assert counted(store) == []


def test_of_two_at_once_the_slower_one_leaves_what_is_settled() -> None:
    """It had listed marks that the other has deleted since."""

    class Slow(MemoryStore):
        def list(self, prefix: str) -> Any:
            found = [*super().list(prefix)]
            if prefix == keys.LEFT and not self.done:
                self.done = True
                tally(self, OVER)
                found = found[:1]
            return iter(found)

        done = False

    store = Slow()
    for number in range(3):
        leave(store, number=number)
    tally(store, OVER)
    assert counted(store) == [(VERSION, "en", "speed", 3)]


def test_what_is_no_mark_is_not_counted_and_goes_with_its_day(store: Store) -> None:
    foreign = [
        "left/service/2026-05-17/readme.txt",
        "left/service/2026-05-17/=cmd",
        f"left/service/2026-05-17/{'0' * 26}.{VERSION}.en.Speed",
        "left/service/2026-05-16/only-this",
    ]
    elsewhere = ["left/stray", "left/service/yesterday/x", "left/service/2026-05-17/deep/er"]
    for key in (*foreign, *elsewhere):
        store.create(key, b"")
    leave(store)
    tally(store, TODAY)
    assert counted(store) == [(VERSION, "en", "speed", 1)]
    assert {*foreign, *elsewhere} < {*names(store, keys.LEFT)}
    tally(store, OVER)
    assert names(store, keys.LEFT) == sorted(elsewhere)
    assert names(store, keys.BREAK_OFFS) == [FILE], "a day of no mark has no file"


def test_a_bad_day_does_not_keep_the_others_waiting() -> None:
    store = MemoryStore()
    store.create("break_offs/bad/dt=2026-05-17/break_offs.parquet", b"no Parquet")
    leave(store, survey="bad")
    leave(store)
    with pytest.raises(ExceptionGroup):
        tally(store, TODAY)
    assert names(store, "break_offs/service/") == [FILE]


class Asked(MemoryStore):
    """A store that says what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def get(self, key: str) -> Any:
        self.asked.append(key)
        return super().get(key)

    def list(self, prefix: str) -> Any:
        self.asked.append(prefix)
        return super().list(prefix)


def test_where_nobody_left_it_is_one_list() -> None:
    store = Asked()
    leave(store)
    tally(store, OVER)
    store.asked.clear()
    tally(store, OVER)
    assert [key for key in store.asked if key.startswith((keys.LEFT, keys.BREAK_OFFS))] == ["left/"]


class Page(MemoryStore):
    """A store that says how many entries were asked for: S3 is paid by the thousand."""

    def list(self, prefix: str) -> Any:
        for entry in super().list(prefix):
            self.told += prefix == keys.LEFT
            yield entry

    told = 0


def test_of_many_marks_one_page_is_listed_but_once_an_hour_all() -> None:
    """By the schedule: whoever asks by hand has all. And a page alone is never taken for all."""
    store = Page()
    for number in range(PAGE + 500):
        leave(store, number=number)
    assert TODAY % HOUR_MS == 0
    tally(store, TODAY + EVERY_MS, thrifty=True)
    assert (store.told, counted(store)) == (PAGE, [])
    tally(store, TODAY + EVERY_MS - 1, thrifty=True)
    assert counted(store) == [(VERSION, "en", "speed", PAGE + 500)]
    store.told = 0
    tally(store, TODAY + EVERY_MS, thrifty=True)
    assert (store.told, counted(store)) == (PAGE, [(VERSION, "en", "speed", PAGE + 500)])
    leave(store, "care", PAGE + 500)
    late = TODAY + EVERY_MS
    run(store, Settings("", None, KEY), late, lambda: 900.0)
    assert len(counted(store)) == 1
    run(store, Settings("", None, KEY), late)
    assert len(counted(store)) == 2


def test_the_note_of_a_day_is_no_mark() -> None:
    assert break_offs.named(COUNTED) is None
