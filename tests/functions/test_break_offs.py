"""A break-off's mark says by its name all that is known of it, and nothing else is one."""

from __future__ import annotations

import pytest

from chalicelib import break_offs
from chalicelib.break_offs import BreakOff
from chalicelib.survey import ids

MADE_MS = 1_779_037_200_000  # 2026-05-18 01:00 in Shanghai, the day before in UTC
MARK = BreakOff(ids.make(MADE_MS, 7), "0123456789abcdef", "zh-CN", "speed")


def test_a_name_is_read_as_it_was_written() -> None:
    assert break_offs.named(MARK.name) == MARK


@pytest.mark.parametrize(
    "name",
    [
        "",
        MARK.name + ".more",
        MARK.name + "\n",
        MARK.name.lower(),
        MARK.name.replace("speed", "../../responses"),
        MARK.name.replace("zh-CN", "zh/CN"),
        MARK.name.replace("0123456789abcdef", "current"),
        MARK.name.replace("speed", "q" * 64),
        "7" + "Z" * 25 + MARK.name[26:],  # of the year 10889
    ],
)
def test_what_is_no_name_of_a_mark_is_none(name: str) -> None:
    assert break_offs.named(name) is None


def test_a_mark_lies_under_the_day_of_the_surveys_time_zone() -> None:
    assert (
        break_offs.key("service", "Asia/Shanghai", MARK) == f"left/service/2026-05-18/{MARK.name}"
    )
    assert break_offs.key("service", "UTC", MARK) == f"left/service/2026-05-17/{MARK.name}"
