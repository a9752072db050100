"""Stages on AWS: each is a stack of CloudFormation of its own, and says where its things are."""

from __future__ import annotations

import re
from typing import Any

from chalicelib.survey import EchoformError


class NoStack(EchoformError):
    """There is no such stage in this account and region."""


class BadStage(EchoformError):
    """No stage can be called so."""


def name(stage: str) -> str:
    """What the stack of a stage is called. Raises BadStage."""
    # A stage called prod-waf would be the stack of prod's WAF.
    if not re.fullmatch("[a-z][a-z0-9]{0,19}(-[a-z0-9]{1,10})?", stage) or stage.endswith("-waf"):
        raise BadStage(
            f"{stage!r} is no name of a stage: lower-case letters and digits, such as prod or dev-2"
        )
    return f"echoform-{stage}"


def found(cloudformation: Any, name_or_id: str) -> dict[str, Any] | None:
    """The stack as AWS tells of it, if there is one."""
    try:
        [stack] = cloudformation.describe_stacks(StackName=name_or_id)["Stacks"]
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None
    known: dict[str, Any] = stack
    deleted = known["StackStatus"] == "DELETE_COMPLETE" and name_or_id == known["StackName"]
    return None if deleted else known


def resources(cloudformation: Any, name_or_id: str) -> dict[str, tuple[str, str]]:
    """What is there of the stack by its name in the template: its kind and its id."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name_or_id)
    return {
        each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"])
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceStatus"] != "DELETE_COMPLETE" and each.get("PhysicalResourceId")
    }


def outputs(cloudformation: Any, stage: str) -> dict[str, str]:
    """What the stack says of itself: ``SiteBucket``, ``DataBucket``, ``Address`` …

    Raises NoStack.
    """
    stack = found(cloudformation, name(stage))
    if stack is None:
        raise NoStack(
            f"no stack {name(stage)} in {cloudformation.meta.region_name}:"
            f" run `echoform deploy --stage {stage}`, or set AWS_REGION to where it is"
        )
    return told(stack)


def told(stack: dict[str, Any]) -> dict[str, str]:
    """The outputs of a stack, by their names."""
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def parameters(stack: dict[str, Any] | None) -> dict[str, str]:
    """What a stack was told, by names; nothing where there is none."""
    said = stack.get("Parameters", []) if stack else []
    return {each["ParameterKey"]: each.get("ParameterValue", "") for each in said}
