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


@pytest.fixture(autouse=True)
def here(empty: Path) -> Path:
    return empty


def echoform(*line: str) -> str:
    done = CliRunner().invoke(main, line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.output), "moves the cursor"
    return done.output


def customers() -> None:
    """A file with a hostile text in every cell of every row, another one in every header, and one
    row that has such a text for its address; and what its columns are."""
    parts = [*PARTS, *ATTRIBUTES, *FIELDS]
    texts = [*HOSTILE.values()]
    headers = [f"{text} {part}" for text, part in zip(texts, parts, strict=False)]
    with Path("june.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*headers, "email", texts[-1]])
        for number, text in enumerate(texts):
            writer.writerow([*[text] * len(parts), f"c{number}@example.com", text])
        writer.writerow([*["plain"] * len(parts), texts[0], "plain"])
    columns = dict(zip(parts, read_table(Path("june.csv")).columns, strict=False))
    known: dict[str, Any] = {part: columns[part] for part in PARTS} | {"email": "email"}
    known["attributes"] = {name: columns[name] for name in ATTRIBUTES}
    known["fields"] = {name: columns[name] for name in FIELDS}
    Path("june.map.yaml").write_text(json.dumps(known), "utf-8")  # JSON is YAML


def table(*line: str) -> list[list[str]]:
    """The CSV that a command writes, in which no spreadsheet finds a formula."""
    echoform(*line, "--format", "csv", "--output", "out.csv")
    with Path("out.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULAS)]
    return rows


def test_a_stranger_s_text_is_inert_from_the_file_to_the_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    echoform("new", SURVEY)
    customers()
    sink = Sink()
    with mail_server(sink) as port:
        Path("surveys/site.yaml").write_text(
            "channels: {email: {by: smtp, host: 127.0.0.1, secure: none, sender: a@b.example,"
            f" port: {port}, per_second: 1000}}}}",
            "utf-8",
        )
        asked = ["invite", f"surveys/{SURVEY}.yaml", "june.csv", "--campaign", "june"]
        asked += ["--quiet", "none"]
        echoform(*asked)
        echoform(*asked, "--send", "--yes")

    codes = []
    letters = {to: (recipients, content) for recipients, content, to in arrived(sink)}
    assert len(letters) == len(sink.arrived) == len(HOSTILE)
    for number, text in enumerate(HOSTILE.values()):
        recipients, content = letters[f"c{number}@example.com"]
        codes.append(inert(content, recipients, text))
    key = settings("data").key.decode()
    for number, code in enumerate(codes):
        answer(code, number, key, monkeypatch)
    for job in ("merge", "invite"):
        echoform("job", job)

    rows = table("query", "select * from invitations_after_sales")
    states = [dict(zip(rows[0], row, strict=True))["state"] for row in rows[1:]]
    assert states == ["answered"] * len(HOSTILE)
    assert not re.search(r"@example\.com|[=@{<]", " ".join(rows[0])), "no header of the file"
    found = table("query", "select agent, tier, count(*) from after_sales group by agent, tier")
    assert len(found) == 1 + len(HOSTILE), "each is a text of its own"
    echoform("export", SURVEY, "--output", "out.xlsx")
    for sheet in openpyxl.load_workbook("out.xlsx"):
        assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}
    for line in (["status", SURVEY], ["campaigns", SURVEY], ["opt-outs"]):
        echoform(*line)
    with Path("june.problems.csv").open(encoding="utf-8-sig", newline="") as file:
        problems = list(csv.reader(file))
    assert len(problems) == 2, "the row without an address"
    assert not [cell for row in problems for cell in row if cell.startswith(FORMULAS)]


def arrived(sink: Sink) -> list[tuple[list[str], bytes, str]]:
    return [(recipients, content, recipients[0]) for _, recipients, content in sink.arrived]


def inert(content: bytes, recipients: list[str], text: str) -> str:
    """A letter to one person that says the text and does nothing of it; the code of its link."""
    letter = cast(EmailMessage, message_from_bytes(content, policy=default))
    assert [letter["To"]] == recipients
    assert letter.keys().count("To") == 1
    assert not {"bcc", "cc"} & {name.lower() for name in letter.keys()}  # noqa: SIM118
    plain, html = (cast(EmailMessage, part).get_content() for part in letter.iter_parts())
    assert "49" not in letter["Subject"] + re.sub(r"\?[0-9A-Z]{27}", "", plain)
    assert not re.search(r"^Bcc:", plain, re.MULTILINE)
    assert not re.search(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\u202e]", plain + html)
    for tag in ("<b ", "<img src=x", "<script"):
        assert tag not in html
    if text in (HOSTILE["template"], HOSTILE["html"]):
        assert text in plain, "it says what it says"
    [code] = set(re.findall(r"\?([0-9A-Z]{27})", plain.partition("optouts")[0]))
    return str(code)


def answer(code: str, number: int, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the page does."""
    contract = live(open_data("data"), SURVEY)
    monkeypatch.setenv("ECHOFORM_DATA", "data")
    monkeypatch.setenv("ECHOFORM_KEY", key)
    for known in (app.settings, app.store, app.definitions):
        known.cache_clear()
    body = {
        "id": ids.make(now(), number),
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
