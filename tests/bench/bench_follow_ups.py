"""100,000 open follow-ups in SQLite: the queue as staff see it, through Chalice's own client.

Each line says the median and the longest of some runs, on the wall and of the processor.

python -m tests.bench.bench_follow_ups [COUNT]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from urllib.parse import quote

import msgspec
from chalice.test import Client

from chalicelib.follow_ups import Query
from chalicelib.follow_ups.events import Event, Item, item_id, opened
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.published import publish
from chalicelib.staff.tokens import mint
from chalicelib.storage import FolderStore
from chalicelib.survey import ids
from tests.surveys import after_sales

COUNT = 100_000
KEY = "a secret of the bench"
HOUR = 60 * 60 * 1000
SURVEY = after_sales()
RUNS = 9
SAID = (
    *(
        "等了三天才有人来，",
        "师傅态度很好，",
        "配件一直没有到，",
        "电话打不通，",
        "价格和说的不一样，",
    ),
    *("The engineer never came. ", "Still broken after two visits, ", "空调还是不制冷，"),
)
RARE = "冰箱门封条"


def item(number: int, random: Random, now: int) -> Item:
    at = now - random.randrange(30 * 24 * HOUR)
    response = ids.make(at, random.getrandbits(80))
    agent, team = f"A{random.randrange(300):03d}", f"T{random.randrange(20):02d}"
    taken = random.random() < 0.7
    said = "".join(random.choices(SAID, k=3)) + str(random.randrange(10**6))
    return Item(
        id=item_id(SURVEY.id, response, "detractor"),
        survey=SURVEY.id,
        response=response,
        rule="detractor",
        title={"zh-CN": "贬损者回访", "en": "Detractor call-back"},
        priority=random.choice(["urgent", "high", "normal"]),
        state="assigned" if taken else "new",
        agent=agent,
        team=team,
        assignee=agent if taken else "",
        assigned_to_team=team,
        facts={"agent": agent, "team": team, "store": f"S{random.randrange(1000):03d}"},
        scores={"overall": random.randrange(11), "recommend": random.randrange(7)},
        comment=said + (RARE if number % 5000 == 0 else ""),
        customer_masked=f"C{random.randrange(1000):03d}***{random.randrange(1000):03d}",
        language="zh-CN",
        received_at=at,
        first_contact_due=at + 24 * HOUR,
        resolve_due=at + 5 * 24 * HOUR,
    )


def fill(record: SqliteRecord, count: int, now: int) -> float:
    """Seconds for one of them."""
    random, start = Random(1), time.perf_counter()
    events = (item(number, random, now) for number in range(count))
    record.open_all(opened(each, each.received_at) for each in events)
    return (time.perf_counter() - start) / count


def measured(act: Callable[[], object], runs: int = RUNS) -> str:
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        walls.append((time.perf_counter() - wall) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
    return (
        f"{statistics.median(walls):6.1f} ms (at most {max(walls):.1f}),"
        f" cpu {statistics.median(cpus):6.1f} ms"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as name:
        folder, now = Path(name), time.time_ns() // 1_000_000
        publish(FolderStore(folder), SURVEY, now - 40 * 24 * HOUR)
        path = folder / "follow_ups.sqlite"
        each = fill(SqliteRecord(path), count, now)
        print(f"{count:,} open follow-ups, {path.stat().st_size / count:.0f} bytes each,")
        print(f"put on record at {each * 1e6:.0f} µs each")
        os.environ |= {"ECHOFORM_DATA": name, "ECHOFORM_KEY": KEY}
        import app  # reads its settings when the first asks

        app.logs.to(None)
        tokens = {
            role: mint(KEY.encode(), sub, role, ["T01", "T02"], now, 12 * HOUR)
            for role, sub in (("manager", "M1"), ("lead", "L1"), ("agent", "A007"))
        }
        with Client(app.app) as client:

            def get(role: str, path: str) -> object:
                head = {"Authorization": f"Bearer {tokens[role]}"}
                reply = client.http.get(f"/staff/{path}", headers=head)
                assert reply.status_code == 200, reply.body
                return msgspec.json.decode(reply.body)

            get("manager", "follow-ups")
            cursor = ""
            for _ in range(20):
                cursor = get("manager", f"follow-ups?limit=200&cursor={cursor}")["next"]  # type: ignore[index]
            asked = {
                "page of 50": "follow-ups",
                "page of 200": "follow-ups?limit=200",
                "page 21 of 200": f"follow-ups?limit=200&cursor={cursor}",
                "overdue": "follow-ups?overdue=1&limit=200",
                "of a team, urgent": "follow-ups?team=T03&priority=urgent&limit=200",
                "words many say": f"follow-ups?limit=200&q={quote('配件一直没有到')}",
                "words few say": f"follow-ups?limit=200&q={quote(RARE)}",
                "two letters": f"follow-ups?limit=200&q={quote('封条')}",
                "words nobody says": f"follow-ups?limit=200&q={quote('zebra crossing')}",
                "team figures": "team",
            }
            for role in tokens:
                for what, path_ in asked.items():
                    if role != "agent" or what != "team figures":
                        print(f"{role:8} {what:20}", measured(lambda r=role, p=path_: get(r, p)))  # type: ignore[misc]
        record, random = SqliteRecord(path), Random(2)

        def append() -> None:
            held = record.page(Query(), limit=200).items
            one = random.choice(held)
            note = Event(id="", number=0, at=now, by="A1", kind="note", note="n")
            spent.append(time.perf_counter())
            record.append(one.id, one.version, note)
            spent[-1] = (time.perf_counter() - spent[-1]) * 1e3

        spent: list[float] = []
        for _ in range(50):
            append()
        print(f"{'append':29} {statistics.median(spent):6.1f} ms (at most {max(spent):.1f})")


if __name__ == "__main__":
    main()
