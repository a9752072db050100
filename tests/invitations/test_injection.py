"""What strangers wrote stays a text, all the way: file, plan, message, table, export, screen."""

from __future__ import annotations

import csv
import json
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import openpyxl
import pytest
from chalice.test import Client
from click.testing import CliRunner

import app
from chalicelib.running import now
from chalicelib.survey import ids
from generator.__main__ import main
from generator.data import open_data, settings
from generator.local import live
from generator.tables import read_table
from tests.channels.servers import Sink, mail_server

HOSTILE = {
    "formula": '=HYPERLINK("http://evil.example","x")',
    "command": "@SUM(1+9)*cmd|' /C calc'!A0",
    "template": "{{7*7}}{% for x in y %}",
    "header": "C9\r\nBcc: evil@example.com\r\n\r\nbody",
    "html": '<b onclick="x()">bold</b><img src=x onerror=alert(1)>',
    "script": "</script><script>alert(1)</script>",
    "screen": "\x1b[31mred\x1b]0;title\x07\u202e",
}
PARTS = ("customer", "name")
ATTRIBUTES = ("agent", "tier")
FIELDS = ("service", "day")
SURVEY = "after-sales"
ANSWERS = {
    "service_type": "repair",
    **dict.fromkeys(("speed", "skill", "manner", "ease"), 5),
    "solved": "yes",
    "overall": 10,
    "recommend": 10,
}
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture
def hostile(request: pytest.FixtureRequest) -> str:
    return HOSTILE[request.param]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("ECHOFORM_DATA", "ECHOFORM_KEY", "ECHOFORM_S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def echoform(*line: str) -> str:
    done = CliRunner().invoke(main, line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.output), "moves the cursor"
    return done.output


def customers(text: str) -> None:
    """A file that says it in every cell and in every header, and its map: two rows, of which one
    has an address."""
    names = {part: f"{text} {part}" for part in (*PARTS, *ATTRIBUTES, *FIELDS)}
    header = [*names.values(), "email", text]
    with Path("june.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerow([*[text] * len(names), "c1@example.com", text])
        writer.writerow([*[text] * len(names), text, text])
    read = list(read_table(Path("june.csv")).columns)
    called = dict(zip(names, read, strict=False))
    known: dict[str, Any] = {part: called[part] for part in PARTS} | {"email": "email"}
    known["attributes"] = {name: called[name] for name in ATTRIBUTES}
    known["fields"] = {name: called[name] for name in FIELDS}
    Path("june.map.yaml").write_text(json.dumps(known), "utf-8")  # JSON is YAML


def table(*line: str) -> list[list[str]]:
    """The CSV that a command writes, in which no spreadsheet finds a formula."""
    echoform(*line, "--format", "csv", "--output", "out.csv")
    with Path("out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULAS)]
    return rows


@pytest.mark.parametrize("hostile", HOSTILE, indirect=True)
def test_a_stranger_s_text_is_inert_from_the_file_to_the_figures(
    hostile: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    echoform("new", SURVEY)
    customers(hostile)
    sink = Sink()
    with mail_server(sink) as port:
        Path("surveys/site.yaml").write_text(
            "channels: {email: {by: smtp, host: 127.0.0.1, secure: none, sender: a@b.example,"
            f" port: {port}}}}}",
            "utf-8",
        )
        asked = ["invite", f"surveys/{SURVEY}.yaml", "june.csv", "--campaign", "june"]
        asked += ["--quiet", "none", "--reminders", "1"]
        shown = echoform(*asked)
        assert "49" not in re.sub(r"[0-9-]{8,}|\d\d:\d\d", "", shown)
        echoform(*asked, "--send", "--yes")

    [(_, recipients, content)] = sink.arrived
    assert recipients == ["c1@example.com"]
    letter = cast(EmailMessage, message_from_bytes(content, policy=default))
    assert letter["To"] == "c1@example.com"
    assert letter.keys().count("To") == 1
    assert not {"bcc", "cc"} & {name.lower() for name in letter.keys()}  # noqa: SIM118
    plain, html = (cast(EmailMessage, part).get_content() for part in letter.iter_parts())
    assert "49" not in letter["Subject"] + re.sub(r"\?[0-9A-Z]{27}", "", plain)
    assert not re.search(r"^Bcc:", plain, re.MULTILINE)
    assert "\x1b" not in plain + html
    for tag in ("<b ", "<img src=x", "<script", 'onclick="x'):
        assert tag not in html
    if hostile == HOSTILE["template"]:
        assert "{{7*7}}" in plain, "it says what it says"

    [code] = set(re.findall(r"\?([0-9A-Z]{27})", plain.partition("optouts")[0]))
    answer(code, settings("data").key.decode(), monkeypatch)
    for job in ("merge", "invite"):
        echoform("job", job)

    rows = table("query", "select * from invitations_after_sales")
    assert [dict(zip(rows[0], row, strict=True))["state"] for row in rows[1:]] == ["answered"]
    assert rows[0][0] == "campaign"
    assert not {"c1@example.com", hostile} & {*rows[0]}
    echoform("export", SURVEY, "--output", "out.xlsx")
    for sheet in openpyxl.load_workbook("out.xlsx"):
        assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}
    table("query", "select agent, tier, count(*) from after_sales group by agent, tier")
    for line in (["status", SURVEY], ["campaigns", SURVEY], ["opt-outs"]):
        echoform(*line)
    with Path("june.problems.csv").open(encoding="utf-8-sig", newline="") as file:
        problems = list(csv.reader(file))
    assert len(problems) == 2, "the row without an address"
    assert not [cell for row in problems for cell in row if cell.startswith(FORMULAS)]


def answer(code: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page does."""
    contract = live(open_data("data"), SURVEY)
    monkeypatch.setenv("ECHOFORM_DATA", "data")
    monkeypatch.setenv("ECHOFORM_KEY", key)
    for known in (app.settings, app.store, app.definitions):
        known.cache_clear()
    body = {
        "id": ids.make(now(), 1),
        "version": contract.version,
        "language": contract.languages[0],
        "link": code,
        "answers": ANSWERS,
    }
    head = {"Content-Type": "application/json"}
    with Client(app.app) as client:
        reply = client.http.post(
            f"/responses/{SURVEY}", headers=head, body=json.dumps(body).encode()
        )
    assert reply.status_code == 201, reply.body
