"""What happens to the follow-ups of the demo: a table of what staff do and what customers say then.

Pure; ``demo_loop`` plays it over HTTP, and checks that each follow-up ends where its story says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any, NamedTuple


class Story(NamedTuple):
    """What staff do about a follow-up, what its customer then says, and where that must lead."""

    steps: Sequence[Mapping[str, str]]
    ends: str
    """State and outcome; "": nobody touches it."""
    says: Mapping[str, Any] = {}
    """To the verification survey; nothing: the customer does not answer."""


def _called(channel: str, outcome: str, note: str = "") -> dict[str, str]:
    return {"move": "call", "channel": channel, "outcome": outcome, "note": note}


TAKE, _START, _GIVE_UP = {"move": "take"}, {"move": "start"}, {"move": "give_up"}
_REACHED = _called("phone", "reached", "约好明天上午再次上门")
RESOLVE = {
    "move": "resolve",
    "cause": "配件没有带齐",
    "remedy": "已重新上门，更换配件并免去上门费",
}
_SOLVED = (TAKE, _REACHED, _START, RESOLVE)
_MISSED = (_called("phone", "no_answer"), _called("sms", "no_answer"))
_HAPPY = {"solved": "yes", "recovery": 5, "trust": 5}
_UNHAPPY = {"solved": "no", "recovery": 2, "remaining": "修好一天又坏了，还是没有人来"}

STORIES: Mapping[str, Sequence[Story]] = {
    "call": (
        Story(_SOLVED, "closed verified", _HAPPY),
        Story((), ""),
        Story((TAKE, _MISSED[0], *_SOLVED[1:]), "closed verified", _HAPPY),
        Story(_SOLVED, "reopened", _UNHAPPY),
        Story((TAKE, _REACHED, _START), "in_progress"),
        Story(_SOLVED, "verifying"),
        Story((TAKE, *_MISSED, _MISSED[0], _GIVE_UP), "unreachable"),
        Story((TAKE, _MISSED[0]), "assigned"),
    ),
    "no_address": (Story(_SOLVED, "resolved"), Story((), "")),
    "no_contact": (
        Story(
            ({"move": "note", "note": "班组例会上已讨论"}, {"move": "close"}), "closed no_contact"
        ),
        Story((), ""),
    ),
}
"""By how the customer can be reached: by telephone; by our books alone, so that no message asks
whether it helped; not at all. Handed out in turn, the most urgent first."""


def told(items: Iterable[Mapping[str, Any]], said: Mapping[str, Any]) -> dict[str, Story]:
    """A story for each follow-up; ``said`` are the answers by response."""
    turns = {reach: cycle(stories) for reach, stories in STORIES.items()}
    return {item["id"]: next(turns[_reach(item, said[item["response"]])]) for item in items}


def _reach(item: Mapping[str, Any], answers: Mapping[str, Any]) -> str:
    return "no_address" if item["kind"] == "call" and "phone" not in answers else str(item["kind"])


def whose(item: Mapping[str, Any]) -> str:
    """Who sees to a follow-up: the customer's agent, or the lead where nobody can be called."""
    return str(item["agent"] if item["kind"] == "call" else f"L-{item['team']}")
