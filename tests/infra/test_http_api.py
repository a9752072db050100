"""The HTTP API before the functions takes what the app takes, and tells it in a form it reads."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import app
from chalicelib.gateway import ORIGIN
from generator import template
from generator.places import CHALICE
from generator.site import Site
from tests.functions.gatewayed import first, second


@pytest.mark.parametrize("partition", template.PARTITIONS)
def test_there_is_a_route_for_each_that_the_app_has(partition: str) -> None:
    """And no other: what has none costs no run of the function."""
    made = template.template(app.app, partition)["Resources"]
    routes = of_kind(made, "AWS::ApiGatewayV2::Route")
    assert {each["RouteKey"] for each in routes} == {
        f"{method} {path}" for path, methods in app.app.routes.items() for method in methods
    }
    assert len(routes) == sum(map(len, app.app.routes.values())), "none has the name of another"
    assert {str(each["Target"]) for each in routes} == {
        str({"Fn::Sub": "integrations/${ApiCalls}"})
    }
    assert not of_kind(made, "AWS::Serverless::Api")


def test_the_function_may_be_called_by_this_api_alone() -> None:
    made = template.template(app.app)["Resources"]
    [rule] = [
        each
        for each in of_kind(made, "AWS::Lambda::Permission")
        if each["FunctionName"] == {"Ref": "APIHandler"}
    ]
    assert rule["SourceArn"]["Fn::Sub"].endswith(":${Api}/api/*")
    assert made["ApiCalls"]["Properties"]["PayloadFormatVersion"] in {
        first("GET", "/health")["version"],
        second("GET", "/health")["version"],
    }


def test_paths_are_the_same_on_both_sides_of_cloudfront() -> None:
    made = template.template(app.app)["Resources"]
    stage = made["ApiStage"]["Properties"]["StageName"]
    behaviours = made["Front"]["Properties"]["DistributionConfig"]["CacheBehaviors"]
    assert f"/{stage}/*" in {each["PathPattern"] for each in behaviours}
    assert Site().api == f"/{stage}"
    assert msgspec.json.decode(CHALICE.read_bytes())["api_gateway_stage"] == stage


def test_the_alarm_looks_at_this_api() -> None:
    """An HTTP API has other metrics than a REST API, and goes by its id."""
    alarm = template.template(app.app)["Resources"]["ApiFails"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/ApiGateway", "5xx")
    assert [each["Name"] for each in alarm["Dimensions"]] == ["ApiId", "Stage"]


def test_the_function_ends_before_the_api_gives_up() -> None:
    made = template.template(app.app)["Resources"]
    waits = made["ApiCalls"]["Properties"]["TimeoutInMillis"]
    assert made["APIHandler"]["Properties"]["Timeout"] * 1000 < waits <= 30_000


@pytest.mark.parametrize("partition", template.PARTITIONS)
def test_nobody_goes_round_cloudfront(partition: str) -> None:
    """The word that it says is the one that the API waits for; no stack is made without one."""
    made = template.template(app.app, partition)
    word = {"Ref": "OriginSecret"}
    told = made["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert told["ECHOFORM_ORIGIN"] == word
    origins = made["Resources"]["Front"]["Properties"]["DistributionConfig"]["Origins"]
    [api] = [each for each in origins if each["Id"] == "api"]
    [said] = api["OriginCustomHeaders"]
    assert (said["HeaderName"].lower(), said["HeaderValue"]) == (ORIGIN, word)
    parameter = made["Parameters"]["OriginSecret"]
    assert parameter["NoEcho"]
    assert "Default" not in parameter
    assert str(word) not in str({**made["Resources"], "APIHandler": None, "Front": None})


def of_kind(resources: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in resources.values() if each["Type"] == kind]
