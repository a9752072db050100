"""100,000 open follow-ups in SQLite: the queue as staff see it, through Chalice's own client.

Each line says the median and the longest of some runs, on the wall and of the processor.

python -m tests.bench.bench_follow_ups [COUNT] [RUNS]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import msgspec
from chalice.test import Client

from chalicelib import logs
from chalicelib.follow_ups import Query
from chalicelib.follow_ups.events import Event, Item, item_id, opened
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.published import publish
from chalicelib.staff.tokens import mint
from chalicelib.storage import FolderStore
from chalicelib.survey import ids
from tests.bench.costs import Cost, cost, medians
from tests.surveys import after_sales

KEY = "a secret of the bench"
HOUR = 60 * 60 * 1000
SURVEY = after_sales()
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
    random = Random(1)
    events = (item(number, random, now) for number in range(count))
    return cost(record.open_all, (opened(e, e.received_at) for e in events)).seconds / count


def told(runs: Sequence[Cost]) -> str:
    middle, most = medians(runs), max(run.seconds for run in runs)
    return (
        f"{1e3 * middle.seconds:6.1f} ms (at most {1e3 * most:.1f}),"
        f" cpu {1e3 * middle.processor:6.1f} ms"
    )


def main(count: int = 100_000, runs: int = 9) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, now = Path(name), time.time_ns() // 1_000_000
        publish(FolderStore(folder), SURVEY, now - 40 * 24 * HOUR)
        path = folder / "follow_ups.sqlite"
        each = fill(SqliteRecord(path), count, now)
        print(f"{count:,} open follow-ups, {path.stat().st_size / count:.0f} bytes each,")
        print(f"put on record at {each * 1e6:.0f} µs each")
        os.environ |= {"ECHOFORM_DATA": name, "ECHOFORM_KEY": KEY}
        import app  # reads its settings when the first asks

        logs.to(None)
        tokens = {
            role: mint(KEY.encode(), sub, role, ["T01", "T02"], now, 12 * HOUR)
            for role, sub in (("manager", "M1"), ("lead", "L1"), ("agent", "A007"))
        }
        with Client(app.app) as client:

            def get(role: str, path: str) -> Any:
                head = {"Authorization": f"Bearer {tokens[role]}"}
                reply = client.http.get(f"/staff/{path}", headers=head)
                assert reply.status_code == 200, reply.body
                return msgspec.json.decode(reply.body)

            get("manager", "follow-ups")
            cursor = ""
            for _ in range(20):
                cursor = get("manager", f"follow-ups?limit=200&cursor={cursor}")["next"]
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
                        taken = [cost(get, role, path_) for _ in range(runs)]
                        print(f"{role:8} {what:20}", told(taken))
        record, random = SqliteRecord(path), Random(2)

        def append() -> Cost:
            one = random.choice(record.page(Query(), limit=200).items)
            note = Event(id="", number=0, at=now, by="A1", kind="note", note="n")
            return cost(record.append, one.id, one.version, note)

        print(f"{'append':29}", told([append() for _ in range(50)]))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
