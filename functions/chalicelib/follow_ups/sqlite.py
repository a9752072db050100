"""The record in one SQLite file: what a laptop or one server has.

Write-ahead logging, so that readers wait for nobody; every write is one immediate transaction that
is on disk when it returns. Each thread has a connection of its own.

What queries ask for lies in ``queue``, narrow rows in the order of pages: whatever is asked, one
scan of a few megabytes finds it, and stops when the page is full. Indexes by who or which team
would each be read out of that order and sorted, which measured slower.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from .events import Event, Item, scrubbed
from .moves import moved
from .performance import Counted
from .port import (
    MOST,
    NEVER,
    Counts,
    Page,
    Query,
    Row,
    Scope,
    Stale,
    Unknown,
    cursor_of,
    due_key,
    read_cursor,
    searched,
)

BUSY_S = 30.0
"""How long a writer waits for others."""
_SCHEMA = """
create table if not exists items (id text primary key, body blob not null);
create table if not exists queue (
    due integer not null, id text not null, alarm integer, state text not null,
    priority text not null, survey text not null, team text not null,
    assigned_to_team text not null, assignee text not null, agent text not null,
    to_lead integer not null, opened_at integer not null, primary key (due, id)
) without rowid;
create index if not exists queue_alarm on queue (alarm, id) where alarm is not null;
create table if not exists texts (id text primary key, searched text not null) without rowid;
create table if not exists unlanded (
    opened_at integer not null, id text not null, version integer not null,
    primary key (opened_at, id)
) without rowid;
create table if not exists events (
    id text not null, number integer not null, body blob not null, primary key (id, number)
) without rowid;
create table if not exists forgotten (id text primary key) without rowid;
create table if not exists revoked (sub text primary key, at integer not null) without rowid;
"""
_CACHE_KB = 32 * 1024
_ITEM = msgspec.json.Decoder(Item)
_COUNTED = msgspec.json.Decoder(Counted)
_EVENT = msgspec.json.Decoder(Event)


class SqliteRecord:
    """The record in a file, which is made on first use, for its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def rows(self) -> Iterator[Row]:
        sql = (
            "select 'item', id, 0, cast(body as text) from items"
            " union all select 'event', id, number, cast(body as text) from events"
            " union all select 'forgotten', id, 0, '' from forgotten"
            " union all select 'revoked', sub, at, '' from revoked"
        )
        for row in self._db.execute(sql):
            yield Row(*row)

    def put(self, rows: Iterable[Row]) -> None:
        with self._writing() as db:
            for row in rows:
                if row.kind == "event":
                    _log(db, _EVENT.decode(row.body))
                elif row.kind == "forgotten":
                    db.execute("insert or ignore into forgotten values (?)", (row.id,))
                elif row.kind == "revoked":
                    _revoke(db, row.id, row.number)
                else:
                    item = _ITEM.decode(row.body)
                    try:
                        before = _read(db, item.id)
                    except Unknown:
                        _put(db, item, None)
                        continue
                    if before.version < item.version:
                        _put(db, item, before)

    def open(self, event: Event) -> bool:
        return self.open_all([event]) == 1

    def open_all(self, events: Iterable[Event]) -> int:
        """Begin many in one transaction; how many were new."""
        begun = 0
        with self._writing() as db:
            for event in events:
                assert event.item is not None
                taken = db.execute(
                    "select 1 from items where id = :id"
                    " union select 1 from forgotten where id = :id",
                    {"id": event.id},
                ).fetchone()
                if not taken:
                    _write(db, event, event.item, None)
                    begun += 1
        return begun

    def append(self, id: str, version: int, event: Event, role: str | None = None) -> Item:
        with self._writing() as db:
            item = _read(db, id)
            if item.version != version:
                raise Stale(item)
            event = replace(event, id=id, number=version + 1)
            changed = moved(item, event, role)
            _write(db, event, changed, item)
            return changed

    def get(self, id: str) -> Item:
        return _read(self._db, id)

    def history(self, id: str) -> list[Event]:
        found = self._db.execute("select body from events where id = ? order by number", (id,))
        events = [_EVENT.decode(body) for (body,) in found]
        if not events:
            raise Unknown(f"no follow-up {id}")
        return events

    def page(self, query: Query, cursor: str | None = None, limit: int = MOST) -> Page:
        limit = max(1, min(limit, MOST))
        where, values = _where(query)
        where.append("(due, id) > (?, ?)")
        page = f"select due, id from queue where {' and '.join(where)} order by due, id limit ?"  # noqa: S608
        sql = f"select body from ({page}) join items using (id) order by due, id"  # noqa: S608
        found = self._db.execute(sql, (*values, *read_cursor(cursor), limit + 1))
        items = [_ITEM.decode(body) for (body,) in found]
        more = len(items) > limit
        items = items[:limit]
        return Page(items, cursor_of(items[-1]) if more else None)

    def scan(self, query: Query) -> Iterator[Counted]:
        where, values = _where(query)
        some = f"select id from queue where {' and '.join(where) or '1'}"  # noqa: S608
        sql = f"select body from ({some}) cross join items using (id)"  # noqa: S608
        for (body,) in self._db.execute(sql, values):
            yield _COUNTED.decode(body)

    def counts(self, query: Query, now: int) -> Counts:
        where, values = _where(query)
        sql = (
            f"select count(*) filter (where state != 'closed'), count(*) filter (where due < ?)"  # noqa: S608
            f" from queue where {' and '.join(where) or '1'}"
        )
        return Counts(*self._db.execute(sql, (now, *values)).fetchone())

    def alarmed(self, now: int, after: tuple[int, str] = (0, ""), limit: int = 1000) -> list[Item]:
        sql = (
            "select body from queue join items using (id)"
            " where alarm <= ? and (alarm, id) > (?, ?) order by alarm, id limit ?"
        )
        return [_ITEM.decode(body) for (body,) in self._db.execute(sql, (now, *after, limit))]

    def unlanded(self, after: tuple[int, str] = (0, ""), limit: int = 1000) -> list[Item]:
        sql = (
            "select body from unlanded join items using (id)"
            " where (opened_at, id) > (?, ?) order by opened_at, id limit ?"
        )
        return [_ITEM.decode(body) for (body,) in self._db.execute(sql, (*after, limit))]

    def landed(self, id: str, version: int) -> None:
        with self._writing() as db:
            at = _read(db, id).opened_at
            db.execute(
                "delete from unlanded where opened_at = ? and id = ? and version = ?",
                (at, id, version),
            )

    def forget(self, id: str, at: int) -> bool:
        with self._writing() as db:
            db.execute("insert or ignore into forgotten values (?)", (id,))
            try:
                item = _read(db, id)
            except Unknown:
                return False
            if item.erased:
                return True
            found = db.execute("select body from events where id = ?", (id,)).fetchall()
            for (body,) in found:
                _log(db, scrubbed(_EVENT.decode(body)))
            number = item.version + 1
            event = Event(id=id, number=number, at=at, by="system", kind="erase")
            _write(db, event, moved(item, event), item)
            return True

    def revoke(self, sub: str, at: int) -> None:
        with self._writing() as db:
            _revoke(db, sub, at)

    def revoked_since(self, sub: str) -> int:
        found = self._db.execute("select at from revoked where sub = ?", (sub,)).fetchone()
        return int(found[0]) if found else 0

    @property
    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            db = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = full")
            db.execute("pragma secure_delete = on")
            db.execute(f"pragma cache_size = -{_CACHE_KB}")
            if not db.execute("select 1 from sqlite_master where name = 'revoked'").fetchone():
                db.executescript(_SCHEMA)
            self._local.db = db
        return db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which other writers wait for."""
        db = self._db
        db.execute("begin immediate")
        try:
            yield db
        except BaseException:
            db.execute("rollback")
            raise
        db.execute("commit")


def _read(db: sqlite3.Connection, id: str) -> Item:
    found = db.execute("select body from items where id = ?", (id,)).fetchone()
    if not found:
        raise Unknown(f"no follow-up {id}")
    return _ITEM.decode(found[0])


def _write(db: sqlite3.Connection, event: Event, item: Item, before: Item | None) -> None:
    """The event, and the item as it makes it."""
    _put(db, item, before)
    _log(db, event)


def _put(db: sqlite3.Connection, item: Item, before: Item | None) -> None:
    due, id = due_key(item)
    row = (
        due, id, item.alarm_at, item.state, item.priority, item.survey, item.team,
        item.assigned_to_team, item.assignee, item.agent, item.to_lead, item.opened_at,
    )  # fmt: skip
    if before is not None:
        db.execute("delete from queue where due = ? and id = ?", due_key(before))
    db.execute(f"insert into queue values ({', '.join('?' * len(row))})", row)  # noqa: S608
    db.execute("insert or replace into items values (?, ?)", (id, msgspec.json.encode(item)))
    if before is None or searched(before) != searched(item):
        db.execute("insert or replace into texts values (?, ?)", (id, searched(item)))
    moved = (item.opened_at, id, item.version)
    db.execute("insert or replace into unlanded values (?, ?, ?)", moved)


def _log(db: sqlite3.Connection, event: Event) -> None:
    row = (event.id, event.number, msgspec.json.encode(event))
    db.execute("insert or replace into events values (?, ?, ?)", row)


def _revoke(db: sqlite3.Connection, sub: str, at: int) -> None:
    db.execute(
        "insert into revoked values (?, ?)"
        " on conflict (sub) do update set at = max(at, excluded.at)",
        (sub, at),
    )


def _where(query: Query) -> tuple[list[str], list[str | int]]:
    """What a query asks, as SQL over the columns: ``matches`` said once more."""
    where: list[str] = []
    values: list[str | int] = []

    def ask(sql: str, *some: str | int) -> None:
        where.append(sql)
        values.extend(some)

    for column, value in (
        ("assignee", query.assignee),
        ("assigned_to_team", query.team),
        ("priority", query.priority),
        ("survey", query.survey),
    ):
        if value:
            ask(f"{column} = ?", value)
    if query.states:
        ask(f"state in ({_marks(query.states)})", *query.states)
    if query.due_before is not None:
        ask("due < ?", min(query.due_before, NEVER))
    if query.opened_from is not None:
        ask("opened_at >= ?", query.opened_from)
    if query.opened_to is not None:
        ask("opened_at < ?", query.opened_to)
    if query.text:
        ask("id in (select id from texts where instr(searched, ?) > 0)", query.text.casefold())
    if query.scope is not None:
        ask(*_scope(query.scope))
    return where, values


def _scope(scope: Scope) -> tuple[str, *tuple[str, ...]]:
    ways: list[str] = []
    values: list[str] = []
    for column, some in (
        ("assignee", scope.people),
        ("agent", scope.people),
        ("assigned_to_team", scope.teams),
        ("team", scope.teams),
    ):
        some = tuple(filter(None, some))
        if some:
            ways.append(f"{column} in ({_marks(some)})")
            values += some
    pools = tuple(filter(None, scope.pools))
    if pools:
        ways.append(
            f"(assigned_to_team in ({_marks(pools)}) and assignee = ''"
            " and not to_lead and state != 'closed')"
        )
        values += pools
    return (f"({' or '.join(ways)})" if ways else "0", *values)


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))
