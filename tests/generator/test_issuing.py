"""Making links on the command line, as whoever prints posters or sends letters does it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib import links
from chalicelib.days import DAY_MS
from chalicelib.links import Link
from chalicelib.running import now
from chalicelib.storage import FolderStore, MemoryStore
from generator import issuing
from generator.__main__ import main
from generator.issuing import Unissuable, expiry, issue, pairs
from tests.surveys import after_sales

ADDRESS = re.compile(r"https?://\S+/after-sales/\?([0-9A-Z]+)\n")


@pytest.fixture(autouse=True)
def here(empty: Path) -> Path:
    """A folder with one live survey."""
    done("new", "after-sales")
    done("link", "surveys/after-sales.yaml", "--open")
    return empty


def echoform(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def done(*arguments: str) -> str:
    result = echoform(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> str:
    result = echoform(*arguments)
    assert result.exit_code in (1, 2), result.output
    return result.output


def shown(code: str) -> dict[str, str]:
    return dict(line.split(None, 1) for line in done("link", "show", code).splitlines())


def written(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


def made(output: str) -> str:
    address = ADDRESS.fullmatch(output)
    assert address, output
    return address[1]


def test_an_open_link_is_short_and_knows_its_store() -> None:
    code = made(done("link", "after-sales", "--open", "--store", "012", "--label", "Counter 3"))
    assert len(code) == 8
    assert shown(code) == {
        "survey": "after-sales",
        "kind": "open",
        "state": "open",
        "label": "Counter 3",
        "store": "012",
    }
    assert shown(f"{code[:4]}-{code[4:]}".lower()) == shown(code)


def test_a_personal_link_knows_its_customer_and_ends() -> None:
    told = ("--customer", "C123", "--agent=A7", "--expires", "30d")
    code = made(done("link", "after-sales", "--personal", *told))
    assert len(code) == links.PERSONAL
    link = links.look_up(FolderStore(Path("data")), code)
    assert link is not None
    assert link.personal
    assert link.attributes == {"customer": "C123", "agent": "A7"}
    assert abs((link.expires_at or 0) - now() - 30 * DAY_MS) < DAY_MS


def test_links_begin_with_the_sites_own_address(here: Path) -> None:
    (here / "surveys" / "site.yaml").write_text("url: https://ask.example.com/s/\n")
    assert done("link", "after-sales", "--open").startswith(
        "https://ask.example.com/s/after-sales/?"
    )


def test_an_attribute_the_survey_does_not_declare_is_refused_with_the_list() -> None:
    said = refused("link", "after-sales", "--open", "--shop", "012")
    assert "no attribute shop (it has: customer, agent, team, store, tier)" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("link", "after-sales"), "say which"),
        (("link", "nothing", "--open"), "live: after-sales"),
        (("link", "after-sales", "--open", "--store"), "write it as --store 012"),
        (("link", "after-sales", "--open", "012"), "write it as --store 012"),
        (("link", "after-sales", "--open", "--expires", "soon"), "write 30d"),
        (("link", "after-sales", "--open", "--expires", "2020-01-01"), "over already"),
        (("link", "after-sales", "--open", "--store", "x" * 201), "at most 200"),
        (("link", "after-sales", "--from", "none.csv"), "no such file"),
        (("link", "show", "2222-3333"), "mistyped"),
        (("link", "show", "never-made"), "no link has this code"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_made(
    here: Path, arguments: tuple[str, ...], reason: str
) -> None:
    before = {path: path.read_bytes() for path in (here / "data").glob("links/*")}
    assert reason in refused(*arguments)
    assert {path: path.read_bytes() for path in (here / "data").glob("links/*")} == before


def test_every_row_of_a_table_gets_its_own_link(here: Path) -> None:
    (here / "customers.csv").write_text("customer,agent,tier\nC1,A7,\n=1+1,A8,vip\n", "utf-8")
    done("link", "after-sales", "--from", "customers.csv", "--store", "012", "--expires", "30d")
    file = here / "customers-links.csv"
    rows = written(file)
    assert [row["customer"] for row in rows] == ["C1", "'=1+1"], "no cell becomes a formula"
    found = [shown(row["code"]) for row in rows]
    assert [(f["customer"], f["agent"], f["store"], f.get("tier")) for f in found] == [
        ("C1", "A7", "012", None),
        ("=1+1", "A8", "012", "vip"),
    ]
    assert all(row["url"].endswith(f"/after-sales/?{row['code']}") for row in rows)
    assert file.stat().st_mode & 0o077 == 0, "each code is one customer's"
    assert "there already" in refused("link", "after-sales", "--from", "customers.csv")


def test_a_table_with_anything_wrong_makes_no_link_at_all(here: Path) -> None:
    before = sorted((here / "data" / "links").iterdir())
    (here / "a.csv").write_text(f"customer\nC1\n{'x' * 201}\n")
    (here / "b.csv").write_text("customer,phone\nC1,123\n")
    (here / "c.csv").write_text("customer\n")
    assert "a.csv:3: customer: Use at most 200" in refused("link", "after-sales", "--from", "a.csv")
    assert "no attribute phone" in refused("link", "after-sales", "--from", "b.csv")
    assert "no rows" in refused("link", "after-sales", "--from", "c.csv")
    assert sorted((here / "data" / "links").iterdir()) == before
    assert not list(here.glob("*-links.csv"))


def test_open_links_for_every_store_keep_their_labels_to_themselves(here: Path) -> None:
    (here / "stores.csv").write_text("store,label\n012,Counter 3\n013,\n", "utf-8")
    said = done("link", "after-sales", "--open", "--from", "stores.csv", "--label", "Poster")
    assert said == "stores-links.csv: 2 links. Open links\n"
    rows = written(here / "stores-links.csv")
    assert [len(row["code"]) for row in rows] == [8, 8]
    found = [links.look_up(FolderStore(Path("data")), row["code"]) for row in rows]
    assert found == [
        Link("after-sales", attributes={"store": "012"}, label="Counter 3"),
        Link("after-sales", attributes={"store": "013"}, label="Poster"),
    ]


def test_two_links_never_share_a_code_however_often_chance_repeats_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    links.add(store, {"AAAA": Link("hangs")})
    minted = iter(["AAAA", "BBBB", "BBBB", "CCCC", "DDDD", "EEEE", "FFFF"])
    monkeypatch.setattr(links, "mint", lambda symbols: next(minted))
    wanted = [Link("one"), Link("two"), Link("three")]
    assert issue(store, wanted) == ["DDDD", "EEEE", "FFFF"]
    assert links.look_up(store, "AAAA") == Link("hangs")
    assert [links.look_up(store, code) for code in ("DDDD", "EEEE", "FFFF")] == wanted


def test_who_is_cut_off_begins_again_and_no_customer_has_a_dead_link(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some links were stored: no file with codes, and nothing that stands in the way."""
    monkeypatch.setattr(issuing, "CHUNK", 3)
    (here / "customers.csv").write_text("customer\n" + "".join(f"C{n}\n" for n in range(10)))
    killed = iter([False, False, True])
    add = links.add

    def adding(*given: Any, **more: Any) -> None:
        if next(killed, False):
            raise KeyboardInterrupt
        add(*given, **more)

    monkeypatch.setattr(links, "add", adding)
    assert echoform("link", "after-sales", "--from", "customers.csv").exit_code
    assert not list(here.glob("*-links.csv*"))
    (here / ".customers-links.csv.4711").write_text("what kill -9 left behind")
    done("link", "after-sales", "--from", "customers.csv")
    rows = written(here / "customers-links.csv")
    known = [links.look_up(FolderStore(Path("data")), row["code"]) for row in rows]
    assert [link and link.attributes["customer"] for link in known] == [f"C{n}" for n in range(10)]
    assert not list(here.glob(".customers-links.csv.*"))


def test_a_day_ends_in_the_surveys_time_zone() -> None:
    midnight = 1_782_835_200_000  # 2026-06-30 24:00 in Shanghai
    assert expiry(after_sales(), "2026-06-30", 0) == midnight
    assert expiry(after_sales(), "36h", 5) == 36 * 3_600_000 + 5


def test_attributes_are_written_either_way() -> None:
    assert pairs(["--store", "012", "--service-type=a=b"]) == {
        "store": "012",
        "service_type": "a=b",
    }
    with pytest.raises(Unissuable):
        pairs(["--store"])
