"""Destroying a stage removes what can be made again, and never what customers said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

import app
from generator import account, leaving, stacks
from generator import template as templates
from generator.deploying import Refused
from generator.depot import Depot, Kept
from generator.destroying import WouldDelete
from tests.infra.staging import NAME, Cloud, bucket, template


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Cloud(tmp_path / "build")


def test_the_stack_goes_and_the_answers_stay(cloud: Cloud) -> None:
    outputs = cloud.deploy()
    cloud.put(outputs["DataBucket"], "responses/part.parquet")
    cloud.s3.put_bucket_versioning(
        Bucket=outputs["SiteBucket"], VersioningConfiguration={"Status": "Enabled"}
    )
    for data in (b"1", b"2"):
        cloud.put(outputs["SiteBucket"], "index.html", data)
    cloud.s3.delete_object(Bucket=outputs["SiteBucket"], Key="index.html")
    cloud.text()
    assert cloud.destroy() == {"Data": outputs["DataBucket"]}
    assert cloud.protected is False
    assert f"  = every answer: {outputs['DataBucket']}" in cloud.text()
    assert outputs["SiteBucket"] not in cloud.buckets()
    listed = cloud.s3.list_objects_v2(Bucket=outputs["DataBucket"])
    assert [each["Key"] for each in listed["Contents"]] == ["responses/part.parquet"]
    assert stacks.found(cloud.aws, NAME) is None
    depot = Depot(cloud.s3, account.whose(cloud.clients))
    assert depot.left("dev") == {"Data": Kept("AWS::S3::Bucket", outputs["DataBucket"])}


def test_a_stack_that_would_take_answers_along_is_not_touched(cloud: Cloud) -> None:
    """What its own template says counts: ours may retain what that one does not."""
    made = template()
    made["Resources"]["Data"] = bucket(kept=False)
    cloud.build(made)
    outputs = cloud.deploy()
    cloud.put(outputs["SiteBucket"], "index.html")
    cloud.build(template())
    with pytest.raises(WouldDelete, match=outputs["DataBucket"]):
        cloud.destroy()
    assert {*outputs.values()} <= cloud.buckets()
    assert cloud.s3.list_objects_v2(Bucket=outputs["SiteBucket"])["KeyCount"] == 1
    assert stacks.found(cloud.aws, NAME)


def test_whoever_does_not_type_its_name_keeps_it(cloud: Cloud) -> None:
    outputs = cloud.deploy()
    cloud.put(outputs["SiteBucket"], "index.html")
    cloud.agrees = False
    with pytest.raises(Refused):
        cloud.destroy()
    assert cloud.asked[-1] == "dev"
    assert cloud.s3.list_objects_v2(Bucket=outputs["SiteBucket"])["KeyCount"] == 1
    assert cloud.protected


def test_a_stage_that_is_not_there_is_said(cloud: Cloud) -> None:
    with pytest.raises(stacks.NoStack, match="nothing to remove"):
        cloud.destroy()


@pytest.mark.parametrize("partition", templates.PARTITIONS)
def test_all_that_holds_something_can_be_taken_up_again(partition: str) -> None:
    """What an import may not have, a transform or a name of anything else, is not in it."""
    made = templates.template(app.app, partition)
    kinds = leaving.retained(made)
    assert {*kinds} == {"Data", "DataKey", "AccessLogs", "PseudonymKey", "FollowUps"}
    for names in ({*kinds}, {*kinds} - {"DataKey"}):
        part = leaving.skeleton(made, names)
        assert {*part["Resources"]} == names
        assert not {"Transform", "Globals", "Outputs"} & {*part}
        known = names | {*part["Parameters"], "AWS::NoValue"}
        assert {*templates.referred(part["Resources"])} <= known | {"AWS"}
    left = {name: Kept(kind, "x") for name, kind in kinds.items()}
    assert len(leaving.imported(left)) == len(kinds)


def test_what_was_left_is_set_aside_by_whoever_begins_afresh(cloud: Cloud) -> None:
    depot = Depot(cloud.s3, account.whose(cloud.clients))
    depot.open()
    depot.leave("dev", {"Data": Kept("AWS::S3::Bucket", "b")})
    depot.set_aside("dev")
    assert not depot.left("dev")
    listed = cloud.s3.list_objects_v2(Bucket=depot.bucket, Prefix="stages/dev/set-aside/")
    assert listed["KeyCount"] == 1
