"""The operator's page says of the stage what the code says, or says that nobody could look.

Commands, files, names, limits and prices are read out of its text and compared; what else a section
says is held by the tests that its last table names, and those must be there.
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
from chalicelib import keys, links, published, settings, uploads
from chalicelib.invitations import learning, service_events
from chalicelib.jobs import elsewhere, merge, tally
from chalicelib.staff import tokens
from generator import account, athena, costing, deploying, depot, packaging, template
from generator.__main__ import main
from generator.places import INFRA
from tests.infra.test_costs import PRICES

ROOT = Path(__file__).parents[2]
README = (INFRA / "README.md").read_text("utf-8")
MARK = "not verified without an account"
FLAT = " ".join(README.split())
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
BLOCKS = [" ".join(each.split("\n")[1:-1]) for each in _FENCE.findall(README)]
PROSE = _FENCE.sub("", README)
SPANS = [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", PROSE)]
MADE = template.template(app.app)
FUNCTIONS = template.functions(app.app)


def resource(name: str) -> Any:
    return MADE["Resources"][name]["Properties"]


def default(name: str) -> Any:
    return MADE["Parameters"][name]["Default"]


def rules(bucket: str) -> dict[str, Any]:
    return {each["Id"]: each for each in resource(bucket)["LifecycleConfiguration"]["Rules"]}


def sections(text: str, level: str) -> dict[str, str]:
    """Texts by their headings."""
    parts = re.split(rf"^{level} (.+)$", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def table(first: str) -> list[list[str]]:
    """The rows below the header whose first cell that is."""
    [found] = re.findall(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PROSE, re.M)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found.splitlines()]


def coded(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# --- The picture ---------------------------------------------------------------------------------


def test_the_picture_names_every_function_and_what_starts_it() -> None:
    tree = ElementTree.parse(ROOT / ".github" / "architecture.svg")  # noqa: S314  (our own)
    drawn = {}
    for group in tree.iter("{http://www.w3.org/2000/svg}g"):
        if group.get("class") == "f":
            name, starts = group.itertext()
            drawn[name] = starts
    scheduled = {"1 minute": "each minute", "5 minutes": "each 5 minutes", "1 day": "daily"}
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
    assert [name for row in table("output") for name in coded(row[0])] == [*MADE["Outputs"]]


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
    assert {*said} - {"Where no alarm looks"} == alarms
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
    "after-sales/index.html",
    "stages/STAGE/left.json",  # in the bucket of packages
    keys.LIVE,
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


def headings(level: str) -> list[str]:
    return re.findall(rf"^{level} (.+)$", PROSE, re.M)


# --- What holds the rest -------------------------------------------------------------------------


@cache
def tests_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))


def test_every_section_is_held_by_tests_that_are_there() -> None:
    rows = {name: coded(held) for name, held in table("section")}
    assert [*rows] == ["On AWS", *headings("##")[:-1]]
    for name, held in rows.items():
        assert held, name
        for path in held:
            assert any(each.startswith("test_") for each in tests_in(ROOT / path)), path


def test_every_threat_is_answered_by_tests_that_are_there() -> None:
    for threat, _, held in table("threat"):
        assert held == f"**{MARK}**" or coded(held), threat
        for named in held.split("; "):
            files = [each for each in coded(named) if each.endswith(".py")]
            wanted = {each for each in coded(named) if not each.endswith(".py")}
            found = [tests_in(path) for f in files for path in (ROOT / "tests").rglob(f)]
            assert all(any(test in each for each in found) for test in wanted), named


# --- Limits --------------------------------------------------------------------------------------

MINUTES_OF_GRACE = published.GRACE_MS // 86_400_000
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
    "lag": f"more than {resource('MergeLags')['Threshold']} s, twice in a row "
    f"({resource('MergeLags')['EvaluationPeriods'] * resource('MergeLags')['Period'] // 60} min",
    "errors": f"{resource('ApiFails')['Threshold']} requests in"
    f" {resource('ApiFails')['Period'] // 60} minutes were",
    "budget": "**Means:** "
    f"{resource('Spending')['NotificationsWithSubscribers'][0]['Notification']['Threshold']}"
    " % of `Budget`",
    "posts": f"more than {POSTS['Limit']:,} times in {POSTS['EvaluationWindowSec']} s: as much",
    "staff": f"more than {STAFF['Limit']:,} times in {STAFF['EvaluationWindowSec']} s: a call",
    "bytes": f"413 to {10 ** WAF['BodySize']['SizeConstraintStatement']['Size']:,} bytes",
    "grace": f"answered for {MINUTES_OF_GRACE} days more",
    "events": {5: "good for five minutes, once"}[service_events.WINDOW_S // 60],
    "records": f"The last {depot.KEPT} deployments",
    "unreserved": f"({account.UNRESERVED} must be left to all)",
    "claims": f"past {learning.CLAIMS_A_MINUTE:,} claims",
    "personal codes": f"{5 * (links.PERSONAL - 1) // 2 * 2 - 2} random bits",
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


# --- Figures (the totals are held by test_costs.py) ----------------------------------------------


def usd(name: str, count: float = 1) -> float:
    return costing.total(costing.lines({name: count}, PRICES | {"free": 0}))


def million(how: str, *names: str) -> float:
    """Of a million answers that came so, what these cost."""
    whats = {PRICES["prices"][name]["what"] for name in names}
    lines = costing.for_a_million(MADE, PRICES, how)
    return sum(line.usd for line in lines if line.what in whats)


def alone(function: str) -> float:
    """What a function's schedule costs a month."""
    name = template.logical(function)
    rests = {**MADE["Resources"], name: {**MADE["Resources"][name], "Properties": {}}}
    rests[name]["Properties"] = {**resource(name), "Events": {}}
    without = costing.at_rest({**MADE, "Resources": rests}, PRICES)
    return costing.total(costing.at_rest(MADE, PRICES)) - costing.total(without)


def test_sums_are_made_of_what_they_say() -> None:
    rest = {line.what: line.usd for line in costing.at_rest(MADE, PRICES)}
    of = {name: rest.get(each["what"], 0.0) for name, each in PRICES["prices"].items()}
    run = of["gb_s"] + of["invocation"]
    assert (
        f"lists of S3 {of['put']:.2f}, two metrics {of['metric']:.2f}, five alarms"
        f" {of['alarm']:.2f}, Lambda {run:.2f}, the secret {of['secret']:.2f}, logs"
        f" {of['logged']:.2f}; WAF +{usd('waf'):.0f}, a key of your own +{usd('key'):.0f}"
    ) in FLAT
    assert (
        f"puts {million('open', 'put'):.2f}, the HTTP API {million('open', 'http'):.2f}, logs"
        f" {million('open', 'logged'):.2f}, gets {million('without a link', 'get'):.2f}, Lambda"
        f" {million('without a link', 'gb_s', 'invocation'):.2f} |"
    ) in FLAT
    minutes = costing.MINUTES
    assert (
        f"A run every minute is {minutes:,} a month. Each list of S3 in it costs"
        f" {usd('put', minutes):.2f}, its start {usd('invocation', minutes):.2f}, its line of the"
        f" log {usd('logged', minutes * PRICES['line_kb'] / 1e6):.2f}, and 0.1 s of 1 GB"
        f" {usd('gb_s', minutes * 0.1):.2f}. So `merge` is {alone('merge'):.2f}, `invite`"
        f" {alone('invite'):.2f}, `follow_up` {alone('follow_up'):.2f} and `escalate`"
        f" {alone('escalate'):.2f}."
    ) in FLAT
    page = learning.CLAIMS_A_MINUTE / 1000
    assert f"three lists a run, {usd('put', 3 * minutes):.2f} a month" in FLAT
    assert f"{usd('put', minutes):.2f} more, up to {page * usd('put', minutes):.2f}:" in FLAT
    asks = sum(million("personal", each) / 2 for each in ("http", "invocation", "logged", "gb_s"))
    assert f"{asks + usd('get', 1e6):.2f} more for a million over open links" in FLAT
    looked = costing.for_a_million(MADE, PRICES, "open", waf=True)
    plain = costing.for_a_million(MADE, PRICES, "open")
    more = costing.total(looked) - costing.total(plain)
    assert f"A WAF looks at pages too: {more:.2f} more for a million" in FLAT
    assert f"Each metric is {usd('metric'):.2f} a month" in FLAT
    assert f"that is {usd('metric', 1000):.0f} USD and more" in FLAT
    assert f"(us-east-1, {PRICES['date']}, no free tier" in FLAT


def test_the_worst_day_is_arithmetic() -> None:
    millions = default("Rate") * 86_400 / costing.MILLION
    answers = costing.total(costing.for_a_million(MADE, PRICES, "without a link"))
    refused = million("without a link", "http", "invocation", "logged", "gb_s")
    pages, sent = (PRICES["prices"][name]["usd"] for name in ("viewed", "sent"))
    assert (
        f"{millions} million requests: {millions * answers:.0f} USD as answers,"
        f" {millions * refused:.0f} USD as requests that are refused. Pages are beside that:"
        f" {pages:.2f} a million, {sent} a GB"
    ) in FLAT


def test_scaling_is_arithmetic() -> None:
    """Columns are answers a day. On a laptop a response took 47 bytes and 9 µs of a processor."""
    day = 86_400
    runs, disk = day // 300, resource("Tally")["MemorySize"] / 1024
    accepts = million("without a link", "put", "http", "invocation", "gb_s", "logged")
    rows = {name: cells for name, *cells in table("a day")}
    for column, answers in enumerate((1e6, 1e8, 1e10)):
        surveys = 1000 if answers == 1e10 else 1
        parts = 5 * answers / 1e6
        run = answers / surveys / 2 * 9e-6 / 1.7  # on average half the day, on 1.7 processors
        merged = parts * 1440 * (usd("gb_s", 2 * resource("Merge")["MemorySize"] / 1024))
        merged += parts * 1440 * (2 * usd("put") + 2 * usd("get")) + usd("get", answers)
        scanned = answers / 2 * 100 * runs
        expected = {
            "parts, of up to 250,000 answers": parts,
            "stored": answers * 47,
            "accepting, USD": accepts * answers / 1e6,
            "merge: parts written (each minute those with something new)": parts * 1440,
            "merge: 2 s for each, and its requests, USD": merged,
            "tally in the function, USD": usd("gb_s", runs * surveys * run * disk),
            "tally in Athena: scanned, 100 bytes a response and count": scanned,
            "tally in Athena, USD": scanned / 1e12 * athena.USD_PER_TB,
        }
        for name, value in expected.items():
            assert number(rows[name][column]) == pytest.approx(value, rel=0.15), (name, column)
        times, seconds = rows["tally: runs, each of"][column].split(", ")
        assert number(times) == runs * surveys
        assert number(seconds) == pytest.approx(run, rel=0.15)
    assert f"{1e8 / day:,.0f} requests come in a second" in FLAT
    assert f"would need {1e8 * 9e-6 / 1.7:.0f} s for the whole day" in FLAT
    bill = accepts / (accepts + 0.82 + 0.03)
    assert 0.87 < bill < 0.9
    assert 0.71 < usd("put", 1e6) / accepts < 0.75


def number(cell: str) -> float:
    value, _, unit = cell.replace(",", "").partition(" ")
    return float(value) * {"MB": 1e6, "GB": 1e9, "TB": 1e12}.get(unit, 1)


assert uploads  # a file is good for its days there
