"""What it costs is arithmetic on what the functions really ask for."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

import app
from chalicelib import links, logs
from chalicelib.break_offs import BACK_DAYS
from chalicelib.breaking_off import break_off
from chalicelib.collecting import JSON, collect
from chalicelib.invitations import learning
from chalicelib.jobs.break_offs import EVERY_MS, HOUR_MS, PAGE
from chalicelib.linking import standing_of
from chalicelib.links import Link
from chalicelib.published import Definitions
from chalicelib.running import JOBS, now, run_job
from chalicelib.settings import Settings
from chalicelib.storage import S3Store
from generator import athena, costing, estimate, template
from generator.places import INFRA
from generator.terminal import WIDE
from tests.infra.operating import FLAT, table
from tests.infra.recording import Aws, recorded
from tests.infra.rehearsing import PERSONAL, SURVEY, left_by, submitted
from tests.jobs.answering import KEY, live

PRICES = template.load(INFRA / "prices.yaml")
MADE = template.template(app.app)
OPEN = "4CMM26J97"
LEFT = "left before sending (extra)"
INVITED = "7CMM26J97MNWHFGVQRM39J17AX0"
CHARGED = {
    "s3:PutObject": "put",
    "s3:ListBucket": "put",
    "s3:GetObject": "get",
    "dynamodb:Query": "read",
    "dynamodb:GetItem": "read",
    "dynamodb:PutItem": "written",
    "dynamodb:ConditionCheckItem": "written",
}


@pytest.fixture
def aws() -> Iterator[Aws]:
    with recorded() as aws, pytest.MonkeyPatch.context() as patch:
        store = S3Store(aws.bucket, "", aws.endpoint)
        live(store, SURVEY)
        known = {
            PERSONAL: Link(SURVEY.id, personal=True),
            INVITED: Link(SURVEY.id, personal=True, invitation="june/0000/c1"),
            OPEN: Link(SURVEY.id),
        }
        links.add(store, known)
        patch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        yield aws


def charged(aws: Aws, act: Callable[[], Any]) -> dict[str, int]:
    """What is charged of an act, by its price."""
    aws.asked.clear()
    act()
    found = Counter(CHARGED[each.action] for each in aws.asked if each.action in CHARGED)
    return dict(found)


@pytest.mark.parametrize("how", sorted(PRICES["answers"].keys() - {LEFT}))
def test_an_answer_asks_storage_for_what_is_priced(how: str, aws: Aws) -> None:
    store = S3Store(aws.bucket, "", aws.endpoint)
    definitions = Definitions(store)
    definitions.publication(SURVEY.id)  # a warm function has it
    definitions.contract(SURVEY.id, SURVEY.version)
    code = {"open": OPEN, "personal": PERSONAL, "of a campaign": INVITED}.get(how)

    def answer() -> None:
        if code in (
            PERSONAL,
            INVITED,
        ):  # of others the page asks only where texts say what they know
            asked = msgspec.json.encode({"survey": SURVEY.id, "code": code})
            assert standing_of(store, definitions, asked, now()).status == 200
        body = msgspec.json.encode(submitted(len(how), link=code))
        reply = collect(store, definitions, SURVEY.id, {"content-type": JSON}, body, now())
        assert reply.status == 201, reply.body

    found = charged(aws, answer)
    said = PRICES["answers"][how]
    assert found.get("put", 0) == said["put"]
    aws.asked.clear()
    run_job("merge", Settings(f"s3://{aws.bucket}", aws.endpoint, KEY), store, lambda: 900.0)
    beside = [a.action for a in aws.asked if a.on.startswith(("landing/", "claims/"))]
    assert "s3:PutObject" not in beside
    shares = beside.count("s3:GetObject") + 2 * (code == INVITED)  # of merge; of invite
    assert found.get("get", 0) + shares == said["get"]
    assert said["requests"] == (2 if code in (PERSONAL, INVITED) else 1)


def test_who_leaves_is_a_put_and_is_listed_every_hour_until_the_day_is_settled(aws: Aws) -> None:
    """tests/jobs/test_break_offs.py holds that many marks are listed no oftener."""
    store = S3Store(aws.bucket, "", aws.endpoint)
    definitions = Definitions(store)
    definitions.publication(SURVEY.id)  # a warm function has it
    definitions.contract(SURVEY.id, SURVEY.version)
    name = left_by(1).encode()
    told = charged(aws, lambda: break_off(store, definitions, SURVEY.id, name, now()))
    assert (told, PRICES["answers"][LEFT]["get"]) == ({"put": 1}, 0)
    kept = BACK_DAYS + 2  # the day itself, and one more wherever the survey is
    listed = 24 * kept / PAGE
    assert PRICES["answers"][LEFT]["put"] == pytest.approx(1 + listed)
    assert EVERY_MS * 12 == HOUR_MS == 3_600_000
    events = resource("Tally")["Events"].values()
    assert {event["Properties"]["Schedule"] for event in events} == {"rate(5 minutes)"}


@pytest.mark.parametrize("job", sorted(JOBS))
def test_a_run_with_nothing_to_do_asks_for_what_is_priced(job: str, aws: Aws) -> None:
    store = S3Store(aws.bucket, "", aws.endpoint)
    settings = Settings(f"s3://{aws.bucket}", aws.endpoint, KEY)
    for each in ("merge", "tally", job):  # whatever there is, is done
        run_job(each, settings, store, lambda: 900.0)
    found = charged(aws, lambda: run_job(job, settings, store, lambda: 900.0))
    said = PRICES["runs"][job]
    for price in ("put", "get", "read", "written"):
        assert found.get(price, 0) <= said.get(price, 0), price


def metered(act: Callable[[], Any]) -> set[tuple[str, ...]]:
    """Metrics that an act's lines make: each name, and the dimensions' names and what is ours."""
    lines = io.StringIO()
    logs.to(lines)
    try:
        act()
    finally:
        logs.to(None)
    found = set()
    for line in map(msgspec.json.decode, lines.getvalue().splitlines()):
        for said in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            [by] = said["Dimensions"]
            job = [line["job"]] if "job" in by else []
            found |= {(each["Name"], *by, *job) for each in said["Metrics"]}
    return found


@pytest.mark.parametrize("job", sorted(JOBS))
def test_jobs_make_no_metric_but_those_that_alarms_look_at(job: str, aws: Aws) -> None:
    store = S3Store(aws.bucket, "", aws.endpoint)
    settings = Settings(f"s3://{aws.bucket}", aws.endpoint, KEY)
    found = metered(lambda: run_job(job, settings, store, lambda: 900.0))
    alarms = (each["Properties"] for each in MADE["Resources"].values())
    ours = [each for each in alarms if each.get("Namespace") == logs.NAMESPACE]
    looked = {
        (each["MetricName"], by["Name"], by["Value"]) for each in ours for by in each["Dimensions"]
    }
    assert found == {each for each in looked if each[2] == job}


def test_a_survey_makes_the_metrics_that_are_priced() -> None:
    """Whatever is answered to a request, with words of the survey and without."""

    def ask() -> None:
        for channel in (None, "web"):
            for status, error in (
                (200, ""),
                (201, ""),
                (303, ""),
                (422, "problems"),
                (404, "gone"),
            ):
                logs.request("/r", status, 0, error=error, survey="s", channel=channel)

    priced = {(name, *by) for name, by in PRICES["metrics"].items()}
    assert metered(ask) == priced
    assert [line.usd for line in costing.by_survey(PRICES)] == [usd("metric")] * len(priced)


@pytest.mark.parametrize("on", [(), ("WithKey",)])
def test_what_rests_costs_the_same_by_resource_and_by_use(on: tuple[str, ...]) -> None:
    """Also what a price leaves free, which is nobody's own."""
    walled = {"Resources": MADE["Resources"] | template.load(INFRA / "waf.yaml")["Resources"]}
    shares = costing.by_resource(walled, PRICES, on)
    whole = costing.total(costing.at_rest(walled, PRICES, on))
    assert sum(share.usd for share in shares) == pytest.approx(whole, rel=1e-12)
    assert all(share.usd == costing.total(share.of) for share in shares)
    assert [share.usd for share in shares] == sorted((s.usd for s in shares), reverse=True)
    usds = {share.name: share.usd for share in shares}
    assert usds["Gate"] == usd("waf")
    assert usds["PseudonymKey"] == usd("secret")
    assert usds["ApiFails"] == pytest.approx(usd("alarm"))
    assert usds["MergeLags"] == pytest.approx(usd("alarm") + usd("metric"))
    assert usds["Merge"] == pytest.approx(alone("merge"))
    assert usds.get("DataKey") == (usd("key") if on else None)
    assert PRICES["prices"]["polled"]["free"] < 2 * PRICES["polls"]
    assert usds["MergeQueue"] == usds["NoticesQueue"] == pytest.approx(usd("polled", 1.314e6) / 2)


def test_a_metric_at_which_two_alarms_look_is_made_once() -> None:
    alarm = MADE["Resources"]["MergeLags"]
    shares = costing.by_resource({"Resources": {"A": alarm, "B": alarm}}, PRICES)
    assert [share.usd for share in shares] == pytest.approx([0.40, 0.10])


def test_a_dry_run_shows_every_resource_once_and_fits_a_terminal() -> None:
    lines = [*estimate.shown(waf=True, own_key=True)]
    assert max(map(len, lines)) <= WIDE
    resting, free = "\n".join(lines).split("\n\n")[:2]
    assert free.startswith("These cost nothing by being there:")
    walled = MADE["Resources"] | template.load(INFRA / "waf.yaml")["Resources"]
    named = r"(?<![:\w])[A-Z]\w+(?![:\w])"
    counts = Counter(re.findall(named, f"{resting}\n{free}"))
    assert {name: counts[name] for name in walled} == dict.fromkeys(walled, 1)
    assert lines[0].startswith(f"{len(walled)} resources in aws.")
    priced = costing.by_resource({"Resources": walled}, PRICES, ["WithKey"])
    assert {*re.findall(named, resting)} & {*walled} == {share.name for share in priced}
    words = " ".join(resting.split())
    assert (
        f" {alone('merge'):.2f} Merge Serverless::Function 43,800 runs, 11,350 GB-s, 131,400 puts,"
        " 0.044 GB of logs "
    ) in words
    assert "once for each error" in "\n".join(lines)


def test_it_rests_for_four_dollars_a_month() -> None:
    made = template.template(app.app)
    assert costing.total(costing.at_rest(made, PRICES)) <= 4
    wall = template.load(INFRA / "waf.yaml")["Resources"]
    walled = {**made, "Resources": made["Resources"] | wall}
    more = costing.total(costing.at_rest(walled, PRICES, ["WithKey"]))
    assert more == pytest.approx(costing.total(costing.at_rest(made, PRICES)) + 9)


def test_a_million_answers_cost_at_most_eleven_dollars_and_seventeen_over_personal_links() -> None:
    """A WAF looks at pages too."""
    made = template.template(app.app)
    for how, most in {"without a link": 11, "open": 11, "personal": 17}.items():
        assert costing.total(costing.for_a_million(made, PRICES, how)) <= most
    looked = costing.total(costing.for_a_million(made, PRICES, "open", waf=True))
    plain = costing.total(costing.for_a_million(made, PRICES, "open"))
    assert looked == pytest.approx(plain + 1.20)


def test_a_function_that_runs_by_itself_must_be_priced() -> None:
    prices = {**PRICES, "runs": {k: v for k, v in PRICES["runs"].items() if k != "crm"}}
    with pytest.raises(costing.Unpriced, match="crm"):
        costing.at_rest(template.template(app.app), prices)


def test_lines_are_counts_times_prices() -> None:
    [line] = costing.lines({"put": 2_000_000}, PRICES)
    assert (line.count, line.usd) == (2_000_000, 10.0)
    [free] = costing.lines({"viewed": 3_000_000}, PRICES)
    assert free.usd == 0, "CloudFront's first ten million a month"
    [beyond] = costing.lines({"viewed": 30_000_000}, PRICES)
    assert beyond.usd == pytest.approx(20)


def test_the_readme_has_these_figures() -> None:
    made = template.template(app.app)
    assert f"| a month at rest | {costing.total(costing.at_rest(made, PRICES)):.2f}:" in FLAT
    for how, said in {
        "without a link": "| a million answers without a link | {:.2f}:",
        "open": "| a million over open links | {:.2f}:",
        "personal": "| a million over personal links | {:.2f}:",
        "of a campaign": "| a million to invitations of a campaign | {:.2f}:",
        LEFT: "| a million who leave before sending, beside that | {:.2f}:",
    }.items():
        assert said.format(costing.total(costing.for_a_million(made, PRICES, how))) in FLAT


# --- And the operator's page has the figures ------------------------------------------------------


def resource(name: str) -> Any:
    return MADE["Resources"][name]["Properties"]


def usd(name: str, count: float = 1) -> float:
    return costing.total(costing.lines({name: count}, PRICES))


def million(how: str, *names: str) -> float:
    """Of a million answers that came so, what these cost."""
    whats = {PRICES["prices"][name]["what"] for name in names}
    lines = costing.for_a_million(MADE, PRICES, how)
    return sum(line.usd for line in lines if line.what in whats)


def alone(function: str) -> float:
    """What a function's schedule costs a month."""
    name = template.logical(function)
    still = MADE["Resources"][name] | {"Properties": {**resource(name), "Events": {}}}
    without = costing.at_rest({"Resources": {**MADE["Resources"], name: still}}, PRICES)
    return costing.total(costing.at_rest(MADE, PRICES)) - costing.total(without)


def test_sums_are_made_of_what_they_say() -> None:
    rest = {line.what: line.usd for line in costing.at_rest(MADE, PRICES)}
    of = {name: rest.get(each["what"], 0.0) for name, each in PRICES["prices"].items()}
    run = of["gb_s"] + of["invocation"]
    assert (
        f"lists of S3 {of['put']:.2f}, two metrics {of['metric']:.2f}, six alarms"
        f" {of['alarm']:.2f}, Lambda {run:.2f}, the secret {of['secret']:.2f}, two queues"
        f" {of['polled']:.2f}, logs {of['logged']:.2f}; WAF +{usd('waf'):.0f}, a key"
        f" of your own +{usd('key'):.0f}"
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
    assert f"up to {costing.total(costing.by_survey(PRICES)):.2f} a month in use" in FLAT
    polls = PRICES["polls"]
    assert (
        f"Lambda asks up to {polls:,} times a month, which is {usd('polled', 2 * polls):.2f}"
        in FLAT
    )
    assert f"that is {usd('metric', 1000):.0f} USD and more" in FLAT
    assert f"(us-east-1, {PRICES['date']}, no free tier" in FLAT


def test_the_worst_day_is_arithmetic() -> None:
    millions = MADE["Parameters"]["Rate"]["Default"] * 86_400 / costing.MILLION
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
