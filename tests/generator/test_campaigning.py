"""Campaigns under way, on the command line: how they stand, reminders, doubts, the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chalicelib import keys
from chalicelib.days import DAY_MS
from chalicelib.invitations import record
from chalicelib.invitations.invitation import Campaign, Invitation, Step
from chalicelib.invitations.learning import hear
from chalicelib.running import now
from chalicelib.storage import FolderStore
from generator import campaigning
from generator.__main__ import main
from tests.jobs.answering import names

CUSTOMERS = "客户编号,邮箱,手机\nC0,c0@example.com,\nC1,c1@example.com,\nC2,,13800138002\n"
SURVEY = "after-sales"


@pytest.fixture(autouse=True)
def here(empty: Path) -> Path:
    """A folder in which three customers were invited in June's campaign."""
    done("new", SURVEY)
    Path("june.csv").write_text(CUSTOMERS, "utf-8")
    done(*invitation("june"))
    return empty


def invitation(campaign: str, *more: str) -> list[str]:
    """With every hour a good one, for tests run at night too."""
    asked = ["invite", f"surveys/{SURVEY}.yaml", "june.csv", "--campaign", campaign]
    return [*asked, "--quiet", "none", "--send", "--yes", *more]


def echoform(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def done(*arguments: str) -> str:
    result = echoform(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> str:
    result = echoform(*arguments)
    assert result.exit_code == 1, result.output
    return result.output


def store() -> FolderStore:
    return FolderStore(Path("data"))


def june() -> Campaign:
    return record.read_campaign(store(), SURVEY, "june")


def everybody() -> dict[str, Invitation]:
    return {
        each.customer: each
        for shard in record.shards(store(), june())
        for each in shard.invitations.values()
    }


def change(customer: str, *steps: Step) -> None:
    """Put another history on record."""
    for key in record.shard_keys(store(), june()):
        record.change(
            store(),
            key,
            lambda there: {
                each.id: record.changed(each, steps=list(steps))
                for each in there.values()
                if each.customer == customer
            },
        )


def cells(output: str, first: str) -> list[str]:
    return next(line.split()[1:] for line in output.splitlines() if line.startswith(f"{first} "))


def test_status_counts_every_step_by_campaign_channel_and_day() -> None:
    at = now()
    change("C0", Step("sending", at), Step("sent", at), Step("opened", at), Step("answered", at))
    change("C1", Step("sending", at), Step("sent", at), Step("reminded", at), Step("opted_out", at))
    told = done("status", SURVEY)
    assert told.startswith(f"{SURVEY}: open\n")
    # invited delivered opened answered reminded opted out, not reached
    assert cells(told, "june") == ["3", "0", "1", "1", "1", "1", "0"]
    assert cells(told, "email") == ["2", "0", "1", "1", "1", "1", "0"]
    assert cells(told, "sms") == ["1", "0", "0", "0", "0", "0", "0"]
    assert cells(told, f"{campaigning.day(at, 'Asia/Shanghai')}") == cells(told, "june")


def test_status_is_shown_again_and_again_where_it_is_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        change("C0", *everybody()["C0"].steps, Step("answered", now()))
        if len(waited) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(campaigning.time, "sleep", wait)
    told = echoform("status", SURVEY, "--watch").output
    assert waited == [campaigning.WATCH_S] * 2
    first, second = told.split(f"{SURVEY}: open\n")[1:]
    assert (cells(first, "june")[3], cells(second, "june")[3]) == ("0", "1")


def test_what_is_not_there_is_said() -> None:
    for command in ("status", "remind", "close", "reopen"):
        assert (
            "no survey 'nowhere' is live in this data; say its id (live: after-sales)"
            in refused(command, "nowhere")
        )
    assert "no campaign 'may'" in refused("settle", SURVEY, "may", "--sent")
    assert "no campaign may" in refused("remind", SURVEY, "--campaign", "may")
    assert done("campaigns", "nowhere") == "no campaigns yet\n"
    assert "say --sent or --again" in echoform("settle", SURVEY, "june").output


def test_doubts_are_settled_one_by_one_or_all_and_sent_again() -> None:
    ids = {customer: each.id for customer, each in everybody().items()}
    for customer in ids:
        change(customer, Step("sending", now()), Step("uncertain", now()))
    before = names(store(), keys.OUTBOX)
    told = done("campaigns")
    assert f"{SURVEY} june: 3 uncertain" in told
    assert all(each in told for each in ids.values())
    assert "in doubt: 3" in done("status", SURVEY)
    done("settle", SURVEY, "june", ids["C0"], "--sent")
    assert f"not in doubt: {ids['C0']}" in refused("settle", SURVEY, "june", ids["C0"], "--again")
    assert "2 settled as to be sent again" in done("settle", SURVEY, "june", "--again")
    done("job", "invite")
    assert {each.state for each in everybody().values()} == {"sent"}
    assert [s.kind for s in everybody()["C0"].steps] == ["sending", "uncertain", "sent"]
    assert names(store(), keys.OUTBOX) == before, "the outbox has one of each, by its key"


def test_reminders_by_hand_are_one_a_day_and_two_in_all() -> None:
    assert done("remind", SURVEY).startswith("0 reminded"), "they were written to today"
    sent = now() - 2 * DAY_MS
    for customer in ("C0", "C1", "C2"):
        change(customer, Step("sending", sent), Step("sent", sent))
    change("C1", Step("sent", sent), Step("answered", sent))
    assert done("remind", SURVEY, "--campaign", "june").startswith("2 reminded")
    assert done("remind", SURVEY).startswith("0 reminded")
    twice = [Step("sent", sent), *[Step("reminded", sent)] * 2]
    change("C0", *twice)
    change("C2", *twice)
    assert done("remind", SURVEY).startswith("0 reminded")


def test_an_opt_out_by_hand_is_one_of_all_surveys_and_can_be_taken_back() -> None:
    assert "nothing more is sent" in done("opt-outs", "--add", "C1@Example.com")
    assert "nothing more is sent" in done("opt-outs", "--add", "C2", "--customer")
    listed = done("opt-outs")
    assert "2 hashes" in listed
    assert "example" not in listed
    later = done(*invitation("july", "--contact-rule", "0"))
    assert "1 invitation planned" in later
    assert "wants no messages" in later
    done("opt-outs", "--remove", "c1@example.com")
    assert "1 hashes" in done("opt-outs")
    assert "2 invitations planned" in done(*invitation("august", "--contact-rule", "0"))


def test_a_closed_survey_invites_and_reminds_nobody_until_it_is_opened() -> None:
    sent = now() - 2 * DAY_MS
    change("C0", Step("sending", sent), Step("sent", sent))
    assert "is closed" in done("close", SURVEY)
    assert "is closed already" in done("close", SURVEY)
    assert done("status", SURVEY).startswith(f"{SURVEY}: closed")
    assert done("remind", SURVEY).startswith("0 reminded")
    assert "is open again" in done("reopen", SURVEY)
    assert "is open already" in done("reopen", SURVEY)
    assert done("remind", SURVEY).startswith("1 reminded")


def test_who_did_it_is_on_record() -> None:
    change("C0", Step("sending", now()), Step("uncertain", now()))
    done("settle", SURVEY, "june", "--sent")
    done("opt-outs", "--add", "c1@example.com")
    done("close", SURVEY)
    trail = b"".join(store().get(each).data for each in names(store(), keys.AUDIT)).decode()
    for act in ("settle", "opt_out", "close"):
        assert f'"{act}"' in trail
    assert "c1@" not in trail


def test_what_was_heard_is_counted_once_the_job_has_run() -> None:
    each = everybody()["C2"]
    [shard] = record.shard_keys(store(), june())
    hear(store(), SURVEY, record.where(june(), shard, each.id), Step("delivered", now()))
    done("job", "invite")
    assert cells(done("status", SURVEY), "sms")[1] == "1"
