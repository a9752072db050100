"""People with phones: what they send, over and over, and over which link."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.survey import Contract, Submission, ids

DAY_MS = 86_400_000
OPEN = "open-1"

HABITS = {"new": 50, "retry": 22, "double": 8, "edit": 8, "rival": 6, "vanish": 4, "clock": 2}
"""How often out of a hundred: a new response, the same bytes again, the same bytes twice at once,
another body under one id, another id over a used personal link, a phone that goes before it is
answered, and one whose clock is wrong."""

COMMENTS = ("", "fine", "慢", "=1+1", 'quote " comma, line\nbreak', "😀 é ﷽", "x" * 300)
CODES = ("price", "time", "skill")


class Phone(Struct, frozen=True):
    """One thing a phone does. ``how`` is its habit."""

    how: str
    submission: Submission
    personal: bool = False

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.submission)

    @classmethod
    def draw(
        cls,
        random: Random,
        phones: list[Phone],
        contract: Contract,
        now: int,
        codes: list[str],
        days: int = 5,
    ) -> Phone:
        """What happens next. ``phones`` are those who sent before; a new one is added to them.

        A new one is of one of the last ``days`` days.
        """
        how = random.choices([*HABITS], [*HABITS.values()])[0]
        used = [phone for phone in phones[-20:] if phone.personal]
        if how == "rival" and used:
            link, personal = random.choice(used).submission.link, True
        elif phones and how in ("retry", "double", "edit"):
            # Mostly somebody who has just sent, sometimes somebody of long ago.
            latest = random.random() < 0.8
            known = random.choice(phones[-8:] if latest else phones)
            if how == "edit":
                changed = msgspec.structs.replace(known.submission, answers=answers(random))
                known = cls(how, changed, known.personal)
                phones.append(known)
            return msgspec.structs.replace(known, how=how)
        else:
            link, personal = random.choice([(None, False)] * 6 + [(OPEN, False)] * 2 + [("", True)])
            if personal:
                link = random.choice(codes)
        at = now - random.randrange(days * DAY_MS)
        if how == "clock":
            at = now + random.choice((-7 * DAY_MS, 3_600_000, 300_000, -1000))
        submission = Submission(
            id=ids.make(at, random.getrandbits(80)),
            version=contract.version,
            language=random.choice(contract.languages),
            answers=answers(random),
            duration=random.choice((None, random.randrange(600))),
            link=link,
        )
        phones.append(cls(how, submission, personal))
        return phones[-1]


def answers(random: Random) -> dict[str, Any]:
    """Answers to the survey of the checks."""
    drawn: dict[str, Any] = {
        "speed": random.choice((1, 2, 3, 4, 5, "na")),
        "recommend": random.choice((None, random.randrange(11))),
        "kind": random.choice((None, "repair", "advice")),
        "improve": [code for code in CODES if random.random() < 0.4] or None,
        "comment": random.choice(COMMENTS) or None,
        "phone": random.choice((None, f"138{random.randrange(10**8):08d}")),
    }
    return {name: answer for name, answer in drawn.items() if answer is not None}
