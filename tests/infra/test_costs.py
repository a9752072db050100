"""What it costs is arithmetic on what the functions really ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

import app
from chalicelib import links
from chalicelib.collecting import JSON, collect
from chalicelib.linking import standing_of
from chalicelib.links import Link
from chalicelib.published import Definitions
from chalicelib.running import JOBS, now, run_job
from chalicelib.settings import Settings
from chalicelib.storage import S3Store
from generator import costing, template
from generator.places import INFRA
from tests.infra.recording import Aws, recorded
from tests.infra.rehearsing import PERSONAL, SURVEY, submitted
from tests.jobs.answering import KEY, live

PRICES = template.load(INFRA / "prices.yaml")
OPEN = "4CMM26J97"
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


@pytest.mark.parametrize("how", PRICES["answers"])
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
    readme = (INFRA / "README.md").read_text("utf-8")
    made = template.template(app.app)
    assert f"| a month at rest | {costing.total(costing.at_rest(made, PRICES)):.2f}:" in readme
    for how, said in {
        "without a link": "| a million answers without a link | {:.2f}:",
        "open": "| a million over open links | {:.2f}:",
        "personal": "| a million over personal links | {:.2f}:",
        "of a campaign": "| a million to invitations of a campaign | {:.2f}:",
    }.items():
        assert said.format(costing.total(costing.for_a_million(made, PRICES, how))) in readme
