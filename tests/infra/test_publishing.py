"""Publishing sends what changed, contracts before pages, and nothing that breaks a live survey."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from chalicelib.published import Definitions
from chalicelib.storage import S3Store
from generator.__main__ import main
from generator.account import NoAccount, worded
from generator.publishing import MOST_PATHS, compared, invalidated
from tests.account import CREDENTIALS
from tests.infra.recording import Aws, recorded

SURVEY = """\
id: counter
title: {en: How was it?, zh-CN: 服务评价}
languages: [en, zh-CN]
timezone: Asia/Shanghai
sections:
  - id: service
    questions:
      - {id: attitude, type: rating, text: {en: Attitude, zh-CN: 态度}}
"""


def echoform(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


class Site:
    """A site's bucket beside the data's, and the command that publishes there."""

    def __init__(self, aws: Aws, folder: Path) -> None:
        self.aws, self.file = aws, folder / "counter.yaml"
        self.bucket = f"site-{aws.bucket}"
        self.s3 = aws.client("s3")
        self.s3.create_bucket(Bucket=self.bucket)
        self.file.write_text(SURVEY, "utf-8")

    def publish(self, *more: str) -> Result:
        data = f"s3://{self.aws.bucket}"
        return echoform("publish", str(self.file), "--data", data, "--site", self.bucket, *more)

    def page(self) -> bytes:
        found = self.s3.get_object(Bucket=self.bucket, Key="counter/index.html")
        body: bytes = found["Body"].read()
        return body

    def held(self) -> set[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {each["Key"] for each in listed}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with recorded() as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        yield Site(aws, tmp_path)


def test_a_dry_run_shows_everything_and_changes_nothing(site: Site) -> None:
    shown = site.publish("--dry-run")
    assert not shown.exit_code, shown.output
    assert re.search("counter: version [0-9a-f]{16}, the first", shown.output)
    assert {"+ counter/index.html", "+ 404.html", "= 0 unchanged"} <= {*shown.output.splitlines()}
    assert not site.held()
    assert not [*S3Store(site.aws.bucket, "", site.aws.endpoint).list("")]


def test_only_what_changed_is_sent_and_pages_come_last(site: Site) -> None:
    assert not site.publish().exit_code
    store = S3Store(site.aws.bucket, "", site.aws.endpoint)
    first = Definitions(store).current("counter").version
    head = site.s3.head_object(Bucket=site.bucket, Key="counter/index.html")
    assert head["ContentType"].startswith("text/html")
    assert "max-age=60" in head["CacheControl"]
    again = site.publish()
    assert not [line for line in again.output.splitlines() if line[:2] in ("+ ", "~ ", "- ")]
    assert "release 1 is live already: nothing to change" in again.output
    site.file.write_text(SURVEY.replace("态度", "服务态度"), "utf-8")
    changed = site.publish()
    lines = changed.output.splitlines()
    assert "~ counter/index.html" in lines
    assert Definitions(store).current("counter").version != first


def test_one_that_was_cut_off_is_finished_by_the_next(site: Site) -> None:
    site.publish()
    whole = site.held()
    site.s3.delete_object(Bucket=site.bucket, Key="counter/index.html")
    assert "+ counter/index.html" in site.publish().output
    assert site.held() == whole


def test_pages_of_a_language_that_is_gone_go_and_other_surveys_stay(site: Site) -> None:
    site.publish()
    site.s3.put_object(Bucket=site.bucket, Key="other/index.html", Body=b"other")
    gone = {key for key in site.held() if key.startswith("counter/") and "zh" in key}
    assert gone
    site.file.write_text(
        SURVEY.replace("languages: [en, zh-CN]", "languages: [en]").replace(", zh-CN: 态度", "")
        .replace(", zh-CN: 服务评价", ""), "utf-8",
    )  # fmt: skip
    site.publish()
    assert not gone & site.held()
    assert "other/index.html" in site.held()


def test_what_breaks_a_live_survey_is_refused_and_nothing_is_written(site: Site) -> None:
    site.publish()
    before = site.held()
    site.file.write_text(SURVEY.replace("type: rating", "type: nps"), "utf-8")
    refused = site.publish()
    assert refused.exit_code == 1
    assert "attitude" in refused.output
    assert site.held() == before


STACK = """\
Resources:
  Queue: {{Type: AWS::SQS::Queue}}
Outputs:
  Address: {{Value: https://d1.example.com}}
  DataBucket: {{Value: {data}}}
  SiteBucket: {{Value: {site}}}
  FollowUpsTable: {{Value: echoform-follow-ups}}
  PseudonymSecret: {{Value: none}}
  Athena: {{Value: echoform_prod/echoform-prod}}
"""


@pytest.fixture
def stage(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The same, known by a stack alone."""
    monkeypatch.delenv("ECHOFORM_DATA")
    for name, value in (("KEY", "secret"), ("FOLLOW_UPS", "follow-ups"), ("ATHENA", "one/other")):
        monkeypatch.setenv(f"ECHOFORM_{name}", value)  # and so taken away again
    monkeypatch.setenv("ECHOFORM_ADDRESS", "https://d1.example.com")
    body = STACK.format(data=site.aws.bucket, site=site.bucket)
    cloudformation = site.aws.client("cloudformation")
    cloudformation.create_stack(StackName="echoform-prod", TemplateBody=body)
    yield site
    cloudformation.delete_stack(StackName="echoform-prod")  # moto's servers share what they hold


def test_a_stage_says_itself_where_its_things_are(stage: Site) -> None:
    published = echoform("publish", str(stage.file))
    assert not published.exit_code, published.output
    assert "counter/index.html" in stage.held()
    assert "release 1 is live" in published.output
    stage.file.write_text(SURVEY.replace("态度", "服务态度"), "utf-8")
    assert not echoform("publish", str(stage.file)).exit_code
    listed = echoform("releases").output
    assert re.search(r"^2 .* live$", listed, re.M)
    assert re.search(r"^1 .* was live$", listed, re.M)
    before = stage.page()
    shown = echoform("rollback", "--dry-run")
    assert "~ counter/index.html" in shown.output
    assert "  `attitude` reads “态度” in zh-CN, not “服务态度”" in shown.output.splitlines()
    assert stage.page() == before
    assert not echoform("rollback").exit_code
    assert stage.page() != before
    assert re.search(r"^3 .* live, release 1 again$", echoform("releases").output, re.M)
    told = echoform("status", "--data", "stage:prod")
    assert told.output.startswith("survey  waiting")
    refused = echoform("rollback", "--to", "9")
    assert refused.exit_code == 1
    assert "release 9 never was live" in refused.output


def test_what_a_stage_says_of_itself_ends_with_the_command(
    stage: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ECHOFORM_FOLLOW_UPS", raising=False)
    assert not echoform("publish", str(stage.file)).exit_code
    before = dict(os.environ)
    assert not echoform("status", "--data", "stage:prod").exit_code
    assert dict(os.environ) == before  # or the next command's account would have this one's table


def test_a_stage_named_as_data_is_that_stage_and_never_a_folder(
    stage: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not echoform("publish", str(stage.file)).exit_code
    listed = echoform("releases", "--data", "stage:prod").output
    assert re.search(r"^1 .* live$", listed, re.M)
    for command in (["releases"], ["backup", "--to", "copy"], ["restore", "--from", "copy"]):
        refused = echoform(*command, "--data", "stage:trial")
        assert "no stack echoform-trial" in refused.output
    both = echoform("publish", str(stage.file), "--data", "stage:trial", "--stage", "prod")
    assert both.exit_code == 2
    assert not (tmp_path / "stage:trial").exists()


def test_links_of_a_stage_that_lead_elsewhere_are_told(
    stage: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site of one stage, published to another: its links would lead to the first."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "surveys").mkdir()
    config = stage.file.with_name("site.yaml")
    published = echoform("publish", str(stage.file)).output
    assert "https://d1.example.com/counter/" in published.splitlines()
    assert "says url: http://127.0.0.1:8000" in published  # this machine, where none is said
    for said, warned in (("https://d1.example.com", False), ("https://other.example.com", True)):
        config.write_text(f"url: {said}\n", "utf-8")
        shown = echoform("publish", str(stage.file), "--dry-run").output
        assert ("but this stage is at https://d1.example.com" in shown) is warned
        made = echoform(
            "link", "counter", "--open", "--site", str(config), "--data", "stage:prod"
        ).output
        assert f"{said}/counter/?" in made
        assert ("but this stage is at https://d1.example.com" in made) is warned


def test_where_there_is_no_stack_it_says_so(stage: Site) -> None:
    refused = echoform("publish", str(stage.file), "--stage", "trial")
    assert refused.exit_code == 1
    assert (
        "no stack echoform-trial in us-east-1: run `echoform deploy --stage trial`"
        in refused.output
    )


@pytest.mark.parametrize(
    ("unset", "said"),
    [
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "no credentials of AWS were found"),
        (("AWS_REGION", "AWS_DEFAULT_REGION"), "no region is set: set AWS_REGION"),
    ],
)
def test_what_an_account_lacks_is_said(
    unset: tuple[str, ...], said: str, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in unset:
        monkeypatch.delenv(name)
    refused = site.publish()
    assert refused.exit_code == 1
    assert said in refused.output


def test_a_profile_is_enough(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """boto3 reads profiles, the data's store does not."""
    profile = tmp_path / "credentials"
    keys = "aws_access_key_id = testing\naws_secret_access_key = testing\nregion = us-east-1\n"
    profile.write_text(f"[analyst]\n{keys}", "utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_PROFILE", "analyst")
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    assert not site.publish().exit_code
    assert "counter/index.html" in site.held()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDenied", "AWS does not allow ListObjectsV2: no. Ask who runs the account"),
        ("ExpiredToken", "AWS does not know these credentials, or they have expired: run"),
        ("NoSuchBucket", "AWS: ListObjectsV2: no"),
    ],
)
def test_what_aws_refuses_is_said_with_what_to_do(code: str, said: str) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "no"}}
    with pytest.raises(NoAccount, match=re.escape(said)), worded():
        raise ClientError(answer, "ListObjectsV2")


def test_athena_has_the_tables_of_what_is_live(site: Site) -> None:
    glue = site.aws.client("glue")
    assert "there is no database echoform in Glue" in site.publish().output
    glue.create_database(DatabaseInput={"Name": "echoform"})
    try:
        shown = site.publish("--dry-run").output
        assert "responses_counter" in shown.partition("Athena, to come: ")[2]
        assert not glue.get_tables(DatabaseName="echoform")["TableList"]
        assert "responses_counter" in site.publish().output.partition("Athena: ")[2]
        assert "Athena" not in site.publish().output
        more = "      - {id: speed, type: rating, text: {en: Speed, zh-CN: 速度}}\n"
        site.file.write_text(SURVEY + more, "utf-8")
        shown = site.publish("--dry-run").output.splitlines()
        assert "  `speed` is new: “Speed”" in shown
        assert any(re.search("changed: .*responses_counter", line) for line in shown)
        assert not site.publish().exit_code
        made = glue.get_table(DatabaseName="echoform", Name="responses_counter")["Table"]
        assert "speed" in [each["Name"] for each in made["StorageDescriptor"]["Columns"]]
    finally:
        glue.delete_database(Name="echoform")


def test_cloudfront_is_told_addresses_and_files() -> None:
    assert invalidated(["counter/index.html"]) == ["/counter/", "/counter/index.html"]
    assert invalidated([f"{n}/index.html" for n in range(MOST_PATHS)]) == ["/*"]
    assert not compared({}, {})
