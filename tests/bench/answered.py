"""Millions of answers to the shipped after-sales survey, as parts: what merging them would leave.

Written straight as columns, since landing and merging so many would take an hour. The same seed
and number give the same bytes. 1,368 agents of 60 teams in 40 stores answer for themselves; half
of all days' answers come between 9 and 18 o'clock; moods, N/A, hidden questions, texts that many
write alike, fast and dishonest responses come as often as they do in such surveys.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chalicelib import columns, days, keys, parquet
from chalicelib.published import publish
from chalicelib.storage import FolderStore
from chalicelib.survey import Contract
from chalicelib.survey.ids import ALPHABET
from chalicelib.survey.quality import FACTS
from generator.definition import compile_file
from generator.places import SURVEYS

A_DAY = 10_000_000 // 60
FIRST = date(2026, 9, 1)
MOST = 240_000
"""Rows in a part: the rule says fewer than 250,000."""
AGENTS, TEAMS, STORES = 1368, 60, 40
PAIRS = [["team", "hour"], ["store", "service_type"]]
SEED = 20_260_901


@cache
def survey() -> Contract:
    """The shipped survey, counted by two pairs of segment keys too."""
    contract = compile_file(SURVEYS / "after-sales.yaml").contract
    assert contract
    return msgspec.structs.replace(contract, segments=PAIRS)


def write(folder: Path, rows: int) -> None:
    """A store of so many responses, as many a day as make ten millions in 60, in whole days."""
    store = FolderStore(folder)
    contract = survey()
    publish(store, contract, _midnight(FIRST))
    for number in range(max(1, rows // A_DAY)):
        day = FIRST + timedelta(number)
        for bucket, part in enumerate(parts(day, min(rows, A_DAY), SEED + number)):
            name = keys.part(keys.RESPONSES, contract.id, str(day), bucket)
            store.create(name, parquet.encode(part))


def parts(day: date, rows: int, seed: int) -> Iterator[pa.Table]:
    draw = np.random.default_rng(seed)
    buckets = -(-rows // MOST)
    for bucket in range(buckets):
        yield _part(day, rows // buckets + (bucket < rows % buckets), draw)


def _part(day: date, rows: int, draw: np.random.Generator) -> pa.Table:
    """The rows of one part, in the order of their ids."""
    contract = survey()

    def some(share: float) -> NDArray[np.bool_]:
        return draw.random(rows) < share

    def code(codes: list[str], weights: list[float] | None = None, share: float = 1.0) -> pa.Array:
        chosen = draw.choice(len(codes), rows, p=weights).astype(np.int32)
        return _texts(codes, chosen, some(share))

    def rated(least: int, most: int, share: float = 1.0) -> tuple[NDArray[np.int64], pa.Array]:
        near = draw.normal(mood * (most - least) / 4 + least, 0.13 * (most - least), rows)
        number = np.clip(np.rint(near), least, most).astype(np.int64)
        given = some(share)
        return np.where(given, number, -1), pa.array(number, pa.int32(), mask=~given)

    minute = np.where(some(0.5), draw.integers(540, 1080, rows), draw.integers(0, 1440, rows))
    minted = np.sort(_midnight(day) + minute * 60_000 + draw.integers(0, 60_000, rows))
    agent = np.minimum(draw.gamma(2.0, AGENTS / 5, rows).astype(np.int32), AGENTS - 1)
    team, known = agent % TEAMS, some(0.97)
    mood = np.clip(3.1 + draw.normal(0, 0.9, rows) + (agent % 7 - 3) * 0.1, 0, 4)
    speed, skill = rated(1, 5, 0.93), rated(1, 5)
    manner, ease = rated(1, 5), rated(1, 5, 0.9)
    overall, recommend = rated(1, 10), rated(0, 10)
    ratings = {"speed": speed, "skill": skill, "manner": manner, "ease": ease}
    low = np.any([(number > 0) & (number <= 2) for number, _ in ratings.values()], axis=0)
    may_improve = (overall[0] <= 8) | (recommend[0] <= 8)
    weighs = np.array([0.3, 0.3, 0.25, 0.15])[:, None]
    numbers = np.array([number for number, _ in ratings.values()])
    weights = np.where(numbers > 0, weighs, 0)
    index = (weights * (numbers - 1) / 4).sum(0) / weights.sum(0) * 100
    known_as = {"agent": ("a", AGENTS), "team": ("t", TEAMS), "store": ("s", STORES)}
    codes = {name: [f"{by}{n:04}" for n in range(count)] for name, (by, count) in known_as.items()}
    cells: dict[str, pa.Array] = {
        "response": _ids(minted, draw),
        "received_at": pa.array(
            minted + draw.integers(200, 4000, rows), parquet.TYPES["timestamp"]
        ),
        "hour": pa.array(((minted - _midnight(day)) // 3_600_000).astype(np.int32)),
        "version": _texts([contract.version], np.zeros(rows, np.int32)),
        "language": code(["zh-CN", "en"], [0.9, 0.1]),
        "channel": code(["open", "personal", "paper"], [0.3, 0.65, 0.05]),
        "duration": pa.array(np.rint(draw.lognormal(4.4, 0.45, rows)), pa.int32(), mask=some(0.02)),
        "customer": _hex(draw.integers(0, 1 << 24, rows) * 97_654_435_761),
        "agent": _texts(codes["agent"], agent, known),
        "team": _texts(codes["team"], team, known),
        "store": _texts(codes["store"], team % STORES, known),
        "tier": code(["normal", "silver", "gold", "vip"], [0.7, 0.15, 0.1, 0.05], 0.97),
        "service_type": code(
            ["repair", "install", "advice", "returns", "complaint", "other"],
            [0.4, 0.15, 0.25, 0.1, 0.08, 0.02],
        ),
        "reached_by": code(["phone", "chat", "wechat", "app", "store"], share=0.9),
        "what_went_wrong": _written(draw, rows, low),
        "contacts": code(["once", "twice", "more"], [0.7, 0.2, 0.1], 0.9),
        "solved": code(["yes", "no"], [0.85, 0.15]),
        "improve": _several(draw, rows, may_improve & some(0.6)),
        "suggestion": _written(draw, rows, some(0.15)),
        "call_me": code(["yes", "no"], [0.2, 0.8], 0.2),
        "index": pa.array(index),
        "digest": _hex(draw.integers(0, 1 << 63, rows)),
    }
    cells |= {name: rated_as for name, (_, rated_as) in ratings.items()}
    cells |= {"overall": overall[1], "recommend": recommend[1]}
    cells |= {f"{name}_na": pa.array(ratings[name][0] < 0) for name in ("speed", "ease")}
    cells |= {fact: pa.array(some(0.01)) for fact in FACTS}
    wanted = columns.responses([contract])
    none = {c.name: pa.nulls(rows, parquet.TYPES[c.type]) for c in wanted}
    return pa.table([(none | cells)[c.name] for c in wanted], schema=parquet.schema(wanted))


def _midnight(day: date) -> int:
    noon = (day - date(1970, 1, 1)).days * 86_400_000 + 43_200_000
    return days.start(noon, survey().timezone)


def _texts(
    known: list[str], chosen: NDArray[np.int32], given: NDArray[np.bool_] | None = None
) -> pa.Array:
    numbers = pa.array(chosen, pa.int32(), mask=None if given is None else ~given)
    return pa.DictionaryArray.from_arrays(numbers, pa.array(known)).cast(pa.string())


def _letters(shown: NDArray[np.uint8]) -> pa.Array:
    """Rows of letters as texts."""
    count, width = shown.shape
    ends = np.arange(0, (count + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(shown.tobytes()))


def _ids(minted: NDArray[np.int64], draw: np.random.Generator) -> pa.Array:
    letters = np.frombuffer(ALPHABET.encode(), np.uint8)
    time = minted[:, None] >> np.arange(45, -5, -5) & 31
    chance = draw.integers(0, 32, (len(minted), 16))
    return _letters(letters[np.concatenate([time, chance], axis=1)])


def _hex(numbers: NDArray[np.int64]) -> pa.Array:
    letters = np.frombuffer(b"0123456789abcdef", np.uint8)
    return _letters(letters[numbers[:, None] >> np.arange(60, -4, -4) & 15])


_WORDS = [
    *("等了两个小时才接通", "态度很好", "师傅很专业", "还没有修好", "没有人回电话", "收费不透明"),
    *(
        "流程太繁琐",
        "很满意",
        "希望周末也有人",
        "too slow",
        "very kind",
        "still broken",
        "all fine",
    ),
]


def _written(draw: np.random.Generator, rows: int, given: NDArray[np.bool_]) -> pa.Array:
    """Three phrases and a number of what was bought; some write the very same."""
    known = _phrases()
    numbers = pa.array(draw.integers(0, len(known), rows), mask=~given)
    return known.take(numbers)


@cache
def _phrases() -> pa.Array:
    three = [f"{a}，{b}，{c}" for a in _WORDS for b in _WORDS for c in _WORDS]
    return pa.array([f"{phrase} {number}" for phrase in three for number in range(200)])


def _several(draw: np.random.Generator, rows: int, given: NDArray[np.bool_]) -> pa.Array:
    offered = ["waiting", "skill", "manner", "process", "updates", "price"]
    counts = np.where(given, draw.integers(1, 4, rows), 0)
    first = draw.integers(0, len(offered), rows)
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    place = np.arange(ends[-1]) - np.repeat(ends[:-1], counts)
    chosen = (np.repeat(first, counts) + place) % len(offered)
    values = _texts(offered, chosen.astype(np.int32))
    return pa.ListArray.from_arrays(ends, values, mask=pa.array(~given))
