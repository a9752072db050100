"""A planning that is cut off anywhere leaves nothing behind for longer than a day or two."""

from __future__ import annotations

import msgspec
import pytest

from chalicelib import keys
from chalicelib.days import DAY_MS
from chalicelib.invitations import cut_off, record
from chalicelib.storage import MemoryStore
from tests.invitations.asking import NOON, Memory, plan, run, states
from tests.jobs.answering import names

PEOPLE = range(record.SHARD + 1)
"""Two shards of invitations."""
_PLACES = (keys.CAMPAIGNS, keys.LINKS, keys.PLANNING)


class Mortal(MemoryStore):
    """Dies at its n-th create of what planning creates."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def create(self, key: str, data: bytes) -> None:
        if key.startswith(_PLACES):
            if not self.left or (self.left < 0 and key.endswith(keys.CAMPAIGN)):
                raise KeyboardInterrupt
            self.left -= 1
        super().create(key, data)


def links_in(store: MemoryStore) -> int:
    return sum(len(msgspec.json.decode(store.get(k).data)) for k in names(store, keys.LINKS))


@pytest.mark.parametrize("at", [1, 2, 3, 50, -1])
def test_what_was_cut_off_goes_a_day_later_and_not_before(at: int) -> None:
    """In the shards, among the links, and right before the campaign was there (-1)."""
    store = Mortal(at)
    with pytest.raises(KeyboardInterrupt):
        plan(store, PEOPLE)
    store.left = 10**9
    left = [names(store, place) for place in _PLACES]
    assert cut_off.clear(store, NOON + DAY_MS - 1) == 0, "it may be under way"
    assert [names(store, place) for place in _PLACES] == left
    assert cut_off.clear(store, NOON + DAY_MS) == 1
    assert names(store, keys.CAMPAIGNS) == names(store, keys.PLANNING) == []
    assert links_in(store) == 0
    assert cut_off.clear(store, NOON + DAY_MS) == 0


def test_the_campaign_that_was_planned_again_stays_whole() -> None:
    store, channel = Mortal(3), Memory()
    with pytest.raises(KeyboardInterrupt):
        plan(store, PEOPLE)
    store.left = 10**9
    campaign = plan(store, PEOPLE)
    assert cut_off.clear(store, NOON + 2 * DAY_MS) == 1
    assert states(store, campaign) == {"planned": len(PEOPLE)}
    assert links_in(store) == len(PEOPLE)
    assert run(store, channel).sent == len(PEOPLE)


def test_a_planning_that_came_to_its_end_leaves_no_mark() -> None:
    store = MemoryStore()
    plan(store)
    assert names(store, keys.PLANNING) == []
    assert cut_off.clear(store, NOON + 9 * DAY_MS) == 0
