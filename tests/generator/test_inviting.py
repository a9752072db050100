"""A campaign on the command line, as a marketer runs it: shown first, then sent, never twice."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from chalicelib import links
from chalicelib.days import local
from chalicelib.invitations import contact_rule, record
from chalicelib.running import now
from chalicelib.storage import FolderStore
from generator.__main__ import main
from generator.data import settings

HEADER = ["客户编号", "姓名", "手机", "邮箱", "客户等级", "service_date"]
NAMES = ["王小明", "{{7*7}}", "a\r\nBcc: x@evil.example", "<b>Ann</b>", "@SUM(1)"]


@pytest.fixture(autouse=True)
def here(empty: Path) -> Path:
    """A folder with a survey and June's customers."""
    done("new", "after-sales")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER)
    for at in range(12):
        phone = 13800138000 + at if at % 2 else None
        tier = "VIP" if at < 8 else "普通"
        name = NAMES[at % len(NAMES)]
        sheet.append([f"C{at}", name, phone, f"c{at}@example.com", tier, f"2026-05-{at + 1:02d}"])
    sheet.append(["C90", "无", "010-62345678", "", "VIP", "2026-05-01"])
    book.save("june.xlsx")
    return empty


def echoform(*arguments: str, says: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=says, catch_exceptions=False)


def invite(*options: str, says: str = "") -> str:
    """With every hour a good one, for tests run at night too."""
    survey = ("invite", "surveys/after-sales.yaml", "june.xlsx", "--quiet", "none")
    result = echoform(*survey, *options, says=says)
    assert result.exit_code == 0, result.output
    return result.output


def done(*arguments: str) -> None:
    result = echoform(*arguments)
    assert result.exit_code == 0, result.output


def refused(*arguments: str, says: str = "") -> str:
    result = echoform("invite", "surveys/after-sales.yaml", *arguments, says=says)
    assert result.exit_code in (1, 2), result.output
    return result.output


def sent() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(Path("data/outbox").rglob("*.json"))]


def counts(output: str) -> dict[str, int]:
    rows = re.findall(r"^ *-? *(.+?)  +([0-9,]+)$", output, re.MULTILINE)
    return {what: int(many.replace(",", "")) for what, many in rows}


def test_first_it_is_only_shown(here: Path) -> None:
    output = invite("--where", "客户等级 = 'VIP' and service_date < DATE '2026-05-09'")
    assert counts(output) == {
        "Rows in june.xlsx": 13,
        "left out by --where": 4,
        "a wrong address": 1,
        "To be invited": 8,
        "by email": 8,
    }
    assert "row 14: 手机: is no mobile number" in output
    assert "nothing is sent" in output
    assert output.count("Example") == 3
    data = {path.name for path in (here / "data").iterdir()}
    assert data.isdisjoint({"campaigns", "outbox", "links", "asked"})


def test_nobody_can_be_recognised_in_what_is_shown() -> None:
    output = invite("--channel", "sms", "--channel", "email")
    for at in range(12):
        assert f"c{at}@" not in output
        assert f"{13800138000 + at}" not in output
    assert "小明" not in output
    assert "Bcc" not in output


def test_a_sent_campaign_reaches_each_once_with_a_link_that_works() -> None:
    output = invite("--channel", "sms", "--channel", "email", "--send", "--yes")
    assert "12 invitations planned" in output
    assert "12 invitations sent" in output
    assert "Nobody was reached by email" in output
    store = FolderStore(Path("data"))
    messages = sent()
    assert len({message["to"] for message in messages}) == len(messages) == 12
    known = []
    for message in messages:
        [code] = re.findall(r"/after-sales/\?([0-9A-Z]{27})", message["text"])
        link = links.look_up(store, code)
        assert link is not None
        known.append(link.attributes)
    assert sorted(k["customer"] for k in known) == sorted(f"C{at}" for at in range(12))
    assert {k["tier"] for k in known} == {"VIP", "普通"}


def test_the_same_again_goes_on_and_adds_nobody() -> None:
    invite("--campaign", "june", "--send", "--yes")
    before = sent()
    output = invite("--campaign", "june", "--send", "--yes")
    assert "planned already" in output
    assert "Nothing is due now" in output
    assert sent() == before
    assert (
        "asked too recently"
        in echoform("invite", "surveys/after-sales.yaml", "june.xlsx", "--campaign", "july").output
    ), "the contact rule holds for another campaign"


def test_a_campaign_that_was_cut_off_between_plan_and_send_is_sent_by_the_same_command() -> None:
    invite("--campaign", "june", "--send", "--yes", "--send-at", "2099-01-01 10:00")
    assert not sent()
    store = FolderStore(Path("data"))
    key = settings("data").key
    campaign = record.read_campaign(store, "after-sales", "june")
    for shard in record.shards(store, campaign):
        due = {n: record.changed(each, send_at=now()) for n, each in shard.invitations.items()}
        record.replace(store, shard, due)
    contact_rule.opt_out(store, contact_rule.person(key, "C3"), now())
    output = invite("--campaign", "june", "--send")
    assert "11 invitations sent" in output
    assert "1 not sent: opted out meanwhile" in output


def test_it_asks_before_it_sends_and_no_is_no(here: Path) -> None:
    said = refused("june.xlsx", "--send", says="n\n")
    assert "Plan 12 invitations and send what is due?" in said
    assert "nothing was written" in said
    assert not (here / "data" / "campaigns").exists()
    assert "12 invitations planned" in invite("--send", says="y\n")


def test_in_quiet_hours_it_is_planned_and_waits_for_the_morning() -> None:
    around = [local(now() + hours * 3_600_000, "Asia/Shanghai") for hours in (-1, 1)]
    output = invite("--send", "--yes", "--quiet", "-".join(f"{at:%H:%M}" for at in around))
    assert "12 invitations planned" in output
    assert f"It is quiet until {around[1]:%Y-%m-%d %H:%M}: 12 go out then" in output
    assert not sent()


def test_what_goes_out_later_says_when_and_by_whom() -> None:
    output = invite(
        *("--send-at", "2099-05-20 10:00", "--notice", "3d", "--window", "7d"),
        *("--reminders", "2", "--send", "--yes"),
    )
    assert "notice       2099-05-17 10:00" in output
    assert "invitation   2099-05-20 10:00" in output
    assert "last moment  2099-05-27 23:59" in output
    assert "2 at most" in output
    assert "Example 1: notice by email" in output
    assert "Nothing is due now" in output
    assert "echoform serve" in output
    assert not sent()


def test_a_sample_says_its_frame_and_can_be_drawn_again() -> None:
    output = invite("--sample", "50%", "--by", "tier", "--seed", "s")
    assert re.search(r"VIP +4 of 8", output)
    assert re.search(r"普通 +2 of 4", output)
    assert "drawn with the seed s" in output
    again = invite("--sample", "50%", "--by", "tier", "--seed", "s")
    assert again.partition("Campaign")[2] == output.partition("Campaign")[2]


def test_columns_are_guessed_once_and_what_the_file_says_then_counts(here: Path) -> None:
    output = invite()
    assert "guessed; mend it in june.map.yaml" in output
    kept = here / "june.map.yaml"
    assert 'phone: "手机"' in kept.read_text("utf-8")
    kept.write_text('customer: "客户编号"\nphone: "手机"\n', "utf-8")
    output = invite()
    assert "Columns as june.map.yaml says" in output
    assert counts(output)["by sms"] == 6
    other = here / "other.yaml"
    other.write_text('email: "邮箱"\n', "utf-8")
    assert counts(invite("--map", "other.yaml"))["by email"] == 12


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_csv_and_parquet_are_read_alike(here: Path, suffix: str) -> None:
    rows = pd.read_excel("june.xlsx", dtype=str, engine="calamine").fillna("")
    if suffix == "csv":
        rows.to_csv("june.csv", index=False, encoding="gb18030")
    else:
        rows.to_parquet("june.parquet")
    before = counts(invite())
    Path("june.map.yaml").unlink()
    result = echoform("invite", "surveys/after-sales.yaml", f"june.{suffix}", "--quiet", "none")
    after = counts(result.output)
    assert after.pop(f"Rows in june.{suffix}") == before.pop("Rows in june.xlsx")
    assert after == before


def test_a_file_none_of_whose_columns_is_known_leaves_no_map(here: Path) -> None:
    """Else its owner would mend the file and be told what the map of the old one said."""
    (here / "a.csv").write_text("x,y\n1,2\n")
    assert "none of its columns is known: x, y" in refused("a.csv")
    assert not (here / "a.map.yaml").exists()


def test_every_row_to_look_at_is_in_a_file_of_its_own(here: Path) -> None:
    assert "june.problems.csv" in invite()
    assert (here / "june.problems.csv").read_text("utf-8-sig").splitlines() == [
        "row,problem",
        '14,"手机: is no mobile number, so it gets no text message"',
    ]


def test_names_are_texts_in_every_message_that_goes_out() -> None:
    """No formula is computed, no template read, no header ended, no HTML made."""
    invite("--send", "--yes")
    messages = sent()
    assert len(messages) == 12
    for message in messages:
        said = json.dumps(message, ensure_ascii=False)
        assert "49" not in message["subject"]
        assert "\n" not in message["subject"] + message["to"]
        assert not re.search(r"^Bcc:", message["text"], re.MULTILINE)
        assert "<b>Ann" not in message["html"]
        assert "\\u001b" not in said
    texts = "".join(message["text"] for message in messages)
    assert "{{7*7}}" in texts
    assert "a Bcc: x" in texts


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("none.xlsx",), "no such file"),
        (("june.xlsx", "--where", "tierr = 1"), '"客户等级" text'),
        (("june.xlsx", "--where", "false"), "nobody is left"),
        (("june.xlsx", "--sample", "all"), "write 30% or 500"),
        (("june.xlsx", "--by", "tier"), "add --sample"),
        (("june.xlsx", "--sample", "9", "--by", "shop"), "no such column"),
        (("june.xlsx", "--campaign", "Juni Ä"), "small letters"),
        (("june.xlsx", "--channel", "wechat"), "no column is known to hold wechat"),
        (("june.xlsx", "--send-at", "tomorrow"), "write 2026-05-20"),
        (("june.xlsx", "--send-at", "2020-01-01"), "over already"),
        (("june.xlsx", "--notice", "3"), "write 3d"),
        (("june.xlsx", "--window", "7d", "--deadline", "2099-01-01"), "either"),
        (("june.xlsx", "--deadline", "2020-01-01"), "before the invitations go out"),
        (("june.xlsx", "--contact-rule", "36h"), "whole days"),
        (("june.xlsx", "--reminders", "3"), "0<=x<=2"),
        (("june.xlsx", "--quiet", "night"), "write 21:00-09:00"),
        (("june.xlsx", "--map", "none.yaml"), "none.yaml"),
        (("june.xlsx", "--country", "XX"), "no country"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_planned(
    here: Path, options: tuple[str, ...], said: str
) -> None:
    assert said in refused(*options, "--send", "--yes")
    assert not (here / "data" / "campaigns").exists()


def test_a_survey_that_is_not_live_yet_says_which_file_makes_it_so() -> None:
    output = echoform("invite", "after-sales", "june.xlsx").output
    assert "surveys/after-sales.yaml" in output


def site(*lines: str) -> None:
    Path("surveys/site.yaml").write_text("\n".join(lines), "utf-8")


def test_what_keeps_messages_from_going_out_is_said_before_and_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And once it is mended, the same command sends the rest."""
    mail = (
        "channels: {email: {by: smtp, host: 127.0.0.1, port: 1, secure: none, sender: a@b.example"
    )
    site("url: https://s.example.com", f"{mail}, password_from: MAIL}}}}")
    monkeypatch.delenv("MAIL", raising=False)
    why = "channel email: the environment variable MAIL is not set"
    assert f"By email nothing can go out from here yet: {why}" in invite("--campaign", "june")
    assert f"By email nothing goes out now: {why}" in invite(
        "--campaign", "june", "--send", "--yes"
    )
    site("url: https://s.example.com", f"{mail}}}}}")
    again = invite("--campaign", "june", "--send")
    assert "nothing goes out now: the mail server: ConnectionRefusedError" in again
    assert not sent()
    site("url: https://s.example.com")
    assert "12 invitations sent" in invite("--campaign", "june", "--send")


def test_nobody_gets_a_link_that_only_this_machine_can_open(here: Path) -> None:
    site("channels: {email: {by: smtp, host: mail.example.com, sender: a@b.example}}")
    told = "links lead to http://127.0.0.1:8000, which is this machine alone; set `url`"
    assert told in invite()
    assert told in refused("june.xlsx", "--send", "--yes")
    assert not (here / "data" / "campaigns").exists()
    site(
        "channels: {email: {by: smtp, host: 127.0.0.1, port: 1, secure: none, sender: a@b.example}}"
    )
    assert "12 invitations planned" in invite("--send", "--yes"), "to try it"


def test_a_closed_survey_plans_nobody(here: Path) -> None:
    invite()
    done("close", "after-sales")
    told = refused("june.xlsx", "--send", "--yes")
    assert "after-sales is closed; first: echoform reopen after-sales" in told
    assert not (here / "data" / "campaigns").exists()


def test_a_condition_that_cannot_be_says_what_stands_in_its_way() -> None:
    assert "single quotes: 'VIP'" in refused("june.xlsx", "--where", "客户等级 = VIP")
    Path("july.csv").write_text("邮箱,服务日期\na@example.com,2026-05-01\nb@example.com,昨天\n")
    told = refused("july.csv", "--where", "服务日期 >= current_date - 30")
    assert '"服务日期" text (row 3 holds no day)' in told


def test_the_dry_run_says_what_text_messages_cost() -> None:
    said = counts(invite("--channel", "sms"))
    assert said["by sms"] == 6
    assert said["segments of these texts: they cost by segment"] == 2 * 6
