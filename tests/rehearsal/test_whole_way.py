"""What is packaged, deployed into a stand-in of AWS, takes one customer's answer the whole way.

Nothing is called but what customers, staff and analysts call: pages, the API, the command line.
Jobs are the functions of the stage, started by its schedules; for those of five minutes we do not
wait. The stand-in enforces the policies of the functions' roles, so a right that lacks fails here.
"""

from __future__ import annotations

import copy
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from playwright.sync_api import Page

import app
from chalicelib import keys
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import Store
from chalicelib.survey import ids
from generator import local_aws
from generator.__main__ import main
from generator.data import open_data
from generator.local_aws import Dangling, Failing, Stage
from generator.local_front import Front
from tests.browser.test_page import sent, steps
from tests.browser.test_whole_way import everything
from tests.rehearsal.conftest import Step

SURVEY = "after-sales"
SCHEDULED = [each.name for each in app.app.event_sources if hasattr(each, "schedule_expression")]
CUSTOMER, PHONE, WORDS = "C20488137", "13800138000", "没有人来"
PATIENCE_S = 120
"""For what a schedule does each minute, on a busy machine."""
Open = Callable[..., Page]

pytestmark = pytest.mark.long


def echoform(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def rows(sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(echoform("query", sql, "--format", "json"))
    return found


def asked(url: str, body: object = None, token: str = "") -> tuple[int, Any]:
    """Status and body of a request, as pages make it."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def listed(store: Store, prefix: str) -> list[str]:
    return [entry.key for entry in store.list(prefix)]


def submission(stage: Stage, **more: str) -> dict[str, Any]:
    """The least a page could send."""
    contract = Definitions(open_data(stage.data)).current(SURVEY)
    answers = {
        field.id: 5 if field.kind == "scale" else (field.rule or [])[1][0]
        for field in contract.fields
        if field.required and field.show_if is None
    }
    head = {"id": ids.make(now(), 1), "version": contract.version, "language": "en"}
    return {**head, "answers": answers, **more}


def failures(stage: Stage) -> list[str]:
    """What any function said of an error: nothing of that is seen by who caused it."""
    logs = stage.aws.client("logs")
    found = []
    for group in logs.describe_log_groups()["logGroups"]:
        for each in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]:
            if "Traceback" in each["message"] or '"failure"' in each["message"]:
                found.append(f"{group['logGroupName']}: {each['message']}")
    return found


def test_an_answer_goes_the_whole_way(
    stage: Stage, front: Front, surveys: Path, phone: Open, step: Step
) -> None:
    store = open_data(stage.data)
    contract = Definitions(store).current(SURVEY)
    answers = everything(contract)

    with step("a page from the bucket is answered on a phone: an open link, a low score"):
        page = phone()
        reply = page.goto(f"{front.address}/{SURVEY}")
        assert reply is not None
        assert reply.headers["x-cache"].endswith("cloudfront")
        assert reply.headers["content-security-policy"] == "frame-ancestors 'none'"
        assert page.url == f"{front.address}/{SURVEY}/", "rewrite.js adds the slash"
        steps(page, answers)
        sent(page)
    with step("a personal link is answered too, by its QR code's address"):
        who = ("--customer", CUSTOMER, "--agent", "A07", "--team", "T1")
        site = str(surveys / "site.yaml")
        link = echoform("link", SURVEY, "--personal", *who, "--site", site).split()[-1]
        assert link.startswith(f"{front.address}/{SURVEY}/?")
        code = link.rpartition("?")[2]
        page = phone()
        page.goto(f"{front.address}/S/AFTER-SALES/{code}")
        assert page.url == link, "rewrite.js leads from the QR code's address"
        steps(page, answers)
        sent(page)
    with step("the API's function put both answers into landing/, and one claim"):
        assert len(listed(store, keys.LANDING)) == 2
        assert len(listed(store, keys.CLAIMS)) == 1
    with step("the schedule merged them"):
        deadline = time.monotonic() + PATIENCE_S
        while listed(store, keys.LANDING) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert not listed(store, keys.LANDING)
        assert listed(store, keys.RESPONSES)
        assert not listed(store, keys.REJECTED)
    with step("follow_up opened two items in the table"):
        stage.invoke("follow_up")  # its schedule may have been there first
        table = stage.outputs["FollowUpsTable"]
        dynamodb = stage.aws.client("dynamodb")
        assert dynamodb.scan(TableName=table)["Count"] >= 2
        assert not listed(store, keys.DUE)
    with step("tally counted them"):
        stage.invoke("tally")
        assert listed(store, keys.TALLIES)
        assert "A07" in echoform("scores", SURVEY, "--by", "agent")
    with step("staff see both, and read the telephone number of one"):
        token = echoform("staff", "token", "--sub", "L1", "--role", "manager").strip()
        api = f"{front.address}/api/staff/follow-ups"
        status, seen = asked(api, token=token)
        assert status == 200
        assert len(seen["items"]) == 2
        assert asked(api)[0] == 401
        [item] = [each for each in seen["items"] if each.get("agent") == "A07"]
        words = asked(f"{api}/{item['id']}", token=token)[1]
        assert WORDS in json.dumps(words, ensure_ascii=False), "what the customer said"
        status, contact = asked(f"{api}/{item['id']}/contact", {}, token)
        assert (status, contact["phone"], contact["customer"]) == (200, PHONE, CUSTOMER)
    with step("query reads the rows over s3://"):
        found = rows("select response, agent, overall from after_sales order by agent nulls first")
        assert [row["agent"] for row in found] == [None, "A07"]
        assert found[1]["overall"] == 1
        read = rows("select phone, customer from contacts_after_sales where customer is not null")
        assert read == [{"phone": PHONE, "customer": CUSTOMER}]
    with step("a second answer on the personal link is refused"):
        again = asked(f"{front.address}/api/responses/{SURVEY}", submission(stage, link=code))
        assert (again[0], again[1]["error"]) == (409, "already_answered")
        page = phone()
        page.goto(link)
        page.wait_for_selector("#Panel:visible")
        assert not page.locator("#Next").is_visible()
    with step("every other scheduled function does its work"):
        for name in SCHEDULED:
            assert isinstance(stage.invoke(name), dict), name
    with step("erased, and gone"):
        echoform("erase", SURVEY, "--customer", CUSTOMER, "--yes")
        assert [row["agent"] for row in rows("select agent from after_sales")] == [None]
        sql = f"select * from contacts_after_sales where customer = '{CUSTOMER}'"
        assert rows(sql) == []
        left = asked(f"{api}/{item['id']}", token=token)[1]
        assert WORDS not in json.dumps(left, ensure_ascii=False), "its state stays, to be counted"
        assert "phone" not in asked(f"{api}/{item['id']}/contact", {}, token)[1]
        old = stage.aws.client("s3").list_object_versions(
            Bucket=stage.outputs["DataBucket"], Prefix=keys.LANDING
        )
        gone = [each["Key"] for each in old.get("Versions", []) if item["response"] in each["Key"]]
        assert gone == [], "no old version either"
    assert failures(stage) == []


def test_a_policy_that_lacks_a_right_is_noticed(stage: Stage, front: Front) -> None:
    """The stand-in enforces roles: without one right, the very same answer is not taken."""
    url = f"{front.address}/api/responses/{SURVEY}"
    iam = stage.aws.client("iam")
    role = stage.resource("ApiHandlerRole")
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    broken = copy.deepcopy(policy)
    for statement in broken["Statement"]:
        if "/landing/" in json.dumps(statement["Resource"]):
            statement["Action"] = "s3:GetObject"
    assert broken != policy
    body = submission(stage)
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(broken))
    try:
        assert asked(url, body)[1]["error"] == "unavailable"
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
    assert asked(url, body)[0] == 201


def test_a_table_that_is_missing_is_noticed(stage: Stage, built: Path) -> None:
    """Left out of the template, nothing is made; removed by somebody, the function says which."""
    whole = json.loads((built / local_aws.TEMPLATE).read_bytes())
    del whole["Resources"]["FollowUps"]
    other = replace(stage.aws, account="111111111111")  # where nothing is yet
    with pytest.raises(Dangling, match="FollowUps"):
        local_aws.deployed(other, built, lambda line: None, whole)
    stage.aws.client("dynamodb").delete_table(TableName=stage.outputs["FollowUpsTable"])
    with pytest.raises(Failing, match=r"follow_up_tables.*ResourceNotFound"):
        stage.invoke("follow_up_tables")
