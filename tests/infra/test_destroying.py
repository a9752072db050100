"""Destroying a stage removes what can be made again, and never what customers said."""

from __future__ import annotations

import pytest

import app
from generator import account, leaving, stacks
from generator import template as templates
from generator.change_sets import Refused
from generator.depot import Depot, Kept
from generator.destroying import WouldDelete
from generator.stack_events import Failed
from tests.infra.importing import Imports
from tests.infra.staging import NAME, STAGE, Cloud, bucket, template


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
    said = cloud.text()
    assert f"  = every answer: {outputs['DataBucket']}" in said
    assert "https://d1.example.com goes: links, invitations and posters" in said
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
    assert {outputs["DataBucket"], outputs["SiteBucket"]} <= cloud.buckets()
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


# --- Taken up again ------------------------------------------------------------------------------

LEFT = {
    "Data": Kept("AWS::S3::Bucket", "answers"),
    "DataKey": Kept("AWS::KMS::Key", "1234"),
    "AccessLogs": Kept("AWS::S3::Bucket", "logs"),
    "PseudonymKey": Kept("AWS::SecretsManager::Secret", "arn:secret"),
    "FollowUps": Kept("AWS::DynamoDB::Table", "follow-ups"),
}


def left_behind(cloud: Cloud, fails: str = "", without: str = "") -> Imports:
    """The packaged template, what an earlier stage left, and CloudFormation that imports it."""
    cloud.build(templates.template(app.app, "aws"))
    for name in (templates.CODE, templates.LAYER):
        (cloud.built / name).write_bytes(b"zip")
    depot = Depot(cloud.s3, account.whose(cloud.clients))
    depot.open()
    depot.leave(STAGE, {name: kept for name, kept in LEFT.items() if name != without})
    made = Imports(cloud.s3, fails)
    cloud.clients["cloudformation"] = made
    return made


@pytest.mark.parametrize("without", ["", "DataKey"])
def test_what_was_left_is_imported_first_and_then_comes_the_rest(
    cloud: Cloud, without: str
) -> None:
    made = left_behind(cloud, without=without)
    cloud.deploy()
    assert made.done == ["IMPORT", "UPDATE"]
    assert {*LEFT} - {without} <= made.resources
    assert {"Site", "Front", "APIHandler"} <= made.resources
    assert made.told.get("OwnKey", "no") == ("no" if without else "yes")
    assert made.protected
    assert not Depot(cloud.s3, account.whose(cloud.clients)).left(STAGE)


def test_a_take_up_that_was_cut_off_goes_on_with_the_rest(cloud: Cloud) -> None:
    made = left_behind(cloud, fails="UPDATE")
    with pytest.raises(Failed, match="rolled it back"):
        cloud.deploy()
    assert made.resources == {*LEFT}
    word = made.told["OriginSecret"]
    made.fails = ""
    cloud.deploy()
    assert made.done == ["IMPORT", "UPDATE", "UPDATE"]
    assert "Front" in made.resources
    assert (made.told["OwnKey"], made.told["OriginSecret"]) == ("yes", word)


def test_an_import_that_failed_is_tried_again_and_nothing_is_begun_afresh(cloud: Cloud) -> None:
    """Else the next deployment would make an empty bucket of answers beside the one there is."""
    made = left_behind(cloud, fails="IMPORT")
    with pytest.raises(Failed):
        cloud.deploy()
    assert Depot(cloud.s3, account.whose(cloud.clients)).left(STAGE) == LEFT
    made.fails = ""
    cloud.deploy()
    assert made.done == ["IMPORT", "DELETE", "IMPORT", "UPDATE"]


def test_whoever_says_no_leaves_what_was_left_to_the_next(cloud: Cloud) -> None:
    made = left_behind(cloud)
    cloud.agrees = False
    with pytest.raises(Refused):
        cloud.deploy()
    assert made.done == ["DELETE"]  # the empty stack that a change set makes
    assert Depot(cloud.s3, account.whose(cloud.clients)).left(STAGE) == LEFT
