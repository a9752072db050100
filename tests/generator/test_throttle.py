"""The throttle lets a shop's Wi-Fi through, and nobody faster."""

from __future__ import annotations

from generator import throttle
from generator.throttle import Throttle


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_200_customers_behind_one_address_answer_within_a_minute_each_trying_twice() -> None:
    clock = Clock()
    bucket = Throttle(clock=clock)
    for attempt in range(400):
        clock.now = attempt * 60 / 400
        assert bucket.wait("address 203.0.113.7", "link 1") == 0


def test_whoever_sends_faster_than_a_shop_is_told_when_to_come_back() -> None:
    clock = Clock()
    bucket = Throttle(clock=clock)
    taken = sum(not bucket.wait("address 203.0.113.7") for _ in range(1000))
    assert taken == throttle.BURST
    wait = bucket.wait("address 203.0.113.7")
    assert 0 < wait <= 1 / throttle.PER_SECOND
    clock.now += wait
    assert bucket.wait("address 203.0.113.7") == 0


def test_one_address_does_not_use_up_another_nor_a_link_its_address() -> None:
    bucket = Throttle(burst=1, clock=Clock())
    assert bucket.wait("address a", "link 1") == 0
    assert bucket.wait("address b", "link 1") > 0
    assert bucket.wait("address b") == 0, "being refused for the link cost the address nothing"


def test_what_is_remembered_is_bounded() -> None:
    bucket = Throttle(clock=Clock())
    for number in range(throttle.KNOWN + 10):
        bucket.wait(f"address {number}")
    assert len(bucket._buckets) == throttle.KNOWN


def test_to_look_takes_nothing() -> None:
    clock = Clock()
    bucket = Throttle(burst=1, clock=clock)
    assert [bucket.left("a"), bucket.left("a"), bucket.wait("a")] == [0, 0, 0]
    assert bucket.left("a") == 1 / throttle.PER_SECOND
    clock.now += 1
    assert bucket.left("a") == 0
