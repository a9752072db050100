"""The audit trail: who did what and when, append-only, queryable, without personal data."""

from __future__ import annotations

import getpass
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chalicelib import audit, keys
from chalicelib.audit import EVENTS, record
from chalicelib.jobs.merge import merge
from chalicelib.storage import FolderStore, Store
from generator.__main__ import main
from generator.data import publish_all, settings
from generator.query import ask, open_views
from tests.jobs.answering import NOW, contract, land, names, rows, said
from tests.stores import s3_endpoint, store

__all__ = ["s3_endpoint", "store"]

SURVEY = contract(id="after-sales")
CUSTOMER, PHONE = "c-needle-17", "13800138017"
TRAIL = "select who, what, survey, facts from audit order by happened_at, what"


def test_an_event_is_created_and_never_written_over(store: Store) -> None:
    record(store, "os:a", "publish", NOW, "x", version="v")
    record(store, "os:a", "publish", NOW, "x", version="v")
    found = names(store, keys.AUDIT)
    assert len(found) == 2
    assert all(re.fullmatch(r"audit/dt=2026-11-18/[0-9A-Z]{26}\.json", name) for name in found)


def test_the_trail_is_a_view(store: Store) -> None:
    with open_views(store) as views:
        assert ask(views, "select * from audit").rows == []
    publish_all(store, [SURVEY], NOW)
    publish_all(store, [SURVEY], NOW + 1)  # changed nothing
    with open_views(store) as views:
        answer = ask(
            views, "select happened_at::varchar, dt, what, survey, facts->>'version' from audit"
        )
    assert answer.rows == [
        ("2026-11-18 11:06:40+00", "2026-11-18", "publish", "after-sales", SURVEY.version)
    ]


@pytest.fixture
def here(empty: Path) -> FolderStore:
    store = FolderStore(empty / "data")
    publish_all(store, [SURVEY], NOW)
    theirs = {"attributes": {"customer": CUSTOMER}, "answers": {"speed": 1, "phone": PHONE}}
    land(store, said(1, SURVEY, **theirs), said(2, SURVEY))
    merge(store, settings("data").key, NOW)
    return store


def echoform(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=typed, catch_exceptions=False)


def trail(store: FolderStore) -> list[tuple[object, ...]]:
    with open_views(store) as views:
        return ask(views, TRAIL).rows


def test_reading_contacts_is_noted_and_so_is_what_leaves_as_a_file(here: FolderStore) -> None:
    before = trail(here)
    assert echoform("query", "select count(*), sum(speed) from after_sales").exit_code == 0
    assert trail(here) == before
    echoform("query", f"select response from CONTACTS_after_sales where phone = '{PHONE}'")
    echoform("query", "select contacts from after_sales", "--format", "csv")
    assert PHONE not in str(trail(here))
    me = audit.operator()
    assert [line for line in trail(here) if line not in before] == [
        (me, "read_contacts", "after-sales", "{}"),
        (me, "export", "", '{"format":"csv"}'),
    ]


def test_erase_shows_asks_erases_and_is_noted(here: FolderStore) -> None:
    dry = echoform("erase", "after-sales", "--customer", CUSTOMER, "--dry-run")
    assert "after-sales: responses 1" in dry.output
    assert "dry run" in dry.output
    refused = echoform("erase", "after-sales", "--customer", CUSTOMER, typed="n\n")
    assert refused.exit_code == 1
    assert len(rows(here)) == 2
    assert echoform("job", "tally").exit_code == 0
    done = echoform("erase", "--all", "--contact", PHONE, typed="y\n")
    assert "after-sales: erased responses 1, contacts 1, due 1" in done.output
    assert [row["response"] for row in rows(here)] == [said(2, SURVEY).id]
    everybody = "select n from tallies where item = 'responses' and segment_key = ''"
    with open_views(here) as views:
        assert ask(views, everybody).rows == [(1,)]
    [line] = [line for line in trail(here) if line[1] == "erase"]
    assert line == (audit.operator(), "erase", "after-sales", '{"by":"contact","responses":1}')
    assert "nothing is held" in echoform("erase", "--all", "--customer", CUSTOMER, "--yes").output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--customer", "c"], "name one survey, or say --all"),
        (["after-sales", "--all", "--customer", "c"], "name one survey, or say --all"),
        (["after-sales"], "name one person"),
        (["after-sales", "--customer", "c", "--contact", "1"], "name one person"),
        (["nowhere", "--customer", "c"], "no survey 'nowhere' here; there are: after-sales"),
        (["after-sales", "--response", "x"], "no response id"),
        (["after-sales", "--response", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"], "no response id"),
    ],
)
def test_erase_says_what_it_was_not_told(here: FolderStore, arguments: list[str], why: str) -> None:
    result = echoform("erase", *arguments)
    assert result.exit_code
    assert why in result.output


def test_a_response_is_erased_in_the_survey_that_has_it(here: FolderStore) -> None:
    publish_all(here, [contract(id="other")], NOW)
    done = echoform("erase", "--all", "--response", said(1, SURVEY).id, "--yes")
    assert "after-sales: erased responses 1" in done.output
    assert not names(here, "responses/other/")


def test_every_event_is_documented() -> None:
    guide = (Path(__file__).parents[2] / "functions" / "README.md").read_text("utf-8")
    assert set(EVENTS) <= set(re.findall(r"^\| `(\w+)` \|", guide, re.M))
    assert all(f"``{event}``" in (audit.__doc__ or "") for event in EVENTS)


def test_an_account_without_a_name_is_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert audit.operator() == "os:unknown"
