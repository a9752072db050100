"""Stages on AWS: each is a stack of CloudFormation of its own, and says where its things are."""

from __future__ import annotations

from typing import Any

from chalicelib.survey import EchoformError

DEFAULT = "prod"
"""The stage that is meant where none is named."""


class NoStack(EchoformError):
    """There is no such stage in this account and region."""


def name(stage: str) -> str:
    """What the stack of a stage is called."""
    return f"echoform-{stage}"


def outputs(cloudformation: Any, stage: str) -> dict[str, str]:
    """What the stack says of itself: ``SiteBucket``, ``DataBucket``, ``Address`` …

    Raises NoStack.
    """
    try:
        [stack] = cloudformation.describe_stacks(StackName=name(stage))["Stacks"]
    except cloudformation.exceptions.ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise NoStack(
            f"no stack {name(stage)} in {cloudformation.meta.region_name}:"
            " run `echoform deploy`, or set AWS_REGION to where it is"
        ) from None
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
