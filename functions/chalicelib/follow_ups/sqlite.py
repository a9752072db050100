"""The record in one SQLite file: what a laptop or one server has.

Write-ahead logging, so that readers wait for nobody; every write is one immediate transaction that
is on disk when it returns. Each thread has a connection of its own.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec.structs import replace

from .events import OPEN, Event, Item, moved, scrubbed
from .port import (
    MOST,
    NEVER,
    Counts,
    Page,
    Query,
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
create table if not exists items (
    id text primary key, due integer not null, alarm integer, state text not null,
    priority text not null, survey text not null, team text not null,
    assigned_to_team text not null, assignee text not null, agent text not null,
    to_lead integer not null, opened_at integer not null, searched text not null,
    version integer not null, body blob not null
) without rowid;
create index if not exists items_due on items (due, id, state);
create index if not exists items_alarm on items (alarm, id) where alarm is not null;
create index if not exists items_assignee on items (assignee, due, id, state);
create index if not exists items_agent on items (agent, due, id, state);
create index if not exists items_team on items (team, due, id, state);
create index if not exists items_assigned on items (assigned_to_team, due, id, state);
create index if not exists items_waiting on items (assigned_to_team, due, id, state)
    where assignee = '' and not to_lead;
create index if not exists items_opened on items (opened_at);
create table if not exists events (
    id text not null, number integer not null, body blob not null, primary key (id, number)
) without rowid;
create table if not exists forgotten (id text primary key) without rowid;
create table if not exists revoked (sub text primary key, at integer not null) without rowid;
"""
_ITEM = msgspec.json.Decoder(Item)
_EVENT = msgspec.json.Decoder(Event)


class SqliteRecord:
    """The record in a file, which is made on first use, for its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def open(self, event: Event) -> bool:
        assert event.item is not None
        with self._writing() as db:
            taken = db.execute(
                "select 1 from items where id = :id union select 1 from forgotten where id = :id",
                {"id": event.id},
            ).fetchone()
            if not taken:
                _write(db, event, event.item)
            return not taken

    def append(self, id: str, version: int, event: Event, role: str | None = None) -> Item:
        with self._writing() as db:
            item = _read(db, id)
            if item.version != version:
                raise Stale(item)
            event = replace(event, id=id, number=version + 1)
            item = moved(item, event, role)
            _write(db, event, item)
            return item

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
        after = "(due, id) > (?, ?) order by due, id limit ?"
        edge = (*read_cursor(cursor), limit + 1)
        some, values = _each_way(query, "due, id", after, edge)
        sql = (
            f"with found as ({some}) select body from found cross join items using (id)"  # noqa: S608
            " order by found.due, found.id limit ?"
        )
        found = self._db.execute(sql, (*values, limit + 1))
        items = [_ITEM.decode(body) for (body,) in found]
        more = len(items) > limit
        items = items[:limit]
        return Page(items, cursor_of(items[-1]) if more else None)

    def scan(self, query: Query) -> Iterator[Item]:
        some, values = _each_way(query, "id")
        sql = f"with found as ({some}) select body from found cross join items using (id)"  # noqa: S608
        for (body,) in self._db.execute(sql, values):
            yield _ITEM.decode(body)

    def counts(self, query: Query, now: int) -> Counts:
        some, values = _each_way(query, "id, due, state")
        is_open = ", ".join(f"'{state}'" for state in sorted(OPEN))
        sql = (
            f"select count(*) filter (where state in ({is_open})), count(*) filter (where due < ?)"  # noqa: S608
            f" from ({some})"
        )
        return Counts(*self._db.execute(sql, (now, *values)).fetchone())

    def alarmed(self, now: int, after: tuple[int, str] = (0, ""), limit: int = 1000) -> list[Item]:
        sql = (
            "select body from items where alarm <= ? and (alarm, id) > (?, ?)"
            " order by alarm, id limit ?"
        )
        return [_ITEM.decode(body) for (body,) in self._db.execute(sql, (now, *after, limit))]

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
            _write(db, event, moved(item, event))
            return True

    def revoke(self, sub: str, at: int) -> None:
        with self._writing() as db:
            db.execute(
                "insert into revoked values (?, ?)"
                " on conflict (sub) do update set at = max(at, excluded.at)",
                (sub, at),
            )

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


def _write(db: sqlite3.Connection, event: Event, item: Item) -> None:
    """The event, and the item as it makes it."""
    due, id = due_key(item)
    row = (
        id, due, item.alarm_at, item.state, item.priority, item.survey, item.team,
        item.assigned_to_team, item.assignee, item.agent, item.to_lead, item.opened_at,
        searched(item), item.version, msgspec.json.encode(item),
    )  # fmt: skip
    db.execute(f"insert or replace into items values ({', '.join('?' * len(row))})", row)  # noqa: S608
    _log(db, event)


def _log(db: sqlite3.Connection, event: Event) -> None:
    row = (event.id, event.number, msgspec.json.encode(event))
    db.execute("insert or replace into events values (?, ?, ?)", row)


def _each_way(
    query: Query, columns: str, more: str = "1", last: tuple[str | int, ...] = ()
) -> tuple[str, list[str | int]]:
    """What a query asks, as a union of selects: one for each way to be in its scope.

    Each is answered in order from one index, without a look at the bodies; together as one
    condition they would all be read and sorted.
    """
    where, asked = _where(query)
    parts: list[str] = []
    values: list[str | int] = []
    for way, own in _ways(query.scope):
        parts.append(
            f"select * from (select {columns} from items where {' and '.join([way, *where, more])})"  # noqa: S608
        )
        values += [*own, *asked, *last]
    return " union ".join(parts), values


def _where(query: Query) -> tuple[list[str], list[str | int]]:
    """What a query asks beside its scope, as SQL over the columns."""
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
        ask("instr(searched, ?) > 0", query.text.casefold())
    return where, values


def _ways(scope: Scope | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Conditions of which any is enough; one at least."""
    if scope is None:
        yield "1", ()
        return
    yield "0", ()
    for column, some in (
        ("assignee", scope.people),
        ("agent", scope.people),
        ("assigned_to_team", scope.teams),
        ("team", scope.teams),
    ):
        for value in filter(None, some):
            yield f"{column} = ?", (value,)
    for pool in filter(None, scope.pools):
        waits = "assignee = '' and not to_lead and state != 'closed'"
        yield f"assigned_to_team = ? and {waits}", (pool,)


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))
