"""Every record of follow-ups there is, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from chalicelib.follow_ups.dynamo import DynamoRecord
from chalicelib.follow_ups.events import Clock, Event, Item, item_id, opened
from chalicelib.follow_ups.port import Record
from chalicelib.follow_ups.sqlite import SqliteRecord

RESOURCES = Path(__file__).parents[1] / "infra" / "resources.yaml"
HOUR = 60 * 60 * 1000
START = 1_795_000_000_000
RESPONSE = "01M7S2Z9X0" + "0" * 16


def table() -> dict[str, Any]:
    """The table as infra/resources.yaml makes it."""

    class Loader(yaml.SafeLoader):
        """Takes CloudFormation's own tags for nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    resources = yaml.load(RESOURCES.read_text("utf-8"), Loader)["Resources"]
    found: dict[str, Any] = resources["FollowUps"]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    named = {"TableName": "echoform-follow-ups"}  # on AWS, CloudFormation names it
    return named | {name: found[name] for name in wanted}


@contextmanager
def dynamo() -> Iterator[DynamoRecord]:
    with mock_aws():
        made = table()
        boto3.client("dynamodb").create_table(**made)
        yield DynamoRecord(made["TableName"])


@pytest.fixture(params=["sqlite", "dynamo"])
def record(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Record]:
    """An empty record of each kind."""
    if request.param == "sqlite":
        yield SqliteRecord(tmp_path / "follow_ups.sqlite")
        return
    with dynamo() as found:
        yield found


CLOCK = Clock(START + HOUR, START + 2 * HOUR, START + 24 * HOUR, START + 48 * HOUR)


def item(number: int = 0, **other: Any) -> Item:
    """A follow-up as it begins."""
    response = other.pop("response", f"{RESPONSE[:-6]}{number:06d}")
    rule = other.pop("rule", "unhappy")
    survey = other.pop("survey", "service")
    clock = other.pop("clock", CLOCK)
    return Item(
        **{
            "id": item_id(survey, response, rule),
            "survey": survey,
            "response": response,
            "rule": rule,
            "title": {"zh-CN": "回访", "en": "Call back"},
            "comment": "慢",
            "customer_masked": "C***1",
            "facts": {"store": "S1"},
            "assigned_to_team": "north",
            "team": "north",
            "agent": "a1",
            "received_at": START,
            "verify_with": "service-recovery",
            "first_contact_due": clock.first_contact_due,
            "first_contact_late": clock.first_contact_late,
            "resolve_due": clock.resolve_due,
            "resolve_late": clock.resolve_late,
            **other,
        }
    )


def begin(record: Record, number: int = 0, **other: Any) -> Item:
    event = opened(item(number, **other), START)
    assert record.open(event)
    return record.get(event.id)


def event(kind: str, at: int = START, by: str = "a1", **data: Any) -> Event:
    return Event(id="", number=0, at=at, by=by, kind=kind, **data)


def after(record: Record, item: Item, *events: Event) -> Item:
    for each in events:
        item = record.append(item.id, item.version, each)
    return item


TAKE = event("take")
REACHED = event("call", channel="phone", outcome="reached")
START_WORK = event("start")
RESOLVE = event("resolve", cause="part missing", remedy="part sent")
