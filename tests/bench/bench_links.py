"""A million personal links for a table of customers, and what one costs when it is opened.

Beside them the floor: as many codes minted, hashed and written to as many shards by a loop that
checks no cell, reads no table and syncs nothing.

python -m tests.bench.bench_links [COUNT]
"""

from __future__ import annotations

import csv
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from chalicelib import keys, links
from chalicelib.links import PERSONAL, Link
from chalicelib.storage import FolderStore
from generator.issuing import issue_all
from tests.surveys import after_sales

COUNT = 1_000_000
SURVEY = after_sales()


def table(folder: Path, count: int) -> Path:
    path = folder / "customers.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "agent", "team", "store", "tier"])
        for n in range(count):
            tier = "vip" if n % 7 == 0 else ""
            writer.writerow([f"C{n:07d}", f"A{n % 300:03d}", f"T{n % 20}", f"{n % 1000:03d}", tier])
    return path


def floor(folder: Path, count: int) -> None:
    shards: dict[str, dict[str, Link]] = {}
    link = Link(SURVEY.id, personal=True)
    for _ in range(count):
        name = links.hash_of(links.mint(PERSONAL))
        shards.setdefault(keys.links(name), {})[name] = link
    (folder / "links").mkdir(parents=True)
    for key, shard in shards.items():
        (folder / key).write_bytes(msgspec.json.encode(shard))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        customers, written = table(folder, count), folder / "links.csv"
        store = FolderStore(folder / "data")
        start, spent = time.perf_counter(), time.process_time()
        issue_all(
            store, SURVEY, customers, Link(SURVEY.id, personal=True), "https://s.test", written
        )
        taken, spent = time.perf_counter() - start, time.process_time() - spent
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start = time.perf_counter()
        floor(folder / "floor", count)
        least = time.perf_counter() - start
        with written.open(encoding="utf-8-sig", newline="") as file:
            codes = [row["code"] for n, row in enumerate(csv.DictReader(file)) if n % 1000 == 0]
        each = []
        for code in codes:
            start = time.perf_counter()
            assert links.look_up(store, code) is not None
            each.append(time.perf_counter() - start)
        kept = sum(len(store.get(entry.key).data) for entry in store.list(keys.LINKS))
    print(
        f"{count:,} links: {taken:.1f} s, {taken / least:.1f} of the floor, at most {peak:.0f} MB"
    )
    print(f"stored: {kept / count:.0f} bytes a link, {kept / 4096 / 1024:.1f} KB a shard")
    print(f"looking one up: one read, {statistics.median(each) * 1e3:.2f} ms (median)")


if __name__ == "__main__":
    main()
