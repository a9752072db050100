"""The CloudFormation fragment is valid, and says to clients what the API says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from chalicelib.collecting import REFUSALS
from chalicelib.survey.words import say
from generator import throttle

RESOURCES = Path(__file__).parents[2] / "infra" / "resources.yaml"


def test_cloudformation_would_take_it() -> None:
    linter = shutil.which("cfn-lint", path=str(Path(sys.executable).parent)) or "cfn-lint"
    if not shutil.which(linter):
        pytest.skip("needs cfn-lint")
    done = subprocess.run([linter, str(RESOURCES)], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr


def gate() -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        """Takes CloudFormation's own tags for nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    resources = yaml.load(RESOURCES.read_text("utf-8"), Loader)["Resources"]
    found: dict[str, Any] = resources["Gate"]["Properties"]
    return found


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
