"""The CloudFormation fragment is valid, and says what the API and the functions say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

import app
from chalicelib.collecting import REFUSALS
from chalicelib.jobs.merge import ENOUGH_S, Merged
from chalicelib.logs import NAMESPACE
from chalicelib.standing import metrics
from chalicelib.storage import MemoryStore
from chalicelib.survey.words import say
from generator import throttle

FUNCTIONS = Path(__file__).parents[2] / "functions"
RESOURCES = Path(__file__).parents[2] / "infra" / "resources.yaml"


def test_cloudformation_would_take_it() -> None:
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent)) or "cfn-lint"
    if not shutil.which(linter):
        pytest.skip("needs cfn-lint")
    done = subprocess.run([linter, str(RESOURCES)], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr


def resources() -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        """Takes CloudFormation's own tags for nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    found: dict[str, Any] = yaml.load(RESOURCES.read_text("utf-8"), Loader)["Resources"]
    return found


def gate() -> dict[str, Any]:
    found: dict[str, Any] = resources()["Gate"]["Properties"]
    return found


def test_the_queue_is_the_one_the_functions_listen_to() -> None:
    queue = resources()["MergeQueue"]["Properties"]
    settings = msgspec.json.decode((FUNCTIONS / ".chalice" / "config.json").read_bytes())
    functions = settings["lambda_functions"]
    assert set(functions) <= set(app.app.handler_map)
    assert queue["QueueName"] == app.MERGE_QUEUE
    assert queue["VisibilityTimeout"] == 6 * functions["merge_part"]["lambda_timeout"]
    notices = resources()["NoticesQueue"]["Properties"]
    assert notices["QueueName"] == app.NOTICES_QUEUE
    assert notices["VisibilityTimeout"] == 6 * functions["notices"]["lambda_timeout"]
    assert all(each["lambda_timeout"] > 2 * ENOUGH_S for each in functions.values())


def test_alarms_are_about_what_is_counted() -> None:
    counted = {*Merged.__struct_fields__, *metrics(MemoryStore(), 0)}
    ours = [
        each["Properties"]["MetricName"]
        for each in resources().values()
        if each["Properties"].get("Namespace") == NAMESPACE
    ]
    assert len(ours) == 2
    assert {*ours} <= counted


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
