"""How fast answers merge into parts, beside pyarrow reading and writing the same part.

python -m tests.bench.bench_merge [ROWS] [NEW] [RUNS]

Without anything personal a merge reads and writes that part and no other; then customers and
telephone numbers are there too, and it reads and writes their part as well.
"""

from __future__ import annotations

import random
import sys
from functools import partial
from io import BytesIO
from statistics import median

import pyarrow.parquet as pq

from chalicelib import keys
from chalicelib.jobs.merge import merge
from chalicelib.published import publish
from chalicelib.storage import MemoryStore
from chalicelib.survey import Response, ids
from tests.bench.costs import cost
from tests.surveys import after_sales

DAY = 1_794_931_200_000  # midnight in Shanghai
WHEN = {"later than all in it": 8, "among those in it": 0}
"""The hour from which on the new ones came."""


RATED: list[int | str] = [1, 2, 3, 4, 5, "na"]
Answer = str | int | float | list[str]


def answers(draw: random.Random, personal: bool) -> dict[str, Answer]:
    said: dict[str, Answer] = {
        "service_type": draw.choice(["repair", "advice", "complaint"]),
        "responsiveness": draw.choice(RATED),
        "resolution": draw.randint(1, 5),
        "attitude": draw.randint(1, 5),
        "process": draw.randint(1, 5),
        "contacts": draw.choice(["once", "twice", "more"]),
        "resolved": draw.choice(["yes", "no"]),
        "overall": draw.randint(1, 10),
        "recommend": draw.randint(0, 10),
    }
    if draw.random() < 0.3:
        said["improve"] = ["speed", "skill"]
        said["why_low"] = "".join(chr(draw.randint(0x4E00, 0x9FA5)) for _ in range(20))
    if personal and draw.random() < 0.2:
        said["phone"] = f"138{draw.randrange(10**8):08d}"
    return said


def land(
    store: MemoryStore, count: int, start: int, draw: random.Random, personal: bool = True
) -> None:
    """That many responses within half a day from ``start`` hours on."""
    survey = after_sales()
    for _ in range(count):
        at = DAY + start * 3_600_000 + draw.randrange(8 * 3_600_000)
        response = Response(
            id=ids.make(at, draw.getrandbits(80)),
            survey=survey.id,
            version=survey.version,
            language=draw.choice(["zh-CN", "en"]),
            channel="open",
            received_at=at,
            answers=answers(draw, personal),
            duration=draw.randint(20, 300),
            attributes={
                **({"customer": f"c{draw.randrange(100_000)}"} if personal else {}),
                "agent": f"a{draw.randrange(1000)}",
                "team": f"t{draw.randrange(20)}",
            },
            follow_up=False,
        )
        key = keys.landing(survey.id, response.id, response.digest)
        store.create(key, response.to_json())


def bare(data: bytes) -> bytes:
    """Reading and writing a part with pyarrow, and nothing else."""
    sink = BytesIO()
    pq.write_table(pq.read_table(BytesIO(data)), sink, compression="zstd")
    return sink.getvalue()


def ideal(data: bytes) -> int:
    """Bytes of the same rows written once, from a clean table, each column with a dictionary or
    without, whichever is smaller."""
    rows = pq.read_table(BytesIO(data))

    def size(names: list[str], coded: list[str]) -> int:
        sink = BytesIO()
        pq.write_table(rows.select(names), sink, compression="zstd", use_dictionary=coded)
        return len(sink.getvalue())

    coded = [name for name in rows.column_names if size([name], [name]) < size([name], [])]
    return size(rows.column_names, coded)


def filled(
    draw: random.Random, count: int, batches: int, personal: bool = True
) -> tuple[MemoryStore, float]:
    """A store whose part got that many rows in so many merges; seconds of the merges."""
    store = MemoryStore()
    publish(store, after_sales(), DAY)
    seconds = 0.0
    for _ in range(batches):
        land(store, count // batches, 0, draw, personal)
        seconds += cost(merge, store, b"key", DAY).seconds
    return store, seconds


def main(rows: int = 240_000, new: int = 10_000, runs: int = 7) -> None:
    draw = random.Random(1)
    for batches in (60, 1):
        full, seconds = filled(draw, rows, batches)
        part = next(e.key for e in full.list(keys.RESPONSES))
        contacts = next(e.key for e in full.list(keys.CONTACTS))
        data = full.get(part).data, full.get(contacts).data
        print(
            f"{rows:,} rows in {batches} merges: {rows / seconds:,.0f} rows/s; "
            f"{len(data[0]):,} bytes are {len(data[0]) / ideal(data[0]):.3f} x the ideal file, "
            f"contacts {len(data[1]) / ideal(data[1]):.3f} x"
        )
    measure = partial(beside, new=new, runs=runs)
    for name, start in WHEN.items():
        measure(full, name, start, draw, personal=True)
    full, _ = filled(draw, rows, 1, personal=False)
    for name, start in WHEN.items():
        measure(full, f"{name}, nothing personal", start, draw, personal=False)


def beside(
    full: MemoryStore,
    name: str,
    start: int,
    draw: random.Random,
    *,
    personal: bool,
    new: int,
    runs: int,
) -> None:
    """Merge into a full part, and read and write the same with pyarrow, in turns."""
    parts = {e.key: full.get(e.key).data for e in full.list("") if e.key.endswith(".parquet")}
    responses = next(key for key in parts if key.startswith(keys.RESPONSES))
    times, alone, every = [], [], []
    for _ in range(runs):
        store = MemoryStore()
        publish(store, after_sales(), DAY)
        for key, data in parts.items():
            store.create(key, data)
        land(store, new, start, draw, personal)
        bare_of = {key: cost(bare, data).seconds for key, data in parts.items()}
        seconds = cost(merge, store, b"key", DAY).seconds
        times.append(seconds)
        alone.append(seconds / bare_of[responses])
        every.append(seconds / sum(bare_of.values()))
    mid = median(times)
    print(
        f"merge {new:,} {name}: {mid:.2f} s, {new / mid:,.0f} rows/s; "
        f"{median(every):.2f} x pyarrow reading and writing all it writes, "
        f"{median(alone):.2f} x the part of responses alone"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
