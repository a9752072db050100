"""Publishing sends what changed, contracts before pages, and nothing that breaks a live survey."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chalicelib.published import Definitions
from chalicelib.storage import S3Store
from generator.__main__ import main
from generator.publishing import MOST_PATHS, compared, invalidated
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


class Site:
    """A site's bucket beside the data's, and the command that publishes there."""

    def __init__(self, aws: Aws, folder: Path) -> None:
        self.aws, self.file = aws, folder / "counter.yaml"
        self.bucket = f"site-{aws.bucket}"
        self.s3 = aws.client("s3")
        self.s3.create_bucket(Bucket=self.bucket)
        self.file.write_text(SURVEY, "utf-8")

    def publish(self, *more: str) -> Any:
        data = f"s3://{self.aws.bucket}"
        return CliRunner().invoke(
            main, ["publish", str(self.file), "--data", data, "--site", self.bucket, *more]
        )

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
    assert "in place of none" in shown.output
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


def test_cloudfront_is_told_addresses_and_files() -> None:
    assert invalidated(["counter/index.html"]) == ["/counter/", "/counter/index.html"]
    assert invalidated([f"{n}/index.html" for n in range(MOST_PATHS)]) == ["/*"]
    assert not compared({}, {})
