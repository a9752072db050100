"""A deployment shows what it would do, asks, loses nothing, and says why it failed."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from click.testing import CliRunner
from moto import mock_aws

from generator import account, changes, deploying, site_addresses, stacks
from generator.__main__ import main
from generator.account import Account
from generator.change_sets import BadParameters, Busy, Refused
from generator.changes import WouldLose
from generator.depot import KEPT, Depot, packages
from generator.stack_events import Failed, Watched, advice
from generator.terminal import WIDE
from tests.infra.staging import NAME, Cloud, Limits, reserving, stack_of, template

DEPOT = "echoform-packages-123456789012-eu-central-1"


# --- What is asked of AWS ------------------------------------------------------------------------


def test_a_bare_account_gets_a_closed_bucket_of_packages_and_the_stack(cloud: Cloud) -> None:
    outputs = cloud.deploy()
    assert {outputs["DataBucket"], outputs["SiteBucket"], DEPOT} <= cloud.buckets()
    closed = cloud.s3.get_public_access_block(Bucket=DEPOT)["PublicAccessBlockConfiguration"]
    assert all(closed.values())
    assert "aws:SecureTransport" in cloud.policies[0]
    assert cloud.protected
    said = cloud.text()
    assert "  + Data  S3::Bucket" in said
    assert cloud.asked == [f"Make {NAME} so?"]


def test_what_is_so_already_is_said_and_nothing_is_asked(cloud: Cloud) -> None:
    first = cloud.deploy()
    cloud.asked.clear()
    assert cloud.deploy() == first
    assert "nothing to change" in cloud.text()
    assert not cloud.asked


def test_the_word_of_cloudfront_is_made_once_and_stays(cloud: Cloud) -> None:
    wanted = template()
    wanted["Parameters"]["OriginSecret"] = {"Type": "String", "AllowedPattern": "[0-9a-zA-Z]{32,}"}
    wanted["Outputs"]["Word"] = {"Value": {"Ref": "OriginSecret"}}
    cloud.build(wanted)
    first = cloud.deploy()["Word"]
    assert len(first) >= 32
    assert cloud.deploy(Budget="60")["Word"] == first
    other = "0" * 32
    assert cloud.deploy(OriginSecret=other)["Word"] == other
    assert first not in cloud.text()


def test_whoever_says_no_leaves_everything_as_it_is(cloud: Cloud) -> None:
    cloud.agrees = False
    with pytest.raises(Refused):
        cloud.deploy()
    assert not [name for name in cloud.buckets() if name != DEPOT]
    assert stacks.found(cloud.aws, NAME) is None
    cloud.agrees = True
    assert cloud.deploy()


def test_a_parameter_stays_what_it_was_unless_it_is_given_anew(cloud: Cloud) -> None:
    cloud.deploy(Budget="20", Domain="a.example.com", Certificate="arn:c")
    cloud.deploy(Budget="30")
    assert cloud.parameters()["Domain"] == "a.example.com"
    assert cloud.parameters()["Budget"] == "30"


def test_stages_live_side_by_side(cloud: Cloud) -> None:
    assert cloud.deploy("dev")["DataBucket"] != cloud.deploy("prod")["DataBucket"]
    assert stacks.outputs(cloud.aws, "prod") != stacks.outputs(cloud.aws, "dev")


@pytest.mark.parametrize("stage", ["Prod", "a b", "prod-waf", "", "-", "x" * 40])
def test_a_stage_has_a_name_that_names_of_aws_can_hold(stage: str) -> None:
    with pytest.raises(stacks.BadStage):
        stacks.name(stage)


def test_a_wrong_parameter_is_told_before_anything_is_made(cloud: Cloud) -> None:
    for wrong, said in (
        ({"Bugdet": "1"}, "Bugdet.*there are Budget"),
        ({"Domain": "a.example.com"}, "needs its certificate"),
    ):
        with pytest.raises(BadParameters, match=said):
            cloud.deploy(**wrong)
    assert not cloud.buckets()


def test_china_needs_a_domain_and_says_so_before_it_packages() -> None:
    with mock_aws():
        clients = {
            name: boto3.client(name, region_name="cn-north-1")  # type: ignore[call-overload]
            for name in ("sts", "cloudformation")
        }
        with pytest.raises(BadParameters, match="--domain … --certificate …"):
            deploying.possible(clients, "dev", {})
        with pytest.raises(BadParameters, match=r"^Certificate must"):
            deploying.possible(clients, "dev", {"Domain": "a.example.cn"})
        deploying.possible(clients, "dev", {"Domain": "a.example.cn", "Certificate": "ID"})


def test_a_key_of_ones_own_is_not_taken_back(cloud: Cloud) -> None:
    """What was written with it could not be read."""
    cloud.deploy(OwnKey="yes")
    with pytest.raises(BadParameters, match="OwnKey stays"):
        cloud.deploy(OwnKey="no")


# --- Whose account, and what it can --------------------------------------------------------------


def test_without_credentials_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    with pytest.raises(account.NoAccount, match="aws sso login"):
        account.clients("eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with pytest.raises(account.NoAccount, match="set AWS_REGION"):
        account.clients()


def test_credentials_that_ended_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    clients = account.clients("eu-central-1")
    with Stubber(clients["sts"]) as sts:
        sts.add_client_error("get_caller_identity", "ExpiredToken")
        with pytest.raises(account.NoAccount, match="they have expired"):
            account.whose(clients)


@pytest.mark.parametrize(
    ("unreserved", "was", "reserve"),
    [(1000, None, "yes"), (10, None, "no"), (101, None, "no"), (102, None, "yes"),
     (100, "yes", "yes"), (100, "no", "no"), (1000, "no", "yes")],
)  # fmt: skip
def test_places_are_kept_where_the_account_has_them(
    unreserved: int, was: str | None, reserve: str
) -> None:
    """AWS leaves 100 to all, and a new account has 10."""
    held = {"ParameterKey": "Reserve", "ParameterValue": was}
    stack = {"Parameters": [held]} if was else None
    said: list[str] = []
    made = template()
    made["Resources"] = reserving(made["Resources"])
    found = deploying.places(Limits(unreserved), made, {}, stack, said.append)
    assert found == {"Reserve": reserve}
    assert ("request-service-quota-increase" in "".join(said)) == (reserve == "no")
    assert not deploying.places(Limits(10), made, {"Reserve": "yes"}, stack, said.append)


# --- What may not be lost ------------------------------------------------------------------------


def test_a_template_without_the_data_is_refused_and_nothing_changes(cloud: Cloud) -> None:
    data = cloud.deploy()["DataBucket"]
    cloud.asked.clear()
    made = template()
    del made["Resources"]["Data"], made["Outputs"]["DataBucket"]
    cloud.build(made)
    with pytest.raises(WouldLose, match="Data"):
        cloud.deploy()
    assert data in cloud.buckets()
    assert not cloud.asked
    assert stacks.outputs(cloud.aws, "dev")["DataBucket"] == data


def change(action: str, kind: str, name: str = "Data", **more: Any) -> dict[str, Any]:
    said = {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **more}
    return {"Type": "Resource", "ResourceChange": said}


@pytest.mark.parametrize("kind", sorted(changes.HOLD))
def test_what_holds_answers_is_neither_replaced_nor_removed(kind: str) -> None:
    for asked in (change("Remove", kind), change("Modify", kind, Replacement="True")):
        with pytest.raises(WouldLose):
            changes.guard(changes.read([asked]))
    for asked in (
        change("Modify", kind, Replacement="False"),
        change("Add", kind),
        change("Remove", kind, "Site"),
        change("Remove", "AWS::Lambda::Function", "Old"),
    ):
        changes.guard(changes.read([asked]))


ANSWERS = {"Data": "AWS::S3::Bucket", "FollowUps": "AWS::DynamoDB::Table",
           "PseudonymKey": "AWS::SecretsManager::Secret", "DataKey": "AWS::KMS::Key"}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_what_holds_answers_is_not_perhaps_replaced_either(name: str) -> None:
    """Unless somebody who looked it up says by name that it stays; then AWS is held to that."""
    for asked in (
        change("Modify", ANSWERS[name], name, Replacement="Conditional"),
        change("Dynamic", ANSWERS[name], name),
    ):
        found = changes.read([change("Add", "AWS::SQS::Queue", "A"), asked])
        with pytest.raises(WouldLose, match=f"If it does not: echoform deploy --keeps {name}"):
            changes.guard(found)
        with pytest.raises(WouldLose, match=name):
            changes.guard(found, ["Other"])
        assert changes.guard(found, [name]) == [name]
    for sure in (change("Remove", ANSWERS[name], name),
                 change("Modify", ANSWERS[name], name, Replacement="True")):  # fmt: skip
        with pytest.raises(WouldLose):
            changes.guard(changes.read([sure]), [name])
    for other in ("Site", "Results"):
        asked = change("Modify", "AWS::S3::Bucket", other, Replacement="Conditional")
        assert changes.guard(changes.read([asked])) == []


@pytest.mark.parametrize("agrees", [True, False])
def test_whoever_agrees_to_all_does_not_agree_to_that(
    agrees: bool, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--yes` answers a question that is not even asked."""
    cloud.deploy()
    cloud.asked.clear()
    cloud.agrees = agrees
    perhaps = changes.read([change("Modify", "AWS::S3::Bucket", Replacement="Conditional")])
    monkeypatch.setattr(changes, "read", lambda _: perhaps)
    with pytest.raises(WouldLose, match="--keeps Data"):
        cloud.deploy(Budget="60")
    assert cloud.parameters()["Budget"] == "50"
    assert not cloud.asked
    cloud.keeps = ("Data",)
    if not agrees:
        with pytest.raises(Refused):
            cloud.deploy(Budget="60")
        return
    cloud.deploy(Budget="60")
    policy = msgspec.json.decode(cloud.aws.get_stack_policy(StackName=NAME)["StackPolicyBody"])
    allowed, denied = policy["Statement"]
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "Update:*")
    assert (denied["Effect"], denied["Resource"]) == ("Deny", ["LogicalResourceId/Data"])
    assert "Update:Replace" in denied["Action"]


def test_a_secret_is_not_made_anew() -> None:
    target = {"Target": {"Attribute": "Properties", "Name": "GenerateSecretString"}}
    kind = "AWS::SecretsManager::Secret"
    asked = change("Modify", kind, "PseudonymKey", Replacement="False", Details=[target])
    with pytest.raises(WouldLose, match="PseudonymKey"):
        changes.guard(changes.read([asked]))


def test_changes_are_shown_by_what_they_mean() -> None:
    table = "AWS::DynamoDB::Table"
    target = {"Target": {"Attribute": "Properties", "Name": "AttributeDefinitions"}}
    found = changes.read([
        change("Add", "AWS::SQS::Queue", "New"),
        change("Modify", table, "FollowUps", Replacement="Conditional", Details=[target]),
        change("Remove", "AWS::SNS::Topic", "Gone"),
    ])  # fmt: skip
    assert [*changes.lines(found)] == [
        "  ? FollowUps  DynamoDB::Table  (AttributeDefinitions)",
        "  - Gone  SNS::Topic",
        "  + New  SQS::Queue",
        "+ 1 made, ? 1 perhaps made anew, - 1 removed",
    ]
    many = changes.read([change("Add", table, f"T{n:02}") for n in range(changes.MANY + 1)])
    assert len([*changes.lines(many)]) == 2
    role = "AWS::IAM::Role"
    many = changes.read([
        change("Modify", table, "FollowUps"),
        *(change("Modify", role, f"R{n:02}", Details=[target]) for n in range(changes.MANY + 1)),
    ])  # fmt: skip
    alone, together, _ = changes.lines(many)  # what holds answers is not lost among the others
    assert alone == "  ~ FollowUps  DynamoDB::Table"
    assert together.startswith("  ~ IAM::Role  R00, R01, ")
    assert together.endswith("(AttributeDefinitions)")


# --- Packages ------------------------------------------------------------------------------------


def test_a_package_is_sent_once_and_the_template_names_it(cloud: Cloud) -> None:
    depot = Depot(cloud.s3, account.whose(cloud.clients))
    assert depot.open()
    assert not depot.open()
    (cloud.built / "functions.zip").write_bytes(b"zip")
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "functions.zip"}}
    made = {"Resources": {"A": function, "B": copy.deepcopy(function)}}
    said: list[Any] = []
    placed = depot.bring(made, cloud.built, said.append)
    [key] = packages(placed)
    assert placed["Resources"]["A"]["Properties"]["CodeUri"] == f"s3://{DEPOT}/{key}"
    assert "is sent" in said[0]
    assert len(said) == 1
    depot.bring(made, cloud.built, said.append)
    assert "is there already" in said[1]
    assert made["Resources"]["A"]["Properties"]["CodeUri"] == "functions.zip"


def test_a_bucket_of_somebody_elses_is_not_used(cloud: Cloud) -> None:
    """Its name can be guessed, and whoever has it would give us their code to run."""
    depot = Depot(cloud.s3, Account("999999999999", "eu-central-1", "aws", "me"))
    with Stubber(cloud.s3) as s3:
        s3.add_client_error("head_bucket", "403", http_status_code=403)
        with pytest.raises(Exception, match="another account's"):
            depot.open()


def test_what_was_before_comes_back_and_old_records_go(cloud: Cloud) -> None:
    cloud.deploy(Budget="1")
    with pytest.raises(BadParameters, match="nothing else was deployed"):
        cloud.again()
    made = template()
    made["Resources"]["More"] = {"Type": "AWS::SNS::Topic"}
    cloud.build(made)
    for act, sign in ((cloud.deploy, "+"), (cloud.again, "-"), (cloud.again, "+")):
        cloud.text()
        act()
        assert f"  {sign} More  SNS::Topic" in cloud.text()
    assert cloud.parameters()["Budget"] == "1"
    depot = Depot(cloud.s3, account.whose(cloud.clients))
    for number in range(KEPT + 3):
        depot.note("dev", f"templates/{number}.json", {"Resources": {}})
    listed = cloud.s3.list_objects_v2(Bucket=DEPOT, Prefix="stages/dev/deployed/")
    assert listed["KeyCount"] == KEPT


# --- When it fails -------------------------------------------------------------------------------


def event(name: str, status: str, reason: str = "", kind: str = "AWS::S3::Bucket") -> Any:
    return {
        "StackId": "arn:aws:cloudformation:eu-central-1:1:stack/echoform-dev/1",
        "EventId": f"{name}-{status}", "StackName": NAME, "Timestamp": 1,
        "LogicalResourceId": name, "ResourceType": kind, "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }  # fmt: skip


def stack(status: str) -> Any:
    return {"Stacks": [{"StackName": NAME, "CreationTime": 1, "StackStatus": status}]}


def test_a_failure_says_which_resource_why_and_what_to_do(cloud: Cloud) -> None:
    """What was cancelled because another failed is not to blame."""
    whole = "AWS::CloudFormation::Stack"
    before = event("Old", "UPDATE_FAILED", "of the last time")
    limit = "decreases account's UnreservedConcurrentExecution below its minimum value of [100]"
    first = [event("Data", "CREATE_COMPLETE"), before]
    later = [
        event(NAME, "ROLLBACK_IN_PROGRESS", "The following failed: [Merge]", whole),
        event("Read", "CREATE_FAILED", "Resource creation cancelled"),
        event("Merge", "CREATE_FAILED", limit, "AWS::Lambda::Function"),
        *first,
    ]
    watched, ended, said = watch(cloud, [first, later], "ROLLBACK_COMPLETE", before=before)
    assert said == [
        "  failed   Lambda::Function  Merge",
        "  failed   S3::Bucket  Read",
        "  made     S3::Bucket  Data",
    ]
    text = str(watched.failure(ended))
    assert f"Merge: {limit}" in text
    assert "--parameter Reserve=no" in text
    assert "rolled it back, and nothing is left" in text
    assert "cancelled" not in text
    assert "of the last time" not in text


def watch(
    cloud: Cloud, looks: list[list[Any]], end: str, kinds: Iterable[str] = (), before: Any = None
) -> tuple[Watched, str, list[Any]]:
    """A stack that is looked at so often; what was said, with a mark for each pause."""
    said: list[Any] = []
    with Stubber(cloud.aws) as aws:
        aws.add_response("describe_stack_events", {"StackEvents": [before] if before else []})
        watched = Watched(cloud.aws, NAME, said.append, lambda: paused.append(len(said)), kinds)
        paused: list[int] = []
        for number, look in enumerate(looks, 1):
            status = end if number == len(looks) else "CREATE_IN_PROGRESS"
            aws.add_response("describe_stacks", stack(status))
            aws.add_response("describe_stack_events", {"StackEvents": look})
        ended = watched.until_still()
    assert len(paused) == len(looks) - 1
    return watched, ended, said


def test_a_kind_is_told_once_when_all_of_it_is_done(cloud: Cloud) -> None:
    """A terminal is not flooded: all names were shown before it was agreed to."""
    role, function = "AWS::IAM::Role", "AWS::Lambda::Function"
    names = [f"Role{number:02}" for number in range(20)]
    roles = [event(name, "CREATE_COMPLETE", kind=role) for name in names]
    data, merge = event("Data", "CREATE_COMPLETE"), event("Merge", "CREATE_COMPLETE", kind=function)
    kinds = [*[role] * 20, "AWS::S3::Bucket", "AWS::S3::Bucket", function]
    first = [data, *roles[:11][::-1]]
    second = [*roles[11:][::-1], *first]
    third = [merge, *second]
    _, _, said = watch(cloud, [first, second, third], "CREATE_COMPLETE", kinds)
    assert said == [
        "  made     IAM::Role  all 20",
        "  made     Lambda::Function  Merge",
        "  made     S3::Bucket  Data",  # another was to come and did not
    ]
    _, _, said = watch(cloud, [first, [*roles[11:19][::-1], *first]], "ROLLBACK_COMPLETE", kinds)
    assert max(map(len, said)) <= WIDE
    assert re.findall(r"Role\d\d", "".join(said)) == names[:19], "who is missing can be seen"


def test_what_fails_is_told_at_once_and_what_was_done_before_it(cloud: Cloud) -> None:
    done = [event("A", "CREATE_COMPLETE"), event("B", "CREATE_FAILED", "no such right")]
    gone = [event("A", "DELETE_COMPLETE"), event("C", "DELETE_SKIPPED"), *done[::-1]]
    kinds = ["AWS::S3::Bucket"] * 4
    _, _, said = watch(cloud, [done[::-1], gone], "ROLLBACK_COMPLETE", kinds)
    assert said == [
        "  failed   S3::Bucket  B",
        "  made     S3::Bucket  A",
        "  stays    S3::Bucket  C",
        "  removed  S3::Bucket  A",
    ]


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        ("Your account must be verified before you can add new CloudFront resources", "support"),
        ("One or more of the CNAMEs you provided are already associated", "another distribution"),
        ("The specified SSL certificate doesn't exist", "us-east-1"),
        ("User: x is not authorized to perform: iam:CreateRole", "right"),
        ("'MemorySize' value failed to satisfy constraint", "less memory"),
    ],
)
def test_what_aws_says_to_beginners_has_a_remedy(reason: str, what: str) -> None:
    assert what in advice(reason)[0]
    assert not advice("something else")


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_what_a_first_attempt_left_is_removed_first(cloud: Cloud, status: str) -> None:
    cloud.aws.create_change_set(
        StackName=NAME, ChangeSetName="first", ChangeSetType="CREATE",
        TemplateBody='{"Resources": {"Old": {"Type": "AWS::S3::Bucket"}}}',
    )  # fmt: skip
    stack_of(cloud.aws, NAME).status = status
    cloud.deploy()
    assert f"what a failed attempt left of {NAME} was removed" in cloud.text()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("UPDATE_IN_PROGRESS", "wait until that is over"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("DELETE_FAILED", "repeat `echoform destroy`"),
    ],
)
def test_a_stack_that_is_busy_or_stuck_is_left_alone(cloud: Cloud, status: str, said: str) -> None:
    cloud.deploy()
    stack_of(cloud.aws, NAME).status = status
    with pytest.raises(Busy, match=said):
        cloud.deploy(Budget="3")


def test_what_cloudformation_refuses_is_said(cloud: Cloud) -> None:
    def refuse(**_: object) -> None:
        said = {"Error": {"Code": "ValidationError", "Message": "Template format error: [Gone]"}}
        raise cloud.aws.exceptions.ClientError(said, "CreateChangeSet")

    cloud.aws.meta.events.register("before-call.cloudformation.CreateChangeSet", refuse)
    with pytest.raises(Failed, match="AWS refuses this for echoform-dev: Template format error"):
        cloud.deploy()


# --- The WAF, which stands elsewhere -------------------------------------------------------------


def test_a_waf_is_a_stack_of_its_own_in_us_east_1(cloud: Cloud) -> None:
    said: list[Any] = []
    with pytest.raises(BadParameters, match="no WAF can be had"):
        deploying.with_waf(cloud.clients, "dev", cloud.built, True, said.append, lambda _: True)
    made = {
        "Resources": {"Gate": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"WebAcl": {"Value": {"Ref": "Gate"}}},
    }
    cloud.build(made, "template-waf.json")
    told = deploying.with_waf(cloud.clients, "dev", cloud.built, True, said.append, lambda _: True)
    assert told["WebAcl"].startswith("arn:aws:sns:us-east-1:")
    off = deploying.with_waf(cloud.clients, "dev", cloud.built, False, said.append, lambda _: True)
    assert off == {"WebAcl": ""}


# --- site.yaml -----------------------------------------------------------------------------------

AT = {"Address": "https://d1.cloudfront.net", "Uploads": "https://b.s3.amazonaws.com"}


def test_site_yaml_is_told_where_the_stage_is_and_keeps_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("# ours\nname: {en: Us}   # above all\n# url: https://old.example.com", "utf-8")
    added = site_addresses.add(path, AT)
    assert path.read_text("utf-8") == (
        "# ours\nname: {en: Us}   # above all\n# url: https://old.example.com\n"
        "url: https://d1.cloudfront.net\nuploads: https://b.s3.amazonaws.com\n"
    )
    assert len(added) == 2
    assert not site_addresses.add(path, AT)


def test_an_address_that_is_there_is_the_authors(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("url: https://own.example.com\nuploads: https://b.s3.amazonaws.com\n", "utf-8")
    before = path.read_text("utf-8")
    [told] = site_addresses.add(path, AT)
    assert "says url: https://own.example.com" in told
    assert path.read_text("utf-8") == before
    flow = tmp_path / "flow.yaml"
    flow.write_text("{colour: '#0f6b62'}", "utf-8")
    assert site_addresses.add(flow, AT)[0] == f"add to {flow}:"
    assert site_addresses.add(tmp_path / "none" / "site.yaml", AT)[0].startswith("add to ")


# --- The command ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--previous", "--alerts", "a@example.com"], "leave those out"),
        (["--parameter", "Budget"], "NAME=VALUE"),
        (["--stage", "Prod"], "no name of a stage"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(
    given: list[str], said: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    done = CliRunner().invoke(main, ["deploy", *given])
    assert done.exit_code
    assert said in done.output
    assert not cloud.buckets()


def test_a_dry_run_asks_aws_nothing_and_knows_china_by_its_region() -> None:
    done = CliRunner().invoke(main, ["deploy", "--dry-run", "--region", "cn-north-1"])
    assert not done.exit_code, done.output
    assert "resources in aws-cn" in done.output


def test_what_aws_denies_is_worded() -> None:
    said: Any = {"Error": {"Code": "AccessDenied", "Message": "no right"}}
    with pytest.raises(account.NoAccount, match="not allow CreateBucket"), account.worded():
        raise ClientError(said, "CreateBucket")
