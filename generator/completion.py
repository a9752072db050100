"""The completion rate of a survey: of those who began on the page, who sent it, and where the
others stopped.

Read from counts alone: the tallies' channel, and the files of break-offs. Pages tell of break-offs
since they can; so days before the first that is known to have any are in neither number. Of the
last days some who left may still come back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from msgspec import Struct

from chalicelib import keys, parquet
from chalicelib.storage import Store
from chalicelib.survey import Contract, figures
from chalicelib.survey.figures import Share
from chalicelib.survey.piping import filled
from chalicelib.survey.questions import Text
from generator.tallied import AT_ONCE, Window, people

WEB = "web"
"""The channel of those whom a page asks: it alone tells who left."""
RATE = "completion rate"
"""What the figure is called among items. No question can be called that."""


class Stop(Struct, frozen=True):
    """How many stopped after a question."""

    question: str
    text: Text
    n: int


class Completion(Struct, frozen=True):
    rate: Share
    """``hits`` sent it, of ``n`` who began."""
    since: str | None
    """The first day of these, where days before it are not known."""
    stopped: list[Stop]
    """After which question, most first."""


def completion(
    store: Store,
    contracts: Sequence[Contract],
    window: Window,
    answered: str | None,
    without_flagged: bool = False,
) -> Completion | None:
    """Of the days in the window; None where no break-off is known in them.

    ``answered``: the first day in the window that has responses.
    ``without_flagged``: of those who sent it, only whom nothing speaks against.
    """
    survey = contracts[-1].id
    files = {keys.day_of(e.key): e.key for e in store.list(f"{keys.BREAK_OFFS}{survey}/")}
    known = min(files, default="")
    first, last = window
    shown = [key for day, key in files.items() if (first or "") <= day <= (last or "~")]
    left: Counter[str] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for data in pool.map(lambda key: store.get(key).data, shown):
            rows = parquet.decode(data)
            for question, n in zip(*(rows[c].to_pylist() for c in ("question", "n")), strict=True):
                left[question] += n
    if not left:
        return None
    since = known if answered and answered < known else None
    sent = people(store, survey, "channel", (since or first, last), without_flagged)
    rate = figures.completion(sent.get(WEB, 0), left.total())
    texts = _texts(contracts)
    stops = sorted(left.items(), key=lambda stop: (-stop[1], stop[0]))
    if rate is None:
        return None
    return Completion(rate, since, [Stop(q, texts.get(q, {}), n) for q, n in stops])


def _texts(contracts: Sequence[Contract]) -> Mapping[str, Text]:
    """Questions as the latest version that has them asks them; the words beside a choice have the
    text of theirs."""
    asked = chain.from_iterable(contract.questions for contract in contracts)
    return {
        field.id: {language: filled(said) for language, said in question.text.items()}
        for question in asked
        for field in question.fields()
    }
