"""A million personal links for a table of customers, and what one costs when it is opened.

Beside them the floor: as many codes minted, hashed and written to as many shards by a loop that
checks no cell, reads no table and syncs nothing.

python -m tests.bench.bench_links [COUNT]
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import msgspec

from chalicelib import keys, links
from chalicelib.links import PERSONAL, Link
from chalicelib.storage import FolderStore
from generator.issuing import issue_all
from tests.bench.costs import cost, medians
from tests.surveys import after_sales

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


def main(count: int = 1_000_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        customers, written = table(folder, count), folder / "links.csv"
        store = FolderStore(folder / "data")
        link = Link(SURVEY.id, personal=True)
        taken = cost(issue_all, store, SURVEY, customers, link, "https://s.test", written)
        least = cost(floor, folder / "floor", count)
        with written.open(encoding="utf-8-sig", newline="") as file:
            codes = [row["code"] for n, row in enumerate(csv.DictReader(file)) if n % 1000 == 0]
        each = [cost(links.look_up, store, code) for code in codes]
        assert all(looked_up.told for looked_up in each)
        kept = sum(len(store.get(entry.key).data) for entry in store.list(keys.LINKS))
    print(
        f"{count:,} links: {taken.seconds:.1f} s, {taken.seconds / least.seconds:.1f} of the floor,"
        f" at most {taken.megabytes:.0f} MB"
    )
    print(f"stored: {kept / count:.0f} bytes a link, {kept / 4096 / 1024:.1f} KB a shard")
    print(f"looking one up: one read, {medians(each).seconds * 1e3:.2f} ms (median)")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
