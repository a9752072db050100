"""The operator's page says of the stage what the code says, or says that nobody could look.

Commands, files, names and limits are read out of its text and compared; prices are, in test_costs.
What else a section says is held by the tests that its last table names, and those must be there.
"""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from chalice.app import ScheduledEventConfig

import app
from chalicelib import keys, published, settings
from chalicelib.invitations import learning, service_events
from chalicelib.jobs import elsewhere, merge, tally
from chalicelib.staff import tokens
from generator import account, deploying, depot, packaging, snapshots, template
from generator.__main__ import main
from generator.places import INFRA
from tests.infra.operating import (
    BLOCKS,
    FLAT,
    MARK,
    PROSE,
    README,
    SPANS,
    coded,
    headings,
    sections,
    table,
)
from tests.infra.threats import THREATS

ROOT = Path(__file__).parents[2]
MADE = template.template(app.app)
OURS = template.load(INFRA / "resources.yaml")
"""Without what Chalice says."""
FUNCTIONS = template.functions(app.app)


def resource(name: str) -> Any:
    return MADE["Resources"][name]["Properties"]


def default(name: str) -> Any:
    return MADE["Parameters"][name]["Default"]


def rules(bucket: str) -> dict[str, Any]:
    return {each["Id"]: each for each in resource(bucket)["LifecycleConfiguration"]["Rules"]}


# --- The picture ---------------------------------------------------------------------------------


def test_the_picture_names_every_function_and_what_starts_it() -> None:
    tree = ElementTree.parse(ROOT / ".github" / "architecture.svg")
    drawn = {}
    for group in tree.iter("{http://www.w3.org/2000/svg}g"):
        if group.get("class") == "f":
            name, starts = group.itertext()
            drawn[name] = starts
    scheduled = {"1 minutes": "each minute", "5 minutes": "each 5 minutes", "1 days": "daily"}
    expected = {"api_handler": "at each request", "read": "for api_handler"}
    for each in app.app.event_sources:
        when = each.schedule_expression if isinstance(each, ScheduledEventConfig) else None
        expected[each.name] = scheduled[f"{when.value} {when.unit.lower()}"] if when else "by queue"
    assert drawn == expected
    assert "(../.github/architecture.svg)" in README


# --- Names ---------------------------------------------------------------------------------------


def test_parameters_and_outputs_are_the_templates() -> None:
    said = {coded(name)[0]: coded(value) or [value] for name, value, _ in table("parameter")}
    assert said == {
        name: [str(each.get("Default", "must be given")) or "none"]
        for name, each in MADE["Parameters"].items()
    }
    assert [name for row in table("output") for name in coded(row[0])] == [*OURS["Outputs"]]


def test_variables_are_those_that_functions_are_told_and_read() -> None:
    said = {coded(name)[0]: coded(to) or to for name, to, _ in table("variable")}
    told: dict[str, Any] = dict.fromkeys(
        MADE["Globals"]["Function"]["Environment"]["Variables"], "all"
    )
    for function in FUNCTIONS:
        own = resource(template.logical(function)).get("Environment", {}).get("Variables", {})
        for name in own:
            told.setdefault(name, []).append(function)
    read = re.findall(r"^``([A-Z_0-9]+)``", f"{settings.__doc__}\n{tokens.__doc__}", re.M)
    told = dict.fromkeys(read, "none") | told
    assert {k: sorted(v) for k, v in said.items()} == {k: sorted(v) for k, v in told.items()}
    beside = {*re.findall(r"\b(?:ECHOFORM|MERGE|AWS)_[A-Z_0-9]+", README)} - {*said}
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "generator").rglob("*.py"))
    assert not [name for name in beside if f'"{name}"' not in sources]


def test_what_begins_with_a_capital_is_in_the_templates() -> None:
    walled = template.load(INFRA / "waf.yaml")
    known = {*MADE["Resources"], *MADE["Parameters"], *MADE["Outputs"]}
    known |= {*walled["Resources"], *walled["Outputs"]}
    of_others = {"Delivery", "Bounce", "Complaint", "Echoform", "Retain", "Environment"}
    found = {each for each in SPANS if re.fullmatch(r"[A-Z][a-z][A-Za-z]+", each)}
    assert found - known <= of_others
    for group in re.findall(r"/echoform/echoform-prod/(\w+)", README):
        assert f"{group}Log" in MADE["Resources"]


def test_alarms_and_their_runbook_are_the_same() -> None:
    kinds = ("AWS::CloudWatch::Alarm", "AWS::Budgets::Budget")
    alarms = {name for name, each in MADE["Resources"].items() if each["Type"] in kinds}
    said = sections(sections(PROSE, "##")["When an alarm sounds"], "###")
    assert {*said} - {"What else there is to look at"} == alarms
    for name in alarms:
        words = re.findall(r"^- \*\*([A-Za-z ]+?):?\*\*", said[name], re.M)
        assert words == ["Means", "Customers notice", "Look", "Do", "Over when"], name
        assert re.search(r"\*\*Look:\*\* `(aws|echoform) ", said[name]), name


# --- Commands and files --------------------------------------------------------------------------


def commands() -> Iterator[str]:
    for each in [*BLOCKS, *SPANS]:
        yield from re.findall(r"(?:^|(?<=\s))echoform [a-z][^`#]*", each)


def test_every_command_and_option_is_there() -> None:
    for line in [part for each in commands() for part in re.split(r"(?=\bechoform [a-z])", each)]:
        words = line.split()[1:]
        if not words:
            continue
        command: click.Command = main
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert command is not main, line
        given = {word for word in words if re.fullmatch("--[a-z-]+", word)}
        assert given <= options(command), line
    every = set().union(*(options(each) for each in main.commands.values()))
    alone = {word for each in SPANS if each.startswith("--") for word in each.split()}
    assert {word for word in alone if word.startswith("--")} <= every


def options(command: click.Command) -> set[str]:
    return {name for each in command.params for name in (*each.opts, *each.secondary_opts)}


ELSEWHERE = {
    "surveys/site.yaml",  # the author's
    "index.html",  # in the site's bucket
    "404.html",
    "after-sales/index.html",
    "stages/STAGE/left.json",  # in the bucket of packages
    keys.LIVE,
    snapshots.WORKING,
}


def test_every_file_and_place_is_there() -> None:
    packaged = {f"template-{each}.json" for each in template.PARTITIONS} | {deploying.WAF}
    packaged |= {template.CODE, template.LAYER, packaging.MANIFEST}
    places = {value for value in vars(keys).values() if isinstance(value, str)}
    for span in SPANS:
        if re.fullmatch(r"[\w./-]+\.(yaml|js|md|py|json|lock|txt|zip|html)", span):
            known = span in packaged | ELSEWHERE or any(
                (base / span).is_file() for base in (INFRA, ROOT)
            )
            assert known or span.startswith("test_"), span
        elif re.fullmatch(r"[a-z_]+/", span):
            assert span in places | {"build/"} or (INFRA / span).is_dir(), span
        elif re.fullmatch(r"\.\./[\w/]+", span):
            assert (INFRA / span).exists(), span
    anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings("##+")}
    for link in re.findall(r"\]\(([^)]+)\)", README):
        if link.startswith("#"):
            assert link[1:] in anchors, link
        elif "://" not in link:
            assert (INFRA / link.split("#")[0]).exists(), link
    others = [path.read_text("utf-8") for path in (ROOT / "README.md", *ROOT.glob("*/README.md"))]
    assert {*re.findall(r"infra/README\.md#([\w-]+)", "".join(others))} <= anchors


# --- What holds the rest -------------------------------------------------------------------------


def test_what_nobody_could_look_at_is_marked_in_the_same_words() -> None:
    marked = FLAT.lower().count("not verified")
    assert marked == FLAT.lower().count(MARK)
    assert marked > 20


@cache
def named(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))


def test_every_section_is_held_by_tests_that_are_there() -> None:
    rows = {name: coded(held) for name, held in table("section")}
    assert [*rows] == ["On AWS", *headings("##")[:-1]]
    for name, held in rows.items():
        assert held, name
        for path in held:
            assert any(each.startswith("test_") for each in named(ROOT / path)), path


def test_every_threat_is_answered_by_tests_that_are_there() -> None:
    answers = dict(table("threat"))
    assert [*answers] == [*THREATS]
    for threat, tests in THREATS.items():
        assert bool(tests) != answers[threat].endswith(f"({MARK})"), threat
        for path, _, name in (each.partition("::") for each in tests):
            assert name in named(ROOT / path), name


# --- Limits --------------------------------------------------------------------------------------

DAY_MS = 86_400_000
WAF = {
    rule["Name"]: rule["Statement"]
    for rule in template.load(INFRA / "waf.yaml")["Resources"]["Gate"]["Properties"]["Rules"]
}
POSTS, STAFF = (WAF[name]["RateBasedStatement"] for name in ("PerAddress", "StaffPerAddress"))
LIMITS = {
    "Rate": f"{default('Rate'):,} requests a second",
    "the most Rate": f"at most {MADE['Parameters']['Rate']['MaxValue']:,} here",
    "LogDays": f"for {default('LogDays')} days (`LogDays`)",
    "old versions": "Old versions in the bucket last "
    f"{rules('Data')['OldVersions']['NoncurrentVersionExpiration']['NoncurrentDays']} days",
    "old pages": "go after "
    f"{rules('Site')['OldPages']['NoncurrentVersionExpiration']['NoncurrentDays']} days",
    "access logs": f"access logs of {rules('AccessLogs')['Old']['ExpirationInDays']}, a [backup]",
    "dead letters": "by themselves after "
    f"{resource('MergeFailures')['MessageRetentionPeriod'] // 86_400} days",
    "tries": f"one of a part, {resource('MergeQueue')['RedrivePolicy']['maxReceiveCount']} times, "
    "or one of what became of an invitation, "
    f"{resource('NoticesQueue')['RedrivePolicy']['maxReceiveCount']} times",
    "a query": "limit of "
    f"{resource('Analysts')['WorkGroupConfiguration']['BytesScannedCutoffPerQuery'] >> 30}"
    " GB a query",
    "merge's time": f"last {merge.ENOUGH_S:.0f} s of {resource('Merge')['Timeout']})",
    "the API's time": f"took more than {resource('APIHandler')['Timeout']} s",
    "tally's memory": f"{resource('Tally')['MemorySize']:,} MB of memory",
    "tally's disk": f"{resource('Tally')['EphemeralStorage']['Size']:,} MB of `/tmp`",
    "parts for Athena": f"more than {tally.PARTS} parts are to be counted",
    "a statement": f"{elsewhere.LONGEST:,} bytes (some",
    "lag": f"more than {resource('MergeLags')['Threshold']} s to be merged, twice in a row "
    f"({resource('MergeLags')['EvaluationPeriods'] * resource('MergeLags')['Period'] // 60} min",
    "errors": f"{resource('ApiFails')['Threshold']} requests in"
    f" {resource('ApiFails')['Period'] // 60} minutes were",
    "budget": "**Means:** "
    f"{resource('Spending')['NotificationsWithSubscribers'][0]['Notification']['Threshold']}"
    " % of `Budget`",
    "posts": f"more than {POSTS['Limit']:,} times in {POSTS['EvaluationWindowSec']} s: as much",
    "staff": f"more than {STAFF['Limit']:,} times in {STAFF['EvaluationWindowSec']} s: a call",
    "bytes": f"413 to {10 ** WAF['BodySize']['SizeConstraintStatement']['Size']:,} bytes",
    "grace": f"answered for {published.GRACE_MS // DAY_MS} days more",
    "events": f"good for {service_events.WINDOW_S // 60} minutes, once",
    "records": f"The last {depot.KEPT} deployments",
    "unreserved": f"({account.UNRESERVED} must be left to all)",
    "claims": f"past {learning.CLAIMS_A_MINUTE:,} claims",
    "packages": f"More than {packaging.LARGEST >> 20} MB together",
}


@pytest.mark.parametrize("what", LIMITS)
def test_limits_are_the_templates(what: str) -> None:
    assert LIMITS[what] in FLAT


def test_a_token_lasts_as_the_command_says() -> None:
    staff = main.commands["staff"]
    assert isinstance(staff, click.Group)
    [hours] = [each for each in staff.commands["token"].params if each.name == "hours"]
    assert f"it ends after {hours.default} hours" in FLAT


def test_nothing_keeps_addresses_with_codes() -> None:
    assert "Logging" not in resource("Front")["DistributionConfig"]
    assert "AccessLogSettings" not in resource("ApiStage")
