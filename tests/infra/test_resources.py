"""The CloudFormation fragment is valid, and says what the API and the functions say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

import app
from chalicelib.collecting import REFUSALS
from chalicelib.jobs.merge import ENOUGH_S, Merged
from chalicelib.logs import METERED, NAMESPACE
from chalicelib.staff.refusals import STATUS
from chalicelib.standing import metrics
from chalicelib.storage import MemoryStore
from chalicelib.survey.words import say
from generator import template, throttle
from generator.headers import headers_of
from generator.places import INFRA

FUNCTIONS = Path(__file__).parents[2] / "functions"
RESOURCES = INFRA / "resources.yaml"
WAF = INFRA / "waf.yaml"


@pytest.fixture(params=["aws", "aws-cn", "waf"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A template as `echoform package` writes it."""
    wall = request.param == "waf"
    made = template.load(WAF) if wall else template.template(app.app, request.param)
    path = tmp_path / f"template-{request.param}.json"
    path.write_bytes(msgspec.json.encode(made))
    return path


def test_cloudformation_would_take_it(written: Path) -> None:
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent)) or "cfn-lint"
    if not shutil.which(linter):
        pytest.skip("needs cfn-lint")
    region = "cn-north-1" if written.stem.endswith("cn") else "us-east-1"
    command = [linter, "--regions", region, "--", str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr


@pytest.mark.long
def test_checkov_finds_nothing_that_is_not_argued(written: Path) -> None:
    """What it would have otherwise is listed with reasons in infra/checkov.yaml."""
    checkov = os.environ.get("CHECKOV") or shutil.which("checkov")
    if not checkov:
        pytest.skip("needs checkov, in an environment of its own: CHECKOV=…/bin/checkov")
    command = [checkov, "-f", str(written), "--config-file", str(INFRA / "checkov.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("partition", template.PARTITIONS)
def test_nothing_is_named_that_is_not_there(partition: str) -> None:
    made = template.template(app.app, partition)
    known = {*made["Resources"], *made["Parameters"]}
    known |= {"AWS::NoValue", "AWS::AccountId", "AWS::StackName"}
    assert {*template.referred(made)} <= known
    conditions = {each.get("Condition") for each in made["Resources"].values()} - {None}
    assert conditions <= {*made["Conditions"]}


def test_a_function_without_its_entries_is_refused() -> None:
    """Its memory, its timeout, its policy: whoever adds one to app.py is told what it lacks."""
    config, policies = template.read_config(), template.read_policies()
    with pytest.raises(template.Unready) as refused:
        template.ready([*template.functions(app.app), "newer"], config, policies)
    assert [line.split(":")[0].strip() for line in str(refused.value).splitlines()[1:]] == [
        "newer"
    ] * 3
    with pytest.raises(template.Unready, match="merge_part: there is no such function"):
        template.ready(
            [n for n in template.functions(app.app) if n != "merge_part"], config, policies
        )


def test_every_function_has_its_own_rights_log_and_limits() -> None:
    made = template.template(app.app)["Resources"]
    names = template.functions(app.app)
    functions = [made[template.logical(name)]["Properties"] for name in names]
    assert len({str(each["Role"]) for each in functions}) == len(functions)
    assert all(each["LoggingConfig"]["LogGroup"]["Ref"] in made for each in functions)
    assert {each["Runtime"] for each in functions} == {"python3.13"}
    places = {"Fn::If": ["Reserves", 1, {"Ref": "AWS::NoValue"}]}
    for name in ("Merge", "Invite"):
        assert made[name]["Properties"]["ReservedConcurrentExecutions"] == places
    assert not made["APIHandler"]["Properties"]["Layers"], "the API stays light"


def test_a_page_gets_the_headers_that_every_server_sends() -> None:
    said = resources()["Headers"]["Properties"]["ResponseHeadersPolicyConfig"]
    wanted = headers_of(b"")
    security = said["SecurityHeadersConfig"]
    assert security["ReferrerPolicy"]["ReferrerPolicy"] == wanted["Referrer-Policy"]
    assert security["ContentTypeOptions"]["Override"]
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31_536_000
    [custom] = said["CustomHeadersConfig"]["Items"]
    assert {custom["Header"]: custom["Value"]}.items() <= wanted.items()
    policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    frames = template.load(RESOURCES)["Parameters"]["Frames"]["Default"]
    assert policy.replace("${Frames}", frames) in wanted["Content-Security-Policy"]


@pytest.mark.parametrize("partition", template.PARTITIONS)
def test_what_the_api_refuses_arrives_as_it_said_it_and_at_nobody_else(partition: str) -> None:
    """An error page is for the whole distribution; an error is kept by its path, whoever asks."""
    made = template.template(app.app, partition)["Resources"]
    errors = made["Front"]["Properties"]["DistributionConfig"]["CustomErrorResponses"]
    said = {*REFUSALS.values(), *STATUS.values(), 500, 502, 503, 504}
    assert not {each["ErrorCode"] for each in errors if "ResponsePagePath" in each} & said
    kept = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}  # CloudFront keeps no others
    assert {each["ErrorCode"] for each in errors if each["ErrorCachingMinTTL"] == 0} >= said & kept


@pytest.mark.parametrize("partition", template.PARTITIONS)
def test_nobody_lists_the_site_by_its_root(partition: str) -> None:
    """In China no function puts a file's name behind an address, and CloudFront may list."""
    made = template.template(app.app, partition)["Resources"]
    front = made["Front"]["Properties"]["DistributionConfig"]
    assert front["DefaultRootObject"] == "index.html"


def test_answers_are_closed_to_the_public_and_kept() -> None:
    for name in ("Data", "Site", "Results", "AccessLogs"):
        said = resources()[name]["Properties"]
        assert all(said["PublicAccessBlockConfiguration"].values()), name
        assert len(said["PublicAccessBlockConfiguration"]) == 4
        denied = resources()[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"][-1]
        assert (denied["Effect"], denied["Condition"]) == (
            "Deny", {"Bool": {"aws:SecureTransport": "false"}},
        )  # fmt: skip
    for name in ("Data", "AccessLogs", "DataKey", "PseudonymKey", "FollowUps"):
        assert resources()[name]["DeletionPolicy"] == "Retain", name


def test_the_table_is_the_one_the_functions_name() -> None:
    """A function told of a table that is not there would fail at its first use."""
    told = template.load(RESOURCES)["Globals"]["Function"]["Environment"]["Variables"]
    assert {*template.referred(told)} <= {*resources()}
    made = template.template(app.app)
    del made["Resources"]["FollowUps"]
    assert "FollowUps" in {*template.referred(made)} - {*made["Resources"]}


@pytest.mark.parametrize("partition", template.PARTITIONS)
def test_no_name_is_fixed_so_that_stages_live_side_by_side(partition: str) -> None:
    """CloudFormation gives a name, or it holds the stack's."""
    for name, each in template.template(app.app, partition)["Resources"].items():
        for key, said in each["Properties"].items():
            fixed = isinstance(said, str) and key.endswith("Name")
            assert not fixed or key in ("DisplayName", "MetricName", "StageName"), f"{name}.{key}"
    database = resources()["Tables"]["Properties"]["DatabaseInput"]["Name"]
    assert database == {"Fn::Join": ["_", {"Fn::Split": ["-", {"Ref": "AWS::StackName"}]}]}


def test_china_lacks_what_is_not_there() -> None:
    made = template.template(app.app, "aws-cn")
    kinds = {each["Type"] for each in made["Resources"].values()}
    assert not kinds & {"AWS::CloudFront::Function", "AWS::CloudFront::OriginAccessControl"}
    assert "Default" not in made["Parameters"]["Domain"], "a domain of one's own is required"
    front = made["Resources"]["Front"]["Properties"]["DistributionConfig"]
    assert front["Aliases"] == [{"Ref": "Domain"}]
    assert "arn:aws:" not in str(made)


def resources() -> dict[str, Any]:
    found: dict[str, Any] = template.load(RESOURCES)["Resources"]
    return found


def gate() -> dict[str, Any]:
    found: dict[str, Any] = template.load(WAF)["Resources"]["Gate"]["Properties"]
    return found


def test_the_queue_is_the_one_the_functions_listen_to() -> None:
    queue = resources()[app.MERGE_QUEUE]["Properties"]
    settings = msgspec.json.decode((FUNCTIONS / ".chalice" / "config.json").read_bytes())
    functions = settings["lambda_functions"]
    made = template.template(app.app)["Resources"]
    for name, listened in (("MergePart", app.MERGE_QUEUE), ("Notices", app.NOTICES_QUEUE)):
        [event] = made[name]["Properties"]["Events"].values()
        assert event["Properties"]["Queue"] == {"Fn::GetAtt": [listened, "Arn"]}
    assert queue["VisibilityTimeout"] == 6 * functions["merge_part"]["lambda_timeout"]
    notices = resources()[app.NOTICES_QUEUE]["Properties"]
    assert notices["VisibilityTimeout"] == 6 * functions["notices"]["lambda_timeout"]
    assert all(functions[n]["lambda_timeout"] > 2 * ENOUGH_S for n in ("merge", "merge_part"))


def test_alarms_are_about_what_is_counted() -> None:
    counted = {*Merged.__struct_fields__, *metrics(MemoryStore(), 0)}
    ours = [
        each["Properties"]["MetricName"]
        for each in resources().values()
        if each["Properties"].get("Namespace") == NAMESPACE
    ]
    assert len(ours) == 2
    assert {*ours} == counted & METERED["merge"]


def test_the_gate_stands_where_it_sees_who_asks() -> None:
    """Before CloudFront, in a stack that tells the site's which it is; and it keeps no request."""
    assert gate()["Scope"] == "CLOUDFRONT"
    [told] = template.load(WAF)["Outputs"].items()
    assert told[0] in template.load(RESOURCES)["Parameters"]
    front = resources()["Front"]["Properties"]["DistributionConfig"]
    assert front["WebACLId"]["Fn::If"] == ["WithWaf", {"Ref": told[0]}, {"Ref": "AWS::NoValue"}]
    rates = [rule["Statement"].get("RateBasedStatement") for rule in gate()["Rules"]]
    assert {rate["AggregateKeyType"] for rate in rates if rate} == {"IP"}
    watched = [gate(), *gate()["Rules"]]
    assert not any(each["VisibilityConfig"]["SampledRequestsEnabled"] for each in watched)


def test_the_gate_says_what_the_api_would() -> None:
    bodies = gate()["CustomResponseBodies"]
    for rule in gate()["Rules"]:
        response = rule["Action"]["Block"]["CustomResponse"]
        body = msgspec.json.decode(bodies[response["CustomResponseBodyKey"]]["Content"])
        assert body == {"error": body["error"], "message": say("en", body["error"]), "problems": []}
        assert response["ResponseCode"] == REFUSALS[body["error"]]


def test_it_lets_through_what_the_laptop_does() -> None:
    [rate] = [rule["Statement"] for rule in gate()["Rules"] if rule["Name"] == "PerAddress"]
    rule = rate["RateBasedStatement"]
    assert rule["Limit"] == throttle.BURST + throttle.PER_SECOND * rule["EvaluationWindowSec"]
