"""The record in one DynamoDB table: what AWS has.

A follow-up is a partition: row 0 is the item as it is, row n its n-th event. An event and the item
it makes are written in one transaction, on condition that the version is still the one that was
seen. Queues are indexes by who, which team or what state, sorted by what is due; alarms are an
index of those rows alone that have one, and what moved since it was landed is another such. A row
without a value is in no index of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Any

import boto3
import msgspec
from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError
from msgspec.structs import replace

from .events import OPEN, STATES, SYSTEM, Event, Item, scrubbed
from .moves import moved
from .port import (
    MOST,
    Counts,
    Page,
    Query,
    Row,
    Scope,
    Stale,
    Unknown,
    cursor_of,
    due_key,
    matches,
    read_cursor,
)

INDEXES = {
    "assignee": "due",
    "agent": "due",
    "team": "due",
    "assigned_to_team": "due",
    "state": "due",
    "alarmed": "alarm",
    "unlanded": "opened",
}
"""By what an index finds, and by what it sorts. Each is named as what it finds by."""
TRIES = 20
_FORGOTTEN, _REVOKED = "forgotten#", "revoked#"
_MOVED = ("ConditionalCheckFailedException", "TransactionConflictException")
_ITEM = msgspec.json.Decoder(Item)
_EVENT = msgspec.json.Decoder(Event)


class DynamoRecord:
    """The record in a table (as infra/resources.yaml makes it)."""

    def __init__(self, table: str, endpoint: str | None = None) -> None:
        self._table = boto3.resource("dynamodb", endpoint_url=endpoint).Table(table)

    def rows(self) -> Iterator[Row]:
        wanted: dict[str, Any] = {"ConsistentRead": True}
        while True:
            page = self._table.scan(**wanted)
            yield from map(_copied, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            wanted["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if row.kind == "event":
                self._table.put_item(Item=_log(_EVENT.decode(row.body)))
            elif row.kind == "forgotten":
                self._table.put_item(Item={"id": _forgotten(row.id), "number": 0})
            elif row.kind == "revoked":
                self.revoke(row.id, row.number)
            else:
                self._put(_ITEM.decode(row.body))

    def open(self, event: Event) -> bool:
        assert event.item is not None
        absent = {"ConditionExpression": "attribute_not_exists(id)"}
        forgotten = {"id": _forgotten(event.id), "number": 0}
        return self._transact(
            {"ConditionCheck": self._on(Key=forgotten) | absent},
            {"Put": self._on(Item=_row(event.item)) | absent},
            {"Put": self._on(Item=_log(event))},
        )

    def append(self, id: str, version: int, event: Event, role: str | None = None) -> Item:
        for _ in range(TRIES):
            item = self.get(id)
            if item.version != version:
                raise Stale(item)
            event = replace(event, id=id, number=version + 1)
            changed = moved(item, event, role)
            if self._add(event, changed):
                return changed
        raise Stale(item)  # others were in the way all the time

    def get(self, id: str) -> Item:
        found = self._table.get_item(Key={"id": id, "number": 0}, ConsistentRead=True).get("Item")
        if not found:
            raise Unknown(f"no follow-up {id}")
        return _ITEM.decode(str(found["body"]))

    def history(self, id: str) -> list[Event]:
        wanted = Key("id").eq(id) & Key("number").gt(0)
        rows = self._rows(KeyConditionExpression=wanted, ConsistentRead=True)
        events = [_EVENT.decode(row["body"]) for row in rows]
        if not events:
            raise Unknown(f"no follow-up {id}")
        return events

    def page(self, query: Query, cursor: str | None = None, limit: int = MOST) -> Page:
        limit = max(1, min(limit, MOST))
        items: list[Item] = []
        for item in self._found(query, read_cursor(cursor)):
            if len(items) == limit:
                return Page(items, cursor_of(items[-1]))
            items.append(item)
        return Page(items, None)

    def scan(self, query: Query) -> Iterator[Item]:
        return self._found(query, (0, ""))

    def counts(self, query: Query, now: int) -> Counts:
        open_ = overdue = 0
        for item in self._found(query, (0, "")):
            open_ += item.state in OPEN
            overdue += item.next_due is not None and item.next_due < now
        return Counts(open_, overdue)

    def alarmed(self, now: int, after: tuple[int, str] = (0, ""), limit: int = 1000) -> list[Item]:
        found: list[Item] = []
        wanted = Key("alarmed").eq("1") & Key("alarm").between(after[0], now)
        rows = self._rows(IndexName="alarmed", KeyConditionExpression=wanted)
        for item in _in_order(rows, "alarm"):
            if (item.alarm_at or 0, item.id) > after:
                found.append(item)
            if len(found) == limit:
                break
        return found

    def unlanded(self, after: tuple[int, str] = (0, ""), limit: int = 1000) -> list[Item]:
        wanted = Key("unlanded").eq("1") & Key("opened").gte(after[0])
        rows = self._rows(IndexName="unlanded", KeyConditionExpression=wanted)
        found = (i for i in _in_order(rows, "opened") if (i.opened_at, i.id) > after)
        return list(islice(found, limit))

    def landed(self, id: str, version: int) -> None:
        try:
            self._table.update_item(
                Key={"id": id, "number": 0},
                UpdateExpression="REMOVE unlanded, opened",
                ConditionExpression="#version = :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":version": version},
            )
        except ClientError as error:  # it moved: it is landed again
            if error.response["Error"]["Code"] not in _MOVED:
                raise

    def forget(self, id: str, at: int) -> bool:
        self._table.put_item(Item={"id": _forgotten(id), "number": 0})
        for _ in range(TRIES):
            try:
                item = self.get(id)
            except Unknown:
                return False
            for event in self.history(id):
                self._table.put_item(Item=_log(scrubbed(event)))
            if item.erased:
                return True
            number = item.version + 1
            erase = Event(id=id, number=number, at=at, by=SYSTEM, kind="erase")
            self._add(erase, moved(item, erase))
        raise Stale(item)

    def revoke(self, sub: str, at: int) -> None:
        if at > self.revoked_since(sub):
            self._table.put_item(Item={"id": f"{_REVOKED}{sub}", "number": 0, "at": at})

    def revoked_since(self, sub: str) -> int:
        key: dict[str, Any] = {"id": f"{_REVOKED}{sub}", "number": 0}
        found: Any = self._table.get_item(Key=key, ConsistentRead=True).get("Item", {})
        return int(found.get("at", 0))

    def _put(self, item: Item) -> None:
        try:
            self._table.put_item(
                Item=_row(item),
                ConditionExpression="attribute_not_exists(id) or #version < :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":version": item.version},
            )
        except ClientError as error:  # the one that is here is as far
            if error.response["Error"]["Code"] not in _MOVED:
                raise

    def _add(self, event: Event, item: Item) -> bool:
        """Write both, if the item's version is the one before; whether it was."""
        unmoved = {
            "ConditionExpression": "#version = :version",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": {":version": event.number - 1},
        }
        return self._transact(
            {"Put": self._on(Item=_row(item)) | unmoved}, {"Put": self._on(Item=_log(event))}
        )

    def _transact(self, *actions: dict[str, Any]) -> bool:
        """Whether it was done; not done: a condition does not hold, or others were in the way."""
        client: Any = self._table.meta.client
        for _ in range(TRIES):
            try:
                client.transact_write_items(TransactItems=[*actions])
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                reasons: list[Any] = error.response.get("CancellationReasons", [])
                codes = {reason.get("Code") for reason in reasons} - {"None"}
                if codes == {"TransactionConflict"}:
                    continue
                return False
            return True
        return False

    def _on(self, **what: Any) -> dict[str, Any]:
        return {"TableName": self._table.name, **what}

    def _found(self, query: Query, after: tuple[int, str]) -> Iterator[Item]:
        """Every item that a query finds, in order, each once."""
        last = ""
        sources = [self._source(index, value, after) for index, value in _places(query)]
        for item in merge(*sources, key=due_key):
            if item.id != last and due_key(item) > after and matches(item, query):
                yield item
            last = item.id

    def _source(self, index: str, value: str, after: tuple[int, str]) -> Iterator[Item]:
        wanted = Key(index).eq(value) & Key("due").gte(after[0])
        return _in_order(self._rows(IndexName=index, KeyConditionExpression=wanted), "due")

    def _rows(self, **wanted: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = self._table.query(**wanted)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            wanted["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _places(query: Query) -> list[tuple[str, str]]:
    """Index and value under which all that a query means is found: the narrowest there are."""
    scope = query.scope
    if query.assignee:
        return [("assignee", query.assignee)]
    if query.team:
        return [("assigned_to_team", query.team)]
    if scope is not None:
        return list(dict.fromkeys(_scoped(scope)))
    return [("state", state) for state in query.states or STATES]


def _scoped(scope: Scope) -> Iterable[tuple[str, str]]:
    yield from (("assignee", one) for one in scope.people if one)
    yield from (("agent", one) for one in scope.people if one)
    yield from (("assigned_to_team", one) for one in (*scope.teams, *scope.pools) if one)
    yield from (("team", one) for one in scope.teams if one)


def _in_order(rows: Iterator[dict[str, Any]], by: str) -> Iterator[Item]:
    """Items of rows in order of ``by``, those alike in order of their ids: an index leaves these
    as they come."""
    alike: list[Item] = []
    at = None
    for row in rows:
        if row[by] != at:
            yield from sorted(alike, key=lambda item: item.id)
            alike, at = [], row[by]
        alike.append(_ITEM.decode(row["body"]))
    yield from sorted(alike, key=lambda item: item.id)


def _row(item: Item) -> dict[str, Any]:
    named = {name: getattr(item, name, "") for name in INDEXES}
    row: dict[str, Any] = {name: value for name, value in named.items() if value}
    row |= {"unlanded": "1", "opened": item.opened_at}
    if item.alarm_at is not None:
        row |= {"alarmed": "1", "alarm": item.alarm_at}
    body = msgspec.json.encode(item).decode()
    due = due_key(item)[0]
    return row | {"id": item.id, "number": 0, "version": item.version, "due": due, "body": body}


def _log(event: Event) -> dict[str, Any]:
    body = msgspec.json.encode(event).decode()
    return {"id": event.id, "number": event.number, "body": body}


def _forgotten(id: str) -> str:
    return f"{_FORGOTTEN}{id}"


def _copied(row: dict[str, Any]) -> Row:
    id, number, body = row["id"], int(row["number"]), row.get("body", "")
    if id.startswith(_FORGOTTEN):
        return Row("forgotten", id.removeprefix(_FORGOTTEN))
    if id.startswith(_REVOKED):
        return Row("revoked", id.removeprefix(_REVOKED), int(row["at"]))
    return Row("event" if number else "item", id, number, body)
