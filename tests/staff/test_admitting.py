"""Tokens from the command line, and their end."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from chalicelib import keys
from chalicelib.audit import Event
from chalicelib.running import now
from chalicelib.staff.api import known, open_desk
from chalicelib.staff.tokens import BadToken
from generator.__main__ import main
from generator.data import open_data, settings


def echoform(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["staff", *arguments], catch_exceptions=False)


def test_a_person_is_admitted_and_sent_away_at_once(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    asked = ["--sub", "A07", "--role", "lead", "--team", "T1", "--team", "技术支持", "--hours", "8"]
    token = echoform("token", *asked, "--data", data).output.strip()
    desk = open_desk(settings(data), open_data(data), {})
    headers = {"authorization": f"Bearer {token}"}
    person = known(desk, headers, now())
    assert (person.sub, person.role, person.teams) == ("A07", "lead", ["T1", "技术支持"])
    assert 7.9 < (person.expires_at - now()) / 3_600_000 <= 8
    assert "refused from now on" in echoform("revoke", "A07", "--data", data).output
    with pytest.raises(BadToken) as caught:
        known(desk, headers, now())
    assert caught.value.code == "revoked"
    again = echoform("token", *asked, "--data", data).output.strip()
    assert known(desk, {"authorization": f"bearer {again}"}, now()).sub == "A07"


def test_both_are_noted_and_the_token_is_not(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    site = ("--site", "https://example.test/", "--data", data)
    printed = echoform("token", "--sub", "A07", "--role", "agent", *site).output
    address, _, token = printed.strip().partition("#token=")
    assert address == "https://example.test/staff/"
    echoform("revoke", "A07", "--data", data)
    store = open_data(data)
    found = [store.get(entry.key).data for entry in store.list(keys.AUDIT)]
    events = [msgspec.json.decode(each, type=Event) for each in found]
    assert {event.what for event in events} == {"staff_token", "staff_revoke"}
    assert not any(token.encode() in each for each in found)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("token --sub A07 --role boss", "agent"),
        ("token --sub system --role admin", "--sub"),
        ("token --sub A07 --role agent --hours 0", "0"),
        ("token --sub A07 --role agent --hours 100000", "744"),
    ],
)
def test_what_means_nothing_is_said_in_words(tmp_path: Path, arguments: str, said: str) -> None:
    result = echoform(*arguments.split(), "--data", str(tmp_path))
    assert result.exit_code
    assert said in result.output
    assert "Traceback" not in result.output
